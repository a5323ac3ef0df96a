"""Bringing files from one place to another: the one implementation behind inputs, app assets and archives.

A transfer copies a file or a directory tree between two machines, in constant memory. Every file
appears whole or not at all; modes and empty directories are kept; what is in the way is overwritten,
what lies beside it is left alone. A symbolic link is copied as what it points to.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Protocol

from emulator.domain import paths
from emulator.domain.file import FileInfo
from emulator.domain.ports import HostFiles
from emulator.engine.bulk import FEWEST, SMALL, Batch, Ends, Small, copy_batch
from emulator.engine.passage import FREE, Passage
from emulator.engine.streams import CutShort, copy_stream
from emulator.engine.struck_files import source_of, target_of
from emulator.engine.tree import Entry, SourceTree

ATTEMPTS = 3
"""The first and up to two more, for each file [job-lifecycle §5]."""

RESUMABLE = 8 * 1024 * 1024
"""Bytes: a file that is smaller is begun again when a connection breaks."""

REMEMBERED = 1000
"""The most entries of a tree that are kept between measuring and copying."""

_SURE_TO_FAIL_AGAIN = (
    FileNotFoundError,
    PermissionError,
    NotADirectoryError,
    IsADirectoryError,
    FileExistsError,
)
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENAMETOOLONG})


@dataclass(frozen=True, slots=True)
class Location:
    """A place on a machine, and what clients call it. ``path`` is absolute on the machine."""

    files: HostFiles
    path: str
    uri: str


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is to copy."""

    files: int = 0
    bytes: int = 0


