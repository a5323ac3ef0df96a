"""LSF [wrapper-templates §7, §7.1]."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from emulator.domain.paths import basename
from emulator.domain.ports import Completed, Launch, RemoteReport, RemoteState
from emulator.domain.work_dir import scheduler_name
from emulator.schedulers.dates import iso
from emulator.schedulers.dialect import Standing
from emulator.schedulers.dialects.replies import (
    chosen,
    ended_by_request,
    framed,
    lines,
    own_id,
    plain,
    quoted,
    submission,
)
from emulator.schedulers.exit_record import exit_and_signal

DOWN = (
    r"lsf is down|lsf is not (?:up|running)|failed in lsf library call|cannot connect to lsf"
    r"|mbatchd.*(?:down|not responding|not available)|lim is down|batch daemon not responding|slave lim"
)
_UNKNOWN = r"is not found|no matching job|no (?:unfinished )?job found|already (?:finished|terminated)|being terminated"
_WAITING = ("PEND", "PROV", "WAIT", "FWD_PEND")
_RUNNING = ("RUN", "USUSP", "SSUSP", "PSUSP", "UNKWN")
_REASONS = (
    ("TERM_RUNLIMIT", "TIMEOUT"),
    ("TERM_CPULIMIT", "TIMEOUT"),
    ("TERM_DEADLINE", "DEADLINE"),
    ("TERM_MEMLIMIT", "OUT_OF_MEMORY"),
    ("TERM_SWAP", "OUT_OF_MEMORY"),
    ("TERM_PREEMPT", "PREEMPTED"),
    ("TERM_ZOMBIE", "NODE_FAIL"),
    ("TERM_OWNER", "CANCELLED"),
    ("TERM_ADMIN", "CANCELLED"),
    ("TERM_FORCE_OWNER", "CANCELLED"),
    ("TERM_FORCE_ADMIN", "CANCELLED"),
    ("TERM_REMOVE_HUNG_JOB", "CANCELLED"),
)
_COLUMNS = "jobid stat exit_code start_time finish_time exit_reason"
_CELLS = len(_COLUMNS.split())
_LATER = timedelta(days=1)

# bjobs counts jobs that it does not find as its own failure, and says so on standard error.
_STATUS = """\
echo "@now|$(date +%Y-%m-%dT%H:%M:%S)"
export LSB_DISPLAY_YEAR=Y
known=$(bjobs -a -noheader -o "{columns} delimiter='|'" {ids} 2>&1) || echo '@failed'
printf '%s\\n' "$known" | sed 's/^\\([0-9][0-9]*|\\)/@job|\\1/'"""

_FIND = """\
{own_id}
known=$(bjobs -a -noheader -J {name} -o "jobid sub_cwd exec_cwd delimiter='|'" 2>&1) || echo '@failed'
printf '%s\\n' "$known" | sed 's/^\\([0-9][0-9]*|\\)/@row|\\1/'"""


class Lsf:
    """See ``Dialect``."""

    def submit(self, launch: Launch) -> str:
        return f"bsub < {shlex.quote(basename(launch.script))}"

    def submitted(self, reply: Completed) -> str:
        return submission(reply, r"Job <(\d+)> is submitted(?: to .*)?", DOWN)

    def find(self, launch: Launch) -> str:
        return framed(_FIND.format(own_id=own_id(launch), name=shlex.quote(scheduler_name(launch.name))))

    def found(self, reply: Completed, launch: Launch) -> str | None:
        answer = lines(reply, DOWN, harmless=_UNKNOWN)
        rows = [line.split("|") for line in answer if line.startswith("@row|")]
        found = [f"@found|{row[1]}|{place}" for row in rows for place in row[2:]]
        return chosen([*answer, *found], launch)

    def status(self, ids: Iterable[str]) -> str:
        return framed(_STATUS.format(columns=_COLUMNS, ids=quoted(ids)))

    def standings(self, reply: Completed, ids: Iterable[str]) -> Mapping[str, Standing]:
        asked, known = set(ids), {}
        now: datetime | None = None
        for line in lines(reply, DOWN, harmless=_UNKNOWN):
            mark, _, row = line.partition("|")
            if mark == "@now":
                now = iso(row)
            elif mark == "@job":
                cells = [cell.strip() for cell in row.split("|", _CELLS - 1)]
                standing = _standing(cells, now) if len(cells) == _CELLS and cells[0] in asked else None
                if standing:
                    known[cells[0]] = standing
        return known

    def cancel(self, remote_job_id: str) -> str:
        return f"bkill {shlex.quote(remote_job_id)}"

    def cancelled(self, reply: Completed) -> bool:
        return ended_by_request(reply, _UNKNOWN, DOWN)


def _standing(cells: list[str], now: datetime | None) -> Standing | None:
    _, state, code, start, finish, why = cells
    if state in _WAITING:
        return Standing(RemoteReport(state=RemoteState.QUEUED))
    if state in _RUNNING:
        started = _date(start, now)
        # PSUSP is held before it has ever run
        return Standing(
            RemoteReport(
                state=RemoteState.QUEUED if state == "PSUSP" and not started else RemoteState.RUNNING,
                started=started,
            )
        )
    if state not in ("DONE", "EXIT", "ZOMBI"):
        return None
    exit_code, signal = (0, 0) if state == "DONE" else _code(code)
    word = "COMPLETED" if state == "DONE" else "FAILED"
    if state != "DONE":
        word = next((meant for term, meant in _REASONS if term in why), word)
    report = RemoteReport(
        state=RemoteState.ENDED,
        scheduler_state=word,
        exit_code=exit_code,
        signal=signal,
        started=_date(start, now),
        ended=_date(finish, now),
        reason="" if state == "DONE" or why == "-" else plain(why),
    )
    return Standing(report, hopeless=state == "ZOMBI")


def _code(text: str) -> tuple[int | None, int]:
    return exit_and_signal(int(text)) if re.fullmatch(r"\d{1,5}", text, re.ASCII) else (None, 0)


def _date(text: str, now: datetime | None) -> datetime | None:
    """``Nov 23 04:10:20 2026``; older releases leave out the year and the seconds. L, E, X mark an estimate."""
    words = re.sub(r"\s+[LEX]$", "", " ".join(text.split()))
    for form in ("%b %d %H:%M:%S %Y", "%b %d %H:%M %Y"):
        try:
            return datetime.strptime(words, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    if now is None:
        return None
    for year in (now.year, now.year - 1):
        try:
            moment = datetime.strptime(f"{words} {year}", "%b %d %H:%M %Y").replace(tzinfo=UTC)
        except ValueError:
            continue
        if moment <= now + _LATER:
            return moment
    return None
