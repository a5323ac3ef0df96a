"""What takes days takes no time in a world whose clock is moved, and all that tells a time tells the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.contract.clock.conftest import APP, START, World, make, moment
from tests.served import Api, served

HOUR = timedelta(hours=1)
LONG_QUEUE = """
name: long-queue
rules:
  - at: scheduler.submit
    do: {hold-queue: 48h}
"""


def test_a_queue_of_48_hours(frozen: World) -> None:
    frozen.simulate(queue_wait="48h", duration="1h")
    job = frozen.submit()
    assert frozen.job(job)["status"] == "QUEUED"
    passed = frozen.clock(run="job", job=job, until="RUNNING")
    assert passed["reached"]
    assert moment(passed["now"]) - moment(START) == 48 * HOUR
    assert frozen.job(job)["status"] == "RUNNING"
    passed = frozen.clock(run="job", job=job)
    assert (passed["reached"], passed["still"]) == (True, [])
    assert moment(passed["now"]) - moment(START) == 49 * HOUR
    shown = frozen.job(job)
    assert shown["status"] == "FINISHED"
    begun, ended = moment(shown["remoteStarted"]), moment(shown["ended"])
    assert (begun - moment(START), ended - moment(START)) == (48 * HOUR, 49 * HOUR)
    assert shown["lastUpdated"] == shown["ended"]
    created = [moment(when) for _, when in frozen.history(job)]
    assert created == sorted(created) and created[0] == moment(START)
    assert {when - moment(START) for when in created} == {0 * HOUR, 48 * HOUR, 49 * HOUR}


def test_a_queue_that_a_scenario_holds_for_48_hours(frozen: World) -> None:
    """Nobody looks after the job meanwhile: no rule is armed that could strike then."""
    frozen.simulate(duration=1)
    frozen.own("POST", "scenarios", expect=201, data=LONG_QUEUE)
    job = frozen.submit()
    passed = frozen.clock(run="job", job=job, until="RUNNING")
    assert moment(passed["now"]) - moment(START) == 48 * HOUR
    assert passed["timers"] < 10


def test_no_time_passes_over_a_script_that_a_queue_has_let_go(frozen: World) -> None:
    """It really runs: from its start on the world waits for it, although nobody looks after it by the world's clock."""
    frozen.own("POST", "scenarios", expect=201, data=LONG_QUEUE)
    job = frozen.submit()
    passed = frozen.clock(run="job", job=job, until="FINISHED")
    record = frozen.job(job)
    assert record["status"] == "FINISHED"
    assert {moment(record[name]) - moment(START) for name in ("remoteStarted", "remoteEnded", "ended")} == {
        48 * HOUR
    }
    assert moment(passed["now"]) - moment(START) == 48 * HOUR


def test_the_run_time_limit_of_a_simulated_job_is_the_worlds(frozen: World) -> None:
    frozen.simulate(duration="48h")
    job = frozen.submit(maxRunTime="02:00:00")
    assert frozen.clock(run="job", job=job)["reached"]
    assert frozen.job(job)["status"] == "FAILED"
    assert moment(frozen.clock()["now"]) - moment(START) == 2 * HOUR


def test_advancing_stops_where_it_was_told_to(frozen: World) -> None:
    frozen.simulate(queue_wait="1h", duration="1h")
    job = frozen.submit()
    assert frozen.clock(advance="59m59s")["timers"] == 0
    assert frozen.job(job)["status"] == "QUEUED"
    assert frozen.clock(advance=1)["timers"] == 1
    assert frozen.job(job)["status"] == "RUNNING"
    passed = frozen.clock(to="2026-03-01T11:59:59.999Z")
    assert passed["now"] == "2026-03-01T11:59:59.999Z"
    assert frozen.job(job)["status"] == "RUNNING"
    assert passed["nextTimer"] == "2026-03-01T12:00:00.000Z"
    frozen.clock(advance="1ms")
    assert frozen.job(job)["status"] == "FINISHED"


FLOOD = """
name: flood
rules:
  - at: job.submitting
    do: block
    until: +48h
"""


