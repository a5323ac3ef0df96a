"""Real faults: sshd killed, restarted, stopped in the middle; connections cut; disks full."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.domain.host_map import Identity
from emulator.domain.ports import UNFINISHED
from emulator.hosts.ssh.host import SshHost, SshMachines
from tests.real.sshd import Sshd
from tests.real.sshd import sshd as running_sshd
from tests.real.waiting import wait_until

pytestmark = pytest.mark.sample(2, of="module")

MIB = 1024 * 1024
CONTENT = b"".join(number.to_bytes(4, "big") for number in range(6 * MIB))  # 24 MiB, no two blocks alike


@pytest.fixture
def server() -> Iterator[Sshd]:
    """One that may be broken."""
    with running_sshd() as running:
        yield running


@pytest.fixture
def server_without_shell() -> Iterator[Sshd]:
    with running_sshd(extra="ForceCommand internal-sftp\n") as running:
        yield running


def entered(machines: SshMachines, server: Sshd) -> SshHost:
    return machines.machine(server.machine, server.identity, "login.example.org")


def again(host: SshHost) -> None:
    """Wait until the back-off lets a connection be made."""

    def let_in() -> bool:
        try:
            return host.files.exists("/")
        except (ConnectionError, TimeoutError):
            return False

    wait_until(let_in, timeout=60, what="the machine to be entered again")


@pytest.mark.parametrize("shell", [True, False], ids=["shell", "sftp only"])
def test_an_upload_goes_on_where_it_was_cut_off(
    machines: SshMachines, tmp_path: Path, request: pytest.FixtureRequest, shell: bool
) -> None:
    server = request.getfixturevalue("server" if shell else "server_without_shell")
    host = entered(machines, server)
    path = str(tmp_path / "file")
    with pytest.raises((ConnectionError, TimeoutError)) as broken:
        with host.files.writer(path, resume="content 1") as stream:
            stream.write(CONTENT[: 12 * MIB])
            (unfinished,) = tmp_path.glob(UNFINISHED + "*")
            wait_until(lambda: unfinished.stat().st_size >= 8 * MIB, what="some of it to arrive")
            server.stop()
            for start in range(12 * MIB, len(CONTENT), MIB):
                stream.write(CONTENT[start : start + MIB])
    assert str(server.port) in str(broken.value)
    assert not Path(path).exists()
    arrived = unfinished.stat().st_size
    server.start()
    again(host)
    with host.files.writer(path, resume="content 1") as stream:
        kept = stream.tell()
        assert 8 * MIB - 65536 <= kept <= arrived
        stream.write(CONTENT[kept:])
    assert Path(path).read_bytes() == CONTENT
    assert list(tmp_path.glob(UNFINISHED + "*")) == []
    with host.files.writer(path, resume="content 2") as stream:
        assert stream.tell() == 0
        stream.write(b"other")
    assert Path(path).read_bytes() == b"other"


def test_what_does_not_fit_what_arrived_is_not_put_in_place(
    machines: SshMachines, server: Sshd, tmp_path: Path
) -> None:
    host = entered(machines, server)
    path = str(tmp_path / "file")
    with pytest.raises(OSError, match="bytes have arrived of") as raised:
        with host.files.writer(path) as stream:
            stream.write(CONTENT)
            (unfinished,) = tmp_path.glob(UNFINISHED + "*")
            with unfinished.open("ab") as other:
                other.truncate(len(CONTENT) + 1)
    assert not isinstance(raised.value, ConnectionError)
    assert list(tmp_path.glob("f*")) == list(tmp_path.glob(UNFINISHED + "*")) == []


def test_a_download_that_is_cut_off_says_so(machines: SshMachines, server: Sshd, tmp_path: Path) -> None:
    host = entered(machines, server)
    (tmp_path / "file").write_bytes(CONTENT)
    with pytest.raises(ConnectionError), host.files.reader(str(tmp_path / "file")) as stream:
        got = stream.read(6 * MIB)
        server.cut()
        while piece := stream.read(MIB):
            got += piece
    assert CONTENT.startswith(got)
    assert len(got) < len(CONTENT)
    again(host)
    with host.files.reader(str(tmp_path / "file"), len(got)) as stream:
        assert got + stream.read() == CONTENT


def test_a_command_that_is_cut_off_says_so(machines: SshMachines, server: Sshd) -> None:
    host = entered(machines, server)
    host.shell.run("true")
    timer = threading.Timer(0, lambda: (wait_until(lambda: running("sleep 4321")), server.cut()))
    timer.start()
    with pytest.raises(ConnectionError):
        host.shell.run("sleep 4321", seconds=600)
    again(host)
    assert host.shell.run("echo again").stdout == "again\n"


@pytest.mark.parametrize(
    "doing",
    [
        "a command",
        *(
            pytest.param(doing, marks=pytest.mark.campaign)
            for doing in ("nothing", "an upload", "a download")
        ),
    ],
)
def test_a_machine_that_falls_silent_is_noticed(
    machines: SshMachines, server: Sshd, tmp_path: Path, doing: str
) -> None:
    """SIGSTOP: TCP goes on acknowledging, nobody answers. Without being noticed, this would take the test's time."""
    host = entered(machines, server)
    (tmp_path / "file").write_bytes(CONTENT)
    host.shell.run("true")
    try:
        with pytest.raises((ConnectionError, TimeoutError), match=str(server.port)):
            if doing == "nothing":
                server.pause()
                host.files.stat("/")
            elif doing == "a command":
                threading.Thread(
                    target=lambda: (wait_until(lambda: running("sleep 4322")), server.pause())
                ).start()
                host.shell.run("sleep 4322", seconds=3600)
            elif doing == "an upload":
                with host.files.writer(str(tmp_path / "new")) as stream:
                    stream.write(CONTENT[: 6 * MIB])
                    server.pause()
                    stream.write(CONTENT)
            else:
                with host.files.reader(str(tmp_path / "file")) as stream:
                    stream.read(4 * MIB)
                    server.pause()
                    stream.read()
    finally:
        server.resume()
    again(host)
    wait_until(lambda: host.files.exists("/") and not list(tmp_path.glob(UNFINISHED + "*")), what="no litter")
    assert not (tmp_path / "new").exists()
    subprocess.run(["pkill", "-f", "^sleep 4322"], check=False)


