"""Where a job runs, and what lies there [job-lifecycle §8]."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emulator.domain.job import Job
from emulator.domain.slug import slug
from emulator.domain.system import System

LOG = ".agave.log"
"""Output of the startup script and lines of ``agave_log_response``."""
MANIFEST = ".agave.archive"
"""Relative paths of what is not archived, one a line."""
FAILURE_MARK = ".agave.failure"
"""Present: the wrapper has called the job a failure, whatever its exit code [wrapper-templates §6.2]."""
EXIT_RECORD = ".agave.exit"
"""On real machines: when the script started, when and how it ended, written by itself [wrapper-templates §8]."""
SUBMISSION = ".agave.submission"
"""On real machines, a directory: that the script was handed to the scheduler, and what that answered."""
MAX_PATH = 254

_NAMELESS = "job"


@dataclass(frozen=True, slots=True)
class WorkFiles:
    """Names of a job's own files in the top of its work directory."""

    script: str
    stdout: str
    stderr: str
    pid: str


def file_stem(name: str) -> str:
    """The slug of a job name; ``job`` where nothing is left of it, so that no file is nameless."""
    return slug(name) or _NAMELESS


def scheduler_name(name: str) -> str:
    """The name a scheduler is told: it may not begin with a digit."""
    stem = file_stem(name)
    return f"agave-{stem}" if stem[0].isdigit() else stem


def work_files(job: Job) -> WorkFiles:
    """FORK jobs have short names; batch jobs carry the uuid in theirs."""
    stem = file_stem(job.name)
    logs = stem if job.plan.scheduler == "FORK" else f"{scheduler_name(job.name)}-{job.id}"
    return WorkFiles(script=f"{stem}.ipcexe", stdout=f"{logs}.out", stderr=f"{logs}.err", pid=f"{stem}.pid")


def work_path(system: System, owner: str, job_id: str, name: str) -> str:
    """``<base>/<owner>/job-<uuid>-<slug>`` as an agave path on the execution system, at most 254 characters.

    The base is scratchDir, else workDir, else nothing (the path then lies below homeDir).
    """
    base = system.scratch_dir.strip() or system.work_dir.strip()
    stem = f"{base}/{owner}/job-{job_id}" if base else f"{owner}/job-{job_id}"
    stem = re.sub("/{2,}", "/", stem)
    tail = slug(name)[: max(0, MAX_PATH - len(stem) - 1)].rstrip("-")
    return f"{stem}-{tail}" if tail else stem
