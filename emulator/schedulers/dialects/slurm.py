"""Slurm [wrapper-templates §7, §7.1, §8].

What slurmctld still knows comes from squeue, with the exit code from scontrol; what it has forgotten from sacct,
that is slurmdbd, or where there is none from the controller's log of completed jobs (``sacct -c``).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from datetime import timedelta

from emulator.domain.paths import basename
from emulator.domain.ports import Completed, Launch, RemoteReport, RemoteState
from emulator.domain.work_dir import scheduler_name
from emulator.schedulers.dates import iso, zone_of
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

DOWN = (
    r"unable to contact slurm controller|slurm_persist_conn_open|zero bytes were transmitted|send/recv operation"
    r"|unable to establish controller machine|controller in standby|slurm backup controller"
    r"|could not establish (?:a )?configuration source|invalid authentication credential|munge"
)
_ENDED = (
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "LAUNCH_FAILED", "NODE_FAIL"),
    *("OUT_OF_MEMORY", "PREEMPTED", "RECONFIG_FAIL", "REVOKED", "TIMEOUT"),
)
_WAITING = (
    *("PENDING", "CONFIGURING", "POWER_UP_NODE", "EQW"),
    *("REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"),
)
_RUNNING = (
    *("RUNNING", "RESIZING", "COMPLETING", "SIGNALING", "STAGE_OUT", "EXPEDITING", "UPDATE_DB"),
    *("SUSPENDED", "STOPPED"),  # what is paused stays so
)
_STATES = (*_ENDED, *_WAITING, *_RUNNING)
_BY_ITSELF = ("COMPLETED", "FAILED", "OUT_OF_MEMORY")
"""Ends that leave an exit code of the script's own."""
_HOPELESS = ("DependencyNeverSatisfied",)

_STATUS = """\
echo "@zone|$(unset TZ; date +%z)"
known=$(squeue -h -t all -j {ids} -o '@queue|%A|%T|%S|%e|%r') || echo '@failed'
printf '%s\\n' "$known"
for id in $(printf '%s\\n' "$known" | awk -F'|' '$1 == "@queue" && $3 ~ /^({ended})/ {{ print $2 }}'); do
  scontrol -o show job "$id" 2>/dev/null | sed 's/^/@job|/'
done
forgotten=
for id in {each}; do
  case $known in *"@queue|$id|"*) ;; *) forgotten="$forgotten,$id" ;; esac
done
if [ -n "$forgotten" ]; then
  past=$(sacct -p -n -X -o JobID,State,ExitCode,Start,End,Reason -j "${{forgotten#,}}" 2>/dev/null)
  if [ -n "$past" ]; then printf '%s\\n' "$past" | sed 's/^/@past|/'
  else sacct -c -p -n -o JobID,State,ExitCode,Start,End -j "${{forgotten#,}}" 2>/dev/null | sed 's/^/@log|/'
  fi
fi"""

_FIND = """\
{own_id}
squeue -h -t all -u "$(id -un)" -n {name} -o '@found|%A|%Z' || echo '@failed'
sacct -P -n -X -u "$(id -un)" --name={name} -S now-30days -o JobID,WorkDir 2>/dev/null | sed 's/^/@found|/'"""


class Slurm:
    """See ``Dialect``."""

    def submit(self, launch: Launch) -> str:
        return f"sbatch {shlex.quote(basename(launch.script))}"

    def submitted(self, reply: Completed) -> str:
        return submission(reply, r"Submitted batch job (\d+)(?: on cluster \S+)?", DOWN)

    def find(self, launch: Launch) -> str:
        name = shlex.quote(scheduler_name(launch.name))
        return framed(_FIND.format(own_id=own_id(launch), name=name))

    def found(self, reply: Completed, launch: Launch) -> str | None:
        return chosen(lines(reply, DOWN), launch)

    def status(self, ids: Iterable[str]) -> str:
        asked = list(ids)
        return framed(
            _STATUS.format(ids=quoted(asked, ","), each=quoted(asked), ended="|".join(_ENDED)),
        )

    def standings(self, reply: Completed, ids: Iterable[str]) -> Mapping[str, Standing]:
        return _standings(lines(reply, DOWN, harmless="invalid job id"), set(ids))

    def cancel(self, remote_job_id: str) -> str:
        return f"scancel {shlex.quote(remote_job_id)}"

    def cancelled(self, reply: Completed) -> bool:
        return ended_by_request(reply, r"invalid job id|already complet", DOWN)


