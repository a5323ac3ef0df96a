"""The files that a simulated job leaves in its work directory."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.domain.paths import basename, join, parent
from emulator.domain.ports import HostFiles, Hosts, Launch
from emulator.domain.simulation import Content
from emulator.domain.work_dir import file_stem
from emulator.runtimes.simulated.records import Record
from emulator.schedulers.simulated import is_batch

_LINE = b"The quick brown fox jumps over the lazy dog, 0123456789 times.\n"
_PIECE = _LINE * 4096
"""What is written where only a size is known: lines of text, so that a part of it is told from another."""


class LeftFiles:
    """Writes what jobs say and leave, wherever their work directories lie. Again: the same once more."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def write_logs(self, record: Record) -> None:
        """What it says, all at its start. Raises OSError."""
        launch = record.launch
        files = self._files(launch)
        _put(files, join(launch.work_dir, basename(launch.stdout)), record.play.stdout)
        _put(files, join(launch.work_dir, basename(launch.stderr)), record.play.stderr)
        if not is_batch(launch.scheduler):
            _put(files, join(launch.work_dir, f"{file_stem(launch.name)}.pid"), f"{record.remote_job_id}\n")

    def write_outputs(self, record: Record) -> None:
        """What it leaves, all at its own end. Raises OSError."""
        launch = record.launch
        files = self._files(launch)
        for path, content in record.play.outputs.items():
            target = join(launch.work_dir, path)
            if "/" in path:
                files.mkdir(parent(target))
            _put(files, target, content)

    def _files(self, launch: Launch) -> HostFiles:
        """Closed to all but the work directory, whatever links the app has brought along."""
        return self._hosts.host(launch.world, launch.host, launch.account).files.within(launch.work_dir)


def _put(files: HostFiles, path: str, content: Content) -> None:
    with files.writer(path) as stream:
        for piece in _pieces(content):
            stream.write(piece)


def _pieces(content: Content) -> Iterator[bytes]:
    if isinstance(content, str):
        yield content.encode()
        return
    whole, rest = divmod(content, len(_PIECE))
    for _ in range(whole):
        yield _PIECE
    yield _PIECE[:rest]
