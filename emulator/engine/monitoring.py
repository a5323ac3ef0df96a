"""QUEUED and RUNNING: what the execution system says of the script, and what that means for the job."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from emulator.domain import paths
from emulator.domain.errors import StepBlocked, StepFailed
from emulator.domain.job import OUTCOME_FAILED, OUTCOME_FAILED_SKIP_ARCHIVE, OUTCOME_FINISHED, JobPlan
from emulator.domain.ports import Launch, RemoteReport, RemoteState
from emulator.domain.recovery import CONNECTION
from emulator.domain.states import JobState
from emulator.domain.work_dir import FAILURE_MARK
from emulator.engine.faults import failing_as, transient
from emulator.engine.launches import run_seconds
from emulator.engine.outcome import Next, Outcome, Wait
from emulator.engine.step import Step
from emulator.engine.submitting import handed_over, launch_in, really_started
from emulator.engine.transfer import cause_of
from emulator.schedulers.simulated import family

log = logging.getLogger(__name__)

APP_FAILURE = "APPS_USER_APP_FAILURE"
LOST = "JOBS_MONITORING_FAILED"
CHECK_PAUSE = 60.0
"""Seconds before a failed status check is repeated; divided by ``jobs.recovery_time_scale``."""
GIVE_UP = 3600.0
"""Seconds without a successful check; divided by ``jobs.time_scale`` [job-lifecycle §9]."""
NOT_STARTED = 14 * 24 * 3600.0
"""Seconds after its creation that a job counts as started for that limit, when its script was not."""
RUN_GRACE = 24 * 3600.0
"""Seconds beyond its limit that a script may take to end; divided by ``jobs.time_scale`` [job-lifecycle §9]."""

_TITLES = {"SLURM": "Slurm", "TORQUE": "Torque", "MOAB": "Moab", "FORK": "Fork", "CONDOR": "Condor"}
_TITLES |= {"LOADLEVELER": "LoadLeveler", "COBALT": "Cobalt"}


def watch_queued(step: Step) -> Outcome:
    """QUEUED: a script that has been started is RUNNING, also when it has already ended."""
    report, changes = _check(step)
    if report is None:
        return _check_again(step, changes)
    if report.state is RemoteState.QUEUED:
        return _wait(step, report, changes)
    if report.state is RemoteState.LOST or (report.state is RemoteState.ENDED and report.started is None):
        return _end(step, report, changes)
    submitted = changes.get("remote_submitted", step.job.remote_submitted)
    changes["remote_started"] = _not_before(submitted, _shown(step, report, report.started))
    if report.ahead:
        step.note(_other_clock(report))
    if not report.by_world:
        began = _by_our_clock(report, report.started) or step.tools.clocks.machine.now()
        changes["handle"] = {**(step.job.handle or {}), "started": began.isoformat()}
    return Next(state=JobState.RUNNING, changes=changes, when=_heard(step, report, report.started))


def watch_running(step: Step) -> Outcome:
    """RUNNING: the launcher ends scripts at their time limit; one that it does not end is given up later."""
    report, changes = _check(step)
    if report is None:
        return _check_again(step, changes)
    if report.state in (RemoteState.ENDED, RemoteState.LOST):
        return _end(step, report, changes)
    return _wait(step, report, changes)


def _wait(step: Step, report: RemoteReport, changes: dict[str, Any]) -> Outcome:
    """For the next report, or for the end of all patience: with what is real, by the machine's clock."""
    expires, real = _expiry(step, report), not report.by_world
    clock = step.tools.clocks.machine if real else step.clock
    if expires is None or clock.now() < expires:
        return Wait(until=expires, changes=changes, outside=real)
    step.tools.launcher.cancel(_launch(step), step.job.remote_job_id or "")
    return _give_up(step, "The job did not end at its maximum run time.", changes)


def lose(step: Step, reason: str) -> Outcome:
    """End the script and give it up, as one that the execution system has lost."""
    step.tools.launcher.cancel(_launch(step), step.job.remote_job_id or "")
    report = RemoteReport(state=RemoteState.LOST, reason=reason)
    return _end(step, report, {})


def _check(step: Step) -> tuple[RemoteReport | None, dict[str, Any]]:
    """One status check, with the fields of the record that count it; no report where it failed."""
    job, now = step.job, step.clock.now()
    try:
        step.meet_trouble()
        report = step.tools.launcher.report(_launch(step), job.remote_job_id or "")
    except OSError as error:
        if transient(error):
            raise StepBlocked(CONNECTION, f"Unable to monitor job: {cause_of(error)}") from error
        log.warning("job %s: its status could not be checked: %s", job.id, error)
        return None, {"failed_status_checks": job.failed_status_checks + 1}
    changes: dict[str, Any] = {}
    if report.checks:
        changes |= {
            "remote_status_checks": job.remote_status_checks + report.checks,
            "last_status_check": now,
        }
    if report.failed_checks:
        changes["failed_status_checks"] = job.failed_status_checks + report.failed_checks
    if report.submitted is not None and not job.remote_started:
        changes["remote_submitted"] = _not_before(job.created, _shown(step, report, report.submitted))
    return report, changes


def _launch(step: Step) -> Launch:
    launch = launch_in(step.job)
    if launch is None:
        raise StepFailed("JOBS_INTERNAL_ERROR", "The record of how the job was submitted is missing.")
    return launch


