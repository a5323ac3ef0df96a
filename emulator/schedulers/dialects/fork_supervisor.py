"""What runs a script on a host without a scheduler: a few lines of POSIX shell, and nothing left behind.

The supervisor is the script's parent, in a session of its own, so that the end of the connection does not
matter. It claims the work directory before it runs anything: of two only one ever does. It enforces the run time
limit, ends everything that the script has started, and writes the exit record. Needs Linux's /proc.
"""

from __future__ import annotations

import shlex

from emulator.domain.ports import Launch
from emulator.domain.work_dir import EXIT_RECORD, SUBMISSION

NAME = "agave-supervisor"
"""The supervisor's name among its own arguments, by which a process is known to be one."""
CLAIM = f"{SUBMISSION}/supervisor"
"""In the work directory: the process id of the supervisor, its start time in the machine's clock ticks, boot id."""
MARK = "AGAVE_SUPERVISOR"
"""The environment variable of all that a supervisor has started: its process id, and a colon."""

# Every process that belongs to the supervisor $1, but $2 and itself: in its session, or marked by it. The session
# is looked at only where it is the supervisor's own. $agave_found is the result; `read` is used, as it forks nothing.
# They are given two seconds between TERM and KILL.
MEMBERS = f"""\
agave_members() {{
  agave_found=
  for agave_file in $(grep -ls "{MARK}=$1:" /proc/[0-9]*/environ 2>/dev/null) /proc/[0-9]*/stat; do
    agave_pid=${{agave_file#/proc/}} agave_pid=${{agave_pid%%/*}}
    [ "$agave_pid" != "$1" ] && [ "$agave_pid" != "$2" ] || continue
    {{ read -r agave_line < "/proc/$agave_pid/stat"; }} 2>/dev/null || continue
    set -- "$1" "$2" ${{agave_line##*) }}
    [ "$3" != Z ] && [ "$3" != X ] || continue
    case $agave_file in */stat) [ "$6" = "$1" ] && [ "$agave_own" = "$1" ] || continue ;; esac
    case " $agave_found " in *" $agave_pid "*) ;; *) agave_found="$agave_found $agave_pid" ;; esac
  done
}}
agave_session() {{
  agave_own=
  {{ read -r agave_line < "/proc/$1/stat"; }} 2>/dev/null || return 0
  set -- "$1" ${{agave_line##*) }}
  [ "$5" = "$1" ] && agave_own=$1
  return 0
}}
agave_end() {{
  agave_members "$1" "$2"
  [ -n "$agave_found" ] || return 0
  kill -TERM $agave_found 2>/dev/null
  agave_signal=TERM
  for agave_pause in 0.1 0.2 0.4 0.6 0.7 KILL 0.1 0.1 0.2 0.5 1 1; do
    if [ $agave_pause = KILL ]; then agave_signal=KILL; continue; fi
    agave_members "$1" "$2"
    [ -n "$agave_found" ] || return 0
    [ $agave_signal = TERM ] || kill -KILL $agave_found 2>/dev/null
    sleep $agave_pause 2>/dev/null || sleep 1
  done
}}
"""

