"""Sandboxes: which directory stands for a machine, and what its files can do."""

from __future__ import annotations

import os
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.hosts.confined import ConfinedFiles
from emulator.hosts.sandbox import SandboxHosts, directory_name


@pytest.fixture
def hosts(tmp_path: Path) -> SandboxHosts:
    return SandboxHosts(tmp_path / "hosts")


@pytest.fixture
def files(hosts: SandboxHosts) -> ConfinedFiles:
    return hosts.host("w", "example.org").files


def write(files: ConfinedFiles, path: str, content: bytes = b"content") -> None:
    with files.writer(path) as stream:
        stream.write(content)


def read(files: ConfinedFiles, path: str, offset: int = 0) -> bytes:
    with files.reader(path, offset) as stream:
        return stream.read()


def spooled(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "hosts").glob("*/.incoming/*"))


# which directory


def test_a_host_is_a_directory_of_its_world(hosts: SandboxHosts, tmp_path: Path) -> None:
    host = hosts.host("tacc.prod", "Corral.TACC.example.org")
    assert host.files.local_path("/") == tmp_path / "hosts" / "tacc.prod" / "corral.tacc.example.org"
    assert hosts.host("tacc.prod", "corral.tacc.example.org") is host
    assert hosts.host("other", "corral.tacc.example.org") is not host


@given(
    st.text() | st.sampled_from(["", ".", "..", "../../x", "/etc", ".incoming", "a/b", "https://s3/", "\x00"])
)
def test_a_host_name_is_never_a_path(name: str) -> None:
    found = directory_name(name)
    assert found not in ("", ".", "..")
    assert "/" not in found
    assert "\x00" not in found
    assert not found.startswith(".")
    assert len(os.fsencode(found)) <= 255


@given(st.text(max_size=300), st.text(max_size=300))
def test_different_names_have_different_directories(one: str, other: str) -> None:
    assert (directory_name(one) == directory_name(other)) == (one == other)


# files


def test_write_read_stat(files: ConfinedFiles) -> None:
    files.mkdir("/home/me")
    write(files, "/home/me/a.txt", b"hello")
    info = files.stat("/home/me/a.txt")
    assert (info.name, info.path, info.is_dir, info.length) == ("a.txt", "/home/me/a.txt", False, 5)
    assert stat.filemode(info.mode | stat.S_IFREG) == "-rw-r--r--"
    assert info.last_modified.tzinfo is UTC
    assert read(files, "/home/me/a.txt") == b"hello"
    assert read(files, "/home/me/a.txt", 3) == b"lo"
    assert files.stat("/home/me").is_dir
    assert files.stat("/").is_dir
    assert files.exists("/home/me/a.txt")
    assert not files.exists("/home/me/b.txt")
    assert not files.exists("/home/me/a.txt/c")


def test_listing_and_names(files: ConfinedFiles) -> None:
    for name in ("b", ".hidden", "A"):
        write(files, f"/{name}")
    files.mkdir("/dir")
    assert sorted(files.names("/")) == [".hidden", "A", "b", "dir"]
    assert sorted(info.path for info in files.listing("/")) == ["/.hidden", "/A", "/b", "/dir"]
    assert [info.name for info in files.listing("/", ["dir", "gone", "A"])] == ["dir", "A"]
    with pytest.raises(FileNotFoundError):
        files.listing("/nowhere")
    with pytest.raises(NotADirectoryError):
        files.listing("/b")


def test_what_a_failed_writer_wrote_is_gone(files: ConfinedFiles, tmp_path: Path) -> None:
    write(files, "/a", b"old")
    with pytest.raises(ConnectionError), files.writer("/a") as stream:
        stream.write(b"new")
        raise ConnectionError
    assert read(files, "/a") == b"old"
    assert spooled(tmp_path) == []


def test_nobody_sees_a_file_before_it_is_whole(files: ConfinedFiles, tmp_path: Path) -> None:
    with files.writer("/a") as stream:
        stream.write(b"half")
        stream.flush()
        assert files.names("/") == []
        assert len(spooled(tmp_path)) == 1
    assert files.names("/") == ["a"]
    assert spooled(tmp_path) == []


def test_replacing_keeps_the_mode(files: ConfinedFiles) -> None:
    write(files, "/run.sh", b"old")
    files.chmod("/run.sh", 0o755)
    write(files, "/run.sh", b"new")
    assert files.stat("/run.sh").mode == 0o755
    assert read(files, "/run.sh") == b"new"


def test_writing_needs_a_directory_and_a_name_that_is_none(files: ConfinedFiles, tmp_path: Path) -> None:
    files.mkdir("/dir")
    write(files, "/file")
    with pytest.raises(IsADirectoryError):
        write(files, "/dir")
    with pytest.raises(FileNotFoundError):
        write(files, "/nowhere/a")
    with pytest.raises(NotADirectoryError):
        write(files, "/file/a")
    assert sorted(files.names("/")) == ["dir", "file"]
    assert spooled(tmp_path) == []


def test_an_incoming_file_may_go_elsewhere_or_nowhere(files: ConfinedFiles, tmp_path: Path) -> None:
    files.mkdir("/a")
    files.mkdir("/b")
    with files.incoming("/a") as incoming:
        incoming.stream.write(b"x")
        incoming.put("/b/x")
    with files.incoming("/a") as incoming:
        incoming.stream.write(b"y")
    assert (files.names("/a"), files.names("/b"), spooled(tmp_path)) == ([], ["x"], [])


