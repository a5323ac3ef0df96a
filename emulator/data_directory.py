"""The data directory: who holds it, and where its server listens.

::

    emulator.db         the store
    hosts/<world>/…     the sandboxes: a directory per machine; of a world that was reset, hosts/<world>.<number>/
    worlds/…            what each world was made from, and a reset goes back to
    nursery/            where worlds are made
    spool/<job id>/…    what finds a running script again
    mailbox/<world>/…   e-mails, when no SMTP server is configured
    tls/                the certificate; authority/ca.pem is what clients may trust
    signing-key.pem     what assertions are signed with, once somebody has asked for one
    homes/…             of clients, where tests have this emulator in their own process
    lock, server.json   the process that serves it, and its address
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


class DirectoryInUse(Exception):
    """Another process serves this data directory."""


_TEMPORARY = "tapis-emulator-"


class DataDirectory:
    """Held by one process at a time; two servers on one store would run jobs twice."""

    def __init__(self, path: Path, ephemeral: bool = False) -> None:
        self.path = path
        self.ephemeral = ephemeral
        self._lock: int | None = None

    @classmethod
    def temporary(cls) -> DataDirectory:
        """A directory of its own that is removed on release; in memory where the machine offers that."""
        return cls(Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=_temporary_base())), ephemeral=True)

    @classmethod
    def tidy_up(cls, end: Callable[[Path], None]) -> None:
        """Remove this user's temporary directories whose process was killed; ``end`` is called with each before."""
        for lock in _temporary_base().glob(f"{_TEMPORARY}*/lock"):
            try:
                if lock.stat().st_uid != os.getuid() or not _is_gone(lock.read_text(encoding="ascii")):
                    continue
                left = cls(lock.parent, ephemeral=True)
                left.acquire()
            except (DirectoryInUse, OSError, ValueError):  # another's, removed by now, or held by nobody yet
                continue
            try:
                end(left.path)
            finally:
                left.release()

    def acquire(self) -> None:
        """Make it if need be and hold it. Raises DirectoryInUse, OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(handle, 20).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise DirectoryInUse(f"{self.path} is being served by another process (pid {holder})") from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._lock = handle

    def release(self) -> None:
        """Give it back; an ephemeral one goes with everything in it."""
        if self._lock is None:
            return
        (self.path / "server.json").unlink(missing_ok=True)
        if self.ephemeral:
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)
        self._lock = None

    def let_go(self) -> None:
        """Give it back as a process does that is killed: everything stays as it is."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def discard(self) -> None:
        """Remove an ephemeral one that was let go, unless somebody holds it again."""
        if self.ephemeral and self._lock is None:
            shutil.rmtree(self.path, ignore_errors=True)

    def announce(self, information: dict[str, Any]) -> None:
        """Leave word of the running server for ``env`` and ``health``."""
        draft = self.path / "server.json.new"
        draft.write_text(json.dumps(information), encoding="utf-8")
        draft.replace(self.path / "server.json")

    def announced(self) -> dict[str, Any] | None:
        """What the running server left, or None."""
        try:
            found = json.loads((self.path / "server.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None


def _temporary_base() -> Path:
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def _is_gone(process_id: str) -> bool:
    """A process that lives may have let go of its directory to take it up again. Raises ValueError."""
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