# A shell may sleep through a signal that comes just before it begins to wait: the timer is told again until it ends.
# Runs $1 below the supervisor for at most $2 seconds (0: as long as it likes), and writes the record into the current
# directory. Before it stand `agave_run`, which becomes the script, and `agave_last`, which is done at its end.
WATCH = f"""\
agave_work=$(pwd)
agave_write() {{
  agave_last
  until printf 'id %s\\nstarted %s\\nended %s\\ncode %s\\nend %s\\n' \\
      "$agave_id" "$agave_started" "$agave_ended" "$1" "$2" > {EXIT_RECORD}.$$ &&
      mv -f {EXIT_RECORD}.$$ {EXIT_RECORD}; do
    [ -d "$agave_work" ] || break
    sleep 5
  done 2> /dev/null
  rm -f {EXIT_RECORD}.$$
  exit "$1"
}}
agave_calm() {{
  [ -n "$agave_timer" ] || return 0
  for agave_pause in 0.01 0.02 0.05 0.1 0.2 0.5 1 1; do
    kill -TERM "$agave_timer" 2>/dev/null || break
    {{ read -r agave_line < "/proc/$agave_timer/stat"; }} 2>/dev/null || break
    case ${{agave_line##*) }} in [ZX]*) break ;; esac
    sleep $agave_pause 2>/dev/null || sleep 1
  done
  kill -KILL "$agave_timer" 2>/dev/null
  wait "$agave_timer"
}}
agave_stop() {{
  trap '' TERM USR1 INT
  agave_calm
  agave_end $$ ''
  wait "$agave_child"
  agave_code=$?
  agave_ended=$(date +%s.%N)
  agave_write "$agave_code" "$1"
}}
agave_timer= agave_child=
trap 'agave_stop CANCELLED' TERM INT
trap 'agave_stop LIMIT' USR1
( trap - HUP TERM INT USR1
  export {MARK}="$$:"
  agave_run "$@" ) < /dev/null &
agave_child=$!
if [ "$2" -gt 0 ]; then
  ( agave_sleep=
    trap '[ -z "$agave_sleep" ] || kill -KILL "$agave_sleep"; exit' TERM
    trap - INT USR1
    export {MARK}="$$:"
    sleep "$2" &
    agave_sleep=$!
    wait "$agave_sleep"
    kill -USR1 $$ ) > /dev/null 2>&1 &
  agave_timer=$!
fi
wait "$agave_child"
agave_code=$?
trap '' TERM USR1 INT
agave_ended=$(date +%s.%N)
agave_calm
agave_end $$ ''
agave_write "$agave_code" EXIT
"""

# $1 script, $2 limit in seconds, $3 standard output, $4 standard error.
_SUPERVISOR = f"""\
trap '' HUP
agave_started=$(date +%s.%N) agave_id=$$
{{ read -r agave_line < /proc/$$/stat; }} 2>/dev/null || {{ echo "there is no /proc here" >&2; exit 1; }}
{{ read -r agave_boot < /proc/sys/kernel/random/boot_id; }} 2>/dev/null
mkdir -p {SUBMISSION} || exit 1
agave_ticks=$(set -- ${{agave_line##*) }}; shift 19; echo "$1")
echo "$$ $agave_ticks $agave_boot" > {CLAIM}.$$ || exit 1
if ! ln {CLAIM}.$$ {CLAIM} 2>/dev/null; then
  if [ ! -e {CLAIM} ] && mkdir {CLAIM}.only 2>/dev/null; then mv {CLAIM}.$$ {CLAIM} || exit 1
  else
    rm -f {CLAIM}.$$
    read -r agave_pid agave_line < {CLAIM} && echo "$agave_pid"
    exit
  fi
fi
rm -f {CLAIM}.$$
echo $$
exec > /dev/null 2>&1 < /dev/null
agave_session $$
agave_run() {{ exec "./$1" > "$3" 2> "$4"; }}
agave_last() {{ :; }}
"""

# A session of its own, by whatever the host has; without any of it, what is marked is still found.
_DETACH = """\
if command -v setsid > /dev/null 2>&1; then set -- setsid "$@"
elif command -v perl > /dev/null 2>&1; then set -- perl -MPOSIX=setsid -e 'setsid(); exec @ARGV' "$@"
elif command -v python3 > /dev/null 2>&1; then
  set -- python3 -c 'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' "$@"
fi
"""


def start_command(launch: Launch, script: str) -> str:
    """Starts the supervisor in the work directory, the current one, and prints one line, its process id.

    ``script`` is the file's name there. What it prints otherwise says why nothing was started.
    """
    arguments = [
        "sh",
        "-c",
        MEMBERS + _SUPERVISOR + WATCH,
        NAME,
        script,
        str(launch.max_run_seconds),
        launch.stdout,
        launch.stderr,
    ]
    return (
        f"agave_said=$( ( set -- {shlex.join(arguments)}\n{_DETACH}"
        '"$@" < /dev/null & ) 2>&1 )\n'
        "printf '%s\\n' \"$agave_said\"\n"
        "case $agave_said in '' | *[!0-9]*) false ;; esac"
    )