class TransferFailed(Exception):
    """A transfer that cannot be finished. ``cause`` is the last error, ``message`` names the file by its URI."""

    def __init__(self, message: str, cause: OSError | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause


class Watch(Protocol):
    """Who wants to know how a transfer goes on."""

    def begin(self, extent: Extent) -> None:
        """It has been measured, and starts."""

    def moved(self, count: int) -> None:
        """``count`` more bytes have arrived; negative when a file is begun again."""

    def checkpoint(self) -> None:
        """Called between files and between pieces of a file: raises what is to end the transfer."""

    def note(self, text: str) -> None:
        """Something was left out; the text says what and why."""

    def attempt_failed(self, attempt: int, cause: str) -> None:
        """A file could not be copied this time; it is tried again until ``ATTEMPTS``."""


class Unwatched:
    """Nobody waits for news of the transfer: a request is answered when it is done."""

    def begin(self, extent: Extent) -> None: ...

    def moved(self, count: int) -> None: ...

    def checkpoint(self) -> None: ...

    def note(self, text: str) -> None: ...

    def attempt_failed(self, attempt: int, cause: str) -> None: ...


class Transfer:
    """One copy of ``source`` (file or directory) to ``target`` (the copy's own path).

    ``exclude`` is asked with every path relative to the source (``lib/x.py``): what it says yes to is
    left out, with all below it. A directory of which nothing is left is not made, an empty one is.
    ``checksums``: the copy of every file is compared with it (SHA-256).
    With ``merge`` the target directory is somebody else's: its mode is not touched. ``each`` is told the
    relative path of every file that has arrived. ``passage`` is what scenarios do to files on their way.
    """

    def __init__(
        self,
        source: Location,
        target: Location,
        watch: Watch,
        exclude: Callable[[str], bool] = lambda _relative: False,
        merge: bool = False,
        each: Callable[[str], object] = lambda _relative: None,
        checksums: bool = False,
        passage: Passage = FREE,
    ) -> None:
        self._checksums = checksums
        self._passage = passage
        self._source = source
        self._target = target
        self._watch = watch
        self._exclude = exclude
        self._merge = merge
        self._each = each
        self._noted: set[str] = set()
        self._ready = ""
        self._ends = Ends(source.files, source.path, target.files, target.path)

    def run(self) -> Extent:
        """Copy all; the answer is what there was. May be repeated after being cut off at any point.

        Raises TransferFailed, and whatever the watch's checkpoint raises.
        """
        tree = self._tree()
        extent, entries = self._measure(tree)
        self._watch.begin(extent)
        self._passage.begin(extent.files)
        modes: list[tuple[str, int]] = []
        batch = Batch()
        for entry in self._in_order(lambda: entries or tree.entries()):
            self._watch.checkpoint()
            target = self._target_of(entry.relative)
            if entry.info.is_dir:
                self._note_unreachable(entry.relative, entry.info)
                if entry.empty or not entry.relative:
                    self._guarded(entry.relative, partial(self._target.files.mkdir, target))
                if entry.relative or not self._merge:
                    modes.append((entry.relative, entry.info.mode))
            elif self._together(entry):
                batch.add(entry.relative, entry.info)
                if batch.full:
                    self._copy_together(batch.take())
            else:
                self._copy_with_retries(entry.relative, entry.info, target)
                self._each(entry.relative)
        self._copy_together(batch.take())
        self._set_modes(modes)
        return extent

    def _together(self, entry: Entry) -> bool:
        """Whether a file goes with others: where each is to be compared, each goes by itself."""
        small = bool(entry.relative) and entry.info.length <= SMALL
        return small and self._ends.distant and not self._checksums and self._passage.clear

    def _in_order(self, entries: Callable[[], Iterable[Entry]]) -> Iterable[Entry]:
        """Parents before children, by name, as they are; behind them the files that are to come last."""
        if self._passage.clear:
            return entries()
        late = self._passage.late
        last = (one for one in entries() if not one.info.is_dir and late(one.relative))
        return chain((one for one in entries() if one.info.is_dir or not late(one.relative)), last)

    def _copy_together(self, files: list[Small]) -> None:
        """Small files of distant machines; what a stream does not bring is copied one by one, with its error."""
        waiting = {file.relative: file for file in files}

        def arrived(file: Small) -> None:
            del waiting[file.relative]
            self._watch.moved(file.info.length)
            self._watch.checkpoint()
            self._each(file.relative)

        if len(files) >= FEWEST:
            try:
                self._target.files.mkdir(self._target.path)
                copy_batch(self._ends, files, arrived)
            except OSError as error:
                self._watch.attempt_failed(1, f"{self._source.uri}: {cause_of(error)}")
        for file in list(waiting.values()):
            self._copy_with_retries(file.relative, file.info, self._target_of(file.relative))
            self._each(file.relative)

    def _tree(self) -> SourceTree:
        """Raises TransferFailed when there is no source, or when it would be copied into itself."""
        root = self._stat_source()
        real, growing = _real_place(self._source), _real_place(self._target)
        if root.is_dir and self._lies_within(growing, real):
            raise TransferFailed(
                f"{self._target.uri} lies inside {self._source.uri}, which was to be copied there."
            )
        return SourceTree(root, real, growing, self._exclude, self._children, self._note)

    def _stat_source(self) -> FileInfo:
        try:
            return self._source.files.stat(self._source.path)
        except FileNotFoundError as error:
            raise TransferFailed(f"{self._source.uri} does not exist.", error) from error
        except OSError as error:
            raise TransferFailed(f"{self._source.uri}: {cause_of(error)}", error) from error

    def _lies_within(self, growing: Path | None, real: Path | None) -> bool:
        """Whether the target is the source or below it, as far as that can be known."""
        if growing is not None and real is not None:
            return growing.is_relative_to(real)
        same_machine = self._source.files is self._target.files
        return same_machine and paths.is_below(self._target.path, self._source.path)

    def _measure(self, tree: SourceTree) -> tuple[Extent, list[Entry] | None]:
        """How much there is; small trees are remembered, so that they need not be walked again."""
        files = size = 0
        kept: list[Entry] | None = []
        for entry in tree.entries():
            if not entry.info.is_dir:
                files += 1
                size += entry.info.length
            if kept is not None:
                kept.append(entry)
                kept = kept if len(kept) <= REMEMBERED else None
        return Extent(files, size), kept

    def _children(self, relative: str, info: FileInfo) -> list[FileInfo]:
        try:
            return self._source.files.listing(info.path)
        except OSError as error:
            raise TransferFailed(f"{self._source_uri(relative)}: {cause_of(error)}", error) from error

    def _copy_with_retries(self, relative: str, info: FileInfo, target: str) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            moved = 0
            way = self._passage.way(info.path, target, relative)
            source = source_of(self._source.files, way)
            try:
                self._make_parent(target)
                mark = self._mark_of(info, target)
                with target_of(self._target.files, way).writer(target, info.mode & 0o777, mark) as outgoing:
                    moved = outgoing.tell()
                    self._watch.moved(moved)
                    with source.reader(info.path, moved) as incoming:
                        for count in copy_stream(incoming, outgoing):
                            moved += count
                            self._watch.moved(count)
                            self._watch.checkpoint()
                    check_size(source, info, moved)
                self._compare(info.path, target)
                return
            except OSError as error:
                self._watch.moved(-moved)
                text = f"{self._source_uri(relative)}: {cause_of(error)}"
                self._watch.attempt_failed(attempt, text)
                if attempt == ATTEMPTS or permanent(error):
                    raise TransferFailed(text, error) from error

    def _mark_of(self, info: FileInfo, target: str) -> str:
        """What large files between machines are told by when a connection has broken in the middle of them."""
        if info.length < RESUMABLE:
            return ""
        if self._source.files.local_path(info.path) and self._target.files.local_path(target):
            return ""
        return f"{self._source.uri} {info.path} {info.length} {info.last_modified.isoformat()}"

    def _compare(self, source: str, target: str) -> None:
        """Raises OSError when the copy is another file, where that was asked for."""
        if self._checksums and self._source.files.sha256(source) != self._target.files.sha256(target):
            raise OSError(errno.EIO, "the copy has another checksum")

    def _make_parent(self, target: str) -> None:
        parent = paths.parent(target)
        if parent != self._ready:  # files come directory by directory: asking once for each is enough
            self._target.files.mkdir(parent)
            self._ready = parent

    def _set_modes(self, modes: list[tuple[str, int]]) -> None:
        """Last, and deepest first: a directory that forbids writing must be filled by now."""
        for relative, mode in reversed(modes):
            path = self._target_of(relative)
            if self._target.files.exists(path):
                self._guarded(relative, partial(self._target.files.chmod, path, mode & 0o777))

    def _guarded(self, relative: str, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            where = f"{self._target.uri}: {relative}" if relative else self._target.uri
            raise TransferFailed(f"{where}: {cause_of(error)}", error) from error

    def _note_unreachable(self, relative: str, info: FileInfo) -> None:
        try:
            names = self._source.files.unreachable(info.path)
        except OSError as error:
            raise TransferFailed(f"{self._source_uri(relative)}: {cause_of(error)}", error) from error
        for name in sorted(names):
            self._note(
                f"{relative}/{name}" if relative else name,
                "is no file or directory, or a link that leads to none here",
            )

    def _note(self, relative: str, why: str) -> None:
        if relative not in self._noted:  # a large tree is walked twice
            self._noted.add(relative)
            self._watch.note(f"{self._source_uri(relative)} was left out: it {why}.")

    def _source_uri(self, relative: str) -> str:
        return f"{self._source.uri.rstrip('/')}/{relative}" if relative else self._source.uri

    def _target_of(self, relative: str) -> str:
        return paths.join(self._target.path, relative) if relative else self._target.path


def _real_place(location: Location) -> Path | None:
    """Where a place really lies on this machine, if it does; it need not exist."""
    local = location.files.local_path(location.path)
    return None if local is None else local.resolve()


def check_size(source: HostFiles, info: FileInfo, moved: int) -> None:
    """A stream that ended early looks like the end of the file. Raises CutShort."""
    if moved < info.length and (now := source.stat(info.path).length) > moved:
        raise CutShort(moved, now)


def permanent(error: OSError) -> bool:
    """Whether trying again at once is bound to fail the same way."""
    return isinstance(error, _SURE_TO_FAIL_AGAIN) or error.errno in _NO_ROOM


def cause_of(error: OSError) -> str:
    """An error in words, without the path on this machine that it carries."""
    return error.strerror or str(error) or type(error).__name__
