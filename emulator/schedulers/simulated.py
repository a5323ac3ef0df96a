"""A batch scheduler played by a sandbox: which waiting scripts may start, and what their ids look like.

Decisions only; the launcher keeps the queues and starts what is named here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

FORK = "FORK"

_SAME_AS = {"GRIDENGINE": "SGE", "UNKNOWN": FORK, "": FORK}
_IDS_NAME_THE_SERVER = ("PBS", "TORQUE", "MOAB")


def family(scheduler: str) -> str:
    """The scheduler behind a name of [wrapper-templates §2]: ``CUSTOM_SLURM`` is SLURM, ``UNKNOWN`` is FORK."""
    plain = scheduler.upper().removeprefix("CUSTOM_")
    return _SAME_AS.get(plain, plain)


def is_batch(scheduler: str) -> bool:
    """Whether scripts wait in a queue; FORK starts them at once."""
    return family(scheduler) != FORK


def local_job_id(scheduler: str, number: int, host: str) -> str:
    """The ``number``-th job of a host as its scheduler would print it [wrapper-templates §7]."""
    return f"{number}.{host}" if family(scheduler) in _IDS_NAME_THE_SERVER else str(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A script in a queue. Limits as in ``ports.Launch``: below 0 means none."""

    job_id: str
    owner: str
    queue_limit: int
    user_limit: int


def startable(waiting: Iterable[Waiting], running_owners: Iterable[str]) -> list[str]:
    """Job ids that may start now, of one queue whose running scripts belong to ``running_owners``.

    First come, first served; a script whose owner already runs as many as allowed is passed over, while a
    full queue stops everybody behind [systems §4.2: maxJobs, maxUserJobs].
    """
    running = Counter(running_owners)
    total = running.total()
    chosen = []
    for script in waiting:
        if 0 <= script.queue_limit <= total:
            break
        if 0 <= script.user_limit <= running[script.owner]:
            continue
        chosen.append(script.job_id)
        running[script.owner] += 1
        total += 1
    return chosen