def _check_again(step: Step, changes: dict[str, Any]) -> Outcome:
    job, now = step.job, step.clock.now()
    last_success = job.last_status_check or job.remote_submitted or job.accepted
    if now >= last_success + _scaled(step, GIVE_UP):
        return _give_up(step, "The status of the job could not be checked for too long.", changes)
    pause = timedelta(seconds=CHECK_PAUSE / step.tools.recovery_scale(step.job.world))
    return Wait(until=now + pause, changes=changes)


def _expiry(step: Step, report: RemoteReport) -> datetime | None:
    """When a script is given up that its launcher should have ended; None where there is no limit.

    By the clock that the script itself goes by.
    """
    job = step.job
    limit = run_seconds(job, step.tools.settings.time_scale)
    if not limit:
        return None
    if report.by_world:
        begun, started = job.created or job.accepted, job.remote_started
    else:
        begun, started = handed_over(job) or job.created or job.accepted, really_started(job)
    started = started or begun + _scaled(step, NOT_STARTED)
    return started + timedelta(seconds=limit) + _scaled(step, RUN_GRACE)


def _scaled(step: Step, seconds: float) -> timedelta:
    return timedelta(seconds=seconds / step.tools.settings.time_scale)


def _end(step: Step, report: RemoteReport, changes: dict[str, Any]) -> Outcome:
    """The script has ended: the outcome decides what follows CLEANING_UP [job-lifecycle §7]."""
    if report.state is RemoteState.LOST:
        reason = report.reason or "It is neither running, nor is it known how it ended."
        return _give_up(step, f"The job was lost by the execution system. {reason}", changes)
    started = changes.get("remote_started", step.job.remote_started)
    changes["remote_ended"] = _not_before(started, _shown(step, report, report.ended))
    when = _heard(step, report, report.ended)
    changes["exit_code"] = report.exit_code
    if report.succeeded and not _called_a_failure(step):
        changes["remote_outcome"] = OUTCOME_FINISHED
        return Next(state=JobState.CLEANING_UP, changes=changes, when=when)
    changes["remote_outcome"] = failed_outcome(step.job.plan)
    changes["failure_code"] = APP_FAILURE
    changes["failure_reason"] = _failure_text(step.job.plan.scheduler, report)
    return Next(state=JobState.CLEANING_UP, changes=changes, when=when)


def _not_before(earlier: datetime | None, moment: datetime) -> datetime:
    """Schedulers tell whole seconds: what they have cut off does not put one moment before another."""
    cut_off = earlier is not None and timedelta(0) < earlier - moment < timedelta(seconds=1)
    return earlier if cut_off and earlier else moment


def _shown(step: Step, report: RemoteReport, moment: datetime | None) -> datetime:
    """What the record says: a moment in the world's time, by the execution system's own clock."""
    told = _by_world(step, report, moment)
    return step.clock.now() if told is None else told + timedelta(seconds=report.ahead)


def _heard(step: Step, report: RemoteReport, moment: datetime | None) -> datetime | None:
    """When the history says that it happened: by the world's clock, and not before anybody could know."""
    ours = _by_world(step, report, moment)
    return ours if ours is None or report.heard is None else max(ours, report.heard)


def _by_world(step: Step, report: RemoteReport, moment: datetime | None) -> datetime | None:
    ours = _by_our_clock(report, moment)
    return ours if ours is None or report.by_world else step.clock.at(ours)


def _by_our_clock(report: RemoteReport, moment: datetime | None) -> datetime | None:
    return None if moment is None else moment - timedelta(seconds=report.ahead)


def _other_clock(report: RemoteReport) -> str:
    seconds, which = abs(report.ahead), "ahead of" if report.ahead > 0 else "behind"
    return f"The clock of the execution system is {seconds:.0f} s {which} the service's; remote times are by its own."


def failed_outcome(plan: JobPlan) -> str:
    """``remoteOutcome`` of a failed application [job-lifecycle §7]."""
    skip = plan.archive and not plan.archive_on_app_error
    return OUTCOME_FAILED_SKIP_ARCHIVE if skip else OUTCOME_FAILED


def _called_a_failure(step: Step) -> bool:
    """The wrapper has used ``${AGAVE_JOB_CALLBACK_FAILURE}`` [wrapper-templates §6.2]."""
    work_dir = step.work_dir
    with failing_as(LOST, "Unable to monitor job"):
        return work_dir.files.exists(paths.join(work_dir.path, FAILURE_MARK))


def _failure_text(scheduler: str, report: RemoteReport) -> str:
    """Slurm shows ``code:signal``, one of them 0; shells add 128 to the signal [wrapper-templates §8]."""
    kind = family(scheduler)
    state = "FAILED" if report.succeeded else report.scheduler_state
    if kind == "SLURM" and state == "TIMEOUT":
        code = "0:0"  # as captured from the service [job-lifecycle §3.2]
    elif kind == "SLURM":
        code = f"{0 if report.signal else report.exit_code or 0}:{report.signal}"
    elif report.exit_code is None and report.signal:
        code = str(128 + report.signal)
    else:
        code = str(report.exit_code or 0)
    title = _TITLES.get(kind, kind)
    return f"Failure indicated by {title} status {state} with user application return code: {code}"


def _give_up(step: Step, reason: str, changes: dict[str, Any]) -> Next:
    ended = {
        "remote_ended": step.clock.now(),
        "remote_outcome": OUTCOME_FAILED_SKIP_ARCHIVE,
        "failure_code": LOST,
        "failure_reason": reason,
    }
    return Next(state=JobState.CLEANING_UP, changes=changes | ended)
