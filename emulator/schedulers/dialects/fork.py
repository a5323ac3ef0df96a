"""A host without a scheduler: its scripts run at once, below a supervisor [wrapper-templates §7, §8].

The id is the supervisor's process id. One that is not there any more is left out of the standings: the exit
record in the work directory says the rest. Should the number have been given to another supervisor of the account
meanwhile, the script counts as running until that one ends, and the record then tells the truth.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

from emulator.domain.paths import basename
from emulator.domain.ports import Completed, Launch, RemoteReport, RemoteState
from emulator.domain.work_dir import EXIT_RECORD
from emulator.schedulers.dates import epoch
from emulator.schedulers.dialect import Standing
from emulator.schedulers.dialects.fork_supervisor import CLAIM, MEMBERS, NAME, start_command
from emulator.schedulers.dialects.replies import framed, lines, quoted, submission

# A process is a supervisor when its arguments say so; a zombie, which nobody reaps, is not any more.
_ALIVE = f"""\
agave_alive() {{
  {{ read -r agave_line < "/proc/$1/stat"; }} 2>/dev/null || return 1
  case ${{agave_line##*) }} in [ZX]*) return 1 ;; esac
  tr '\\0' '\\n' < "/proc/$1/cmdline" 2>/dev/null | grep -qx {NAME}
}}
"""

_STATUS = """\
[ -r /proc/self/stat ] || {{ echo "no /proc here"; echo "@failed"; exit; }}
boot=$(awk '$1 == "btime" {{ print $2 }}' /proc/stat) hertz=$(getconf CLK_TCK 2>/dev/null || echo 100)
for id in {ids}; do
  agave_alive "$id" || continue
  read -r agave_line < "/proc/$id/stat" || continue
  set -- ${{agave_line##*) }}
  shift 19
  echo "@alive|$id|$((boot + $1 / hertz))"
done"""

_FIND = """\
read -r pid rest < {claim} && echo "@found|$pid"
sed -n 's/^id /@found|/p' {record} 2>/dev/null
:"""

_CANCEL = """\
id={id}
if agave_alive "$id"; then
  kill -TERM "$id" || echo "@refused"
  round=0
  while agave_alive "$id" && [ $round -lt 50 ]; do
    sleep 0.2 2>/dev/null || sleep 1
    round=$((round + 1))
  done
fi
agave_session "$id"
agave_alive "$id" || agave_own=
agave_end "$id" ''
agave_alive "$id" && kill -KILL "$id"
agave_members "$id" ''
[ -z "$agave_found" ] || echo "@left|$agave_found" """


class Fork:
    """See ``Dialect``."""

    def submit(self, launch: Launch) -> str:
        return start_command(launch, basename(launch.script))

    def submitted(self, reply: Completed) -> str:
        return submission(reply, r"(\d+)", "")

    def find(self, launch: Launch) -> str:
        claim = shlex.quote(f"{launch.work_dir}/{CLAIM}")
        record = shlex.quote(f"{launch.work_dir}/{EXIT_RECORD}")
        return framed(_FIND.format(claim=f"{claim} 2>/dev/null", record=record))

    def found(self, reply: Completed, launch: Launch) -> str | None:
        rows = [re.fullmatch(r"@found\|(\d+)", line) for line in lines(reply, "")]
        return next((row[1] for row in rows if row), None)

    def status(self, ids: Iterable[str]) -> str:
        return framed(_ALIVE + _STATUS.format(ids=quoted(ids)))

    def standings(self, reply: Completed, ids: Iterable[str]) -> Mapping[str, Standing]:
        asked, known = set(ids), {}
        for line in lines(reply, ""):
            row = re.fullmatch(r"@alive\|(\d+)\|(\d*)", line)
            if row and row[1] in asked:
                report = RemoteReport(state=RemoteState.RUNNING, started=epoch(row[2]))
                known[row[1]] = Standing(report)
        return known

    def cancel(self, remote_job_id: str) -> str:
        """Also what a supervisor has left that was killed itself."""
        return framed(_ALIVE + MEMBERS + _CANCEL.format(id=shlex.quote(remote_job_id)))

    def cancelled(self, reply: Completed) -> bool:
        return not any(line.startswith(("@refused", "@left")) for line in lines(reply, ""))
