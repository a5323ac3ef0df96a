"""One file from outside into place, in constant memory; tried again like the files of a transfer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.domain import paths
from emulator.domain.ports import Fetcher
from emulator.engine.passage import FREE, Passage
from emulator.engine.streams import CutShort, copy_stream
from emulator.engine.struck_files import Way, fetched, target_of
from emulator.engine.transfer import (
    ATTEMPTS,
    Extent,
    Location,
    TransferFailed,
    Watch,
    cause_of,
    permanent,
)


@dataclass(frozen=True, slots=True)
class Fetch:
    """What ``url`` answers to ``target``; ``uri`` is how messages name it, ``allowed`` as for ports.Fetcher."""

    fetcher: Fetcher
    url: str
    uri: str
    target: Location
    watch: Watch
    allowed: Callable[[str], bool]
    passage: Passage = FREE

    def run(self) -> None:
        """The file appears whole or not at all. Raises TransferFailed, and what the watch's checkpoint raises."""
        self.watch.begin(Extent(files=1))
        for attempt in range(1, ATTEMPTS + 1):
            moved = 0
            way = self.passage.way("", self.target.path, paths.basename(self.target.path))
            lengths: list[int | None] = []
            try:
                self.target.files.mkdir(paths.parent(self.target.path))
                with (
                    self.fetcher.open(self.url, self.allowed, lengths.append) as answer,
                    target_of(self.target.files, way).writer(self.target.path) as outgoing,
                ):
                    told = next(iter(lengths), None)
                    length = self._measured(told, way)
                    for count in copy_stream(fetched(answer, way, told), outgoing):
                        moved += count
                        self.watch.moved(count)
                        self.watch.checkpoint()
                    if length is not None and moved < length:
                        raise CutShort(moved, length)
                return
            except OSError as error:
                self.watch.moved(-moved)
                text = f"{self.uri}: {cause_of(error)}"
                self.watch.attempt_failed(attempt, text)
                if attempt == ATTEMPTS or permanent(error):
                    raise TransferFailed(text, error) from error

    def _measured(self, told: int | None, way: Way) -> int | None:
        """How many bytes are to come, by what the site has told."""
        length = way.kept(told) if told is not None and way.kept and way.silently else told
        if length:
            self.watch.begin(Extent(files=1, bytes=length))
        return length
