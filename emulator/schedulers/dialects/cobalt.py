"""Cobalt [wrapper-templates §2, §7]: the service had no more for it than a name, and ``qsub``.

Ended jobs are forgotten at once: how one ended is told by its exit record, which the script writes itself. Cobalt
reads the size of a job from qsub's options, not from the script, hence they stand there.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from emulator.domain.paths import basename
from emulator.domain.ports import Completed, Launch, RemoteReport, RemoteState
from emulator.domain.work_dir import scheduler_name
from emulator.schedulers.dates import calendar
from emulator.schedulers.dialect import Standing
from emulator.schedulers.dialects.replies import (
    chosen,
    ended_by_request,
    framed,
    lines,
    listed,
    listing,
    own_id,
    quoted,
    submission,
)

DOWN = (
    r"failed to connect to|could not connect|can't connect|no route|component .*(?:unavailable|not)"
    r"|unable to (?:connect|contact)"
)
_UNKNOWN = r"no such job|not found|does not exist|no job|nothing to|failed to match"
_WAITING = (
    "queued",
    "starting_soon",
    "dep_hold",
    "dep_fail",
    "user_hold",
    "admin_hold",
    "maxrun_hold",
    "hold",
)
_MINUTE = 60

_MINE = 'qstat -l -f -u "$(id -un)"'


class Cobalt:
    """See ``Dialect``."""

    def submit(self, launch: Launch) -> str:
        minutes = max(1, -(-launch.max_run_seconds // _MINUTE)) if launch.max_run_seconds else 0
        options = [
            *("-n", str(launch.nodes)),
            *(("-t", str(minutes)) if minutes else ()),
            *(("-q", launch.queue) if launch.queue else ()),
            *("--jobname", scheduler_name(launch.name)),
            *("--cwd", launch.work_dir, "-o", launch.stdout, "-e", launch.stderr),
        ]
        return f"qsub --mode script {shlex.join(options)} {shlex.quote(f'./{basename(launch.script)}')}"

    def submitted(self, reply: Completed) -> str:
        return submission(reply, r"(\d+)", DOWN)

    def find(self, launch: Launch) -> str:
        return framed(own_id(launch) + "\n" + listing(_MINE))

    def found(self, reply: Completed, launch: Launch) -> str | None:
        answer = lines(reply, DOWN, harmless=_UNKNOWN)
        rows = [f"@found|{job['jobid']}|{_work_dir(job)}" for job in _jobs(listed(answer))]
        return chosen([*answer, *rows], launch)

    def status(self, ids: Iterable[str]) -> str:
        return framed(listing(f"qstat -l -f {quoted(ids)}"))

    def standings(self, reply: Completed, ids: Iterable[str]) -> Mapping[str, Standing]:
        asked, known = set(ids), {}
        for job in _jobs(listed(lines(reply, DOWN, harmless=_UNKNOWN))):
            state = job.get("state", "").lower()
            if job["jobid"] not in asked or not state:
                continue
            report = RemoteReport(state=RemoteState.RUNNING, started=_date(job.get("starttime", "")))
            if state in _WAITING:
                report = RemoteReport(state=RemoteState.QUEUED, reason="" if state == "queued" else state)
            known[job["jobid"]] = Standing(report)
        return known

    def cancel(self, remote_job_id: str) -> str:
        return f"qdel {shlex.quote(remote_job_id)}"

    def cancelled(self, reply: Completed) -> bool:
        return ended_by_request(reply, _UNKNOWN, DOWN)


def _jobs(answer: Iterable[str]) -> Iterator[dict[str, str]]:
    """The jobs of ``qstat -l -f``: ``JobID: 123``, and below it a name and a value with a colon between."""
    job: dict[str, str] = {}
    for line in answer:
        pair = re.match(r"\s*(\w+)\s*: ?(.*)", line)
        if not pair:
            continue
        name = pair[1].lower()
        if name == "jobid":
            if job:
                yield job
            job = {}
        if job or name == "jobid":
            job.setdefault(name, pair[2].strip())
    if job:
        yield job


def _work_dir(job: Mapping[str, str]) -> str:
    return job.get("cwd", "") or job.get("workingdir", "") or job.get("outputdir", "")


def _date(text: str) -> datetime | None:
    """``Mon Nov 23 04:00:00 2026``, perhaps with the zone behind it."""
    return calendar(re.sub(r"\s+[+-]\d{4} \(\w+\)$", "", text.strip()))
