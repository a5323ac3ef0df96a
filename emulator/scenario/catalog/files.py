"""What can happen to a file on its way (``transfer.file``): inputs, assets, archives, imports, and the Files API.

An occasion is one attempt to bring one file; a transfer makes three of them before it gives up, but for errors that
no second attempt can cure [job-lifecycle §5].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.scenario.catalog.kind import ActionKind, Argument, Unit

_POINTS = ("transfer.file",)
_AFTER = Argument(Unit.SIZE, 0, "so many bytes pass before")


def _some_bytes(args: Mapping[str, Any]) -> str:
    return "" if args["bytes"] >= 1 else "bytes is at least 1"


ACTIONS = (
    ActionKind(
        name="read-error",
        points=_POINTS,
        text="Reading fails (EIO): tried three times, then the transfer has failed; a download is 503, or breaks off.",
        args={"after": _AFTER},
        main="after",
    ),
    ActionKind(
        name="disk-full",
        points=_POINTS,
        text="There is no room where the file is written (ENOSPC): the transfer fails at once, an upload is 503.",
        args={"after": _AFTER},
        main="after",
    ),
    ActionKind(
        name="vanish",
        points=_POINTS,
        text="The file has gone since it was listed (ENOENT): the transfer fails at once, a download is 404.",
    ),
    ActionKind(
        name="truncate",
        points=_POINTS,
        text="Only the beginning of the file comes. The sizes tell, unless `silently`: it is tried again, a download "
        "breaks off, an upload is 202 and then STAGING_FAILED, with nothing changed.",
        args={
            "share": Argument(Unit.SHARE, 0.5, "how much of it comes; always less than all"),
            "silently": Argument(Unit.FLAG, False, "as if there were no more in it: no size tells"),
        },
        main="share",
    ),
    ActionKind(
        name="corrupt",
        points=_POINTS,
        text="Bytes of the file arrive changed: nobody notices unless `files.checksums` is on.",
        args={
            "bytes": Argument(Unit.NUMBER, 1, "how many of them, with all their bits the other way round"),
            "at": Argument(Unit.SIZE, 0, "where the first of them is"),
        },
        main="bytes",
        mistake=_some_bytes,
    ),
    ActionKind(
        name="deny",
        points=_POINTS,
        text="The machine forbids it (EACCES): the transfer fails at once, a download or upload is 403.",
        args={"side": Argument(Unit.TEXT, "read", "which end forbids it", choices=("read", "write"))},
        main="side",
    ),
    ActionKind(
        name="slow",
        points=_POINTS,
        text="The file takes its time, by the world's clock; a cancel does not wait for it.",
        args={"rate": Argument(Unit.RATE, text="bytes a second")},
        main="rate",
    ),
    ActionKind(
        name="drop",
        points=_POINTS,
        text="The connection breaks (ECONNRESET): tried three times, then the job is BLOCKED and recovers.",
        args={"after": _AFTER},
        main="after",
    ),
)
