"""One file from outside into place, in constant memory; tried again like the files of a transfer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.domain import paths
from emulator.domain.ports import Fetcher
from emulator.engine.streams import copy_stream
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

    def run(self) -> None:
        """The file appears whole or not at all. Raises TransferFailed, and what the watch's checkpoint raises."""
        self.watch.begin(Extent(files=1))
        for attempt in range(1, ATTEMPTS + 1):
            moved = 0
            try:
                self.target.files.mkdir(paths.parent(self.target.path))
                with (
                    self.fetcher.open(self.url, self.allowed, self._sized) as incoming,
                    self.target.files.writer(self.target.path) as outgoing,
                ):
                    for count in copy_stream(incoming, outgoing):
                        moved += count
                        self.watch.moved(count)
                        self.watch.checkpoint()
                return
            except OSError as error:
                self.watch.moved(-moved)
                text = f"{self.uri}: {cause_of(error)}"
                self.watch.attempt_failed(attempt, text)
                if attempt == ATTEMPTS or permanent(error):
                    raise TransferFailed(text, error) from error

    def _sized(self, length: int | None) -> None:
        if length:
            self.watch.begin(Extent(files=1, bytes=length))
