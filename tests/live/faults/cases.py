"""All faults that are tried, as data: the quick ones run in ``make test``, all of them in ``make campaign``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from tests.live.faults.case import Case

BATCH = ("slurm", "sge", "condor")
REMOTE = ("fork", *BATCH)
SANDBOX = ("process", "docker")
BACKENDS = (*SANDBOX, *REMOTE)
STEPS = (
    *("PENDING", "PROCESSING_INPUTS", "STAGING_INPUTS", "STAGED", "STAGING_JOB"),
    *("SUBMITTING", "QUEUED", "RUNNING", "CLEANING_UP", "ARCHIVING"),
)
ANSWER_LOST = "SUBMITTING with the answer lost"
"""The scheduler has taken the script and its answer never comes: the moment that could make a job run twice."""

_ADDRESS = r"ssh tapis@127\.0\.0\.1:\d+: "
_DOING = {
    "PROCESSING_INPUTS": "Unable to create the job's work directory: ",
    "STAGING_INPUTS": "Unable to stage job inputs: ",
    "STAGING_JOB": "Unable to stage ",
    "SUBMITTING": "Unable to submit job: ",
    ANSWER_LOST: "Unable to submit job: ",
    "QUEUED": "Unable to monitor job: ",
    "RUNNING": "Unable to monitor job: ",
    "CLEANING_UP": "Unable to archive outputs for job: ",
    "ARCHIVING": "Unable to archive outputs for job: ",
}
_MET_IN = {"CLEANING_UP": "ARCHIVING", ANSWER_LOST: "SUBMITTING"}
"""The state that meets the fault, where it is another one: CLEANING_UP itself asks nothing of the machine."""
_SSHD_STEPS = tuple(step for step in _DOING)
_SCHEDULER_WORDS = {
    "slurm": "slurm|socket timed out",
    "sge": "qmaster|commlib|gdi",
    "condor": "schedd|condor|queue",
}


def _blocked(step: str, why: str) -> str:
    met = _MET_IN.get(step, step)
    if step == "QUEUED":
        # a job that has been started meanwhile is RUNNING by the next look
        met = "(QUEUED|RUNNING)"
    return f"Transitioning from status {met} to BLOCKED in phase [A-Z_]+\\. {_DOING[step]}.*{why}"


def _sshd() -> Iterator[Case]:
    for backend, step in product(REMOTE, _SSHD_STEPS):
        yield Case(backend, step, "sshd stopped", blocked=_blocked(step, _ADDRESS))
        yield Case(backend, step, "sshd restarted")
        yield Case(backend, step, "sshd paused", blocked=_blocked(step, _ADDRESS))


def _schedulers() -> Iterator[Case]:
    for backend in BATCH:
        for step in ("SUBMITTING", "QUEUED", "RUNNING"):
            words = _SCHEDULER_WORDS[backend]
            yield Case(backend, step, "scheduler stopped", blocked=_blocked(step, f"({words})"))
        yield Case(backend, "QUEUED", "node drained")
        yield Case(backend, "RUNNING", "node drained")
    node_fail = "APPS_USER_APP_FAILURE Failure indicated by Slurm status NODE_FAIL "
    yield Case("slurm", "RUNNING", "node lost", ends="FAILED", reason=node_fail)
    yield Case("slurm", "RUNNING", "node lost unannounced", ends="FAILED", reason=node_fail)
    # the pool takes the job back, to start it again elsewhere; it may not
    taken_back = "APPS_USER_APP_FAILURE Failure indicated by Condor status CANCELLED "
    yield Case("condor", "RUNNING", "node lost", ends="FAILED", reason=taken_back)


def _disks() -> Iterator[Case]:
    full = "No space left on device"
    failures = {
        "STAGING_INPUTS": ("JOBS_STAGING_FAILED Unable to stage job inputs: .*" + full, (0,)),
        "STAGING_JOB": (r"JOBS_\w+ Unable to .*" + full, (0,)),
        "RUNNING": ("APPS_USER_APP_FAILURE Failure indicated by ", (1,)),
    }
    for backend, step in product(BACKENDS, failures):
        reason, runs = failures[step]
        yield Case(backend, step, "disk full", ends="FAILED", reason=reason, runs=runs)
    for backend in BACKENDS:
        reason = "JOBS_ARCHIVING_FAILED Unable to archive outputs for job: .*" + full
        yield Case(backend, "ARCHIVING", "archive's disk full", ends="FAILED", reason=reason)


def _engine() -> Iterator[Case]:
    words = "docker|engine"
    for step in ("SUBMITTING", "QUEUED"):
        yield Case("docker", step, "Docker engine restarted")
    yield Case("docker", "SUBMITTING", "Docker engine stopped", blocked=_blocked("SUBMITTING", f"({words})"))
    yield Case(
        "docker",
        "RUNNING",
        "Docker engine restarted",
        ends="FAILED",
        reason="APPS_USER_APP_FAILURE Failure indicated by Slurm status |JOBS_MONITORING_FAILED .* lost",
    )
    for step in ("CLEANING_UP", "ARCHIVING"):
        yield Case("docker", step, "Docker engine restarted")


def _killed() -> Iterator[Case]:
    for backend, step in product(BACKENDS, STEPS):
        yield Case(backend, step, "emulator killed")
    for backend in REMOTE:
        yield Case(backend, ANSWER_LOST, "emulator killed")
        yield Case(backend, "BLOCKED", "emulator killed")


_QUICK = {
    "process: emulator killed in STAGING_JOB",
    "process: disk full in STAGING_INPUTS",
    "docker: Docker engine restarted in RUNNING",
    "fork: sshd stopped in STAGING_INPUTS",
    "fork: sshd restarted in ARCHIVING",
    f"slurm: emulator killed in {ANSWER_LOST}",
    "slurm: sshd paused in RUNNING",
    "slurm: node lost in RUNNING",
    "sge: node drained in QUEUED",
    "condor: scheduler stopped in SUBMITTING",
}
_KNOWN_DEFECTS: dict[str, str] = {}


def _all() -> Iterable[Case]:
    for case in (*_killed(), *_sshd(), *_schedulers(), *_disks(), *_engine()):
        yield Case(
            **{name: getattr(case, name) for name in case.__dataclass_fields__}
            | {"quick": case.name in _QUICK, "fails": _KNOWN_DEFECTS.get(case.name, "")}
        )


CASES: tuple[Case, ...] = tuple(_all())
"""In order of backends."""
CASES = tuple(sorted(CASES, key=lambda case: BACKENDS.index(case.backend)))