@pytest.mark.campaign
def test_a_machine_that_is_slow_but_answers_is_left_alone(machines: SshMachines, server: Sshd) -> None:
    host = entered(machines, server)
    assert host.shell.run("sleep 12; echo done", seconds=60).stdout == "done\n"


def test_a_restart_between_two_requests_is_not_noticed(machines: SshMachines, server: Sshd) -> None:
    host = entered(machines, server)
    assert host.files.exists("/")
    server.stop()
    server.start()
    wait_until(lambda: not any(c.alive for c in host.shell._connections._open), what="the end to be noticed")
    assert host.files.exists("/")
    assert host.shell.run("echo hello").stdout == "hello\n"


def test_a_command_that_takes_too_long_is_ended(
    machines: SshMachines, server: Sshd, account: tuple[str, str]
) -> None:
    """As an ordinary user: sshd passes no signals on for root."""
    identity = Identity(user=account[0], key_file=str(server.key))
    host = machines.machine(server.machine, identity, "h")
    with pytest.raises(TimeoutError, match="has not ended after 1 seconds"):
        host.shell.run("sleep 4323; true", seconds=1)
    wait_until(lambda: not running("sleep 4323"), what="the command to be gone")


def test_a_command_that_says_too_much_is_ended(machines: SshMachines, server: Sshd) -> None:
    host = entered(machines, server)
    with pytest.raises(OSError, match="says more than 8388608 bytes"):
        host.shell.run("yes tapis-4324", seconds=60)
    with pytest.raises(OSError, match="says more than 8388608 bytes"):
        host.shell.run("yes tapis-4324 >&2", seconds=60)
    wait_until(lambda: not running("yes tapis-4324"), what="the command to be gone")


def test_what_commands_say_and_how_they_end(machines: SshMachines, server: Sshd) -> None:
    shell = entered(machines, server).shell
    done = shell.run("echo out; echo err >&2; printf '\\377\\0'; exit 3")
    assert (done.code, done.stdout, done.stderr) == (3, "out\n\udcff\0", "err\n")
    assert shell.run("kill -9 $$").code == 128 + signal.SIGKILL
    assert shell.run("kill -TERM $$").code == 128 + signal.SIGTERM
    big = os.urandom(5 * MIB // 2).hex().encode()
    assert shell.run("cat", stdin=big, seconds=120).stdout.encode() == big
    assert shell.run("true", stdin=big).code == 0
    both = shell.run("yes out | head -c 3000000 & yes err | head -c 3000000 >&2; wait", seconds=120)
    assert (len(both.stdout), len(both.stderr)) == (3_000_000, 3_000_000)
    assert abs(shell.now().timestamp() - server.directory.stat().st_mtime) < 3600


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "small"
    directory.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "none", str(directory)], check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.parametrize("shell", [True, False], ids=["shell", "sftp only"])
