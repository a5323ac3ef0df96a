"""Words of the jobs service before Aloe, for ``jobs.profile: legacy`` [job-lifecycle §1, §5, §7]."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.domain.states import JobState

PROFILE = "legacy"

ARCHIVING_FINISHED, ARCHIVING_FAILED = "ARCHIVING_FINISHED", "ARCHIVING_FAILED"
EVENT_TEXTS = {ARCHIVING_FINISHED: "Job archiving complete", ARCHIVING_FAILED: "Job archiving failed"}
"""Events between ARCHIVING and the end, which Aloe no longer has."""
NOT_ARCHIVED = "Job completed, but failed to archive output."
"""The message of a job that has FINISHED although its outputs could not be archived."""

ATTEMPTS: Mapping[JobState, str] = {
    JobState.PROCESSING_INPUTS: "Attempt {attempt} to stage job inputs",
    JobState.SUBMITTING: "Attempt {attempt} to submit job",
    JobState.ARCHIVING: "Attempt {attempt} to archive job output",
}
"""What the history says in these states before anything is tried."""

_DESCRIPTIONS: Mapping[JobState, str] = {
    JobState.PENDING: "Job accepted and queued for submission.",
    JobState.SUBMITTING: "Preparing job for execution and staging assets to execution system",
    JobState.QUEUED: "Job successfully placed into queue",
    JobState.RUNNING: "Job started running",
    JobState.FINISHED: "Job complete",
}


def description(state: JobState, profile: str) -> str:
    """The history's text for entering a state, in the words of a profile."""
    return _DESCRIPTIONS.get(state, state.description) if profile == PROFILE else state.description
