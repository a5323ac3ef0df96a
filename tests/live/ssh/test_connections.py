"""Connecting: identities, host keys, jump hosts; what is said when it fails; one connection for many callers."""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.domain.host_map import Identity, Machine
from emulator.hosts.ssh.dialing import Backoff
from emulator.hosts.ssh.errors import AuthenticationRefused, HostKeyChanged, UnusableKey
from emulator.hosts.ssh.host import SshHost, SshMachines
from tests.real.sshd import ADDRESS, Sshd, free_port, make_key
from tests.real.sshd import sshd as running_sshd
from tests.real.waiting import wait_until

pytestmark = pytest.mark.sample(2, of="module")


def accepted(server: Sshd) -> int:
    """How many connections have logged in."""
    return server.log.count("Accepted publickey ")


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_keys_of_every_kind(
    machines: SshMachines, sshd: Sshd, tmp_path: Path, kind: str, passphrase: str
) -> None:
    make_key(tmp_path / "key", kind, passphrase)
    sshd.authorize((tmp_path / "key.pub").read_text())
    text = (tmp_path / "key").read_text().replace("\n", "\r\n")
    identity = Identity(user=sshd.user, private_key=text, passphrase=passphrase)
    host = machines.machine(sshd.machine, identity, "h")
    assert host.shell.run("echo $USER").stdout.strip() == sshd.user


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_host_keys_of_every_kind(machines: SshMachines, tmp_path: Path, kind: str) -> None:
    with running_sshd(host_key=kind) as server:
        pinned = replace(server.machine, host_key=server.host_key)
        assert machines.machine(pinned, server.identity, "h").files.exists("/")
        assert not (tmp_path / "known_hosts").exists()
        assert machines.machine(server.machine, server.identity, "h").files.exists("/")
        assert server.host_key in (tmp_path / "known_hosts").read_text()


def test_a_known_key_is_asked_for_among_several(tmp_path: Path) -> None:
    with running_sshd(extra="") as server:
        make_key(server.directory / "second", "rsa")
        server.stop()
        server.extra = f"HostKey {server.directory}/second\n"
        server.start()
        rsa = " ".join((server.directory / "second.pub").read_text().split()[:2])
        (tmp_path / "known_hosts").write_text(f"[{ADDRESS}]:{server.port} {rsa}\n")
        machines = SshMachines(tmp_path / "known_hosts")
        assert machines.machine(server.machine, server.identity, "h").files.exists("/")
        machines.close()


def test_a_machine_with_another_host_key_is_refused(machines: SshMachines, tmp_path: Path) -> None:
    with running_sshd() as server:
        host = machines.machine(server.machine, server.identity, "h")
        assert host.files.exists("/")
        server.stop()
        server.change_host_key()
        server.start()
        wait_until(lambda: not connected(host), what="the broken connection to be noticed")
        with pytest.raises(HostKeyChanged) as raised:
            host.files.exists("/")
        said = str(raised.value)
        assert str(tmp_path / "known_hosts") in said
        assert f"[{ADDRESS}]:{server.port}" in said
        command = raised.value.strerror.rpartition("accept it with: ")[2]
        subprocess.run(command, shell=True, check=True, capture_output=True)
        assert host.files.exists("/")


