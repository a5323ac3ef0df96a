"""Where scenarios can speak up, and what they say there: an occasion, and the action that a rule takes at it.

Points are named for what is about to happen: ``http.jobs.submit``, ``job.staging_inputs``, ``transfer.file``,
``host.connect``, ``scheduler.submit``. What stands before the first dot is the point's family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

ASKED_ALONE = frozenset({"scheduler.status"})
"""Points of which it is to be known whether a rule listens to them, whatever others of the family listen to."""
FAMILIES = ("http", "job", "transfer", "host", "scheduler", "app", "notify", "token")
"""What stands before the first dot of every point."""

DOWNLOAD = "download"
TRANSFERS = ("input", "asset", "archive", "upload", "import", DOWNLOAD, "copy")
"""The kinds of transfers whose files come by ``transfer.file``.

A job's inputs, the assets of its app (also where that is cloned or published), its outputs on their way to the
archive; in the Files API what is sent, imported by URL, copied; and whatever is fetched: files, outputs of jobs, what
postits and published links lead to.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Something is about to happen at a named point: all that a rule can ask about it; "" where it has no such thing.

    ``job`` and ``app`` are ids, ``path`` is a file's absolute path on its system, ``transfer`` one of
    TRANSFERS, ``host`` a machine's name, ``event`` and ``url`` those of a notification.
    """

    world: str
    point: str
    user: str = ""
    job: str = ""
    job_name: str = ""
    app: str = ""
    system: str = ""
    queue: str = ""
    path: str = ""
    transfer: str = ""
    host: str = ""
    event: str = ""
    url: str = ""

    @property
    def family(self) -> str:
        return self.point.partition(".")[0]

    def facts(self) -> dict[str, str]:
        """What it carries, without what it has not; for journals."""
        found = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in found if value}


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does, as the catalog of actions names it; arguments are checked and complete.

    Durations are seconds, rates bytes per second, sizes bytes.
    """

    kind: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A rule that speaks up at an occasion. The journal has it already; whoever asked does as it says.

    ``until``: when an action that lasts (a delay, a hold with an expiry) is over, by the world's clock; None
    where it has no such end. ``number`` counts the rule's strikes from 1; ``arming`` tells apart the times that a
    scenario was armed.
    """

    scenario: str
    rule: str
    action: Action
    occasion: Occasion
    number: int = 1
    until: datetime | None = None
    arming: int = 0