def test_a_blocked_job_comes_back_after_48_hours(frozen: World) -> None:
    """By the recovery's own row of pauses [job-lifecycle §5]; a hundred tests of the condition take no time."""
    frozen.simulate(duration=1)
    frozen.own("POST", "scenarios", expect=201, data=FLOOD)
    job = frozen.submit()
    assert frozen.job(job)["status"] == "BLOCKED"
    passed = frozen.clock(run="job", job=job, limit="7d")
    assert passed["reached"]
    assert passed["timers"] > 100
    shown = frozen.job(job)
    assert shown["status"] == "FINISHED"
    history = frozen.history(job)
    blocked = [moment(when) for status, when in history if status == "BLOCKED"]
    again = [moment(when) for status, when in history if status == "QUEUED"]
    assert len(blocked) == len(again) == 1
    assert timedelta(0) <= again[0] - moment(START) - 48 * HOUR < HOUR
    assert moment(shown["ended"]) - again[0] == timedelta(seconds=1)


def test_nobody_looks_in_vain_while_time_leaps(frozen: World) -> None:
    """Tests of a system that is away are due each minute [job-lifecycle §5]; those in vain are left out, unseen."""
    frozen.simulate(queue_wait="1h")
    job = frozen.submit()
    system = f"systems/v2/{frozen.call('GET', f'apps/v2/{APP}')['executionSystem']}"
    Api(frozen.url, "admin").call("PUT", system, json={"action": "disable"})
    passed = frozen.clock(advance="49h30s")
    assert passed["nextTimer"] == "2026-03-03T11:01:00.000Z", "they are due all the same"
    Api(frozen.url, "admin").call("PUT", system, json={"action": "enable"})
    assert frozen.job(job)["status"] == "BLOCKED", "nobody has looked yet"
    assert frozen.clock(run="job", job=job)["now"] == "2026-03-03T11:01:00.000Z"
    assert frozen.job(job)["status"] == "FINISHED"
    assert passed["timers"] < 20


def test_seven_days_of_blocking_are_too_long(tmp_path: Path) -> None:
    """With longer pauses: the setting works on top of the world's clock."""
    with served(tmp_path, recovery_time_scale=0.01) as emulator:
        check_seven_days(make(Api(emulator.url), clock={"mode": "frozen", "start": START}))


def check_seven_days(frozen: World) -> None:
    frozen.simulate(duration=1)
    frozen.own("POST", "scenarios", expect=201, data=FLOOD.replace("+48h", "+30d"))
    job = frozen.submit()
    assert frozen.clock(run="job", job=job)["reached"]
    shown = frozen.job(job)
    assert (shown["status"], shown["lastStatusMessage"]) == (
        "FAILED",
        "JOBS_TIME_LIMIT Unable to submit job after 7 days. Job cancelled.",
    )
    assert timedelta(days=7) <= moment(shown["ended"]) - moment(START) < timedelta(days=8)


def test_the_end_of_all_times(control: Api) -> None:
    """What leads there stops there; what is asked to lead beyond it is a mistake."""
    world = make(control, clock={"mode": "frozen", "start": "8999-12-31T00:00:00Z"})
    world.simulate(queue_wait="30d")
    world.submit()
    refused = world.own("POST", "clock", expect=400, json={"advance": "30d"})
    assert "advance must not lead beyond the year 9000" in refused["error"]
    passed = world.clock(run="idle")
    assert (passed["reached"], passed["now"]) == (False, "9000-01-01T00:00:00.000Z")
    assert world.clock(to=passed["now"])["reached"]


def test_tokens_end_by_the_worlds_clock(frozen: World) -> None:
    user = Api(frozen.url, "testuser")
    assert user.request("GET", "jobs/v2").status_code == 200
    frozen.clock(advance="3h")
    assert user.request("GET", "jobs/v2").status_code == 200
    frozen.clock(advance="2h")
    refused = user.request("GET", "jobs/v2")
    assert refused.status_code == 401, refused.text


