"""What every HostFiles keeps of its contract: one class of tests that runs on all of them.

A subclass gives the fixture ``place``.
"""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emulator.domain.ports import UNFINISHED, HostFiles

ODD_NAMES = [
    "with space",
    " lead",
    "trail ",
    "new\nline",
    "ünïcødé",
    "back\\slash",
    "...",
    "-rf",
    "*",
    "'\"$(x)`y`",
    "!event",
    "\udcff\udcfe not utf-8",
    "x" * 255,
]


@dataclass(frozen=True)
class Place:
    """A directory of a machine that is empty at first; ``real`` is where it lies on this one."""

    files: HostFiles
    top: str
    real: Path

    def __call__(self, path: str = "") -> str:
        """The path on the machine."""
        return self.top.rstrip("/") + path or "/"

    def write(self, path: str, content: bytes = b"content") -> None:
        with self.files.writer(self(path)) as stream:
            stream.write(content)

    def read(self, path: str, offset: int = 0) -> bytes:
        with self.files.reader(self(path), offset) as stream:
            return stream.read()

    def names(self, path: str = "") -> list[str]:
        return sorted(self.files.names(self(path)))

    def unfinished(self) -> list[str]:
        """What lies about that is not complete, anywhere."""
        spool = self.real.parent / ".incoming"
        found = [*self.real.rglob(UNFINISHED + "*"), *spool.glob("*")]
        return [path.name for path in found]


