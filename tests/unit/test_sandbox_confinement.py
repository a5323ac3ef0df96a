"""Nothing leads out of a sandbox: not ``..``, not links, not links that appear meanwhile."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.hosts.confined import ConfinedFiles
from emulator.hosts.sandbox import SandboxHosts

SECRET = b"secret of the machine below"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The real directory behind the sandbox; ``tmp_path/outside`` holds what must stay out of reach."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(SECRET)
    found = SandboxHosts(tmp_path / "hosts").host("w", "h").files.local_path("/")
    assert found is not None
    return found


@pytest.fixture
def files(tmp_path: Path, root: Path) -> ConfinedFiles:
    return SandboxHosts(tmp_path / "hosts").host("w", "h").files


def write(files: ConfinedFiles, path: str) -> None:
    with files.writer(path) as stream:
        stream.write(b"overwritten")


def patch(files: ConfinedFiles, path: str) -> None:
    with files.patch(path, 0) as stream:
        stream.write(b"overwritten")


OPERATIONS: dict[str, Callable[[ConfinedFiles, str], object]] = {
    "stat": lambda files, path: files.stat(path),
    "names": lambda files, path: files.names(path),
    "listing": lambda files, path: files.listing(path),
    "reader": lambda files, path: files.reader(path),
    "writer": write,
    "patch": patch,
    "mkdir": lambda files, path: files.mkdir(path),
    "remove": lambda files, path: files.remove(path),
    "rename from": lambda files, path: files.rename(path, "/stolen"),
    "rename to": lambda files, path: files.rename("/mine", path),
    "chmod": lambda files, path: files.chmod(path, 0o777),
    "walk": lambda files, path: list(files.walk(path)),
    "local_path": lambda files, path: files.local_path(path),
    "within": lambda files, path: files.within(path).stat(path),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "path",
    [
        "/..",
        "/../../../outside/secret",
        "/dir/../../../../outside/secret",
        "/link/secret",
        "/relative/secret",
        "/dir/far/outside/secret",
        "/chain/secret",
        "/loop/secret",
        "/nul\x00/secret",
        "/\ud800/secret",
        "/" + "x" * 256 + "/secret",
    ],
)
def test_no_way_out(files: ConfinedFiles, root: Path, tmp_path: Path, operation: str, path: str) -> None:
    outside = tmp_path / "outside"
    (root / "dir").mkdir()
    (root / "mine").write_bytes(b"mine")
    (root / "link").symlink_to(outside)
    (root / "relative").symlink_to("../../../outside")
    (root / "dir" / "far").symlink_to("../../../..")
    (root / "chain").symlink_to("link")
    (root / "loop").symlink_to("loop")
    (outside / "secret").chmod(0o600)
    with pytest.raises(FileNotFoundError):
        OPERATIONS[operation](files, path)
    assert (outside / "secret").read_bytes() == SECRET
    assert (outside / "secret").stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in outside.iterdir()] == ["secret"]
    assert not (root / "stolen").exists()
    assert (root / "mine").exists()


@pytest.mark.parametrize(
    "operation", ["stat", "reader", "writer", "patch", "mkdir", "chmod", "walk", "local_path"]
)
def test_a_link_as_the_last_name_leads_nowhere_either(
    files: ConfinedFiles, root: Path, tmp_path: Path, operation: str
) -> None:
    (root / "secret").symlink_to(tmp_path / "outside" / "secret")
    (root / "new").symlink_to(tmp_path / "outside" / "new")
    for path in ("/secret", "/new"):
        with pytest.raises(FileNotFoundError):
            OPERATIONS[operation](files, path)
    assert (tmp_path / "outside" / "secret").read_bytes() == SECRET
    assert not (tmp_path / "outside" / "new").exists()


def test_removing_or_renaming_a_link_leaves_its_target(
    files: ConfinedFiles, root: Path, tmp_path: Path
) -> None:
    (root / "link").symlink_to(tmp_path / "outside")
    files.rename("/link", "/other")
    files.remove("/other")
    (root / "dir").mkdir()
    (root / "dir" / "link").symlink_to(tmp_path / "outside")
    files.remove("/dir")
    assert list(root.iterdir()) == []
    assert (tmp_path / "outside" / "secret").read_bytes() == SECRET


def test_what_cannot_be_reached_is_not_listed(files: ConfinedFiles, root: Path, tmp_path: Path) -> None:
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "dangling").symlink_to("nowhere")
    (root / "through").symlink_to("file/x")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        here = os.open(root, os.O_RDONLY)  # a socket's path must be short
        try:
            unix.bind(f"/proc/self/fd/{here}/socket")
        finally:
            os.close(here)
    (root / "file").write_bytes(b"x")
    assert files.names("/") == ["file"]
    assert [info.name for info in files.listing("/")] == ["file"]
    assert [info.name for info in files.walk("/")] == ["file"]
    for name in ("pipe", "socket"):
        with pytest.raises(FileNotFoundError):
            files.stat(f"/{name}")
        with pytest.raises(FileNotFoundError):
            files.reader(f"/{name}")
        with pytest.raises(FileNotFoundError):
            patch(files, f"/{name}")


def test_links_inside_are_followed(files: ConfinedFiles, root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "file").write_bytes(b"x")
    (root / "relative").symlink_to("a/b")
    (root / "a" / "up").symlink_to("../a/b/../b/file")
    (root / "absolute").symlink_to(root / "a" / "b")  # as a job sees its directories
    for path in ("/relative/file", "/a/up", "/absolute/file"):
        with files.reader(path) as stream:
            assert stream.read() == b"x"
    assert files.stat("/relative").is_dir
    assert sorted(files.names("/")) == ["a", "absolute", "relative"]
    write(files, "/a/up")
    assert (root / "a" / "b" / "file").read_bytes() == b"overwritten"
    assert (root / "a" / "up").is_symlink()


def test_a_walk_over_circular_links_ends(files: ConfinedFiles, root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "up").symlink_to("..")
    (root / "a" / "side").symlink_to("b")
    paths = sorted(info.path for info in files.walk("/a"))
    assert paths == ["/a/b", "/a/b/up", "/a/side", "/a/side/up"]


def test_a_system_root_closes_the_rest_of_the_machine(files: ConfinedFiles, root: Path) -> None:
    (root / "other").mkdir()
    (root / "other" / "file").write_bytes(b"x")
    (root / "system" / "dir").mkdir(parents=True)
    (root / "system" / "out").symlink_to("../other")
    (root / "system" / "absolute").symlink_to(root / "other")
    (root / "system" / "in").symlink_to(root / "system" / "dir")
    (root / "system" / "dir" / "up").symlink_to("../dir")
    inside = files.within("/system")
    assert files.exists("/system/out/file")
    for path in ("/system/out/file", "/system/absolute/file", "/other/file", "/other", "/"):
        assert not inside.exists(path)
    assert sorted(inside.names("/system")) == ["dir", "in"]
    assert inside.stat("/system/in").is_dir
    assert inside.stat("/system/dir/up").is_dir
    assert inside.local_path("/system/dir") == root / "system" / "dir"


def test_a_system_root_that_does_not_exist_yet(files: ConfinedFiles) -> None:
    inside = files.within("/new/root")
    assert not inside.exists("/new/root")
    inside.mkdir("/new/root/home")
    assert inside.names("/new/root") == ["home"]


_SWAP = """
import os, sys
os.chdir(sys.argv[1])
print(flush=True)
while True:
    for name in sys.argv[2:]:
        os.rename(name, "spot")
        os.rename("spot", name)
