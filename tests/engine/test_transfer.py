"""Transfers on real files: what arrives, what is left out, and how they end when something is wrong."""

from __future__ import annotations

import errno
import io
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.domain.ports import HostFiles
from emulator.engine import streams, transfer
from emulator.engine.streams import copy_stream
from emulator.engine.transfer import ATTEMPTS, Extent, Location, Transfer, TransferFailed
from emulator.hosts.sandbox import SandboxHosts
from tests.engine.doubles import InterposedFiles


class Record:
    """A watch that remembers."""

    def __init__(self) -> None:
        self.extent = Extent()
        self.bytes = 0
        self.notes: list[str] = []
        self.failures: list[tuple[int, str]] = []
        self.on_checkpoint: Callable[[], None] = lambda: None

    def begin(self, extent: Extent) -> None:
        self.extent = extent

    def moved(self, count: int) -> None:
        self.bytes += count

    def checkpoint(self) -> None:
        self.on_checkpoint()

    def note(self, text: str) -> None:
        self.notes.append(text)

    def attempt_failed(self, attempt: int, cause: str) -> None:
        self.failures.append((attempt, cause))


class Two:
    """Two machines: from /source on one to /target on the other."""

    def __init__(self, directory: Path) -> None:
        self.hosts = SandboxHosts(directory / "hosts")
        self.source = self.hosts.host("w", "one").directory / "source"
        self.target = self.hosts.host("w", "two").directory / "target"
        self.source.mkdir()
        self.watch = Record()

    def end(self, host: str, path: str) -> Location:
        return Location(self.hosts.host("w", host).files, path, f"agave://{host}{path}")

    def copy(
        self,
        before: Callable[[str, str], None] = lambda _operation, _path: None,
        exclude: Callable[[str], bool] = lambda _relative: False,
        merge: bool = False,
        each: Callable[[str], object] = lambda _relative: None,
        checksums: bool = False,
    ) -> Extent:
        ends = [self.end("one", "/source"), self.end("two", "/target")]
        source, target = (Location(interposed(end.files, before), end.path, end.uri) for end in ends)
        return Transfer(
            source, target, self.watch, exclude=exclude, merge=merge, each=each, checksums=checksums
        ).run()

    def arrived(self) -> dict[str, bytes | None]:
        """Relative path to content; None for directories."""
        return tree(self.target)


def interposed(files: HostFiles, before: Callable[[str, str], None]) -> HostFiles:
    return InterposedFiles(files, before)


def tree(top: Path) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for directory, names, files in os.walk(top):
        for name in names:
            found[os.path.relpath(os.path.join(directory, name), top)] = None  # noqa: PTH118
        for name in files:
            path = Path(directory, name)
            found[os.path.relpath(path, top)] = path.read_bytes()
    return found


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


NAME = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=20
).filter(
    lambda name: name not in (".", "..") and not name.startswith(".tapis-tmp-") and len(name.encode()) < 200
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(
        st.lists(NAME, min_size=1, max_size=4).map(tuple), st.binary(max_size=3000), max_size=8
    ),
    directories=st.lists(st.lists(NAME, min_size=1, max_size=3).map(tuple), max_size=4),
)
def test_any_tree_arrives_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    files: dict[tuple[str, ...], bytes],
    directories: list[tuple[str, ...]],
) -> None:
    two = Two(tmp_path_factory.mktemp("tree"))
    for place in directories:
        make(two.source.joinpath(*place), None)
    for place, content in files.items():
        make(two.source.joinpath(*place), content)
    extent = two.copy()
    assert two.arrived() == tree(two.source)
    contents = [content for content in tree(two.source).values() if content is not None]
    assert extent == two.watch.extent == Extent(len(contents), sum(map(len, contents)))
    assert two.watch.bytes == extent.bytes and two.watch.notes == []


