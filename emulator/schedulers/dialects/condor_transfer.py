"""What HTCondor carries to the machine that runs a job, and back [wrapper-templates §2.2].

The submit file names ``transfer_wrapper.sh`` and ``transfer.tar.gz``. The wrapper runs the script in the work
directory where that is there too (a file system that is shared), else in a copy of it, unpacked from the tar;
HTCondor then brings back what is new or changed in the copy, directories too.
"""

from __future__ import annotations

import shlex

from emulator.domain.paths import basename
from emulator.domain.ports import Launch
from emulator.domain.work_dir import FAILURE_MARK, MANIFEST, SUBMISSION
from emulator.domain.work_dir import LOG as AGAVE_LOG
from emulator.schedulers.dialects.fork_supervisor import MEMBERS, WATCH

WRAPPER = "transfer_wrapper.sh"
ARCHIVE = "transfer.tar.gz"
LOG = "runtime.log"
COPY = "agave-work"
"""The directory in the scratch directory of the machine that runs the job."""
ELSEWHERE = "AGAVE_RUN_DIR"
"""The variable that tells the script where it runs, when that is not its work directory."""
TOKEN = f"{SUBMISSION}/token"
"""In the work directory: the job's id, by which the directory is recognised on another machine."""
_END = "AGAVE_END_OF_WRAPPER"

# Files that are as they were unpacked need not travel back.
_PLACE = """\
#!/bin/sh
agave_started=$(date +%s.%N)
agave_id=$(sed -n 's/^ClusterId *= *//p' "$_CONDOR_JOB_AD" 2>/dev/null)
mkdir -p @COPY@
if [ "$(cat @WORK@/@TOKEN@ 2>/dev/null)" = @JOB@ ] && [ -w @WORK@ ]; then
  cd @WORK@ || exit 1
  agave_last() { :; }
else
  cd @COPY@ || exit 1
  tar -xzf ../@ARCHIVE@ || exit 1
  touch ../agave-unpacked
  @ELSEWHERE@=$(pwd)
  export @ELSEWHERE@
  agave_last() {
    # where the script's own mark would be, nobody sees it from here
    if grep -q '] FAILURE$' @AGAVELOG@ 2>/dev/null; then touch @FAILURE@; fi
    tar -tzf ../@ARCHIVE@ | while IFS= read -r agave_name; do
      if [ -f "$agave_name" ] && [ ! "$agave_name" -nt ../agave-unpacked ]; then rm -f -- "$agave_name"; fi
    done
  }
fi
agave_run() { exec "./$1"; }
set -- @SCRIPT@ @LIMIT@
"""

_PACK = """\
mkdir -p {submission} && printf '%s\\n' {job} > {token} || exit 1
cat > {wrapper} << '{end}' || exit 1
{text}
{end}
chmod +x {wrapper} || exit 1
set --
for name in * .[!.]* ..?*; do
  case $name in {archive} | {wrapper} | {log} | {submission}) continue ;; esac
  if [ -e "$name" ] || [ -L "$name" ]; then set -- "$@" "./$name"; fi
done
tar -czf {archive} "$@" || exit 1
if [ -w {manifest} ] && ! grep -qxF {archive} {manifest}; then
  printf '%s\\n' {archive} {wrapper} {log} >> {manifest}
fi
condor_submit{additions} {submit_file}"""


def pack_command(launch: Launch, submit_file: str) -> str:
    """Write the wrapper and the tar into the work directory, the current one, and submit.

    What is added to the submit file: standard output comes back as it is written, the copy's content comes back
    at the end, and a job that was held because it failed is removed before it could be released. A pool starts
    a job again that it has lost or put off a machine: this one is matched with none then, and removed.
    """
    values = {
        "@WORK@": shlex.quote(launch.work_dir),
        "@TOKEN@": TOKEN,
        "@AGAVELOG@": AGAVE_LOG,
        "@FAILURE@": FAILURE_MARK,
        "@JOB@": shlex.quote(launch.job_id),
        "@COPY@": COPY,
        "@ARCHIVE@": ARCHIVE,
        "@ELSEWHERE@": ELSEWHERE,
        "@SCRIPT@": shlex.quote(basename(launch.script)),
        "@LIMIT@": str(launch.max_run_seconds),
    }
    head = _PLACE
    for name, value in values.items():
        head = head.replace(name, value)
    added = (
        "stream_output = True",
        "stream_error = True",
        f"transfer_output_files = {COPY}/",
        "requirements = ($(requirements:True)) && (NumJobStarts == 0)",
        "periodic_remove = (JobStatus == 5 && HoldReasonCode == 3) || (JobStatus == 1 && NumJobStarts > 0)",
    )
    return _PACK.format(
        submission=SUBMISSION,
        job=shlex.quote(launch.job_id),
        token=TOKEN,
        wrapper=WRAPPER,
        archive=ARCHIVE,
        log=LOG,
        manifest=MANIFEST,
        end=_END,
        text=head + MEMBERS + "agave_session $$\n" + WATCH,
        additions="".join(f" -append {shlex.quote(line)}" for line in added),
        submit_file=shlex.quote(submit_file),
    )
