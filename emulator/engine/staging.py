"""From PENDING to STAGED: the work directory is made and the inputs brought into it [job-lifecycle §3, §8]."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from emulator.domain import paths
from emulator.domain.errors import StepFailed
from emulator.domain.inputs import InputSource, SourceKind
from emulator.domain.job import Job
from emulator.domain.states import JobState
from emulator.engine.faults import failing_as
from emulator.engine.fetching import Fetch
from emulator.engine.inputs import (
    input_location,
    input_place,
    input_target,
    may_fetch_from,
    require_fetchable,
)
from emulator.engine.outcome import Next, Outcome, Wait
from emulator.engine.progress import TransferProgress
from emulator.engine.step import Step
from emulator.engine.struck_steps import passage_of
from emulator.engine.submitting import take_place
from emulator.engine.transfer import Location, Transfer, TransferFailed

CODE = "JOBS_STAGING_FAILED"
DOING = "Unable to stage job inputs"
ATTEMPT = "Attempt {attempt} failed to stage job inputs. {cause}"


def accept(step: Step) -> Outcome:
    """ACCEPTED: nobody sees the job before its window is over [jobs §4.4]."""
    now = step.clock.now()
    seen = step.job.accepted + timedelta(milliseconds=step.tools.settings.accepted_window_ms)
    return Next(state=JobState.PENDING, changes={"created": now}) if now >= seen else Wait(until=seen)


def begin(_step: Step) -> Outcome:
    """PENDING: a worker has taken the job up."""
    return Next(state=JobState.PROCESSING_INPUTS)


def begun(_job: Job) -> Next:
    """As :func:`begin`, for a job that the worker has just brought there."""
    return Next(state=JobState.PROCESSING_INPUTS)


def process_inputs(step: Step) -> Outcome:
    """PROCESSING_INPUTS: make the work directory, and see that every input is there."""
    if step.fresh:
        step.note_attempt()
    with failing_as(CODE, DOING):
        step.meet_trouble()
    with failing_as(CODE, "Unable to create the job's work directory"):
        step.work_dir.files.mkdir(step.work_dir.path)
    for source in step.job.plan.sources:
        if source.kind is SourceKind.URL:
            require_fetchable(step, source)
            continue
        location = input_location(step, source)
        with failing_as(CODE, DOING):
            if not location.files.exists(location.path):
                raise StepFailed(CODE, f"The input {location.uri} does not exist.")
    return Next(state=JobState.STAGING_INPUTS if step.job.plan.sources else JobState.STAGED)


def stage_inputs(step: Step) -> Outcome:
    """STAGING_INPUTS: copy each input into the top of the work directory; a name that comes again overwrites."""
    with failing_as(CODE, DOING):
        step.meet_trouble()
    for source in step.job.plan.sources:
        copy: Callable[[Step, InputSource, Location], None]
        copy = _fetch if source.kind is SourceKind.URL else _copy
        with failing_as(CODE, DOING):
            copy(step, source, input_target(step, source))
    return Next(state=JobState.STAGED)


def staged(step: Step) -> Outcome:
    """STAGED: on to the app, once there is room for the job on its system."""
    take_place(step)
    return Next(state=JobState.STAGING_JOB)


def _copy(step: Step, source: InputSource, target: Location) -> None:
    origin = input_location(step, source)
    progress = _progress(step, origin.uri, target)
    system, _path = input_place(step, source)
    passage = passage_of(step, "input", system, written=False)
    Transfer(origin, target, progress, checksums=step.tools.settings.checksums, passage=passage).run()
    progress.end()


def _fetch(step: Step, source: InputSource, target: Location) -> None:
    """One file from outside."""
    require_fetchable(step, source)
    fetcher = step.tools.fetcher
    assert fetcher is not None, "just looked"
    allowed = partial(may_fetch_from, step.tools.settings.import_allow)
    shown = paths.without_password(source.uri)
    progress = _progress(step, shown, target)
    try:
        passage = passage_of(step, "input", step.job.plan.execution_system, written=True)
        Fetch(fetcher, source.path, shown, target, progress, allowed, passage).run()
    except TransferFailed as failure:
        # no waiting for sites outside: whether one is back can only be told by fetching from it
        raise StepFailed(CODE, f"{DOING}: {failure.message}") from failure
    progress.end()


def _progress(step: Step, source_uri: str, target: Location) -> TransferProgress:
    text = f"Job input copy in progress: {source_uri} to {target.uri}"
    return TransferProgress(step, text, source_uri, ATTEMPT)