def make(path: Path, content: bytes | None) -> None:
    """Names drawn at random may meet: a file where a directory is wanted stays."""
    try:
        (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
        if content is not None and not path.is_dir():
            path.write_bytes(content)
    except (FileExistsError, NotADirectoryError):
        return


@pytest.mark.parametrize(
    "name", ["a b.txt", "größe 猫.txt", "line\nend.txt", "-rf", "back\\slash", "%2e%2e", " "]
)
def test_awkward_names(two: Two, name: str) -> None:
    (two.source / name).write_text(name, encoding="utf-8")
    two.copy()
    assert two.arrived() == {name: name.encode()}


def test_names_that_are_no_unicode(two: Two) -> None:
    (two.source / os.fsdecode(b"caf\xe9")).write_bytes(b"x")
    two.copy()
    assert [os.fsencode(path.name) for path in two.target.iterdir()] == [b"caf\xe9"]


def test_modes_are_kept(two: Two) -> None:
    for name, mode in (("run.sh", 0o755), ("secret", 0o600), ("group", 0o664), ("sub/locked", 0o444)):
        path = two.source / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name, encoding="utf-8")
        path.chmod(mode)
    (two.source / "sub").chmod(0o555)
    two.source.chmod(0o750)
    two.copy()
    modes = {path.name: path.stat().st_mode & 0o777 for path in two.target.rglob("*")}
    assert modes == {"run.sh": 0o755, "secret": 0o600, "group": 0o664, "sub": 0o555, "locked": 0o444}
    assert two.target.stat().st_mode & 0o777 == 0o750


def test_one_file_goes_to_its_own_name(two: Two) -> None:
    two.source.rmdir()
    two.source.write_bytes(b"alone")
    assert two.copy() == Extent(1, 5)
    assert two.target.read_bytes() == b"alone"


def test_what_is_there_is_overwritten_and_what_lies_beside_it_stays(two: Two) -> None:
    make(two.source / "a/file", b"new")
    make(two.target / "a/file", b"old and longer")
    make(two.target / "a/other", b"mine")
    make(two.target / "beside", b"mine too")
    two.target.chmod(0o700)
    two.copy(merge=True)
    assert two.arrived() == {"a": None, "a/file": b"new", "a/other": b"mine", "beside": b"mine too"}
    assert two.target.stat().st_mode & 0o777 == 0o700


def test_what_is_excluded_goes_with_all_below_it(two: Two) -> None:
    for name in ("keep/a", "keep/skip", "skip/deep/b", "only/skip"):
        make(two.source / name, b"x")
    make(two.source / "hollow", None)
    copied: list[str] = []
    extent = two.copy(exclude=lambda relative: relative.split("/")[-1] == "skip", each=copied.append)
    assert two.arrived() == {"keep": None, "keep/a": b"x", "hollow": None}
    assert extent == Extent(1, 1) and copied == ["keep/a"]


def test_a_repeated_transfer_gives_the_same(two: Two) -> None:
    make(two.source / "a/b", b"1")
    make(two.source / "c", b"2")
    (two.source / "a").chmod(0o500)
    assert two.copy() == two.copy()
    assert two.arrived() == {"a": None, "a/b": b"1", "c": b"2"}


def test_links_inside_become_what_they_point_to(two: Two) -> None:
    make(two.source / "real/file", b"content")
    (two.source / "file-link").symlink_to("real/file")
    (two.source / "directory-link").symlink_to("real")
    (two.source / "absolute").symlink_to(two.source / "real/file")
    two.copy()
    assert two.arrived() == {
        "real": None,
        "real/file": b"content",
        "file-link": b"content",
        "directory-link": None,
        "directory-link/file": b"content",
        "absolute": b"content",
    }
    assert not any(path.is_symlink() for path in two.target.rglob("*"))


def test_links_in_a_circle_end(two: Two) -> None:
    make(two.source / "a/b/file", b"x")
    (two.source / "a/b/up").symlink_to("../..")
    two.copy()
    assert two.arrived() == {"a": None, "a/b": None, "a/b/file": b"x"}
    assert two.watch.notes == [
        "agave://one/source/a/b/up was left out: it is a link to a directory above it."
    ]


