"""What happens to one file of a transfer on its way: the machines' files as they are, but for that.

An action becomes an error, or bytes, where the machine itself would have given them: all that follows (attempts,
sizes that are compared, words) is that of any transfer.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, cast

from emulator.domain.fault import Action
from emulator.domain.file import FileInfo
from emulator.domain.ports import HostFiles, Incoming
from emulator.engine.streams import CHUNK, CutShort
from emulator.engine.struck_streams import Failing, Flipped, Passing, Short, Slow

Pace = Callable[[int, float], None]
"""Waits until so many bytes may have passed at so many bytes a second."""
Change = Callable[[BinaryIO, int], Passing]
"""From an open file, and the place where it stands in it."""
Refusal = Callable[[], OSError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How one file comes through.

    ``passing`` is what happens to its bytes, where they are read, or where there is nobody to read them (an
    upload); ``writing`` what happens only where they are written. ``unread`` and ``unwritten`` are what a machine
    says instead of opening it. ``kept`` is how much of it comes, by its length, and ``silently``: nobody is told
    that there was more.
    """

    passing: Change | None = None
    writing: Change | None = None
    unread: Refusal | None = None
    unwritten: Refusal | None = None
    kept: Callable[[int], int] | None = None
    silently: bool = False


CLEAR = Way()


def way_of(action: Action, pace: Pace) -> Way:
    """What an action of the catalog (scenario/catalog/files.py) does; CLEAR for one that only waits."""
    make = _WAYS.get(action.kind)
    return CLEAR if make is None else make(action.args, pace)


def error(number: int, text: str = "") -> Refusal:
    """Makes errors as the operating system words them."""
    return lambda: OSError(number, text or os.strerror(number))


def _broken(number: int) -> Callable[[Mapping[str, Any], Pace], Way]:
    """An error after so many bytes; after none the file is not even opened."""

    def make(args: Mapping[str, Any], _pace: Pace) -> Way:
        after, refusal = args["after"], error(number)
        if not after:
            return Way(unread=refusal)
        return Way(passing=lambda stream, _at: Failing(stream, after, refusal))

    return make


def _disk_full(args: Mapping[str, Any], _pace: Pace) -> Way:
    full = error(errno.ENOSPC)
    return Way(writing=lambda stream, _at: Failing(stream, args["after"], full))


def _vanish(_args: Mapping[str, Any], _pace: Pace) -> Way:
    return Way(unread=error(errno.ENOENT))


def _deny(args: Mapping[str, Any], _pace: Pace) -> Way:
    refusal = error(errno.EACCES)
    return Way(unwritten=refusal) if args["side"] == "write" else Way(unread=refusal)


def _truncate(args: Mapping[str, Any], _pace: Pace) -> Way:
    share = args["share"]
    return Way(kept=lambda length: min(int(length * share), max(0, length - 1)), silently=args["silently"])


def _corrupt(args: Mapping[str, Any], _pace: Pace) -> Way:
    return Way(passing=lambda stream, at: Flipped(stream, at, args["at"], args["bytes"]))


def _slow(args: Mapping[str, Any], pace: Pace) -> Way:
    rate = args["rate"]
    piece = max(1, min(CHUNK, int(rate)))
    return Way(passing=lambda stream, _at: Slow(stream, lambda passed: pace(passed, rate), piece))


_WAYS: dict[str, Callable[[Mapping[str, Any], Pace], Way]] = {
    "read-error": _broken(errno.EIO),
    "disk-full": _disk_full,
    "vanish": _vanish,
    "truncate": _truncate,
    "corrupt": _corrupt,
    "deny": _deny,
    "slow": _slow,
    "drop": _broken(errno.ECONNRESET),
}


class _Around:
    """A machine's files, where a subclass does not say otherwise."""

    def __init__(self, files: HostFiles, way: Way) -> None:
        self._files = files
        self._way = way

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)


