#!/bin/sh
# Runs one job's script, once, and writes down how it ended.
#
#   supervisor.sh <spool directory of the job> <work dir> <stdout> <stderr> <script> <process|container>
#
# Files it makes in the spool directory, each in one write, each readable only when its line is whole:
#   claim   "<own pid> <start time> <boot id>"   who runs the script; made before anything is run
#   pid     "<pid of the script>"                also said on standard output, which is then closed
#   exit    "exit <code> <out-of-memory kills>"  how it ended; the file's time is the end
# Only what POSIX sh has built in is used on the way of every job: no other program is started.

job=$1 work=$2 out=$3 err=$4 script=$5 kind=$6
[ "$kind" = container ] && exec 2>>"$job/log"

set -C # from here on ">" makes a file and never replaces one: whoever loses the claim stops here
start=- boot=-
if [ -r /proc/self/stat ] && [ -r /proc/sys/kernel/random/boot_id ]; then
    read -r stat </proc/self/stat
    read -r boot </proc/sys/kernel/random/boot_id
    # shellcheck disable=SC2086 # fields behind the command's name, which may hold spaces
    set -- ${stat##*) }
    start=${20}
fi
if ! { echo "$$ $start $boot" >"$job/claim"; } 2>/dev/null; then
    [ -e "$job/claim" ] || echo "cannot write $job/claim" >&2
    exit 75
fi

# The fallback for shells that read no BASH_ENV; behind everything else, so that a real one wins.
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:${0%/*}/bin
# What runs images, where the machine has nothing of that name; inside a container there is no machine to do it.
[ "$kind" = process ] && PATH=$PATH:${0%/*}/images
export PATH

shell=sh
command -v bash >/dev/null && shell=bash

# A signal to the whole group must not take the one who writes the ending.
trap : TERM HUP INT

# In the foreground: an asynchronous list would hand the script ignored INT and QUIT signals.
(
    if [ "$start" = - ]; then # no /proc to learn the own process id from
        # shellcheck disable=SC2016
        exec sh -c 'set -C; echo "$$" >"$1/pid"; trap "" PIPE; echo "$$" 2>/dev/null; trap - PIPE
            cd "$2" && unset OLDPWD && : >|"$3" && : >|"$4" && exec "$5" "$6" </dev/null >>"$3" 2>>"$4"' \
            - "$job" "$work" "$out" "$err" "$shell" "$script"
    fi
    read -r own _ </proc/self/stat
    echo "$own" >"$job/pid"
    trap '' PIPE # nobody may be listening any more
    echo "$own" 2>/dev/null
    trap - PIPE
    # out of memory, the system shall kill the script rather than its supervisor
    [ "$kind" = container ] && echo 500 >|/proc/self/oom_score_adj 2>/dev/null
    # appending, as both may be one file
    cd "$work" && unset OLDPWD && : >|"$out" && : >|"$err" && exec "$shell" "$script" </dev/null >>"$out" 2>>"$err"
)
code=$?

kills=0
if [ "$kind" = container ]; then
    # What the script left in the background gets a moment to write its last lines; the container then ends.
    rounds=0
    while kill -0 -1 2>/dev/null && [ $rounds -lt 20 ]; do
        sleep 0.1 2>/dev/null || sleep 1
        rounds=$((rounds + 1))
    done
    if [ "$code" -ne 0 ]; then # cgroup v2, v1
        for counters in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
            [ -r "$counters" ] || continue
            while read -r name count _; do
                [ "$name" = oom_kill ] && kills=$count
            done <"$counters"
        done
    fi
fi

echo "exit $code $kills" >"$job/exit"
exit "$code"
