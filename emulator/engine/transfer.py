"""Bringing files from one place to another: the one implementation behind inputs, app assets and archives.

A transfer copies a file or a directory tree between two machines, in constant memory. Every file
appears whole or not at all; modes and empty directories are kept; what is in the way is overwritten,
what lies beside it is left alone. A symbolic link is copied as what it points to.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from emulator.domain import paths
from emulator.domain.file import FileInfo
from emulator.domain.ports import HostFiles
from emulator.engine.streams import copy_stream

ATTEMPTS = 3
"""The first and up to two more, for each file [job-lifecycle §5]."""

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


class Transfer:
    """One copy of ``source`` (file or directory) to ``target`` (the copy's own path).

    ``exclude`` is asked with every path relative to the source (``lib/x.py``): what it says yes to is
    left out, with all below it. A directory of which nothing is left is not made, an empty one is.
    With ``merge`` the target directory is somebody else's: its mode is not touched. ``each`` is told the
    relative path of every file that has arrived.
    """

    def __init__(
        self,
        source: Location,
        target: Location,
        watch: Watch,
        exclude: Callable[[str], bool] = lambda _relative: False,
        merge: bool = False,
        each: Callable[[str], object] = lambda _relative: None,
    ) -> None:
        self._source = source
        self._target = target
        self._watch = watch
        self._exclude = exclude
        self._merge = merge
        self._each = each
        self._noted: set[str] = set()
        self._ready = ""
        self._growing: Path | None = None
        self._around = False

    def run(self) -> Extent:
        """Copy all; the answer is what there was. May be repeated after being cut off at any point.

        Raises TransferFailed, and whatever the watch's checkpoint raises.
        """
        root = self._stat_source()
        self._refuse_nesting(root)
        growing = self._target.files.local_path(self._target.path)
        self._growing = None if growing is None else growing.resolve()
        self._around = lies_within(self._source, self._target)
        extent = self._measure(root)
        self._watch.begin(extent)
        modes: list[tuple[str, int]] = []
        for relative, info, empty in self._entries(root):
            self._watch.checkpoint()
            target = self._target_of(relative)
            if info.is_dir:
                self._note_unreachable(relative, info)
                if empty or not relative:
                    self._guarded(relative, lambda path=target: self._target.files.mkdir(path))  # type: ignore[misc]
                if relative or not self._merge:
                    modes.append((target, info.mode))
            else:
                self._copy_with_retries(relative, info, target)
                self._each(relative)
        self._set_modes(modes)
        return extent

    def _stat_source(self) -> FileInfo:
        try:
            return self._source.files.stat(self._source.path)
        except FileNotFoundError as error:
            raise TransferFailed(f"{self._source.uri} does not exist.", error) from error
        except OSError as error:
            raise TransferFailed(f"{self._source.uri}: {cause_of(error)}", error) from error

    def _refuse_nesting(self, root: FileInfo) -> None:
        """A directory copied into itself would never end."""
        if root.is_dir and lies_within(self._target, self._source):
            raise TransferFailed(
                f"{self._target.uri} lies inside {self._source.uri}, which was to be copied there."
            )

    def _is_growing(self, real: Path) -> bool:
        """A directory reached by a link that holds what has been copied would never end either."""
        if self._growing is None:
            return False
        # of a target around the source only the top is not to be read: the source lies further down
        return real == self._growing or (real.is_relative_to(self._growing) and not self._around)

    def _measure(self, root: FileInfo) -> Extent:
        files = size = 0
        for _relative, info, _empty in self._entries(root):
            if not info.is_dir:
                files += 1
                size += info.length
        return Extent(files, size)

    def _entries(self, root: FileInfo) -> Iterator[tuple[str, FileInfo, bool]]:
        """(relative path, entry, whether it is an empty directory), parents before children."""
        pending: list[tuple[str, FileInfo, frozenset[Path]]] = [("", root, frozenset())]
        while pending:
            relative, info, above = pending.pop()
            if not info.is_dir:
                yield relative, info, False
                continue
            real = self._source.files.local_path(info.path)
            real = None if real is None else real.resolve()
            if real is not None and real in above:
                self._note(relative, "is a link to a directory above it")
                continue
            if real is not None and relative and self._is_growing(real):
                self._note(relative, "is where this very copy is written to")
                continue
            children = self._children(relative, info)
            yield relative, info, not children
            inside = above if real is None else above | {real}
            for child in sorted(children, key=lambda child: child.name, reverse=True):
                name = f"{relative}/{child.name}" if relative else child.name
                if not self._exclude(name):
                    pending.append((name, child, inside))

    def _children(self, relative: str, info: FileInfo) -> list[FileInfo]:
        try:
            return self._source.files.listing(info.path)
        except OSError as error:
            raise TransferFailed(f"{self._source_uri(relative)}: {cause_of(error)}", error) from error

    def _copy_with_retries(self, relative: str, info: FileInfo, target: str) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            moved = 0
            try:
                self._make_parent(target)
                with (
                    self._source.files.reader(info.path) as incoming,
                    self._target.files.writer(target) as outgoing,
                ):
                    for count in copy_stream(incoming, outgoing):
                        moved += count
                        self._watch.moved(count)
                        self._watch.checkpoint()
                self._target.files.chmod(target, info.mode & 0o777)
                return
            except OSError as error:
                self._watch.moved(-moved)
                text = f"{self._source_uri(relative)}: {cause_of(error)}"
                self._watch.attempt_failed(attempt, text)
                if attempt == ATTEMPTS or permanent(error):
                    raise TransferFailed(text, error) from error

    def _make_parent(self, target: str) -> None:
        parent = paths.parent(target)
        if parent != self._ready:  # files come directory by directory: asking once for each is enough
            self._target.files.mkdir(parent)
            self._ready = parent

    def _set_modes(self, modes: list[tuple[str, int]]) -> None:
        """Last, and deepest first: a directory that forbids writing must be filled by now."""
        for path, mode in reversed(modes):
            if self._target.files.exists(path):
                self._guarded(path, lambda p=path, m=mode: self._target.files.chmod(p, m & 0o777))  # type: ignore[misc]

    def _guarded(self, relative: str, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            raise TransferFailed(f"{self._target.uri}: {relative}: {cause_of(error)}", error) from error

    def _note_unreachable(self, relative: str, info: FileInfo) -> None:
        names: list[str] = []
        self._guarded(relative, lambda: names.extend(self._source.files.unreachable(info.path)))
        for name in sorted(names):
            self._note(
                f"{relative}/{name}" if relative else name,
                "is no file or directory, or a link that leads to none here",
            )

    def _note(self, relative: str, why: str) -> None:
        if relative not in self._noted:  # measured and copied: met twice
            self._noted.add(relative)
            self._watch.note(f"{self._source_uri(relative)} was left out: it {why}.")

    def _source_uri(self, relative: str) -> str:
        return f"{self._source.uri.rstrip('/')}/{relative}" if relative else self._source.uri

    def _target_of(self, relative: str) -> str:
        return paths.join(self._target.path, relative) if relative else self._target.path


def lies_within(inner: Location, outer: Location) -> bool:
    """Whether ``inner`` is ``outer`` or below it, as far as that can be known."""
    inner_path, outer_path = inner.files.local_path(inner.path), outer.files.local_path(outer.path)
    if inner_path is not None and outer_path is not None:
        return inner_path.resolve().is_relative_to(outer_path.resolve())
    return inner.files is outer.files and paths.is_below(inner.path, outer.path)


def permanent(error: OSError) -> bool:
    """Whether trying again at once is bound to fail the same way."""
    return isinstance(error, _SURE_TO_FAIL_AGAIN) or error.errno in _NO_ROOM


def cause_of(error: OSError) -> str:
    """An error in words, without the path on this machine that it carries."""
    return error.strerror or str(error) or type(error).__name__