class _Source(_Around):
    def stat(self, path: str) -> FileInfo:
        info, way = self._files.stat(path), self._way
        return replace(info, length=way.kept(info.length)) if way.kept and way.silently else info

    def reader(self, path: str, offset: int = 0) -> BinaryIO:
        way = self._way
        if way.unread is not None:
            raise way.unread()
        stream = self._files.reader(path, offset)
        if way.kept is not None:
            stream = Short(stream, offset, way.kept(self._files.stat(path).length), way.silently).as_binary
        return stream if way.passing is None else way.passing(stream, offset).as_binary


class _Target(_Around):
    @contextmanager
    def writer(self, path: str, mode: int | None = None, resume: str = "") -> Iterator[BinaryIO]:
        if self._way.unwritten is not None:
            raise self._way.unwritten()
        with self._files.writer(path, mode, resume) as stream:
            yield stream if self._way.writing is None else self._way.writing(stream, stream.tell()).as_binary


class _Refusing(_Around):
    """Lets nothing be written, nor any directory be made."""

    @contextmanager
    def writer(self, path: str, mode: int | None = None, resume: str = "") -> Iterator[BinaryIO]:
        self.mkdir(path)
        yield from ()

    def mkdir(self, path: str) -> None:
        assert self._way.unwritten is not None
        raise self._way.unwritten()


def refusing(files: HostFiles, refusal: Refusal) -> HostFiles:
    """The files of a machine that nothing can be written to."""
    return cast(HostFiles, _Refusing(files, Way(unwritten=refusal)))


def source_of(files: HostFiles, way: Way) -> HostFiles:
    """The files of a machine that one is read from."""
    return files if way is CLEAR else cast(HostFiles, _Source(files, way))


def target_of(files: HostFiles, way: Way) -> HostFiles:
    """The files of a machine that one is written to."""
    return files if way is CLEAR else cast(HostFiles, _Target(files, way))


def written(stream: BinaryIO, way: Way) -> BinaryIO:
    """What a file is written to that is part of another one. Raises OSError."""
    if way.unwritten is not None:
        raise way.unwritten()
    return stream if way.writing is None else way.writing(stream, 0).as_binary


def fetched(stream: BinaryIO, way: Way, length: int | None) -> BinaryIO:
    """What a site outside sends; ``length`` is what it says of it. Raises OSError.

    Of what comes without a length nobody knows a part: truncated, it breaks off at once, or silently is empty.
    """
    if way.unread is not None:
        raise way.unread()
    if way.kept is not None:
        if length is None and not way.silently:
            raise error(errno.ECONNRESET)()
        stream = Short(stream, 0, way.kept(length or 0), way.silently).as_binary
    return stream if way.passing is None else way.passing(stream, 0).as_binary


class StruckIncoming:
    """See ports.Incoming: a file that somebody sends, so that all that happens to it happens here.

    ``put`` and ``overlay`` raise CutShort, and leave all as it was, where the machine has got less than was sent.
    """

    def __init__(self, incoming: Incoming, way: Way) -> None:
        """Raises what the machine says to such a file."""
        refusal = way.unwritten or way.unread
        if refusal is not None:
            raise refusal()
        self._incoming = incoming
        self._way = way
        self.stream: BinaryIO = incoming.stream
        for change in (way.passing, way.writing):
            if change is not None:
                self.stream = change(self.stream, 0).as_binary

    def put(self, path: str, mode: int | None = None) -> None:
        self._cut()
        self._incoming.put(path, mode)

    def overlay(self, path: str, offset: int) -> None:
        self._cut()
        self._incoming.overlay(path, offset)

    def _cut(self) -> None:
        if self._way.kept is None:
            return
        stream = self._incoming.stream
        stream.flush()
        sent = stream.tell()
        kept = self._way.kept(sent)
        if kept < sent and not self._way.silently:
            raise CutShort(kept, sent)
        stream.truncate(kept)
