"""Each fault in each step on each backend: the job ends as it should, says why, and has run once."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable

import pytest

from tests.live.faults.case import Case
from tests.live.faults.cases import CASES
from tests.live.faults.scene import SMALL_APPS, started, strike_in
from tests.live.faults.site import LARGE_SUM, Site
from tests.live.faults.strikes import FAULTS, heal, tidy_small
from tests.real.box import SchedulerBox
from tests.real.waiting import wait_until
from tests.served import TERMINAL

END_SECONDS = 150
WORDS = re.DOTALL | re.IGNORECASE


def _param(case: Case) -> object:
    marks = [pytest.mark.xdist_group(f"faults-{case.backend}"), pytest.mark.timeout(400)]
    if case.backend != "process":
        marks.append(pytest.mark.docker)
    if case.backend == "docker" or "disk" in case.fault:
        why = "only root can start an engine of its own, and mount small disks"
        marks.append(pytest.mark.skipif(os.geteuid() != 0, reason=why))
    if not case.quick:
        marks.append(pytest.mark.campaign)
    if case.fails:
        marks.append(pytest.mark.xfail(strict=True, reason=case.fails))
    return pytest.param(case, id=case.id, marks=marks)


@pytest.mark.parametrize("case", [_param(case) for case in CASES])
def test_fault(
    case: Case, sites: Callable[[str], Site], record_property: Callable[[str, object], None]
) -> None:
    site = sites(case.backend)
    fault = FAULTS[case.fault]
    try:
        job, missed = _struck(site, case)
        if case.blocked:
            _see_blocked(site, case, job)
        if not _lasts(case):
            fault.lift(site)
        if case.step == "QUEUED" and case.fault != "node drained" and isinstance(site.box, SchedulerBox):
            site.box.undrain()
        if site.traces.runs(job):
            site.go(job)
        if case.fault == "disk full" and case.backend == "fork" and case.step == "RUNNING":
            # there is nobody but the script's own supervisor to say how it ended: it waits for room to write that
            wait_until(lambda: site.ends_without_room(job), what="the script to have ended")
            fault.lift(site)
        ended = site.backend.finished(job, END_SECONDS)
        record_property("status", ended["status"])
        record_property("message", ended["lastStatusMessage"])
        _judge(site, case, ended)
        for other in missed:
            assert site.backend.finished(other, END_SECONDS)["status"] == "FINISHED"
            assert site.traces.runs(other) == 1
        if _lasts(case):
            fault.lift(site)
    except BaseException:
        heal(site)
        raise


def _lasts(case: Case) -> bool:
    """Whether the job comes to its end under the fault."""
    # a node that is closed to new jobs lets the others come to their end
    runs_on = case.fault == "node drained" and case.step == "RUNNING"
    return runs_on or FAULTS[case.fault].passes_after_the_end


def _struck(site: Site, case: Case) -> tuple[str, list[str]]:
    fault = FAULTS[case.fault]

    def strike() -> None:
        fault.strike(site)

    if case.fault == "archive's disk full":
        job = site.submit("held makes", archiveSystem=site.backend.archive_system())
        wait_until(lambda: site.traces.runs(job) > 0, what="the script to have started")
        strike()
        return job, []
    if case.fault == "disk full":
        app = SMALL_APPS[case.step]
        site.prepare(app)
        tidy_small(site)
        if case.step == "RUNNING":
            job = started(site, app)
            strike()
            return job, []
        strike()
        return site.submit(app), []
    if case.fault == "Docker engine stopped":
        # what is handed to the simulated scheduler is in its hands at once: the engine must be gone before
        return strike_in(site, "PROCESSING_INPUTS", strike, dies=False)
    return strike_in(site, case.step, strike, dies=case.fault == "emulator killed")


def _see_blocked(site: Site, case: Case, job: str) -> None:
    site.backend.wait(job, "BLOCKED", *TERMINAL, timeout=60)
    entries = [entry for entry in site.backend.history(job) if entry["status"] == "BLOCKED"]
    assert entries, f"it was to be blocked: {site.backend.job(job)['lastStatusMessage']}"
    seen = site.backend.job(job)
    if seen["status"] == "BLOCKED":
        assert re.search(case.blocked, seen["lastStatusMessage"], WORDS), seen["lastStatusMessage"]


def _judge(site: Site, case: Case, ended: dict[str, object]) -> None:
    job, message = str(ended["id"]), str(ended["lastStatusMessage"])
    assert ended["status"] == case.ends, message
    assert re.search(case.reason, message, WORDS), message
    assert site.traces.runs(job) in case.runs
    if case.blocked:
        assert int(str(ended["blockedCount"])) >= 1
    finished = case.ends == "FINISHED"
    if finished and case.step in ("STAGING_INPUTS", "STAGING_JOB", "ARCHIVING"):
        name = "came.txt" if case.step == "STAGING_JOB" else "large.txt"
        assert hashlib.sha256(site.backend.output(job, name)).hexdigest() == LARGE_SUM

    def left() -> list[str]:
        found = site.traces.left(job)
        # a work directory that is not archived stays for its owner [job-lifecycle §7]
        return found if finished else [line for line in found if f"/job-{job}" not in line]

    wait_until(lambda: not left(), 60, f"nothing to be left of the job: {left()}")