"""


@contextmanager
def swapping(root: Path, *names: str) -> Iterator[None]:
    """Another process calls each of ``names`` in turn ``spot``, for moments, as fast as a job could."""
    with subprocess.Popen([sys.executable, "-c", _SWAP, root, *names], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
            assert process.poll() is None
        finally:
            process.kill()


def test_a_link_swapped_in_on_the_way_leads_nowhere(files: ConfinedFiles, root: Path, tmp_path: Path) -> None:
    (root / "real").mkdir()
    (root / "real" / "secret").write_bytes(b"harmless")
    (root / "evil").symlink_to(tmp_path / "outside")
    hits = 0
    with swapping(root, "real", "evil"):
        for number in range(3000):
            try:
                with files.reader("/spot/secret") as stream:
                    assert stream.read() == b"harmless"
                    hits += 1
                write(files, f"/spot/{number}")
                files.remove(f"/spot/{number}")
            except (FileNotFoundError, NotADirectoryError):
                continue
    assert [entry.name for entry in (tmp_path / "outside").iterdir()] == ["secret"]
    assert (tmp_path / "outside" / "secret").read_bytes() == SECRET
    assert hits  # the directory was caught in its place at least once


def test_a_link_swapped_in_at_the_end_leads_nowhere(files: ConfinedFiles, root: Path, tmp_path: Path) -> None:
    (root / "directory").mkdir()
    (root / "to directory").symlink_to(tmp_path / "outside")
    (root / "file").write_bytes(b"harmless")
    (root / "to file").symlink_to(tmp_path / "outside" / "secret")
    hits = 0
    with swapping(root, "directory", "to directory", "file", "to file"):
        for _ in range(10_000):
            with suppress(OSError):
                assert files.names("/spot") == []
            with suppress(OSError):
                with files.reader("/spot") as stream:
                    assert stream.read() == b"harmless"
                    hits += 1
    assert (tmp_path / "outside" / "secret").read_bytes() == SECRET
    assert hits


_NAMES = st.sampled_from(
    ["..", ".", "", "a", "out", "rel", "self", "..\\..", "%2e%2e", "\x00", "é", "x" * 300]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_NAMES, max_size=8).map("/".join))
def test_no_path_reads_outside(files: ConfinedFiles, root: Path, tmp_path: Path, path: str) -> None:
    if not (root / "a").exists():
        (root / "a").mkdir()
        (root / "out").symlink_to(tmp_path / "outside")
        (root / "a" / "out").symlink_to("/")
        (root / "a" / "rel").symlink_to("../../..")
        (root / "self").symlink_to(".")
    for tail in ("", "/secret", "/outside/secret"):
        try:
            info = files.stat(f"/{path}{tail}")
        except (FileNotFoundError, NotADirectoryError):
            continue
        # whatever was found is the root, the directory in it, or a link between these
        assert info.is_dir
        assert "secret" not in files.names(info.path)
        real = files.local_path(info.path)
        assert real is not None
        assert real.resolve() in (root, root / "a")