def test_patch_in_place(files: ConfinedFiles) -> None:
    write(files, "/a", b"0123456789")
    with files.patch("/a", 3) as stream:
        stream.write(b"abc")
    assert read(files, "/a") == b"012abc6789"
    with files.patch("/new", 2) as stream:
        stream.write(b"x")
    assert read(files, "/new") == b"\x00\x00x"


def test_an_incoming_file_may_go_into_another(files: ConfinedFiles, tmp_path: Path) -> None:
    write(files, "/a", b"0123456789")
    with files.incoming("/") as incoming:
        incoming.stream.write(b"abc")
        incoming.overlay("/a", 3)
    assert read(files, "/a") == b"012abc6789"
    assert (files.names("/"), spooled(tmp_path)) == (["a"], [])


def test_mkdir(files: ConfinedFiles) -> None:
    files.mkdir("/a/b/c")
    files.mkdir("/a/b/c")
    files.mkdir("/")
    assert files.stat("/a/b/c").mode == 0o755
    write(files, "/file")
    with pytest.raises(FileExistsError):
        files.mkdir("/file")
    with pytest.raises(NotADirectoryError):
        files.mkdir("/file/a")


def test_a_tree_deeper_than_any_path_is_removed(files: ConfinedFiles, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept", encoding="utf-8")
    files.mkdir("/deep/beside/d")
    top = files.local_path("/deep")
    assert top is not None
    here = os.open(top, os.O_RDONLY)
    for level in range(3000):
        os.mkdir("d", dir_fd=here)
        os.symlink(outside, f"link{level}", dir_fd=here)
        above, here = here, os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(above)
    os.close(here)
    files.remove("/deep")
    assert files.names("/") == []
    assert (outside / "kept").exists()


def test_paths_longer_than_machines_take_are_not_there(files: ConfinedFiles) -> None:
    files.mkdir("/a" * 2048)
    for path in ("/a" * 2049, "/\N{SNOWMAN}" * 1400, "/\ud800" * 2000):
        assert not files.exists(path)
        with pytest.raises(FileNotFoundError):
            files.mkdir(path)
    files.remove("/a")


def test_remove(files: ConfinedFiles) -> None:
    files.mkdir("/a/b")
    write(files, "/a/b/c")
    files.remove("/a")
    assert files.names("/") == []
    with pytest.raises(FileNotFoundError):
        files.remove("/a")
    with pytest.raises(PermissionError):
        files.remove("/")


def test_rename(files: ConfinedFiles) -> None:
    files.mkdir("/a")
    files.mkdir("/b")
    write(files, "/a/x", b"1")
    files.rename("/a/x", "/b/y")
    files.rename("/b", "/c")
    assert read(files, "/c/y") == b"1"
    with pytest.raises(FileNotFoundError):
        files.rename("/a/x", "/a/z")


def test_walk(files: ConfinedFiles) -> None:
    files.mkdir("/a/b/c")
    write(files, "/a/b/1")
    write(files, "/a/z")
    write(files, "/a/b/c/2")
    paths = [info.path for info in files.walk("/a")]
    assert sorted(paths) == ["/a/b", "/a/b/1", "/a/b/c", "/a/b/c/2", "/a/z"]
    for path in paths:
        above = path.rpartition("/")[0]
        assert above == "/a" or paths.index(above) < paths.index(path)
    assert [info.path for info in files.walk("/a/z")] == ["/a/z"]


def test_odd_names_are_just_names(files: ConfinedFiles) -> None:
    names = [
        "with space",
        " lead",
        "trail ",
        "new\nline",
        "ünïcødé",
        "back\\slash",
        "...",
        "-rf",
        "*",
        "'\"$(x)",
    ]
    for name in names:
        write(files, f"/{name}", name.encode())
    assert sorted(files.names("/")) == sorted(names)
    for name in names:
        assert read(files, f"/{name}") == name.encode()


def test_any_time_of_change_can_be_told(files: ConfinedFiles) -> None:
    write(files, "/a")
    path = files.local_path("/a")
    assert path is not None
    os.utime(path, (0, -86400))
    assert files.stat("/a").last_modified == datetime(1970, 1, 1, tzinfo=UTC)
    os.utime(path, (0, 1_600_000_000))
    assert files.stat("/a").last_modified == datetime.fromtimestamp(1_600_000_000, UTC)


def test_two_writers_of_one_name_leave_one_whole_file(files: ConfinedFiles, tmp_path: Path) -> None:
    contents = [bytes([65 + number]) * 300_000 for number in range(4)]
    together = threading.Barrier(len(contents))

    def one(content: bytes) -> None:
        with files.writer("/a") as stream:
            stream.write(content[:1000])
            together.wait(timeout=30)
            stream.write(content[1000:])

    threads = [threading.Thread(target=one, args=[content]) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(files, "/a") in contents
    assert (files.names("/"), spooled(tmp_path)) == (["a"], [])


def test_a_new_start_drops_what_a_crash_left(files: ConfinedFiles, tmp_path: Path) -> None:
    incoming = files.incoming("/")
    incoming.__enter__()  # as if the process had died here
    assert len(spooled(tmp_path)) == 1
    SandboxHosts(tmp_path / "hosts")
    assert spooled(tmp_path) == []


def test_a_sandbox_that_was_removed_is_made_again(files: ConfinedFiles, tmp_path: Path) -> None:
    (tmp_path / "hosts" / "w" / "example.org").rmdir()
    write(files, "/a")
    assert files.names("/") == ["a"]