@pytest.mark.parametrize("remembered", [0, 1000])
def test_a_copy_does_not_copy_itself_by_way_of_a_link(
    two: Two, remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job's link to its home, where its archive lies, on the machine that it ran on."""
    monkeypatch.setattr(transfer, "REMEMBERED", remembered)
    home = two.source.parent / "home"
    make(two.source / "file", b"x")
    make(home / "data", b"y")
    make(home / "archive/old/file", b"z")
    (two.source / "home").symlink_to(home)
    target = two.end("one", "/home/archive/new")
    Transfer(two.end("one", "/source"), target, two.watch, merge=True).run()
    whole = {"file": b"x", "home": None, "home/data": b"y", "home/archive": None}
    whole |= {"home/archive/old": None, "home/archive/old/file": b"z"}
    assert tree(home / "archive/new") == whole
    noted = "agave://one/source/home/archive/new was left out: it is where this very copy is written to."
    assert two.watch.notes == ([] if remembered else [noted])  # a remembered tree cannot grow


def test_a_copy_into_a_directory_around_its_source_is_whole(two: Two) -> None:
    make(two.source / "a/b/file", b"x")
    (two.source / "a/up").symlink_to(two.source.parent)
    Transfer(two.end("one", "/source"), two.end("one", "/"), two.watch, merge=True).run()
    assert tree(two.source.parent / "a") == {"b": None, "b/file": b"x"}
    assert [note.partition(" was left out")[0] for note in two.watch.notes] == ["agave://one/source/a/up"]


def test_what_cannot_be_copied_is_left_out_and_said(two: Two, tmp_path: Path) -> None:
    make(two.source / "file", b"x")
    outside = tmp_path / "secret"
    outside.write_text("not yours", encoding="utf-8")
    (two.source / "broken").symlink_to("nowhere")
    (two.source / "outside").symlink_to(outside)
    os.mkfifo(two.source / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(two.source)  # the name of a socket must be short
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        two.copy()
    assert two.arrived() == {"file": b"x"}
    assert sorted(two.watch.notes) == [
        f"agave://one/source/{name} was left out: it is no file or directory, or a link that leads to none here."
        for name in ("broken", "outside", "pipe", "socket")
    ]


def test_a_directory_is_not_copied_into_itself(two: Two) -> None:
    make(two.source / "file", b"x")
    source = two.end("one", "/source")
    for inside in ("/source", "/source/copy", "/source/a/b"):
        with pytest.raises(TransferFailed, match="lies inside agave://one/source"):
            Transfer(source, two.end("one", inside), two.watch).run()
    link = two.source.parent / "alias"
    link.symlink_to("source")
    with pytest.raises(TransferFailed, match="lies inside"):
        Transfer(source, two.end("one", "/alias/copy"), two.watch).run()
    assert tree(two.source) == {"file": b"x"}
    Transfer(source, two.end("one", "/source-2"), two.watch).run()


def test_a_missing_source(two: Two) -> None:
    two.source.rmdir()
    with pytest.raises(TransferFailed, match=r"^agave://one/source does not exist\.$"):
        two.copy()
    assert not two.target.exists()


def test_a_file_that_vanishes_on_the_way(two: Two) -> None:
    for name in ("a", "b", "c"):
        make(two.source / name, b"x")

    def before(operation: str, path: str) -> None:
        if operation == "reader" and path == "/source/a":
            (two.source / "b").unlink()

    with pytest.raises(TransferFailed) as failed:
        two.copy(before)
    assert failed.value.message == "agave://one/source/b: No such file or directory"
    assert two.arrived() == {"a": b"x"} and two.watch.failures == [(1, failed.value.message)]


def test_a_directory_that_vanishes_on_the_way(two: Two) -> None:
    make(two.source / "a", b"x")
    make(two.source / "b/c", b"x")

    def before(operation: str, path: str) -> None:
        if operation == "reader" and path == "/source/a":
            (two.source / "b/c").unlink()
            (two.source / "b").rmdir()

    with pytest.raises(TransferFailed, match="agave://one/source/b: No such file or directory"):
        two.copy(before)


@pytest.mark.parametrize("failing", [1, ATTEMPTS - 1])
def test_errors_that_pass_are_tried_again(two: Two, failing: int) -> None:
    make(two.source / "a", b"12345")
    errors = [OSError(errno.EIO, "Input/output error")] * failing

    def before(operation: str, _path: str) -> None:
        if operation == "writer" and errors:
            raise errors.pop()

    two.copy(before)
    assert two.arrived() == {"a": b"12345"} and two.watch.bytes == 5
    cause = "agave://one/source/a: Input/output error"
    assert two.watch.failures == [(number + 1, cause) for number in range(failing)]


def test_errors_that_do_not_pass_end_it(two: Two) -> None:
    make(two.source / "a", b"x")

    def before(operation: str, _path: str) -> None:
        if operation == "writer":
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(TransferFailed, match="Input/output error"):
        two.copy(before)
    assert [attempt for attempt, _cause in two.watch.failures] == [1, 2, 3]


def test_an_error_in_the_middle_of_a_file_begins_it_again(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(3 * 1024 * 1024)
    make(two.source / "a", content)
    make(two.target / "a", b"as it was")
    monkeypatch.setattr(streams, "PIECE", 1024 * 1024)
    seen: list[bytes] = []

    def fail_once() -> None:
        if two.watch.bytes and not seen:
            seen.append((two.target / "a").read_bytes())
            raise OSError(errno.EIO, "Input/output error")

    two.watch.on_checkpoint = fail_once
    two.copy()
    assert seen == [b"as it was"]
    assert two.arrived() == {"a": content} and two.watch.bytes == len(content)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        PermissionError(errno.EACCES, "Permission denied"),
    ],
)
def test_a_full_disk_is_not_tried_again(two: Two, error: OSError) -> None:
    make(two.source / "a", b"x")

    def before(operation: str, _path: str) -> None:
        if operation == "writer":
            raise error

    with pytest.raises(TransferFailed) as failed:
        two.copy(before)
    assert failed.value.cause is error and len(two.watch.failures) == 1
    assert str(error.strerror) in failed.value.message and str(two.target) not in failed.value.message


@pytest.mark.parametrize(("mode_of", "named"), [("", ""), ("sub", ": sub")])
def test_a_directory_whose_mode_cannot_be_kept_is_named_as_clients_know_it(
    two: Two, mode_of: str, named: str
) -> None:
    (two.source / "sub").mkdir()

    def refuse(operation: str, path: str) -> None:
        if operation == "chmod" and path == f"/target/{mode_of}".rstrip("/"):
            raise OSError(errno.ETIMEDOUT, "host: Connection timed out")

    with pytest.raises(TransferFailed) as failed:
        two.copy(before=refuse)
    assert failed.value.message == f"agave://two/target{named}: host: Connection timed out"


def test_a_real_full_disk(two: Two) -> None:
    """``/dev/full`` is a disk without room, in the kernel's own words."""
    make(two.source / "a", b"x" * 100)
    full = io.FileIO("/dev/full", "wb")
    with (two.source / "a").open("rb") as incoming, pytest.raises(OSError, match="No space left") as failed:
        list(copy_stream(incoming, full))
    assert failed.value.errno == errno.ENOSPC


def test_a_file_in_the_way_of_a_directory(two: Two) -> None:
    make(two.source / "a/b", b"x")
    make(two.target / "a", b"a file")
    with pytest.raises(TransferFailed):
        two.copy()
    assert two.arrived() == {"a": b"a file"}


def test_a_directory_in_the_way_of_a_file(two: Two) -> None:
    make(two.source / "a", b"x")
    make(two.target / "a/b", b"y")
    with pytest.raises(TransferFailed, match="Is a directory"):
        two.copy()
    assert two.arrived() == {"a": None, "a/b": b"y"}


class Stop(Exception):
    pass


@pytest.mark.parametrize("at", range(1, 8))
def test_stopped_at_any_point_nothing_is_half_there(
    two: Two, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PIECE", 1024)
    contents = {name: os.urandom(2500) for name in ("a", "b")}
    for name, content in contents.items():
        make(two.source / name, content)
    left = [at]

    def stop() -> None:
        left[0] -= 1
        if not left[0]:
            raise Stop

    two.watch.on_checkpoint = stop
    with pytest.raises(Stop):
        two.copy()
    assert two.arrived().items() <= contents.items()
    two.watch.on_checkpoint = lambda: None
    two.copy()
    assert two.arrived() == contents


class Limited(io.RawIOBase):
    """A stream that is no file: what a remote host would give."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._content.readinto(memoryview(buffer)[:70_000])


@pytest.mark.parametrize("size", [0, 1, 69_999, 70_000, 3_000_000])
@pytest.mark.parametrize("how", ["file", "stream", "no copy_file_range", "no kernel"])
def test_streams_of_every_kind(tmp_path: Path, size: int, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(size)
    (tmp_path / "in").write_bytes(content)
    if how.startswith("no"):
        monkeypatch.delattr(os, "copy_file_range")
    if how == "no kernel":
        monkeypatch.delattr(os, "sendfile")
    incoming: BinaryIO = Limited(content) if how == "stream" else (tmp_path / "in").open("rb")  # type: ignore[assignment]
    with incoming, (tmp_path / "out").open("wb") as outgoing:
        assert sum(copy_stream(incoming, outgoing)) == size
    assert (tmp_path / "out").read_bytes() == content


def test_files_that_the_kernel_makes_up_are_read(tmp_path: Path) -> None:
    """copy_file_range says such files are empty."""
    with open("/proc/self/status", "rb") as incoming, (tmp_path / "out").open("wb") as outgoing:  # noqa: PTH123
        moved = sum(copy_stream(incoming, outgoing))
    assert moved == (tmp_path / "out").stat().st_size > 0


@pytest.mark.parametrize("remembered", [0, 2])
def test_trees_too_large_to_be_remembered(two: Two, remembered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "REMEMBERED", remembered)
    for name in ("a/one", "a/two", "b/three", "four"):
        make(two.source / name, name.encode())
    make(two.source / "hollow", None)
    assert two.copy() == Extent(4, 21)
    assert two.arrived() == tree(two.source) and two.watch.bytes == 21


def test_a_deep_tree(two: Two) -> None:
    deep = two.source
    for _ in range(400):
        deep = deep / "d"
        deep.mkdir()
    (deep / "file").write_bytes(b"x")
    two.copy()
    assert [content for content in two.arrived().values() if content] == [b"x"]


@pytest.mark.parametrize(("spoilt", "arrives"), [(1, True), (2, True), (3, False)])
def test_a_copy_with_another_checksum_is_made_again(two: Two, spoilt: int, arrives: bool) -> None:
    """As when a machine between the two has turned a byte: the sizes are the same."""
    (two.source / "f").write_bytes(b"content")
    looks = 0

    def before(operation: str, path: str) -> None:
        nonlocal looks
        if operation == "sha256" and path == "/target/f":
            looks += 1
            if looks <= spoilt:
                (two.target / "f").write_bytes(b"c0ntent")

    if arrives:
        two.copy(before, checksums=True)
        assert (two.target / "f").read_bytes() == b"content"
    else:
        with pytest.raises(TransferFailed, match="f: the copy has another checksum"):
            two.copy(before, checksums=True)
    assert len(two.watch.failures) == spoilt
