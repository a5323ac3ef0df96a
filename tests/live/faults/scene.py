"""Bringing a job into a step, and striking while it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.live.faults.cases import ANSWER_LOST
from tests.live.faults.site import LARGE, Site
from tests.real.box import SchedulerBox
from tests.real.waiting import wait_until

Strike = Callable[[], None]
HALF = len(LARGE) // 2
ATTEMPTS = 10
"""A state that lasts a millisecond may be missed; then the next job is tried."""
PASSED_THROUGH = ("STAGED", "CLEANING_UP")
"""They have no work outside the store, and are no states of their own there unless a scenario listens."""
SMALL_APPS = {"STAGING_INPUTS": "small input", "STAGING_JOB": "small asset", "RUNNING": "small held makes"}


def strike_in(site: Site, step: str, strike: Strike, dies: bool) -> tuple[str, list[str]]:
    """The job that was in ``step`` when ``strike`` was called, and those that were faster.

    ``dies``: the strike ends the emulator itself.
    """
    if dies and step in ("PENDING", "PROCESSING_INPUTS", "STAGED"):
        return _catch(site, step, strike)
    if site.box is None and step not in ("RUNNING", "BLOCKED") and (dies or step != "PROCESSING_INPUTS"):
        return _catch(site, step, strike)
    if step == "CLEANING_UP" or (step == "QUEUED" and not isinstance(site.box, SchedulerBox)):
        return _catch(site, step, strike)
    return _WAYS[step](site, strike), []


def _before(site: Site, strike: Strike) -> str:
    """The step is the first that meets the fault."""
    site.prepare("plain")
    strike()
    return site.submit("plain")


def _amid_upload(app: str) -> Callable[[Site, Strike], str]:
    def bring(site: Site, strike: Strike) -> str:
        assert site.wire is not None
        site.prepare(app)
        site.wire.hold("up", HALF)
        try:
            job = site.submit(app)
            site.wire.wait_held()
            strike()
        finally:
            site.wire.release()
        return job

    return bring


def _amid_submission(site: Site, strike: Strike) -> str:
    """The submission has begun on the machine, and the scheduler has not been asked yet."""
    site.prepare("plain")
    with site.held_submission():
        job = site.submit("plain")
        site.wait_submitting()
        strike()
    return job


def _answer_lost(site: Site, strike: Strike) -> str:
    """The scheduler has taken the script and started it; its answer is on the way."""
    assert site.wire is not None
    site.prepare("plain")
    try:
        with site.held_submission():
            job = site.submit("plain")
            site.wait_submitting()
            site.wire.hold("down", 0)
        wait_until(lambda: site.traces.runs(job) > 0, 60, "the script to have started")
        strike()
    finally:
        site.wire.drop()
    return job


def _queued(site: Site, strike: Strike) -> str:
    assert isinstance(site.box, SchedulerBox)
    site.prepare("plain")
    site.box.drain()
    job = site.submit("plain")
    site.backend.wait(job, "QUEUED")
    strike()
    return job


def _running(app: str) -> Callable[[Site, Strike], str]:
    def bring(site: Site, strike: Strike) -> str:
        job = started(site, app)
        strike()
        return job

    return bring


def started(site: Site, app: str) -> str:
    job = site.submit(app)
    site.backend.wait(job, "RUNNING", "FAILED")
    try:
        wait_until(lambda: site.traces.runs(job) > 0, what="the script to have started")
    except AssertionError:
        raise AssertionError(f"it has not started: {site.backend.job(job)['lastStatusMessage']}") from None
    return job


def _amid_download(site: Site, strike: Strike) -> str:
    assert site.wire is not None
    job = started(site, "held makes")
    site.wire.hold("down", HALF)
    try:
        site.go(job)
        site.wire.wait_held()
        strike()
    finally:
        site.wire.release()
    return job


def _blocked(site: Site, strike: Strike) -> str:
    assert site.box is not None
    job = started(site, "held")
    site.box.stop_sshd()
    try:
        site.backend.wait(job, "BLOCKED")
        strike()
    finally:
        site.box.start_sshd()
    return job


def _catch(site: Site, step: str, strike: Strike) -> tuple[str, list[str]]:
    app = {
        "STAGING_INPUTS": "input",
        "STAGING_JOB": "asset",
        "CLEANING_UP": "held",
        "ARCHIVING": "held makes",
    }
    missed: list[str] = []
    for _ in range(ATTEMPTS):
        if step in PASSED_THROUGH:
            site.linger(step)
        with _caught(site, step, app.get(step, "plain")) as (job, held):
            if held:
                strike()
                return job, missed
        missed.append(job)
    raise AssertionError(f"{ATTEMPTS} jobs went through {step} and none was caught there")


@contextmanager
def _caught(site: Site, step: str, app: str) -> Iterator[tuple[str, bool]]:
    if app.startswith("held"):
        job = started(site, app)
        with site.freeze.caught(step, lambda: site.go(job), job) as found:
            yield job, found is not None
        return
    site.prepare(app)
    submitted: list[str] = []
    with site.freeze.caught(step, lambda: submitted.append(site.submit_unsure(app))) as found:
        if found is not None:
            yield found, True
            return
    yield submitted[0], False


_WAYS: dict[str, Callable[[Site, Strike], str]] = {
    "PROCESSING_INPUTS": _before,
    "STAGING_INPUTS": _amid_upload("input"),
    "STAGING_JOB": _amid_upload("asset"),
    "SUBMITTING": _amid_submission,
    ANSWER_LOST: _answer_lost,
    "QUEUED": _queued,
    "RUNNING": _running("held"),
    "ARCHIVING": _amid_download,
    "BLOCKED": _blocked,
}
