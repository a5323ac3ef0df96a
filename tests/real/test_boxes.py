"""Boxes: entered by ssh, broken and mended, shared between processes, and gone with the last of them."""

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import docker
import paramiko
import pytest

from tests.real.box import Box, CommandFailed
from tests.real.boxes import SSH, container_name
from tests.real.cache import CHECKOUT
from tests.real.docker_engine import Engine
from tests.real.ssh_host import ssh_host as running_ssh_host
from tests.real.waiting import wait_until

pytestmark = pytest.mark.campaign

Containers = Callable[[str], list[Any]]
# says where the box is, and holds it until its stdin ends
USER = """
import sys
from tests.real.docker_engine import docker_engine
from tests.real.ssh_host import ssh_host

with docker_engine() as engine, ssh_host(engine, sys.argv[1]) as box:
    print(box.access.container, box.access.port, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def box(docker_engine: Engine) -> Iterator[Box]:
    """A machine of this module's own, whose sshd may be taken away."""
    with running_ssh_host(docker_engine, f"faults-{os.getpid()}") as box:
        yield box


@pytest.fixture
def containers(docker_engine: Engine) -> Iterator[Containers]:
    with closing(docker.DockerClient(base_url=docker_engine.host)) as client:
        yield lambda name: client.containers.list(all=True, ignore_removed=True, filters={"name": name})


def _client(box: Box, **how: Any) -> closing[paramiko.SSHClient]:
    """A client that has logged in, and knows the machine's key beforehand."""
    client = paramiko.SSHClient()
    kind, key = box.access.host_key.split()
    entry = f"[{box.access.host}]:{box.access.port}"
    client.get_host_keys().add(entry, kind, paramiko.PKey.from_type_string(kind, base64.b64decode(key)))
    client.connect(
        box.access.host,
        box.access.port,
        timeout=5,
        banner_timeout=5,
        allow_agent=False,
        look_for_keys=False,
        **how,
    )
    return closing(client)


@pytest.mark.parametrize("user", ["tapis", "testuser"])
@pytest.mark.parametrize("way", ["key", "password"])
def test_both_accounts_enter_by_key_and_by_password(box: Box, user: str, way: str) -> None:
    how = {"key_filename": box.access.key_file} if way == "key" else {"password": box.access.password}
    with _client(box, username=user, **how) as client:
        _stdin, stdout, _stderr = client.exec_command(
            "id -un; pwd; touch /work/$USER /scratch/$USER ~/x && echo ok"
        )
        assert stdout.read().decode().split() == [user, f"/home/{user}", "ok"]
        with client.open_sftp() as files:
            assert f"{user}" in files.listdir("/scratch")


def test_a_machine_has_no_python_and_lives_in_another_zone(box: Box) -> None:
    assert "python" not in box.exec("sh", "-c", "ls /usr/bin")
    assert box.exec("date", "+%Z", user="tapis").strip() in ("CST", "CDT")


def test_files_arrive_as_they_are(box: Box) -> None:
    content = "'quotes' \"too\" $HOME `id`\nünïcode\n"
    box.write("/scratch/a file", content, 0o640)
    assert box.exec("cat", "/scratch/a file", user="tapis") == content
    assert box.exec("stat", "-c", "%U %a", "/scratch/a file").split() == ["tapis", "640"]
    assert box.exec("cat", stdin=content) == content


def test_a_failing_command_says_what_it_printed(box: Box) -> None:
    with pytest.raises(CommandFailed, match=r"(?s)ended with 7.*oh no"):
        box.exec("sh", "-c", "echo oh no >&2; exit 7")


def test_a_stopped_sshd_cuts_connections_and_comes_back_as_itself(box: Box) -> None:
    with _client(box, username="tapis", key_filename=box.access.key_file) as client:
        box.stop_sshd()
        try:
            wait_until(lambda: not _transport(client).is_active(), what="the connection to be cut")
            with (
                pytest.raises((OSError, paramiko.SSHException)),
                _client(box, username="tapis", password="x"),
            ):
                pass
        finally:
            box.start_sshd()
    with _client(box, username="tapis", key_filename=box.access.key_file) as client:
        assert client.exec_command("echo back")[1].read() == b"back\n"


