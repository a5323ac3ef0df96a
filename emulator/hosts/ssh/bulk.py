"""Many files in one stream of tar (ports.BulkFiles); GNU's and busybox's will do."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, cast

from emulator.domain.paths import join
from emulator.hosts.ssh.complaints import complaint
from emulator.hosts.ssh.login import Login, in_posix_shell
from emulator.hosts.ssh.places import Places, quoted
from emulator.hosts.ssh.unfinished import temporary_name

if TYPE_CHECKING:
    from emulator.hosts.ssh.execution import Execution

_BUFFER = 256 * 1024
_NAMES = 64 * 1024
_END_SECONDS = 3600.0
"""For what is to be done when the stream has ended: moving many files on a slow file system."""

# --null is GNU's; busybox takes one name on each line
_PACK = """cd {directory} || exit 2
if tar --version 2>/dev/null | grep -q GNU; then exec tar --null --no-recursion --hard-dereference -chf - -T -; fi
tr '\\000' '\\012' | tar -chf - -T -"""

# Unpacked out of sight and moved into place file by file: nobody sees a part of one. What is in the way is replaced,
# and no directory is entered that a link has led out of the root.
_UNPACK = """root={root}; here={directory}; new=$here/{temporary}
mkdir -- "$new" || exit 2
trap 'rm -rf -- "$new"' EXIT
trap 'exit 2' HUP INT TERM PIPE
tar -C "$new" -xmopf - || exit 2
cd "$new" || exit 2
find . -type d -exec sh -c '
root=$1; here=$2; new=$3; shift 3
for d do
  mkdir -p -- "$here/$d" || exit 2
  to=$(cd -P -- "$here/$d" && pwd -P && echo .) || exit 2
  to=${{to%?.}}/
  case $to in "$root"/*) ;; *) echo "$d: No such file or directory" >&2; exit 2 ;; esac
  cd -- "$new/$d" || exit 2
  find . ! -name . -prune ! -type d -exec sh -c "{move}" "$to" "{{"}} + || exit 2
done' sh "$root" "$here" "$new" {{}} +"""
_MOVE = r"exec mv -f -- \"\$@\" \"\$0\""


class SshBulk:
    """tar on the machine, at the other end of a session."""

    def __init__(self, login: Login, places: Places) -> None:
        self._login = login
        self._places = places

    @contextmanager
    def pack(self, directory: str, names: Iterable[str]) -> Iterator[BinaryIO]:
        """See BulkFiles. A name that is no text, or begins with a dash, may be led by ``./`` in the archive."""
        raw = self._real(directory)
        inside = self._checked(directory, names)
        command = in_posix_shell("LC_ALL=C; export LC_ALL; " + _PACK.format(directory=quoted(raw)))
        with self._login.running(command) as running:
            threading.Thread(target=_feed, args=[running, inside], daemon=True).start()
            stream = io.BufferedReader(_Output(running), _BUFFER)
            yield cast("BinaryIO", stream)
            while stream.read(_BUFFER):
                pass  # the padding at the end
            if running.code() != 0:
                raise complaint(running.complaints(), directory)

    @contextmanager
    def unpack(self, directory: str) -> Iterator[BinaryIO]:
        raw = self._real(directory)
        with self._login.sftp() as session:
            root = self._places.real_root(session)
        script = _UNPACK.format(
            root=quoted(root.rstrip(b"/")),
            directory=quoted(raw.rstrip(b"/")),
            move=_MOVE,
            temporary=quoted(temporary_name(b"")),
        )
        command = in_posix_shell("LC_ALL=C; export LC_ALL; " + script)
        with self._login.running(command) as running:
            stream = io.BufferedWriter(cast("io.RawIOBase", _Input(running)), _BUFFER)
            try:
                yield cast("BinaryIO", stream)
                stream.flush()
                running.end_of_input()
            except BrokenPipeError:
                if running.code(_END_SECONDS) != 0:
                    raise complaint(running.complaints(), directory) from None
                raise
            if running.code(_END_SECONDS) != 0:
                raise complaint(running.complaints(), directory)

    def _real(self, directory: str) -> bytes:
        with self._login.sftp() as session:
            try:
                raw = self._places.real(session, directory, resolved=True)
                session.close_handle(session.open_directory(raw))
            except OSError as error:
                raise self._places.explained(session, directory, error) from error
        return raw

    def _checked(self, directory: str, names: Iterable[str]) -> Iterable[str]:
        """The names, each of them of something inside the root."""
        if self._places.open:
            return names
        kept = list(names)
        with self._login.sftp() as session:
            for name in kept:
                self._places.real(session, join(directory, name))
        return kept


def _feed(running: Execution, names: Iterable[str]) -> None:
    """Tell tar what to pack. It says itself when it takes no more of them."""
    kept = bytearray()
    with suppress(OSError):
        for name in names:
            kept += os.fsencode(f"./{name}" if name.startswith("-") else name) + b"\0"
            if len(kept) >= _NAMES:
                running.write(bytes(kept))
                kept.clear()
        running.write(bytes(kept))
        running.end_of_input()


class _Output(io.RawIOBase):
    """What a command writes."""

    def __init__(self, running: Execution) -> None:
        super().__init__()
        self._running = running

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._running.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Input(io.RawIOBase):
    """What a command reads."""

    def __init__(self, running: Execution) -> None:
        super().__init__()
        self._running = running

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        self._running.write(memoryview(data))
        return len(data)