def test_a_pinned_key_that_does_not_fit(machines: SshMachines, sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other", "ed25519")
    pin = (tmp_path / "other.pub").read_text()
    host = machines.machine(replace(sshd.machine, host_key=pin), sshd.identity, "h")
    with pytest.raises(HostKeyChanged, match="the host map expects SHA256:"):
        host.files.exists("/")


def test_who_is_not_let_in_is_told_so_and_may_try_again(
    machines: SshMachines, sshd: Sshd, tmp_path: Path
) -> None:
    make_key(tmp_path / "stranger", "ed25519")
    identity = Identity(user=sshd.user, key_file=str(tmp_path / "stranger"))
    host = machines.machine(sshd.machine, identity, "h")
    with pytest.raises(AuthenticationRefused) as raised:
        host.shell.run("true")
    assert f"ssh {sshd.user}@{ADDRESS}:{sshd.port} refuses its ssh-ed25519 key SHA256:" in str(raised.value)
    assert isinstance(raised.value, ConnectionError)
    sshd.authorize((tmp_path / "stranger.pub").read_text())
    wait_until(lambda: allowed(host), what="the back-off to end")


def allowed(host: SshHost) -> bool:
    try:
        return host.files.exists("/")
    except ConnectionError:
        return False


def test_a_wrong_password_says_nothing_of_it(machines: SshMachines) -> None:
    with running_sshd(passwords=True) as server:
        host = machines.machine(server.machine, Identity(user=server.user, password="hunter2"), "h")
        with pytest.raises(AuthenticationRefused, match="refuses its password") as raised:
            host.files.exists("/")
        assert "hunter2" not in str(raised.value)


def test_passwords(machines: SshMachines, account: tuple[str, str]) -> None:
    name, password = account
    with running_sshd(passwords=True) as server:
        host = machines.machine(server.machine, Identity(user=name, password=password), "h")
        assert host.shell.run("id -un").stdout.strip() == name
        host.files.mkdir("/tmp/")
        with pytest.raises(PermissionError):
            host.files.mkdir("/root/x")
        with pytest.raises(PermissionError), host.files.writer("/etc/x"):
            raise AssertionError("it was opened")
        with pytest.raises(PermissionError):
            host.files.remove("/etc/hostname")
        with pytest.raises(PermissionError):
            host.files.reader("/etc/shadow")


def test_a_password_after_a_key_that_is_not_taken(
    machines: SshMachines, account: tuple[str, str], tmp_path: Path
) -> None:
    name, password = account
    make_key(tmp_path / "stranger", "ed25519")
    identity = Identity(user=name, password=password, key_file=str(tmp_path / "stranger"))
    with running_sshd(passwords=True) as server:
        assert machines.machine(server.machine, identity, "h").shell.run("true").code == 0


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        (Identity(), "no user name is known"),
        (Identity(user="tapis"), "neither a password nor a private key is known"),
        (Identity(user="tapis", private_key="nonsense"), "is no private key"),
        (Identity(user="tapis", key_file="/nowhere/key"), "/nowhere/key"),
    ],
)
def test_identities_that_cannot_log_in(
    machines: SshMachines, sshd: Sshd, identity: Identity, said: str
) -> None:
    with pytest.raises((AuthenticationRefused, UnusableKey), match=said):
        machines.machine(sshd.machine, identity, "h").files.exists("/")


def test_nobody_listens(machines: SshMachines, sshd: Sshd) -> None:
    port = free_port()
    host = machines.machine(Machine(address=ADDRESS, port=port), sshd.identity, "h")
    with pytest.raises(ConnectionRefusedError, match=f"{ADDRESS}:{port}"):
        host.files.exists("/")
    # the next attempt comes too early, and says the same
    with pytest.raises(ConnectionRefusedError, match=f"{ADDRESS}:{port}"):
        host.shell.run("true")


def test_a_name_that_stands_for_nothing(machines: SshMachines, sshd: Sshd) -> None:
    host = machines.machine(Machine(address="nowhere.invalid"), sshd.identity, "h")
    with pytest.raises(ConnectionError, match=r"nowhere\.invalid:22"):
        host.files.exists("/")


