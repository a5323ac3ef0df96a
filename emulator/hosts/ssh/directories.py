"""Directories of a machine: listed, walked, made and removed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from emulator.domain.file import FileInfo
from emulator.domain.paths import join, parent
from emulator.domain.ports import UNFINISHED
from emulator.hosts.ssh.complaints import complaint
from emulator.hosts.ssh.login import Login, in_posix_shell
from emulator.hosts.ssh.places import Places, info, quoted, raised

if TYPE_CHECKING:
    from emulator.hosts.ssh.sftp import Attributes, Session

REMOVAL_SECONDS = 3600.0
"""For a whole tree: distant file systems take their time, and say nothing meanwhile."""
NEW_DIRECTORY_MODE = 0o755
_HIDDEN = os.fsencode(UNFINISHED)


def entries(session: Session, places: Places, path: str) -> tuple[bytes, list[Attributes]]:
    """Where a directory really lies, and all it holds but what is unfinished; links as links."""
    raw = places.real(session, path)
    try:
        found = session.entries(raw)
    except OSError as error:
        if not isinstance(error, ConnectionError | TimeoutError) and _is_file(session, raw):
            raised(errno.ENOTDIR, path)
        raise places.explained(session, path, error) from error
    return raw, [entry for entry in found if not entry.name.startswith(_HIDDEN)]


def reachable(
    session: Session, places: Places, path: str, raw: bytes, found: Iterable[Attributes]
) -> Iterator[FileInfo]:
    """The files and directories among what a directory holds, also those that links lead to; in its order."""
    found = list(found)
    links = [raw.rstrip(b"/") + b"/" + entry.name for entry in found if stat.S_ISLNK(entry.mode)]
    if not places.open:
        links = [link for link in links if _leads_inside(session, places, link)]
    meant = dict(zip(links, session.attributes_of(links), strict=True))
    for entry in found:
        what: Attributes | None = entry
        if stat.S_ISLNK(entry.mode):
            what = meant.get(raw.rstrip(b"/") + b"/" + entry.name)
        if what is not None and (stat.S_ISDIR(what.mode) or stat.S_ISREG(what.mode)):
            yield info(join(path, os.fsdecode(entry.name)), what)


def children(session: Session, places: Places, path: str, names: Iterable[str]) -> list[FileInfo]:
    """Those children of a directory that are there, in the order of ``names``."""
    raw = places.real(session, path)
    wanted = [name for name in names if name not in ("", ".", "..") and "/" not in name and "\0" not in name]
    paths = [raw.rstrip(b"/") + b"/" + os.fsencode(name) for name in wanted]
    there = session.attributes_of(paths, follow=False)
    found = [
        _named(entry, os.fsencode(name))
        for name, entry in zip(wanted, there, strict=True)
        if entry is not None
    ]
    if not found:
        entries(session, places, path)  # says what is wrong with the directory, if anything is
    return list(reachable(session, places, path, raw, found))


def make(session: Session, places: Places, path: str) -> None:
    """Make a directory with its parents, the root among them."""
    places.inside(path)
    if not places.open and not _is_directory(session, os.fsencode(places.root)):
        make(session, Places(), places.root)
    pending: list[str] = []
    here = path
    while True:
        try:
            raw = places.real(session, here, resolved=True)
            found = session.attributes(raw)
        except FileNotFoundError:
            if parent(here) == here:
                raise
            pending.append(here)
            here = parent(here)
            continue
        except OSError as error:
            raise places.explained(session, here, error) from error
        break
    if not stat.S_ISDIR(found.mode):
        raised(errno.ENOTDIR if pending else errno.EEXIST, path)
    for step in reversed(pending):
        _make_one(session, places, step)


def _make_one(session: Session, places: Places, path: str) -> None:
    raw = places.real(session, path, resolved=True)
    try:
        session.make_directory(raw, NEW_DIRECTORY_MODE)
    except OSError as error:
        if error.errno == errno.EIO and _is_directory(session, raw):
            return  # somebody else has made it just now
        if error.errno == errno.EIO and session.room(raw.rpartition(b"/")[0] or b"/") == 0:
            raised(errno.ENOSPC, path)
        raise places.explained(session, path, error) from error


def remove_tree(login: Login, session: Session, raw: bytes, path: str) -> None:
    """Remove a directory with all below it, never through a link; quickly where there is a shell."""
    if login.offers("rm"):
        command = in_posix_shell(f"LC_ALL=C exec rm -rf -- {quoted(raw)}")
        with login.running(command) as running:
            running.end_of_input()
            if running.code(REMOVAL_SECONDS) != 0:
                raise complaint(running.complaints(), path)
        return
    pending = [(raw, False)]
    while pending:
        here, emptied = pending.pop()
        if emptied:
            session.remove_directory(here)
            continue
        pending.append((here, True))
        for entry in session.entries(here):
            below = here.rstrip(b"/") + b"/" + entry.name
            if stat.S_ISDIR(entry.mode):
                pending.append((below, False))
            else:
                session.remove_file(below)


def walk(login: Login, places: Places, path: str) -> Iterator[FileInfo]:
    """See HostFiles.walk. Directories are known by where they really lie: the protocol has no other identity."""
    with login.sftp() as session:
        raw = places.real(session, path, resolved=True)
        try:
            start = info(path, session.attributes(raw))
        except OSError as error:
            raise places.explained(session, path, error) from error
    if not start.is_dir:
        yield start
        return
    ahead = [(path, raw, frozenset([raw]))]
    while ahead:
        here, real, above = ahead.pop()
        below = []
        for child, place in _children(login, places, here, real):
            yield child
            if child.is_dir and place not in above:
                below.append((child.path, place, above | {place}))
        ahead.extend(reversed(below))


def _children(login: Login, places: Places, path: str, real: bytes) -> list[tuple[FileInfo, bytes]]:
    """The children of a directory by name, directories with where they lie."""
    with login.sftp() as session:
        try:
            raw, found = entries(session, places, path)
        except (FileNotFoundError, NotADirectoryError):
            return []  # removed while the walk was under way
        links = {os.fsdecode(entry.name) for entry in found if stat.S_ISLNK(entry.mode)}
        listed = []
        for child in sorted(reachable(session, places, path, raw, found), key=lambda child: child.name):
            place = real.rstrip(b"/") + b"/" + os.fsencode(child.name)
            if child.is_dir and child.name in links:
                place = session.real_path(place)
            listed.append((child, place))
        return listed


def _leads_inside(session: Session, places: Places, link: bytes) -> bool:
    try:
        return places.holds(session, session.real_path(link))
    except (ConnectionError, TimeoutError):
        raise
    except OSError:
        return False  # a link to nowhere, or in a circle


def _named(entry: Attributes, name: bytes) -> Attributes:
    return type(entry)(entry.mode, entry.size, entry.changed, name)


def _is_directory(session: Session, raw: bytes) -> bool:
    try:
        return stat.S_ISDIR(session.attributes(raw).mode)
    except (FileNotFoundError, PermissionError):
        return False


def _is_file(session: Session, raw: bytes) -> bool:
    try:
        return not stat.S_ISDIR(session.attributes(raw).mode)
    except (FileNotFoundError, PermissionError):
        return False


def move(login: Login, session: Session, places: Places, source: str, target: str) -> None:
    """See HostFiles.rename."""
    old, new = places.itself(session, source), places.itself(session, target)
    try:
        session.replace(old, new)
    except OSError as error:
        if isinstance(error, ConnectionError | TimeoutError):
            raise
        before = _looked_at(session, places, source, old)
        _explain_move(session, before, new, target)
        if error.errno != errno.EIO or not login.offers("mv"):
            raise places.explained(session, target, error) from error
        _move_by_command(login, session, old, new, target)


def _looked_at(session: Session, places: Places, path: str, raw: bytes) -> Attributes:
    try:
        return session.attributes(raw, follow=False)
    except OSError as error:
        raise places.explained(session, path, error) from error


def _explain_move(session: Session, before: Attributes, new: bytes, target: str) -> None:
    """Raise what the protocol's one word stands for, if that can be seen."""
    try:
        there = session.attributes(new, follow=False)
    except FileNotFoundError:
        return
    is_dir, was_dir = stat.S_ISDIR(there.mode), stat.S_ISDIR(before.mode)
    if is_dir and not was_dir:
        raised(errno.EISDIR, target)
    if was_dir and not is_dir:
        raised(errno.ENOTDIR, target)
    if is_dir and session.entries(new):
        raised(errno.ENOTEMPTY, target)


def _move_by_command(login: Login, session: Session, old: bytes, new: bytes, target: str) -> None:
    """To another file system of the machine, where it must be copied."""
    if _is_directory(session, new):
        session.remove_directory(new)
    with login.running(in_posix_shell(f"LC_ALL=C exec mv -f -- {quoted(old)} {quoted(new)}")) as running:
        running.end_of_input()
        if running.code(REMOVAL_SECONDS) != 0:
            raise complaint(running.complaints(), target)
