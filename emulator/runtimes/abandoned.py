"""Scripts that nobody will ever look for: those of a data directory that was to last no longer than its process."""

from __future__ import annotations

import logging
import signal
from pathlib import Path

from emulator.runtimes import processes
from emulator.runtimes.spool import Spool

log = logging.getLogger(__name__)

_LOOKS = 100


def end_scripts(spool: Path) -> None:
    """Kill all processes of the jobs in ``spool``, whose launcher is gone; containers are not looked for."""
    if not spool.is_dir():
        return
    leaders = {str(job.path): found.pid for job in Spool(spool).jobs() if (found := job.supervisor())}
    for _ in range(_LOOKS if leaders else 0):  # a process may start another while it is being killed
        survey = processes.Survey()
        left = [pid for path, leader in leaders.items() for pid in survey.members(leader, path)]
        if not left:
            return
        try:
            processes.signal_all(left, signal.SIGKILL)
        except PermissionError:
            log.warning("%s: jobs run processes of another user, which cannot be killed", spool)
            return
    if leaders:
        log.warning("%s: jobs go on starting processes faster than these can be killed", spool)
