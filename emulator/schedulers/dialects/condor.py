"""HTCondor [wrapper-templates §2.2, §7, §7.1].

A job that fails is held by its submit file's ``on_exit_hold``, and would be run again some time later: it has
ended for us, and is to be removed. Should nobody be there to do so, the pool does (``periodic_remove``).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from emulator.domain.ports import Completed, Launch, RemoteReport, RemoteState
from emulator.domain.work_dir import EXIT_RECORD, file_stem
from emulator.schedulers.dates import epoch
from emulator.schedulers.dialect import Standing, Unclear
from emulator.schedulers.dialects.condor_transfer import pack_command
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
from emulator.schedulers.exit_record import exit_and_signal, parse_exit_record

DOWN = (
    r"failed to connect|failed to fetch ads|couldn't contact the condor_collector|can't find address"
    r"|can't connect|unable to connect|schedd .* not responding|communication error|qmgmt"
    r"|condor_schedd is not|: \(null\)"
)
_ATTRIBUTES = (
    "ClusterId",
    "JobStatus",
    "ExitCode",
    "ExitBySignal",
    "ExitSignal",
    "HoldReasonCode",
    "LastHoldReasonCode",
    "JobStartDate",
    "JobCurrentStartExecutingDate",
    "CompletionDate",
    "EnteredCurrentStatus",
    "HoldReason",
    "LastHoldReason",
    "RemoveReason",
)
_IDLE, _RUNNING, _REMOVED, _COMPLETED, _HELD, _SENDING, _SUSPENDED = "1234567"
_BY_POLICY = "3"
"""HoldReasonCode of a hold by the job's own expressions, as ``on_exit_hold`` is."""
_BY_PEOPLE = ("1", "15")
"""Held by the user or an administrator, or submitted on hold: it may be released."""
_MEMORY = "34"
_TOO_LONG = ("46", "47")

_ROW = 'strcat("@job",{cells})'
_DIRECTORY = 'strcat("@place|",ClusterId,"|",Iwd)'
_CELL = '"|",ifThenElse(isUndefined({0}),"",string({0}))'

# The queue, then what has left it; and the record of each that has ended, out of its directory. The directory comes
# with the row: a held job may have left the queue by the time that one asks again.
_STATUS = """\
row={row}
directory={directory}
known=$(condor_q {ids} -af:n "$row" "$directory") || {{ echo '@failed'; exit 0; }}
gone=
count=0
for id in {ids}; do
  case "
$known" in *"
@job|$id|"*) ;; *) gone="$gone $id" count=$((count + 1)) ;; esac
done
past=
if [ -n "$gone" ]; then past=$(condor_history $gone -limit $count -af:n "$row" "$directory" 2>/dev/null); fi
all=$(printf '%s\\n' "$known" "$past")
printf '%s\\n' "$all"
for id in $(printf '%s\\n' "$all" | awk -F'|' '$1 == "@job" && $3 ~ /^[345]$/ {{ print $2 }}'); do
  place=$(printf '%s\\n' "$all" | sed -n "s/^ *@place|$id|//p" | head -n 1)
  if [ -n "$place" ] && [ -r "$place/{record}" ]; then
    echo "@record|$id"
    cat "$place/{record}"
    echo '@end'
  fi
done"""

_FIND = """\
{own_id}
row='strcat("@found|",ClusterId,"|",Iwd)'
condor_q -af "$row" || {{ echo '@failed'; exit 0; }}
there=$(cd -- {work_dir} && pwd -P | sed 's/[\\\\"]/\\\\&/g')
condor_history -limit 3 -constraint "Iwd == \\"$there\\"" -af "$row" 2>/dev/null
:"""


