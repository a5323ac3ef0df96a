"""CLEANING_UP and ARCHIVING: what becomes of a job whose script has ended [job-lifecycle §7]."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from emulator.domain import legacy, paths
from emulator.domain.errors import StepFailed
from emulator.domain.job import OUTCOME_FAILED_SKIP_ARCHIVE, OUTCOME_FINISHED, Job
from emulator.domain.states import JobState
from emulator.domain.work_dir import MANIFEST
from emulator.engine.faults import failing_as
from emulator.engine.outcome import Next, Outcome
from emulator.engine.progress import TransferProgress
from emulator.engine.step import Step
from emulator.engine.struck_files import refusing
from emulator.engine.struck_steps import passage_of, refusal_of
from emulator.engine.submitting import launch_in
from emulator.engine.transfer import Location, Transfer, cause_of
from emulator.store import Transaction

log = logging.getLogger(__name__)

CODE = "JOBS_ARCHIVING_FAILED"
DOING = "Unable to archive outputs for job"
ATTEMPT = "Attempt {attempt} failed to archive job output. {cause}"
NO_MANIFEST = "No archive file found. Entire job directory will be archived."


def clean_up(step: Step) -> Outcome:
    """CLEANING_UP: to the archive, or to the end."""
    return to_archive(step.job) or Next(state=_final(step.job))


def to_archive(job: Job) -> Next | None:
    """On from CLEANING_UP; None for a job whose outputs are not archived."""
    wanted = job.plan.archive and job.remote_outcome != OUTCOME_FAILED_SKIP_ARCHIVE
    return Next(state=JobState.ARCHIVING) if wanted else None


def archive(step: Step) -> Outcome:
    """ARCHIVING: copy the work directory to the archive, then remove it.

    That the copy is complete is saved before anything is removed: a step that is repeated then does not
    look for what is gone.
    """
    if step.fresh:
        step.note_attempt()
    work_dir = step.work_dir
    if not step.job.archived:
        try:
            with failing_as(CODE, DOING):
                step.meet_trouble()
                _require_archivable(step)
                _copy(step, work_dir, _archive_dir(step))
        except StepFailed:
            if step.tools.settings.jobs_profile != legacy.PROFILE:
                raise
            return _ended_without(step)
        with step.tools.store.write() as tx:
            step.save_entries(tx)
            tx.jobs.update(step.job.id, archived=True)
            step.job = replace(step.job, archived=True)
            _tell(step, tx, legacy.ARCHIVING_FINISHED)
    _remove(step, work_dir)
    return Next(state=_final(step.job))


def _ended_without(step: Step) -> Next:
    """As the older service has it: a job whose outputs stay behind has ended as its script has."""
    with step.tools.store.write() as tx:
        step.save_entries(tx)
        _tell(step, tx, legacy.ARCHIVING_FAILED)
    return Next(state=_final(step.job), message=legacy.NOT_ARCHIVED)


def _tell(step: Step, tx: Transaction, event: str) -> None:
    """An event that only the older service has, for its subscribers too."""
    if step.tools.settings.jobs_profile == legacy.PROFILE:
        step.tools.journal.record(
            tx,
            world=step.job.world,
            subject=step.job.id,
            kind="job",
            status=event,
            description=legacy.EVENT_TEXTS[event],
            created_by=step.job.owner,
            resource=step.job,
        )


def _final(job: Job) -> JobState:
    return JobState.FINISHED if job.remote_outcome == OUTCOME_FINISHED else JobState.FAILED


def _archive_dir(step: Step) -> Location:
    plan = step.job.plan
    if plan.archive_system is None:
        raise StepFailed(CODE, f"{DOING}: there is no archive system.")
    return step.location(plan.archive_system, plan.archive_path)


def _require_archivable(step: Step) -> None:
    """Raises OSError for a simulated job that says so."""
    launch = launch_in(step.job)
    if launch is not None and launch.play is not None and launch.play.archiving:
        raise OSError(launch.play.archiving)


def _copy(step: Step, work_dir: Location, target: Location) -> None:
    text = f"Job archiving in progress: {work_dir.uri} to {target.uri}"
    progress = TransferProgress(step, text, work_dir.uri, ATTEMPT)
    checksums = step.tools.settings.checksums
    Transfer(
        work_dir,
        _taken(step, target),
        progress,
        exclude=_excluded(step, work_dir),
        merge=True,
        checksums=checksums,
        passage=passage_of(step, "archive", step.job.plan.archive_system or "", written=True),
    ).run()
    progress.end()


def _taken(step: Step, target: Location) -> Location:
    """The archive, as far as scenarios let it be one."""
    refusal = refusal_of(step)
    return target if refusal is None else replace(target, files=refusing(target.files, refusal))


def _excluded(step: Step, work_dir: Location) -> Callable[[str], bool]:
    """What the manifest names is left out, with all below it; the manifest itself always is [§7.1]."""
    listed = {MANIFEST}
    try:
        with work_dir.files.reader(paths.join(work_dir.path, MANIFEST)) as stream:
            for line in stream:
                name = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
                listed.add(name.removeprefix("./").strip("/"))
    except (FileNotFoundError, IsADirectoryError):
        step.note(NO_MANIFEST)
    return listed.__contains__


def _remove(step: Step, work_dir: Location) -> None:
    """The outputs are safe: a directory that cannot be removed is no reason to call the job failed."""
    try:
        work_dir.files.remove(work_dir.path)
    except FileNotFoundError:
        log.debug("job %s: its work directory is gone already", step.job.id)
    except OSError as error:
        log.warning("job %s: its work directory could not be removed: %s", step.job.id, error)
        step.note(f"The job's work directory {work_dir.uri} could not be removed: {cause_of(error)}")