def _standings(answer: list[str], ids: set[str]) -> dict[str, Standing]:
    """Of several lines about a job the later one counts: the questions were put in that order."""
    zone = timedelta()
    known: dict[str, Standing] = {}
    for line in answer:
        mark, _, row = line.partition("|")
        cells = row.split("|")
        found: tuple[str, Standing | None] = ("", None)
        if mark == "@zone":
            zone = zone_of(row)
        elif mark == "@queue" and len(cells) >= 5:
            found = cells[0], _queued(cells)
        elif mark == "@job":
            found = _shown(row)
        elif mark in ("@past", "@log") and len(cells) >= 5:
            found = cells[0], _remembered(cells, zone if mark == "@log" else timedelta())
        job_id, standing = found
        if job_id in ids and standing is not None:
            known[job_id] = standing
    return known


def _queued(cells: list[str]) -> Standing | None:
    """``id|state|start|end|reason`` of squeue. Times of what has not started are its plans."""
    word = state_word(cells[1])
    start = cells[2] if word in _RUNNING else ""
    if word == "EQW" or (word == "PENDING" and cells[4] in _HOPELESS):
        return Standing(
            RemoteReport(state=RemoteState.ENDED, scheduler_state="CANCELLED", reason=plain(cells[4])), True
        )
    report = _report(word, start=start, end=cells[3], reason="|".join(cells[4:]))
    return Standing(report) if report else None


def _shown(row: str) -> tuple[str, Standing | None]:
    """``JobId=5 JobName=… JobState=… ExitCode=3:0 …`` of scontrol."""
    values = dict(reversed(re.findall(r"(?:^| )([A-Za-z]+)=(\S*)", row)))  # of two, the first
    report = _report(
        state_word(values.get("JobState", "")),
        codes=values.get("ExitCode", ""),
        start=values.get("StartTime", ""),
        end=values.get("EndTime", ""),
        reason=values.get("Reason", ""),
    )
    return values.get("JobId", ""), Standing(report) if report else None


def _remembered(cells: list[str], zone: timedelta) -> Standing | None:
    """``id|state|exit|start|end|reason|`` of sacct."""
    report = _report(
        state_word(cells[1]),
        codes=cells[2],
        start=cells[3],
        end=cells[4],
        reason=cells[5] if len(cells) > 5 else "",
        zone=zone,
    )
    return Standing(report) if report else None


def _report(
    word: str,
    *,
    codes: str = "",
    start: str = "",
    end: str = "",
    reason: str = "",
    zone: timedelta = timedelta(),
) -> RemoteReport | None:
    reason = "" if reason.strip() in ("None", "(null)", "Unknown") else plain(reason)
    if word in _WAITING:
        return RemoteReport(state=RemoteState.QUEUED, reason=reason)
    if word in _RUNNING:
        return RemoteReport(state=RemoteState.RUNNING, started=iso(start, zone), reason=reason)
    if word not in _ENDED:
        return None
    exit_code, signal = _codes(codes, word)
    if word == "CANCELLED" and start == end:  # while it was waiting
        start = ""
    return RemoteReport(
        state=RemoteState.ENDED,
        scheduler_state=word,
        exit_code=exit_code,
        signal=signal,
        started=iso(start, zone),
        ended=iso(end, zone),
        reason=reason,
    )


def _codes(text: str, word: str) -> tuple[int | None, int]:
    """``3:0``: the exit code, or the signal behind it. ``0:0`` says nothing of what did not end by itself."""
    found = re.fullmatch(r"(\d{1,4}):(\d{1,3})", text.strip(), re.ASCII)
    if not found:
        return (0 if word == "COMPLETED" else None), 0
    code, signal = int(found[1]), int(found[2])
    if signal or (code == 0 and word not in _BY_ITSELF):
        return None, signal
    return code, 0


def state_word(text: str) -> str:
    """``CANCELLED by 1000`` and ``OUT_OF_ME+`` as the whole, first word; empty for none that is known."""
    word = (text.split() or [""])[0].upper()
    if word.endswith("+"):
        meant = [state for state in _STATES if state.startswith(word[:-1])]
        return meant[0] if len(meant) == 1 else ""
    return word if word in _STATES else ""