class Condor:
    """See ``Dialect``."""

    def submit(self, launch: Launch) -> str:
        """Pack what the job needs beside the submit file, which stands there already, and submit that."""
        return pack_command(launch, f"{file_stem(launch.name)}.submit")

    def submitted(self, reply: Completed) -> str:
        return submission(reply, r"1 job\(s\) submitted to cluster (\d+)\.", DOWN)

    def find(self, launch: Launch) -> str:
        return framed(_FIND.format(own_id=own_id(launch), work_dir=shlex.quote(launch.work_dir)))

    def found(self, reply: Completed, launch: Launch) -> str | None:
        return chosen(lines(reply, DOWN), launch)

    def status(self, ids: Iterable[str]) -> str:
        row = _ROW.format(cells=",".join(_CELL.format(name) for name in _ATTRIBUTES))
        asked = {"row": shlex.quote(row), "directory": shlex.quote(_DIRECTORY), "ids": quoted(ids)}
        return framed(_STATUS.format(**asked, record=EXIT_RECORD))

    def standings(self, reply: Completed, ids: Iterable[str]) -> Mapping[str, Standing]:
        answer = lines(reply, DOWN)
        asked, known = set(ids), {}
        for place, line in enumerate(answer):
            mark, _, row = line.partition("|")
            if mark == "@job":
                cells = row.split("|", len(_ATTRIBUTES) - 1)
                if len(cells) == len(_ATTRIBUTES) and cells[0] in asked:
                    standing = _standing(dict(zip(_ATTRIBUTES, cells, strict=True)))
                    if standing:
                        known[cells[0]] = standing
            elif mark == "@record" and row in known:
                record = list(takewhile(lambda one: one != "@end", answer[place + 1 :]))
                known[row] = _recorded(known[row], "\n".join(record))
        return known

    def cancel(self, remote_job_id: str) -> str:
        return f"condor_rm {shlex.quote(remote_job_id)}"

    def cancelled(self, reply: Completed) -> bool:
        if re.search(r"permission denied|not authorized", f"{reply.stdout}\n{reply.stderr}", re.IGNORECASE):
            return False
        return ended_by_request(reply, r"couldn't find|not found|already", DOWN)


def _standing(job: Mapping[str, str]) -> Standing | None:
    status = job["JobStatus"]
    started = epoch(job["JobCurrentStartExecutingDate"]) or epoch(job["JobStartDate"])
    hold = plain(job["HoldReason"])
    if status == _IDLE:
        return Standing(RemoteReport(state=RemoteState.QUEUED))
    if status in (_RUNNING, _SENDING, _SUSPENDED):
        return Standing(RemoteReport(state=RemoteState.RUNNING, started=started))
    if status == _HELD and job["HoldReasonCode"] in _BY_PEOPLE:
        state = RemoteState.RUNNING if started else RemoteState.QUEUED
        return Standing(RemoteReport(state=state, started=started, reason=hold))
    if status in (_COMPLETED, _REMOVED, _HELD):
        return Standing(_ended(job, started), hopeless=status == _HELD)
    return None


def _ended(job: Mapping[str, str], started: datetime | None) -> RemoteReport:
    """Completed, held for what it did, or removed, perhaps after it was held."""
    hold = job["HoldReasonCode"] if job["JobStatus"] == _HELD else job["LastHoldReasonCode"]
    reason = plain(job["HoldReason"] or job["LastHoldReason"])
    exit_code, signal = _exit(job)
    by_itself = job["JobStatus"] == _COMPLETED or (
        hold == _BY_POLICY and (exit_code is not None or signal != 0)
    )
    if by_itself:
        word, reason = ("COMPLETED" if exit_code == 0 else "FAILED"), ""
    else:
        exit_code, signal = None, 0
        if hold == _MEMORY or (hold and "memory" in reason.lower()):
            word = "OUT_OF_MEMORY"
        elif hold in _TOO_LONG:
            word = "TIMEOUT"
        elif job["JobStatus"] == _HELD:
            word = "FAILED"
        else:
            word, reason = "CANCELLED", plain(job["RemoveReason"])
    return RemoteReport(
        state=RemoteState.ENDED,
        scheduler_state=word,
        exit_code=exit_code,
        signal=signal,
        started=started,
        ended=epoch(job["CompletionDate"]) or epoch(job["EnteredCurrentStatus"]),
        reason=reason,
    )


def _exit(job: Mapping[str, str]) -> tuple[int | None, int]:
    if job["ExitBySignal"].lower() == "true":
        signal = job["ExitSignal"]
        return None, int(signal) if signal.isdecimal() and len(signal) < 4 else 0
    code = job["ExitCode"]
    return exit_and_signal(int(code)) if code.isdecimal() and len(code) < 4 else (None, 0)


def _recorded(standing: Standing, text: str) -> Standing:
    """The wrapper knows better when the script ran, and whether its time was over."""
    report = standing.report
    try:
        record = parse_exit_record(text)
    except Unclear:
        return standing
    if report.state is not RemoteState.ENDED or report.scheduler_state not in ("COMPLETED", "FAILED"):
        return standing
    if report.exit_code is None and not report.signal and report.reason:  # held for something else
        return standing
    word = record.scheduler_state if record.scheduler_state == "TIMEOUT" else report.scheduler_state
    return replace(
        standing,
        report=replace(
            report,
            scheduler_state=word,
            started=record.started or report.started,
            ended=record.ended or report.ended,
        ),
    )