def test_postits_end_by_the_worlds_clock(frozen: World) -> None:
    made = frozen.call(
        "POST", "postits/v2", json={"url": f"{frozen.url}/jobs/v2", "lifetime": 3600, "maxUses": 5}
    )
    path = f"postits/v2/{made['postit']}"
    assert frozen.request("GET", path).status_code == 200
    frozen.clock(advance="61m")
    assert frozen.request("GET", path).status_code == 403


def test_waiting_for_nothing_is_over_at_once(frozen: World) -> None:
    passed = frozen.clock(run="idle")
    assert (passed["now"], passed["timers"], passed["still"]) == (START, 0, [])
    assert passed["reached"]


def test_what_is_not_reached_says_what_is_going_on(frozen: World) -> None:
    frozen.simulate(queue_wait="12d")
    job = frozen.submit()
    passed = frozen.clock(run="job", job=job, limit="10d")
    assert not passed["reached"]
    assert moment(passed["now"]) - moment(START) == timedelta(days=10)
    assert moment(passed["nextTimer"]) - moment(START) == timedelta(days=12)
    passed = frozen.clock(run="idle", limit="1d")
    assert not passed["reached"], "somebody still waits"
    assert frozen.clock(run="idle")["reached"]


SLOW = """
name: slow
rules:
  - at: host.connect
    when: {job_name: slow*}
    do: {delay: 5h}
    times: 6
"""


def test_steps_that_wait_for_a_frozen_clock_hold_nobody_up(frozen: World) -> None:
    """More of them than the engine has threads; a job that comes later overtakes them."""
    frozen.simulate(duration="10m")
    frozen.own("POST", "scenarios", expect=201, data=SLOW)
    slow = [frozen.submit(name=f"slow {number}") for number in range(6)]
    quick = frozen.submit(name="quick")
    assert frozen.clock(run="job", job=quick)["reached"]
    assert moment(frozen.clock()["now"]) - moment(START) == timedelta(minutes=10)
    assert {frozen.job(job)["status"] for job in slow}.isdisjoint({"FINISHED", "FAILED"})
    passed = frozen.clock(run="idle")
    assert passed["still"] == []
    assert {frozen.job(job)["status"] for job in slow} == {"FINISHED"}
    assert moment(passed["now"]) - moment(START) >= timedelta(hours=5, minutes=10)


def test_a_receiver_that_is_away_is_tried_again_by_the_worlds_clock(frozen: World) -> None:
    frozen.simulate(duration=1)
    frozen.own("POST", "webhook-answers", expect=201, json={"path": "away", "status": 500, "times": 3})
    hook = f"{frozen.control.url}/_emulator/worlds/{frozen.name}/webhooks/away"
    policy = {"retryStrategy": "DELAYED", "retryDelay": 3600, "retryLimit": 5, "saveOnFailure": True}
    job = frozen.submit(
        notifications=[{"url": hook, "event": "FINISHED", "persistent": False, "policy": policy}]
    )
    assert frozen.clock(run="job", job=job)["reached"]
    passed = frozen.clock(run="idle")
    assert passed["still"] == []
    came = frozen.own("GET", "webhooks")
    came = came if isinstance(came, list) else next(v for v in came.values() if isinstance(v, list))
    times = [moment(each["received"]) for each in came if each["path"].strip("/") == "away"]
    ended = moment(frozen.job(job)["ended"])
    assert len(times) == 4 and times[-1] - ended >= HOUR, times


def test_subscriptions_to_a_job_go_seven_days_after_it(frozen: World) -> None:
    frozen.simulate(duration=1)
    hook = f"{frozen.control.url}/_emulator/worlds/{frozen.name}/webhooks/kept"
    job = frozen.submit(notifications=[{"url": hook, "event": "FINISHED", "persistent": True}])
    assert frozen.clock(run="job", job=job)["reached"]
    query = f"notifications/v2?associatedUuid={job}"
    assert len(frozen.call("GET", query)) == 1
    frozen.clock(advance="6d")
    assert len(frozen.call("GET", query)) == 1
    frozen.clock(advance="2d")
    assert frozen.call("GET", query) == []
