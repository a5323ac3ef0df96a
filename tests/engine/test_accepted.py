"""Jobs that are stored and not yet to be seen: ``jobs.accepted_window_ms`` [jobs §4.4]."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from emulator.domain.job import Job
from emulator.domain.search import Page
from emulator.domain.states import ACCEPTED_MESSAGE, JobState
from emulator.settings import Settings
from tests.engine.bench import Bench
from tests.engine.doubles import ManualClock
from tests.engine.test_course import CHAIN
from tests.job_samples import NOON
from tests.live.own_app import register_cluster, register_script
from tests.real.waiting import wait_until
from tests.served import Api, served

HOUR = 3_600_000


def accepted(bench: Bench) -> Job:
    """A job as a submission stores it when there is a window."""
    job = bench.submit()
    with bench.store.write() as tx:
        tx.jobs.update(job.id, status=JobState.ACCEPTED, created=None, last_status_message=ACCEPTED_MESSAGE)
    return bench.job(job.id)


def test_it_is_pending_when_the_window_is_over_and_not_before(benches: Callable[..., Bench]) -> None:
    clock = ManualClock()
    bench = benches(clock=clock, settings=Settings(workers=1, accepted_window_ms=2000))
    bench.furnish()
    job = accepted(bench)
    bench.engine.start()
    wait_until(lambda: clock.due() == NOON + timedelta(seconds=2))
    clock.advance(timedelta(milliseconds=1999))
    assert bench.job(job.id).status == "ACCEPTED"
    with bench.store.read() as tx:
        assert tx.jobs.get(job.world, job.id) is None
        assert (
            tx.jobs.find(job.world, None, [], Page()) == tx.jobs.summaries(job.world, None, [], Page()) == []
        )
    clock.advance(timedelta(milliseconds=1))
    assert bench.engine.wait_idle(30)
    job = bench.job(job.id)
    assert job.created == NOON + timedelta(seconds=2)
    # the first entry is the bench's own
    assert bench.states(job.id)[1:] == [state for state in CHAIN if state != "STAGING_INPUTS"]


def test_nobody_sees_it_before_and_a_restart_takes_it_up(tmp_path: Path) -> None:
    with served(tmp_path, accepted_window_ms=HOUR) as emulator:
        api = Api(emulator.url)
        register_cluster(api, "accepted.cluster")
        app = register_script(api, "accepted", "accepted.cluster", "true\n")
        answer = api.call("POST", "jobs/v2", json={"name": "waits", "appId": app})
        path = f"jobs/v2/{answer['id']}"
        assert (answer["status"], answer["created"]) == ("ACCEPTED", None)
        unknown = f"No job found with job id {answer['id']}."
        assert api.refused("GET", path, 404) == unknown
        assert api.refused("GET", f"{path}/history", 404) == unknown
        assert api.refused("GET", f"{path}/pems", 404) == unknown
        assert api.refused("GET", f"{path}/status", 404) == f"Not job found with job id {answer['id']}"
        assert api.refused("GET", f"{path}/outputs/listings", 400).startswith("Not job found")
        for verb in ("cancel", "hide", "unhide", "resubmit"):
            assert api.refused("POST", f"{path}/{verb}", 404) == unknown
        assert api.refused("POST", path, 404, json={"action": "stop"}) == unknown
        assert api.refused("DELETE", path, 404) == unknown
        assert api.call("GET", "jobs/v2") == api.call("GET", "jobs/v2?status=ACCEPTED") == []
        assert api.call("GET", f"jobs/v2/search/id/{answer['id']}") == []
    with served(tmp_path) as emulator:
        api = Api(emulator.url)
        wait_until(lambda: api.request("GET", path).status_code == 200, 60, "the job can be seen")
        assert api.wait_for_job(answer["id"]) == "FINISHED"
        statuses = [entry["status"] for entry in api.call("GET", f"{path}/history")]
        assert statuses[0] == "PENDING" and statuses[-1] == "FINISHED"
        assert api.call("GET", path)["accepted"] == answer["accepted"]
