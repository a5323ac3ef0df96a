"""PBS (OpenPBS, PBS Professional), and Torque and Moab, which share its commands [wrapper-templates §7, §7.1].

PBS lists ended jobs with ``-x`` as long as its history is on, Torque as long as ``keep_completed`` says (its ``-x``
would be XML). Both print the same text of ``qstat -f``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from emulator.domain.paths import basename
from emulator.domain.ports import Completed, Launch, RemoteReport, RemoteState
from emulator.domain.work_dir import scheduler_name
from emulator.schedulers.dates import calendar, epoch
from emulator.schedulers.dialect import Standing
from emulator.schedulers.dialects.replies import (
    chosen,
    ended_by_request,
    framed,
    lines,
    listed,
    listing,
    own_id,
    plain,
    quoted,
    submission,
)
from emulator.schedulers.exit_record import exit_and_signal

DOWN = (
    r"cannot connect to (?:default )?server|no server|pbs_iff|end of file|communication failure|errno=15|"
    r"could not connect|can not connect|server (?:is )?not responding|munge|trqauthd"
)
_UNKNOWN = r"unknown job id|unknown job|job has finished|request invalid for state|has finished"
_WAITING = "TQWHM"
_RUNNING = "BERXSU"
_ENDED = "FC"
_SIGNALLED = 256
"""PBS and Torque add this to the number of the signal that has ended a job."""
_MOST_SIGNALS = 64
_SECONDS_NEAR_LIMIT = 2
# What the server notes when it ends a job itself: OpenPBS, then Torque.
_BY_SERVER = {
    "-26": "OUT_OF_MEMORY",
    "-27": "OUT_OF_MEMORY",
    "-28": "TIMEOUT",
    "-29": "TIMEOUT",
    "-10": "OUT_OF_MEMORY",
    "-11": "TIMEOUT",
    "-12": "TIMEOUT",
}

_FIND = """\
{own_id}
ids=$(qselect {history} -u "$(id -un)" -N {name}) || echo '@failed'
[ -z "$ids" ] || {listing}"""


class Pbs:
    """See ``Dialect``. ``options`` are qstat's, ``history`` is qselect's, for what has ended."""

    def __init__(self, options: str, history: str) -> None:
        self._options = options
        self._history = history

    def submit(self, launch: Launch) -> str:
        return f"qsub {shlex.quote(basename(launch.script))}"

    def submitted(self, reply: Completed) -> str:
        return submission(reply, r"(\d+(?:\[\])?(?:\.\S+)?)", DOWN)

    def find(self, launch: Launch) -> str:
        name = shlex.quote(scheduler_name(launch.name))
        listed_jobs = f"qstat {self._options} $ids 2>/dev/null | sed 's/^/@|/'"
        return framed(
            _FIND.format(own_id=own_id(launch), name=name, history=self._history, listing=listed_jobs)
        )

    def found(self, reply: Completed, launch: Launch) -> str | None:
        answer = lines(reply, DOWN)
        rows = [f"@found|{job_id}|{_work_dir(job)}" for job_id, job in _jobs(listed(answer))]
        return chosen([*answer, *rows], launch)

    def status(self, ids: Iterable[str]) -> str:
        return framed(listing(f"qstat {self._options} {quoted(ids)}"))

    def standings(self, reply: Completed, ids: Iterable[str]) -> Mapping[str, Standing]:
        names = {one.partition(".")[0]: one for one in ids}
        known = {}
        for job_id, job in _jobs(listed(lines(reply, DOWN, harmless=_UNKNOWN))):
            asked = names.get(job_id.partition(".")[0])
            report = _report(job)
            if asked and report:
                known[asked] = Standing(report)
        return known

    def cancel(self, remote_job_id: str) -> str:
        return f"qdel {shlex.quote(remote_job_id)}"

    def cancelled(self, reply: Completed) -> bool:
        return ended_by_request(reply, _UNKNOWN, DOWN)


def _jobs(answer: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The jobs of ``qstat -f``. Long values go on in lines that begin with a tab."""
    job_id, job, last = "", dict[str, str](), ""
    for line in answer:
        head = re.match(r"Job Id: *(\S+)", line)
        if head:
            if job_id:
                yield job_id, job
            job_id, job, last = head[1], {}, ""
        elif job_id and line.startswith("\t") and last:
            job[last] += line[1:]
        elif job_id:
            pair = re.match(r"\s+([A-Za-z_.]+) = (.*)", line)
            if pair:
                last = pair[1].lower()
                job[last] = pair[2]
    if job_id:
        yield job_id, job


def _work_dir(job: Mapping[str, str]) -> str:
    found = re.search(r"(?:^|,)PBS_O_WORKDIR=((?:[^,\\]|\\.)*)", job.get("variable_list", ""))
    return re.sub(r"\\(.)", r"\1", found[1]) if found else job.get("init_work_dir", "")


def _report(job: Mapping[str, str]) -> RemoteReport | None:
    state = job.get("job_state", "").strip()
    started = _date(job.get("stime", "")) or _date(job.get("start_time", ""))
    comment = plain(job.get("comment", ""))
    if len(state) != 1:
        return None
    if state in _WAITING:
        return RemoteReport(state=RemoteState.QUEUED, reason=comment)
    if state in _RUNNING:
        return RemoteReport(state=RemoteState.RUNNING, started=started)
    if state not in _ENDED:
        return None
    status = job.get("exit_status", "").strip()
    exit_code, signal = _status(status)
    return RemoteReport(
        state=RemoteState.ENDED,
        scheduler_state=_word(job, status, exit_code, signal),
        exit_code=exit_code,
        signal=signal,
        started=started,
        ended=next((date for name in _ENDS if (date := _date(job.get(name, "")))), None),
        reason="" if exit_code == 0 else comment,
    )


_ENDS = ("obittime", "history_timestamp", "comp_time", "mtime")


def _status(text: str) -> tuple[int | None, int]:
    """A negative status is the server's own; one above 256 a signal."""
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII):
        return None, 0
    number = int(text)
    if _SIGNALLED < number <= _SIGNALLED + _MOST_SIGNALS:
        return None, number - _SIGNALLED
    return exit_and_signal(number)


def _word(job: Mapping[str, str], status: str, exit_code: int | None, signal: int) -> str:
    comment = job.get("comment", "").lower()
    if exit_code == 0:
        return "COMPLETED"
    if status in _BY_SERVER:
        return _BY_SERVER[status]
    if re.search(r"exceeded .*(?:walltime|cput)", comment):
        return "TIMEOUT"
    if re.search(r"exceeded .*mem", comment):
        return "OUT_OF_MEMORY"
    if not status or "deleted" in comment:
        return "CANCELLED"
    if signal and _over_time(job):
        return "TIMEOUT"
    return "FAILED"


def _over_time(job: Mapping[str, str]) -> bool:
    used, limit = (
        _seconds(job.get(name, "")) for name in ("resources_used.walltime", "resource_list.walltime")
    )
    return bool(limit) and used >= limit - _SECONDS_NEAR_LIMIT


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(?:(\d{1,6}):)?(\d{1,2}):(\d{2})", text.strip(), re.ASCII)
    return int(found[1] or 0) * 3600 + int(found[2]) * 60 + int(found[3]) if found else 0


def _date(text: str) -> datetime | None:
    return calendar(text) or epoch(text)