@pytest.mark.parametrize("size", [6 * MIB, len(CONTENT)], ids=["at the end", "in the middle"])
def test_a_full_disk(
    machines: SshMachines, request: pytest.FixtureRequest, small_disk: Path, shell: bool, size: int
) -> None:
    host = entered(machines, request.getfixturevalue("server" if shell else "server_without_shell"))
    with pytest.raises(OSError) as raised, host.files.writer(str(small_disk / "file")) as stream:
        for start in range(0, size, MIB):
            stream.write(CONTENT[start : start + MIB])
    assert raised.value.errno == errno.ENOSPC
    assert not isinstance(raised.value, ConnectionError)
    assert list(small_disk.iterdir()) == []
    with host.files.writer(str(small_disk / "file")) as stream:
        stream.write(CONTENT[:MIB])
    assert (small_disk / "file").stat().st_size == MIB


def test_many_files_in_one_stream(machines: SshMachines, server: Sshd, tmp_path: Path) -> None:
    bulk = entered(machines, server).files.bulk
    assert bulk is not None
    odd = ["with space", "new\nline", "-rf", "'\"$(x)", "ünï", "\udcff", "d/e/f", "x" * 100 + "/" + "y" * 200]
    contents = {f"many/{number}": os.urandom(4096) for number in range(2000)} | {n: b"odd" for n in odd}
    target = tmp_path / "target"
    (target / "many").mkdir(parents=True)
    (target / "many" / "7").write_bytes(b"old")
    (target / "many" / "kept").write_bytes(b"kept")
    with bulk.unpack(str(target)) as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o640
            tar.addfile(entry, io.BytesIO(content))
    for name, content in contents.items():
        assert (target / name).read_bytes() == content
        assert (target / name).stat().st_mode & 0o777 == 0o640
    assert (target / "many" / "kept").read_bytes() == b"kept"
    assert list(target.rglob(UNFINISHED + "*")) == []
    (target / "link").symlink_to("many/7")
    got = {}
    with bulk.pack(str(target), [*contents, "link"]) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for entry in tar:
                file = tar.extractfile(entry)
                assert file is not None
                got[entry.name.removeprefix("./")] = file.read()
    assert got == contents | {"link": contents["many/7"]}


def test_streams_of_files_that_fail(
    machines: SshMachines, server: Sshd, tmp_path: Path, small_disk: Path
) -> None:
    host = entered(machines, server)
    bulk = host.files.bulk
    assert bulk is not None
    (tmp_path / "there").write_bytes(b"x")
    with pytest.raises(FileNotFoundError), bulk.pack(str(tmp_path), ["there", "missing"]) as stream:
        stream.read()
    with pytest.raises(FileNotFoundError), bulk.pack(str(tmp_path / "nowhere"), ["x"]):
        raise AssertionError("it was opened")
    entry = tarfile.TarInfo("file")
    entry.size = 6 * MIB
    with pytest.raises(OSError) as full, bulk.unpack(str(small_disk)) as stream:
        with tarfile.open(fileobj=stream, mode="w|") as tar:
            tar.addfile(entry, io.BytesIO(CONTENT[: 6 * MIB]))
    assert full.value.errno == errno.ENOSPC
    wait_until(lambda: list(small_disk.iterdir()) == [], what="what was unpacked to be gone")
    with pytest.raises(ValueError, match="mine"), bulk.unpack(str(tmp_path)) as stream:
        stream.write(entry.tobuf() + CONTENT[:MIB])
        raise ValueError("mine")
    wait_until(lambda: not list(tmp_path.glob(UNFINISHED + "*")), what="what was unpacked to be gone")
    assert not (tmp_path / "file").exists()
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "out").symlink_to(tmp_path)
    closed = host.files.within(str(inside)).bulk
    assert closed is not None
    with pytest.raises(FileNotFoundError), closed.pack(str(inside), ["out/there"]):
        raise AssertionError("it was opened")
    entry = tarfile.TarInfo("out/new")
    with pytest.raises(FileNotFoundError), closed.unpack(str(inside)) as stream:
        with tarfile.open(fileobj=stream, mode="w|") as tar:
            tar.addfile(entry)
    assert not (tmp_path / "new").exists()


def test_an_account_without_a_shell(machines: SshMachines, server_without_shell: Sshd) -> None:
    host = entered(machines, server_without_shell)
    assert host.files.bulk is None
    assert host.files.exists("/")


def running(args: str) -> bool:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return any(line.startswith(args) for line in listed.splitlines())