def test_a_paused_sshd_is_silent_until_it_goes_on(box: Box) -> None:
    with _client(box, username="tapis", key_filename=box.access.key_file) as client:
        box.pause()
        try:
            assert not box.greets()
            channel = _transport(client).open_session
            with pytest.raises(paramiko.SSHException):
                channel(timeout=0.5)
            assert _transport(client).is_active()
        finally:
            box.resume()
        assert client.exec_command("echo still here")[1].read() == b"still here\n"


def test_a_full_disk_inside_is_an_error_for_its_user(box: Box) -> None:
    box.exec("sh", "-c", "head -c 60M /dev/zero > /dev/shm/fill || true")
    try:
        code, said = box.try_exec("sh", "-c", "head -c 10M /dev/zero > /dev/shm/more", user="tapis")
        assert code and "No space left" in said
    finally:
        box.exec("sh", "-c", "rm -f /dev/shm/*")


def test_a_restarted_container_is_the_same_machine(box: Box, docker_engine: Engine) -> None:
    box.write("/home/tapis/kept", "1")
    with closing(docker.APIClient(base_url=docker_engine.host)) as api:
        api.restart(box.access.container, timeout=0)
    wait_until(box.greets, what="the restarted box")
    with _client(box, username="tapis", key_filename=box.access.key_file) as client:
        assert client.exec_command("cat kept")[1].read() == b"1"


def test_processes_share_one_container_and_the_last_one_removes_it(containers: Containers) -> None:
    purpose = f"sharing-{os.getpid()}"
    name = container_name(SSH, purpose)
    users = [_use(purpose) for _ in range(2)]  # both at once
    try:
        where = {_told(user) for user in users}
        assert len(where) == 1 and where.pop().split()[0] == name
        assert len(containers(name)) == 1
        users[0].communicate(timeout=60)
        assert len(containers(name)) == 1
        users[1].communicate(timeout=60)
        assert containers(name) == []
    finally:
        for user in users:
            user.kill()


def test_a_killed_user_leaves_nothing(containers: Containers) -> None:
    purpose = f"killed-{os.getpid()}"
    name = container_name(SSH, purpose)
    user = _use(purpose)
    _told(user)
    assert containers(name)
    os.killpg(user.pid, signal.SIGKILL)
    user.wait()
    wait_until(lambda: not containers(name), what="the box to be gone")


def test_what_a_killed_keeper_leaves_is_replaced(containers: Containers) -> None:
    purpose = f"orphan-{os.getpid()}"
    name = container_name(SSH, purpose)
    first = _use(purpose)
    _told(first)
    before = containers(name)[0].id
    os.kill(_keeper_of(name), signal.SIGKILL)
    first.communicate(timeout=60)
    assert containers(name), "the container outlives the process that is to remove it"
    second = _use(purpose)
    _told(second)
    (after,) = containers(name)
    assert after.id != before
    second.communicate(timeout=60)
    assert containers(name) == []


def _transport(client: paramiko.SSHClient) -> paramiko.Transport:
    transport = client.get_transport()
    assert transport
    return transport


def _told(user: subprocess.Popen[str]) -> str:
    assert user.stdout
    return user.stdout.readline()


def _use(purpose: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, purpose],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _keeper_of(name: str) -> int:
    """The process that runs the container: its command line ends with the engine's address after the place."""
    found = subprocess.run(
        ["pgrep", "-f", f"^[^ ]*python[^ ]* -m tests.real.boxes .*/{name} "],
        capture_output=True,
        text=True,
        check=True,
    )
    (pid,) = found.stdout.split()
    return int(pid)
