"""LoadLeveler [wrapper-templates §7, §7.1]. What has ended is forgotten soon: the exit record tells the rest."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from emulator.domain.paths import basename
from emulator.domain.ports import Completed, Launch, RemoteReport, RemoteState
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
    plain,
    quoted,
    submission,
)
from emulator.schedulers.exit_record import exit_and_signal

DOWN = (
    r"2512-301|cannot (?:connect|send|communicate)|unable to (?:connect|contact)|not (?:currently )?running loadl"
    r"|2539-463|loadl_(?:schedd|negotiator) .*(?:down|not)"
)
_UNKNOWN = (
    r"2512-023|no job status to report|there is currently no job|could not find|does not exist|not found"
)
_STATES: Mapping[str, str] = {
    **dict.fromkeys(("D", "DEFERRED", "H", "HOLD", "USER HOLD", "S", "SYSTEM HOLD", "HS"), "QUEUED"),
    **dict.fromkeys(("USER & SYSTEM HOLD", "I", "IDLE", "V", "VACATED", "VP", "VACATE PENDING"), "QUEUED"),
    **dict.fromkeys(("CK", "CHECKPOINTING", "CP", "COMPLETE PENDING", "P", "PENDING", "MP"), "RUNNING"),
    **dict.fromkeys(("RP", "REMOVE PENDING", "R", "RUNNING", "ST", "STARTING", "E", "PREEMPTED"), "RUNNING"),
    **dict.fromkeys(("EP", "PREEMPT PENDING", "RESUME PENDING", "TX", "TERMINATED PENDING"), "RUNNING"),
    **dict.fromkeys(("C", "COMPLETED"), "COMPLETED"),
    **dict.fromkeys(("CA", "CANCELED", "RM", "REMOVED"), "CANCELLED"),
    **dict.fromkeys(("XP", "REJECT PENDING", "X", "REJECTED", "NR", "NOT RUN", "NQ", "NOT QUEUED"), "FAILED"),
    **dict.fromkeys(("SX", "SUBMISSION ERROR", "TERMINATED"), "FAILED"),
}
_OVER_TIME = r"wall.?clock.*(?:limit|exceeded)|exceeded.*wall.?clock"

_MINE = 'llq -l -u "$(id -un)"'


class LoadLeveler:
    """See ``Dialect``."""

    def submit(self, launch: Launch) -> str:
        script = shlex.quote(basename(launch.script))
        return f"if command -v llsub >/dev/null 2>&1; then llsub {script}; else llsubmit {script}; fi"

    def submitted(self, reply: Completed) -> str:
        """The line that begins with a digit, or that names the job."""
        accepted = r'(?:llsubmit: )?(?:The job "(?=\S+"))?((?<=")[^"\s]+(?=")|\d\S*)(?:"? .*)?'
        return submission(reply, accepted, DOWN)

    def find(self, launch: Launch) -> str:
        return framed(own_id(launch) + "\n" + listing(_MINE))

    def found(self, reply: Completed, launch: Launch) -> str | None:
        answer = lines(reply, DOWN, harmless=_UNKNOWN)
        rows = [
            f"@found|{_job(step['Job Step Id'])}|{step.get('Initial Working Dir', '')}"
            for step in _steps(listed(answer))
        ]
        return chosen([*answer, *rows], launch)

    def status(self, ids: Iterable[str]) -> str:
        return framed(listing(f"llq -l {quoted(ids)}"))

    def standings(self, reply: Completed, ids: Iterable[str]) -> Mapping[str, Standing]:
        asked = {_number(one): one for one in ids}
        known = {}
        for step in _steps(listed(lines(reply, DOWN, harmless=_UNKNOWN))):
            job_id = asked.get(_number(_job(step["Job Step Id"])))
            report = _report(step)
            if job_id and report:
                known[job_id] = Standing(report)
        return known

    def cancel(self, remote_job_id: str) -> str:
        return f"llcancel {shlex.quote(remote_job_id)}"

    def cancelled(self, reply: Completed) -> bool:
        return ended_by_request(reply, _UNKNOWN, DOWN)


def _steps(answer: Iterable[str]) -> Iterator[dict[str, str]]:
    """Jobs of one step each, as our scripts are, by the names that ``llq -l`` prints before a colon."""
    step: dict[str, str] = {}
    for line in answer:
        pair = re.match(r"\s*([A-Za-z][A-Za-z /]*?)\s*: ?(.*)", line)
        if not pair:
            continue
        if pair[1] == "Job Step Id":
            if step:
                yield step
            step = {}
        if step or pair[1] == "Job Step Id":
            step.setdefault(pair[1], pair[2].strip())
    if step:
        yield step


def _job(step_id: str) -> str:
    """``host.123.0`` is a step of the job ``host.123``."""
    return step_id.rpartition(".")[0] or step_id


def _number(job_id: str) -> str:
    """The job's number, as ids are printed with and without the host's domain."""
    parts = [part for part in job_id.split(".") if part.isdecimal()]
    return parts[-1] if parts else job_id


def _report(step: Mapping[str, str]) -> RemoteReport | None:
    status = step.get("Status", "").upper()
    word = _STATES.get(status, "")
    started = _date(step.get("Dispatch Time", ""))
    if word == "QUEUED":
        return RemoteReport(state=RemoteState.QUEUED)
    if word == "RUNNING":
        return RemoteReport(state=RemoteState.RUNNING, started=started)
    if not word:
        return None
    exit_code, signal = _completion(step.get("Completion Code", ""))
    reason = plain(step.get("Hold Message", "") or step.get("Explanation", ""))
    if re.search(_OVER_TIME, " ".join(step.values()), re.IGNORECASE) and (signal or word != "COMPLETED"):
        word = "TIMEOUT"
    elif word == "COMPLETED" and exit_code != 0 and (exit_code or signal):
        word = "FAILED"
    return RemoteReport(
        state=RemoteState.ENDED,
        scheduler_state=word,
        exit_code=exit_code,
        signal=signal,
        started=started,
        ended=_date(step.get("Completion Date", "")),
        reason=reason,
    )


def _completion(text: str) -> tuple[int | None, int]:
    """As wait() has it: the exit code times 256, plus the signal."""
    found = re.match(r"\d{1,6}(?!\d)", text, re.ASCII)
    if not found:
        return None, 0
    status = int(found[0])
    signal = status & 0x7F
    return (None, signal) if signal else exit_and_signal(status >> 8)


def _date(text: str) -> datetime | None:
    """``Mon 23 Nov 2026 04:00:00 AM UTC``, or ctime's form."""
    words = re.sub(r"\s+(?:UTC|GMT)$", "", " ".join(text.split()))
    for form in ("%a %d %b %Y %I:%M:%S %p", "%a %d %b %Y %H:%M:%S"):
        try:
            return datetime.strptime(words, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return calendar(words)
