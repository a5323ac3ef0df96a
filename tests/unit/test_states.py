"""The law of a job's life, edge by edge [job-lifecycle §1-§3]."""

from __future__ import annotations

import itertools

import pytest

from emulator.domain.errors import TransitionError
from emulator.domain.states import (
    ACTIVE,
    TERMINAL,
    JobState,
    allowed,
    check_transition,
    phase,
    status_message,
)

S = JobState
# written out from the contract's table, not derived from the code's
FORWARD = {
    (S.ACCEPTED, S.PENDING),
    (S.PENDING, S.PROCESSING_INPUTS),
    (S.PROCESSING_INPUTS, S.STAGING_INPUTS),
    (S.PROCESSING_INPUTS, S.STAGED),
    (S.STAGING_INPUTS, S.STAGED),
    (S.STAGED, S.STAGING_JOB),
    (S.STAGING_JOB, S.SUBMITTING),
    (S.SUBMITTING, S.QUEUED),
    (S.SUBMITTING, S.RUNNING),
    (S.QUEUED, S.RUNNING),
    (S.QUEUED, S.CLEANING_UP),
    (S.RUNNING, S.CLEANING_UP),
    (S.CLEANING_UP, S.ARCHIVING),
    (S.CLEANING_UP, S.FINISHED),
    (S.ARCHIVING, S.FINISHED),
}
FROM_ANYWHERE = {S.BLOCKED, S.PAUSED, S.FAILED, S.STOPPED}


@pytest.mark.parametrize(("current", "following"), list(itertools.product(S, S)))
def test_every_pair(current: JobState, following: JobState) -> None:
    waiting = current in (S.BLOCKED, S.PAUSED)
    expected = (current, following) in FORWARD or (
        current not in TERMINAL and not waiting and following in FROM_ANYWHERE and current != following
    )
    if waiting:
        expected = following in (S.FAILED, S.STOPPED)
    assert allowed(current, following) is expected
    if not expected:
        with pytest.raises(TransitionError):
            check_transition(current, following)


@pytest.mark.parametrize("resume", sorted(ACTIVE - {S.BLOCKED, S.PAUSED, S.ACCEPTED}))
def test_a_blocked_job_goes_on_only_where_it_was(resume: JobState) -> None:
    assert allowed(S.BLOCKED, resume, resume)
    others = [state for state in S if state not in (resume, S.FAILED, S.STOPPED)]
    assert not any(allowed(S.BLOCKED, state, resume) for state in others)


def test_every_state_has_its_description() -> None:
    assert {state: state.description for state in S}[S.STAGED] == "Job inputs staged to execution system"
    assert all(state.description for state in S)


@pytest.mark.parametrize(
    ("current", "following", "name"),
    [
        (S.PENDING, S.PROCESSING_INPUTS, "STAGING_INPUTS"),
        (S.STAGING_INPUTS, S.STAGED, "STAGING_INPUTS"),
        (S.PROCESSING_INPUTS, S.STAGED, "STAGING_INPUTS"),
        (S.STAGED, S.STAGING_JOB, "SUBMITTING"),
        (S.SUBMITTING, S.QUEUED, "SUBMITTING"),
        (S.QUEUED, S.RUNNING, "MONITORING"),
        (S.RUNNING, S.CLEANING_UP, "MONITORING"),
        (S.CLEANING_UP, S.FINISHED, "MONITORING"),
        (S.CLEANING_UP, S.FAILED, "MONITORING"),
        (S.CLEANING_UP, S.ARCHIVING, "ARCHIVING"),
        (S.ARCHIVING, S.FINISHED, "ARCHIVING"),
        (S.ARCHIVING, S.FAILED, "ARCHIVING"),
        (S.RUNNING, S.STOPPED, "MONITORING"),
    ],
)
def test_the_phase_of_a_transition(current: JobState, following: JobState, name: str) -> None:
    assert phase(current, following) == name
    text = f"Transitioning from status {current} to {following} in phase {name}."
    assert status_message(current, following) == text
    assert status_message(current, following, "Because.") == f"{text} Because."


def test_messages_are_cut_to_what_the_record_holds() -> None:
    assert len(status_message(S.RUNNING, S.BLOCKED, "x" * 5000)) == 2048