def test_somebody_listens_who_speaks_no_ssh(machines: SshMachines, sshd: Sshd) -> None:
    import socket

    with socket.create_server((ADDRESS, 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        host = machines.machine(Machine(address=ADDRESS, port=port), sshd.identity, "h")
        with pytest.raises(ConnectionError, match=f"{ADDRESS}:{port}"):
            host.files.exists("/")


def test_through_jump_hosts(machines: SshMachines, sshd: Sshd, tmp_path: Path) -> None:
    with running_sshd() as inner, running_sshd() as outer:
        jump = replace(outer.machine, identity=outer.identity, host_key=outer.host_key)
        first = replace(sshd.machine, identity=sshd.identity, jump=jump)
        machine = replace(inner.machine, jump=first)
        host = machines.machine(machine, inner.identity, "h")
        with host.files.writer(str(tmp_path / "x")) as stream:
            stream.write(b"x" * 5_000_000)
        assert host.files.stat(str(tmp_path / "x")).length == 5_000_000
        assert [accepted(server) for server in (inner, outer)] == [1, 1]
        outer.cut()
        wait_until(lambda: not connected(host), what="the broken tunnel to be noticed")
        wait_until(lambda: allowed(host), what="the way to be open again")
        assert accepted(inner) == 2


def test_a_jump_host_that_knows_no_way_on(machines: SshMachines, sshd: Sshd) -> None:
    port = free_port()
    machine = Machine(address=ADDRESS, port=port, jump=replace(sshd.machine, identity=sshd.identity))
    with pytest.raises(ConnectionError, match=f"{ADDRESS}:{port}"):
        machines.machine(machine, sshd.identity, "h").files.exists("/")


@pytest.mark.campaign
def test_many_callers_share_few_connections(machines: SshMachines, tmp_path: Path) -> None:
    with running_sshd() as server:
        host = machines.machine(server.machine, server.identity, "h")
        same = machines.machine(server.machine, server.identity, "another name")
        failed: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for turn in range(2):
                    path = f"{tmp_path}/{number}-{turn}"
                    with (host if number % 2 else same).files.writer(path) as stream:
                        stream.write(b"x" * 3_000_000)
                    assert host.shell.run(f"wc -c < {path}").stdout.strip() == "3000000"
            except BaseException as error:  # noqa: BLE001
                failed.append(error)

        threads = [threading.Thread(target=work, args=[number]) for number in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert accepted(server) <= 4


def test_nothing_is_opened_before_it_is_needed(machines: SshMachines) -> None:
    host = machines.machine(Machine(address="nowhere.invalid"), Identity(), "h")
    assert host.name == "h"
    assert host.files.within("/x").local_path("/x") is None


def test_a_child_process_opens_connections_of_its_own(host: SshHost, tmp_path: Path) -> None:
    assert host.files.exists("/")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with host.files.writer(str(tmp_path / "child")) as stream:
                stream.write(b"x")
            code = host.shell.run("exit 7").code
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert host.files.stat(str(tmp_path / "child")).length == 1


def test_closing_ends_what_is_under_way_and_begins_anew(machines: SshMachines, sshd: Sshd) -> None:
    host = machines.machine(sshd.machine, sshd.identity, "h")
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(ConnectionError):
            host.shell.run("sleep 1000", seconds=1000)
        ended.set()

    host.shell.run("true")
    waiting = threading.Thread(target=wait)
    waiting.start()
    wait_until(lambda: "sleep 1000" in processes(), what="the command to run")
    machines.close()
    waiting.join(60)
    assert ended.is_set()
    with pytest.raises(ConnectionAbortedError):
        host.files.exists("/")
    assert machines.machine(sshd.machine, sshd.identity, "h").files.exists("/")


def processes() -> str:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def connected(host: SshHost) -> bool:
    """Whether any connection of the host is believed to be alive."""
    connections = host.shell._connections
    return any(connection.alive for connection in connections._open)


def test_backing_off() -> None:
    now = [0.0]
    backoff = Backoff(lambda: now[0])
    backoff.check()
    waits = []
    for _ in range(9):
        backoff.failed(ConnectionRefusedError(111, "h: refused"))
        begun = now[0]
        while True:
            try:
                backoff.check()
                break
            except ConnectionRefusedError as error:
                assert str(error) == "[Errno 111] h: refused"
                now[0] += 0.25
        waits.append(now[0] - begun)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    backoff.failed(TimeoutError(110, "h does not answer"))
    backoff.succeeded()
    backoff.check()
    backoff.failed(AuthenticationRefused("h refuses"))
    with pytest.raises(AuthenticationRefused, match="h refuses"):
        backoff.check()
    now[0] += 0.5
    backoff.check()