class HostFilesSuite:
    """ports.HostFiles, method by method."""

    def test_write_read_stat(self, place: Place) -> None:
        files = place.files
        files.mkdir(place("/home/me"))
        place.write("/home/me/a.txt", b"hello")
        info = files.stat(place("/home/me/a.txt"))
        assert (info.name, info.path, info.is_dir, info.length) == (
            "a.txt",
            place("/home/me/a.txt"),
            False,
            5,
        )
        assert stat.filemode(info.mode | stat.S_IFREG) == "-rw-r--r--"
        assert info.last_modified.tzinfo is UTC
        assert place.read("/home/me/a.txt") == b"hello"
        assert place.read("/home/me/a.txt", 3) == b"lo"
        assert place.read("/home/me/a.txt", 30) == b""
        assert files.stat(place("/home/me")).is_dir
        assert files.stat(place()).is_dir
        assert files.exists(place("/home/me/a.txt"))
        assert not files.exists(place("/home/me/b.txt"))
        assert not files.exists(place("/home/me/a.txt/c"))

    def test_checksums(self, place: Place) -> None:
        content = bytes(range(256)) * 5000
        place.write("/a b'ü", content)
        assert place.files.sha256(place("/a b'ü")) == hashlib.sha256(content).hexdigest()
        with pytest.raises(FileNotFoundError):
            place.files.sha256(place("/nothing"))

    def test_listing_and_names(self, place: Place) -> None:
        for name in ("b", ".hidden", "A"):
            place.write(f"/{name}")
        place.files.mkdir(place("/dir"))
        assert place.names() == [".hidden", "A", "b", "dir"]
        listed = place.files.listing(place())
        assert sorted(info.path for info in listed) == [
            place(f"/{name}") for name in (".hidden", "A", "b", "dir")
        ]
        assert [info.name for info in listed if info.is_dir] == ["dir"]
        assert [info.name for info in place.files.listing(place(), ["dir", "gone", "A"])] == ["dir", "A"]
        assert place.files.listing(place(), []) == []
        assert place.files.listing(place("/dir")) == []
        with pytest.raises(FileNotFoundError):
            place.files.listing(place("/nowhere"))
        with pytest.raises(NotADirectoryError):
            place.files.listing(place("/b"))

    def test_a_large_directory_is_listed_whole(self, place: Place) -> None:
        for number in range(1500):
            (place.real / f"file {number}").write_bytes(b"x" * (number % 7))
        listed = place.files.listing(place())
        assert {info.name: info.length for info in listed} == {f"file {n}": n % 7 for n in range(1500)}
        wanted = [f"file {number}" for number in range(1499, 0, -3)]
        assert [info.name for info in place.files.listing(place(), wanted)] == wanted

    def test_what_a_failed_writer_wrote_is_gone(self, place: Place) -> None:
        place.write("/a", b"old")
        with pytest.raises(ConnectionError), place.files.writer(place("/a")) as stream:
            stream.write(b"new")
            raise ConnectionError
        assert place.read("/a") == b"old"
        assert place.unfinished() == []

    def test_what_broke_off_goes_on(self, place: Place) -> None:
        content = bytes(range(256)) * 4096 * 3
        target = place("/resumed")
        with pytest.raises(ConnectionError):
            with place.files.writer(target, resume="one") as stream:
                stream.write(content[:2_000_000])
                raise ConnectionError("the source has gone")
        assert not place.files.exists(target)
        with place.files.writer(target, resume="another") as stream:
            assert stream.tell() == 0
            stream.write(b"another")
        with place.files.writer(target, resume="one") as stream:
            kept = stream.tell()
            assert 0 < kept <= 2_000_000
            stream.write(content[kept:])
        assert place.read("/resumed") == content
        assert place.unfinished() == []

    def test_two_that_go_on_with_the_same_do_not_mix(self, place: Place) -> None:
        target = place("/both")
        with place.files.writer(target, resume="same") as first:
            first.write(b"first " * 1000)
            first.flush()
            with place.files.writer(target, resume="same") as second:
                assert second.tell() == 0
                second.write(b"second")
            assert place.read("/both") == b"second"
        assert place.read("/both") == b"first " * 1000

    def test_nobody_sees_a_file_before_it_is_whole(self, place: Place) -> None:
        with place.files.writer(place("/a")) as stream:
            stream.write(b"half")
            stream.flush()
            assert place.names() == []
            assert len(place.unfinished()) == 1
        assert place.names() == ["a"]
        assert place.unfinished() == []

    def test_replacing_keeps_the_mode_unless_told(self, place: Place) -> None:
        place.write("/run.sh", b"old")
        place.files.chmod(place("/run.sh"), 0o755)
        place.write("/run.sh", b"new")
        assert place.files.stat(place("/run.sh")).mode == 0o755
        assert place.read("/run.sh") == b"new"
        with place.files.writer(place("/run.sh"), 0o640) as stream:
            stream.write(b"newer")
        assert place.files.stat(place("/run.sh")).mode == 0o640

    def test_writing_needs_a_directory_and_a_name_that_is_none(self, place: Place) -> None:
        place.files.mkdir(place("/dir"))
        place.write("/file")
        with pytest.raises(IsADirectoryError):
            place.write("/dir")
        with pytest.raises(FileNotFoundError):
            place.write("/nowhere/a")
        with pytest.raises(NotADirectoryError):
            place.write("/file/a")
        with pytest.raises(IsADirectoryError), place.files.reader(place("/dir")) as stream:
            stream.read()
        assert place.names() == ["dir", "file"]
        assert place.unfinished() == []

    def test_an_incoming_file_may_go_elsewhere_or_nowhere(self, place: Place) -> None:
        place.files.mkdir(place("/a"))
        place.files.mkdir(place("/b"))
        with place.files.incoming(place("/a")) as incoming:
            incoming.stream.write(b"x")
            incoming.put(place("/b/x"))
        with place.files.incoming(place("/a")) as incoming:
            incoming.stream.write(b"y")
        with pytest.raises(IsADirectoryError), place.files.incoming(place("/a")) as incoming:
            incoming.put(place("/b"))
        assert (place.names("/a"), place.names("/b"), place.unfinished()) == ([], ["x"], [])

    def test_patch_in_place(self, place: Place) -> None:
        place.write("/a", b"0123456789")
        with place.files.patch(place("/a"), 3) as stream:
            stream.write(b"abc")
        assert place.read("/a") == b"012abc6789"
        with place.files.patch(place("/new"), 2) as stream:
            stream.write(b"x")
        assert place.read("/new") == b"\x00\x00x"

    def test_an_incoming_file_may_go_into_another(self, place: Place) -> None:
        place.write("/a", b"0123456789")
        with place.files.incoming(place()) as incoming:
            incoming.stream.write(b"abc")
            incoming.overlay(place("/a"), 3)
        assert place.read("/a") == b"012abc6789"
        assert (place.names(), place.unfinished()) == (["a"], [])

    def test_large_files(self, place: Place) -> None:
        """Larger than anything that is held in memory on the way, read and written in odd pieces."""
        content = b"".join(number.to_bytes(4, "big") for number in range(2_500_003))
        with place.files.writer(place("/large")) as stream:
            position = 0
            for size in (1, 65_536, 777, 3_000_000, 65_537, 7_000_000):
                stream.write(content[position : position + size])
                position += size
                assert stream.tell() == min(position, len(content))
        assert (place.real / "large").read_bytes() == content
        with place.files.reader(place("/large")) as stream:
            assert stream.read(3) == content[:3]
            assert stream.read(5_000_000) == content[3:5_000_003]
            assert stream.seek(17) == 17
            assert stream.read(100) == content[17:117]
            assert stream.seek(-5, os.SEEK_END) == len(content) - 5
            assert stream.read() == content[-5:]
            assert stream.seek(4_999_999) == 4_999_999
            assert stream.read() == content[4_999_999:]
            assert stream.read() == b""

    def test_an_open_file_stays_the_same_file(self, place: Place) -> None:
        old, new = b"old" * 3_000_000, b"new" * 3_000_000
        place.write("/a", old)
        with place.files.reader(place("/a")) as stream:
            first = stream.read(10)
            place.write("/a", new)
            assert first + stream.read() == old
        assert place.read("/a") == new

    def test_mkdir(self, place: Place) -> None:
        files = place.files
        files.mkdir(place("/a/b/c"))
        files.mkdir(place("/a/b/c"))
        files.mkdir(place())
        assert files.stat(place("/a/b/c")).mode == 0o755
        place.write("/file")
        with pytest.raises(FileExistsError):
            files.mkdir(place("/file"))
        with pytest.raises(NotADirectoryError):
            files.mkdir(place("/file/a"))

    def test_paths_longer_than_machines_take_are_not_there(self, place: Place) -> None:
        for path in ("/a" * 2049, "/\N{SNOWMAN}" * 1400, "/\ud800" * 2000, "/" + "x" * 256, "/nul\0"):
            assert not place.files.exists(place(path))
            with pytest.raises(FileNotFoundError):
                place.files.mkdir(place(path))
        assert place.names() == []

    def test_remove(self, place: Place, tmp_path: Path) -> None:
        (tmp_path / "kept").mkdir()
        (tmp_path / "kept" / "file").write_bytes(b"x")
        place.files.mkdir(place("/a/b"))
        place.write("/a/b/c")
        (place.real / "a" / "link").symlink_to(tmp_path / "kept")
        place.files.remove(place("/a"))
        assert place.names() == []
        (place.real / "link").symlink_to(tmp_path / "kept")
        place.files.remove(place("/link"))
        assert (tmp_path / "kept" / "file").exists()
        with pytest.raises(FileNotFoundError):
            place.files.remove(place("/a"))
        with pytest.raises(PermissionError):
            place.files.within(place()).remove(place())

    def test_rename(self, place: Place) -> None:
        files = place.files
        files.mkdir(place("/a"))
        files.mkdir(place("/b"))
        place.write("/a/x", b"1")
        files.rename(place("/a/x"), place("/b/y"))
        files.rename(place("/b"), place("/c"))
        assert place.read("/c/y") == b"1"
        with pytest.raises(FileNotFoundError):
            files.rename(place("/a/x"), place("/a/z"))
        with pytest.raises(FileNotFoundError):
            files.rename(place("/c/y"), place("/nowhere/z"))
        place.write("/z", b"2")
        files.rename(place("/c/y"), place("/z"))
        assert place.read("/z") == b"1"
        with pytest.raises(IsADirectoryError):
            files.rename(place("/z"), place("/a"))
        with pytest.raises(NotADirectoryError):
            files.rename(place("/a"), place("/z"))
        place.write("/c/full")
        with pytest.raises(OSError) as full:
            files.rename(place("/a"), place("/c"))
        assert full.value.errno in (errno.ENOTEMPTY, errno.EEXIST)
        files.rename(place("/c"), place("/a"))
        assert place.names() == ["a", "z"]

    def test_walk(self, place: Place) -> None:
        place.files.mkdir(place("/a/b/c"))
        place.write("/a/b/1")
        place.write("/a/z")
        place.write("/a/b/c/2")
        paths = [info.path for info in place.files.walk(place("/a"))]
        assert sorted(paths) == [place(path) for path in ("/a/b", "/a/b/1", "/a/b/c", "/a/b/c/2", "/a/z")]
        for path in paths:
            above = path.rpartition("/")[0]
            assert above == place("/a") or paths.index(above) < paths.index(path)
        assert [info.path for info in place.files.walk(place("/a/z"))] == [place("/a/z")]
        with pytest.raises(FileNotFoundError):
            list(place.files.walk(place("/nowhere")))

    def test_a_walk_over_circular_links_ends(self, place: Place) -> None:
        (place.real / "a" / "b").mkdir(parents=True)
        (place.real / "a" / "b" / "up").symlink_to("..")
        (place.real / "a" / "side").symlink_to("b")
        paths = sorted(info.path for info in place.files.walk(place("/a")))
        assert paths == [place(path) for path in ("/a/b", "/a/b/up", "/a/side", "/a/side/up")]

    def test_odd_names_are_just_names(self, place: Place) -> None:
        for name in ODD_NAMES:
            place.write(f"/{name}", os.fsencode(name))
        assert place.names() == sorted(ODD_NAMES)
        for name in ODD_NAMES:
            assert place.read(f"/{name}") == os.fsencode(name)
            place.files.mkdir(place(f"/dir/{name}"))
            place.files.rename(place(f"/{name}"), place(f"/dir/{name}/{name}"))
        assert sum(not info.is_dir for info in place.files.walk(place("/dir"))) == len(ODD_NAMES)
        for name in ODD_NAMES:
            place.files.remove(place(f"/dir/{name}"))
        assert place.names("/dir") == []

    def test_times_of_change(self, place: Place) -> None:
        place.write("/a")
        os.utime(place.real / "a", (0, 1_600_000_000))
        assert place.files.stat(place("/a")).last_modified == datetime.fromtimestamp(1_600_000_000, UTC)

    def test_two_writers_of_one_name_leave_one_whole_file(self, place: Place) -> None:
        contents = [bytes([65 + number]) * 3_000_000 for number in range(4)]
        together = threading.Barrier(len(contents))
        failed: list[BaseException] = []

        def one(content: bytes) -> None:
            try:
                with place.files.writer(place("/a")) as stream:
                    stream.write(content[:1000])
                    together.wait(timeout=60)
                    stream.write(content[1000:])
            except BaseException as error:  # noqa: BLE001
                failed.append(error)

        threads = [threading.Thread(target=one, args=[content]) for content in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert place.read("/a") in contents
        assert (place.names(), place.unfinished()) == (["a"], [])

    def test_what_cannot_be_reached_is_not_listed(self, place: Place) -> None:
        with odd_things(place.real):
            assert place.names() == ["file"]
            assert [info.name for info in place.files.listing(place())] == ["file"]
            assert [info.name for info in place.files.walk(place())] == ["file"]
            hidden = sorted(place.files.unreachable(place()))
            assert hidden == ["dangling", "loop", "pipe", "socket", "through"]
            for name in ("pipe", "socket", "dangling", "loop"):
                with pytest.raises(FileNotFoundError):
                    place.files.stat(place(f"/{name}"))
                with pytest.raises(FileNotFoundError):
                    place.files.reader(place(f"/{name}"))
            for name in ("pipe", "socket"):
                with pytest.raises(FileNotFoundError), place.files.patch(place(f"/{name}"), 0):
                    raise AssertionError("it was opened")
                with pytest.raises(FileNotFoundError):
                    place.write(f"/{name}")

    def test_links_inside_are_followed(self, place: Place) -> None:
        root = place.real
        (root / "a" / "b").mkdir(parents=True)
        (root / "a" / "b" / "file").write_bytes(b"x")
        (root / "relative").symlink_to("a/b")
        (root / "a" / "up").symlink_to("../a/b/../b/file")
        (root / "absolute").symlink_to(root / "a" / "b")  # as a job sees its directories
        for path in ("/relative/file", "/a/up", "/absolute/file"):
            assert place.read(path) == b"x"
        assert place.files.stat(place("/relative")).is_dir
        assert place.names() == ["a", "absolute", "relative"]
        place.write("/a/up", b"overwritten")
        assert (root / "a" / "b" / "file").read_bytes() == b"overwritten"
        assert (root / "a" / "up").is_symlink()

    def test_a_system_root_closes_the_rest_of_the_machine(self, place: Place) -> None:
        root = place.real
        (root / "other").mkdir()
        (root / "other" / "file").write_bytes(b"x")
        (root / "system" / "dir").mkdir(parents=True)
        (root / "system" / "out").symlink_to("../other")
        (root / "system" / "absolute").symlink_to(root / "other")
        (root / "system" / "in").symlink_to(root / "system" / "dir")
        (root / "system" / "dir" / "up").symlink_to("../dir")
        inside = place.files.within(place("/system"))
        assert place.files.exists(place("/system/out/file"))
        for path in ("/system/out/file", "/system/absolute/file", "/other/file", "/other", ""):
            assert not inside.exists(place(path))
        for path in ("/system/out/new", "/system/absolute/file", "/other/new", "/system/../other/new"):
            with pytest.raises(FileNotFoundError), inside.writer(place(path)):
                raise AssertionError("it was opened")
            with pytest.raises(FileNotFoundError):
                inside.mkdir(place(path))
            with pytest.raises(FileNotFoundError):
                inside.remove(place(path))
            with pytest.raises(FileNotFoundError):
                inside.rename(place("/system/dir"), place(path))
        assert sorted(inside.names(place("/system"))) == ["dir", "in"]
        assert sorted(inside.unreachable(place("/system"))) == ["absolute", "out"]
        assert inside.stat(place("/system/in")).is_dir
        assert inside.stat(place("/system/dir/up")).is_dir
        assert [path.name for path in (root / "other").iterdir()] == ["file"]
        with pytest.raises(PermissionError):
            inside.remove(place("/system"))

    def test_a_system_root_that_does_not_exist_yet(self, place: Place) -> None:
        inside = place.files.within(place("/new/root"))
        assert not inside.exists(place("/new/root"))
        inside.mkdir(place("/new/root/home"))
        assert inside.names(place("/new/root")) == ["home"]


@contextmanager
def odd_things(directory: Path) -> Iterator[None]:
    """One file, and beside it everything that is neither file nor directory."""
    (directory / "dangling").symlink_to("nowhere")
    (directory / "through").symlink_to("file/x")
    (directory / "loop").symlink_to("loop")
    os.mkfifo(directory / "pipe")
    (directory / "file").write_bytes(b"x")
    with socket.socket(socket.AF_UNIX) as unix:
        here = os.open(directory, os.O_RDONLY)  # a socket's path must be short
        try:
            unix.bind(f"/proc/self/fd/{here}/socket")
        finally:
            os.close(here)
        yield
