"""How far a transfer is: its counts, and when they are worth being written down."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from emulator.domain.document import to_document
from emulator.domain.event import Progress
from emulator.domain.ports import Clock
from emulator.engine.transfer import Extent

EVERY = timedelta(milliseconds=500)
"""How often stored counts are brought up to date while a transfer goes on."""


class Meter:
    """Counts one transfer of ``source``."""

    def __init__(self, clock: Clock, source: str) -> None:
        self._clock = clock
        self._begun = self._saved = clock.now()
        self._now = Progress(uuid="", source=source, total_files=0, total_bytes=0, total_bytes_transferred=0)

    def begin(self, uuid: str, extent: Extent) -> None:
        """It starts, or its extent becomes known. ``uuid`` names the transfer."""
        self._begun = self._saved = self._clock.now()
        self._now = replace(
            self._now,
            uuid=uuid,
            total_files=extent.files,
            total_bytes=extent.bytes,
            total_active_transfers=1,
        )

    def moved(self, count: int) -> bool:
        """``count`` more bytes, negative when a file is begun again; whether it is time to write that down."""
        moved = self._now.total_bytes_transferred + count
        now = self._clock.now()
        elapsed = (now - self._begun).total_seconds()
        self._now = replace(
            self._now,
            total_bytes_transferred=moved,
            average_rate=round(moved / elapsed, 3) if elapsed > 0 else float(moved),
        )
        if now - self._saved < EVERY:
            return False
        self._saved = now
        return True

    def end(self) -> None:
        """Nothing moves any more."""
        self._now = replace(self._now, total_active_transfers=0)

    def document(self) -> dict[str, Any]:
        """The counts as the event log keeps them."""
        document: dict[str, Any] = to_document(self._now)
        return document
