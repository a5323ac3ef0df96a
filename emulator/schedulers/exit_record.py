"""The record in which a script on a real machine says itself how it ended [wrapper-templates §8].

Lines of a word and a value, written whole (by renaming), by the supervisor of a script without a scheduler, or
by a trap in the script of a batch job::

    id 4711
    started 1795406400.123
    ended 1795406460.456
    code 3
    end EXIT

``started`` and ``ended`` are seconds by the clock of the machine that ran it. ``code`` is the shell's: above 128
for a signal. ``end`` is EXIT, LIMIT (its run time was over) or CANCELLED.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.domain.ports import RemoteReport, RemoteState
from emulator.domain.work_dir import EXIT_RECORD
from emulator.schedulers.dates import epoch
from emulator.schedulers.dialect import Unclear
from emulator.schedulers.simulated import family

SIGNALS = 128
"""Shells add this to the number of the signal that has ended a command."""
_MOST_SIGNALS = 64
_ENDS = {"LIMIT": "TIMEOUT", "CANCELLED": "CANCELLED"}
_ID_VARIABLES: Mapping[str, str] = {
    "SLURM": "SLURM_JOB_ID",
    "PBS": "PBS_JOBID",
    "TORQUE": "PBS_JOBID",
    "MOAB": "PBS_JOBID",
    "SGE": "JOB_ID",
    "LSF": "LSB_JOBID",
    "COBALT": "COBALT_JOBID",
}

# A shell that a signal ends runs its EXIT trap as if nothing had happened, so signals become exit codes first.
# By number, as not every shell has all their names.
_TRAP = """\
agave_record="$(pwd)/@RECORD@"
agave_started=$(date +%s.%N)
agave_exit_record() {
  printf 'id %s\\nstarted %s\\nended %s\\ncode %s\\nend EXIT\\n' \\
    @ID@ "$agave_started" "$(date +%s.%N)" "$1" > "$agave_record.$$" && mv -f "$agave_record.$$" "$agave_record" || :
}
trap 'agave_exit_record "$?"' 0
for agave_signal in 1 2 3 4 5 6 7 8 10 11 12 13 14 15 24; do
  trap "exit $((@SIGNALS@ + agave_signal))" "$agave_signal"
done"""


def exit_record_trap(scheduler: str) -> str:
    """Shell text for the beginning of a batch job's script, which has changed into its work directory before.

    Empty for schedulers whose scripts have a supervisor of ours, which writes the record: FORK and CONDOR. A
    wrapper that sets a trap for EXIT of its own, or that becomes another program, leaves no record.
    """
    kind = family(scheduler)
    if kind in ("FORK", "CONDOR"):
        return ""
    variable = _ID_VARIABLES.get(kind)
    text = _TRAP.replace("@ID@", f'"${{{variable}-}}"' if variable else "''")
    return text.replace("@RECORD@", EXIT_RECORD).replace("@SIGNALS@", str(SIGNALS))


def parse_exit_record(text: str) -> RemoteReport:
    """How the script has ended. Raises Unclear for a text that is not such a record, whole."""
    values = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    code = values.get("code", "").strip()
    if not (code.isascii() and code.isdigit() and len(code) <= 3) or "end" not in values:
        raise Unclear(f"not the record of an end: {text[:200]!r}")
    number = int(code)
    exit_code, signal = exit_and_signal(number)
    state = _ENDS.get(values["end"].strip()) or ("COMPLETED" if number == 0 else "FAILED")
    return RemoteReport(
        state=RemoteState.ENDED,
        scheduler_state=state,
        exit_code=exit_code,
        signal=signal,
        started=epoch(values.get("started", "")),
        ended=epoch(values.get("ended", "")),
    )


def exit_and_signal(code: int) -> tuple[int | None, int]:
    """A shell's exit code as an exit code or the signal that it stands for; 0 for no signal."""
    if SIGNALS < code <= SIGNALS + _MOST_SIGNALS:
        return None, code - SIGNALS
    return code, 0
