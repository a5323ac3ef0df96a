"""Paths on a machine: which are taken, and where they really lie."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from emulator.domain.file import FileInfo
from emulator.domain.paths import is_below
from emulator.hosts.descent import MAX_NAME_BYTES, MAX_PATH_BYTES, missing, segments

if TYPE_CHECKING:
    from emulator.hosts.ssh.sftp import Attributes, Session


class Places:
    """The paths below ``root``, a directory of the machine; ``/`` for all of them.

    The protocol takes paths, not handles: where a path really lies is found out first, and then used. Who swaps a
    directory for a link in between is the account itself, which may do so anyhow.
    """

    def __init__(self, root: str = "/") -> None:
        self.root = "/" + "/".join(segments(root))
        self._real_root: bytes | None = None

    @property
    def open(self) -> bool:
        """Whether nothing of the machine lies outside."""
        return self.root == "/"

    def real(self, session: Session, path: str, resolved: bool = False) -> bytes:
        """What to hand to the machine for a path that is followed; the last segment may be missing.

        ``resolved``: free of links even where nothing depends on that. Raises FileNotFoundError for a path
        outside, by itself or by a link, and for one that no machine takes.
        """
        raw = self.inside(path)
        if self.open and not resolved:
            return raw
        try:
            found = session.real_path(raw)
        except OSError as error:
            raise self.explained(session, path, error) from error
        return self._checked(session, path, found)

    def itself(self, session: Session, path: str) -> bytes:
        """As ``real``, of what has the name itself: a link is not followed. Not for the root."""
        raw = self.inside(path)
        if self.open or raw == os.fsencode(self.root):
            return raw
        above, _, name = raw.rpartition(b"/")
        try:
            found = session.real_path(above or b"/")
        except OSError as error:
            raise self.explained(session, path, error) from error
        return self._checked(session, path, found).rstrip(b"/") + b"/" + name

    def holds(self, session: Session, found: bytes) -> bool:
        """Whether a real path lies inside."""
        return self.open or is_below(os.fsdecode(found), os.fsdecode(self.real_root(session)))

    def _checked(self, session: Session, path: str, found: bytes) -> bytes:
        if not self.holds(session, found):
            raise missing(path)
        return found

    def real_root(self, session: Session) -> bytes:
        """Where the root really lies. Asked once."""
        if self._real_root is None:
            try:
                self._real_root = session.real_path(os.fsencode(self.root))
            except OSError as error:
                if isinstance(error, ConnectionError | TimeoutError):
                    raise
                raise missing(self.root) from error
        return self._real_root

    def inside(self, path: str) -> bytes:
        """The path, as bytes and without ``//`` and ``.``. Raises FileNotFoundError for one that is written so
        that it lies outside, and for one that no machine takes."""
        names = segments(path)
        try:
            raw = [os.fsencode(name) for name in names]
        except UnicodeEncodeError:
            raise missing(path) from None
        tidy = "/" + "/".join(names)
        fits = all(len(name) <= MAX_NAME_BYTES and b"\0" not in name for name in raw)
        if ".." in names or not fits or not is_below(tidy, self.root) or len(path) > MAX_PATH_BYTES:
            raise missing(path)
        made = b"/" + b"/".join(raw)
        if len(made) > MAX_PATH_BYTES:
            raise missing(path)
        return made

    def explained(self, session: Session, path: str, error: OSError) -> OSError:
        """An answer of the machine as the error that it stands for; its one word Failure says nothing.

        Found out by looking at what lies on the way to the path. Errors of the connection stay what they are.
        """
        if isinstance(error, ConnectionError | TimeoutError):
            return error
        number = error.errno or errno.EIO
        if number == errno.ENOENT and self._file_on_the_way(session, path):
            number = errno.ENOTDIR
        text = os.strerror(number) if number != errno.EIO else (error.strerror or str(error))
        return OSError(number, text, path)

    def _file_on_the_way(self, session: Session, path: str) -> bool:
        names = segments(path)[:-1]
        while names:
            try:
                return not stat.S_ISDIR(session.attributes(os.fsencode("/" + "/".join(names))).mode)
            except (FileNotFoundError, PermissionError):
                names.pop()
        return False


def raised(number: int, path: str, text: str = "") -> NoReturn:
    """Raise the OSError of a number."""
    raise OSError(number, text or os.strerror(number), path)


def info(path: str, found: Attributes) -> FileInfo:
    """Raises FileNotFoundError for what is neither a regular file nor a directory."""
    is_dir = stat.S_ISDIR(found.mode)
    if not is_dir and not stat.S_ISREG(found.mode):
        raise missing(path)
    return FileInfo(
        name=path.rstrip("/").rpartition("/")[2],
        path=path,
        is_dir=is_dir,
        length=found.size,
        last_modified=datetime.fromtimestamp(found.changed, UTC),
        mode=stat.S_IMODE(found.mode),
    )


def quoted(path: bytes) -> str:
    """A path as one word of a POSIX shell; bytes that are no text are escaped as surrogates."""
    return shlex.quote(os.fsdecode(path))
