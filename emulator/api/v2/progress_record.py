"""What a transfer has done so far, as histories of jobs and files show it [jobs §7, files §9]."""

from __future__ import annotations

from typing import Any

from emulator.domain.document import from_document
from emulator.domain.event import Progress


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """``document`` is an event's ``progress``."""
    progress = from_document(Progress, document)
    return {
        "uuid": progress.uuid,
        "source": progress.source,
        "totalActiveTransfers": progress.total_active_transfers,
        "totalFiles": progress.total_files,
        "totalBytesTransferred": progress.total_bytes_transferred,
        "totalBytes": progress.total_bytes,
        "averageRate": progress.average_rate,
    }
