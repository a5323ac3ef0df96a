"""``emulator.testing`` without pytest's plugin: worlds, jobs, time, failures, files, messages, restarts."""

from __future__ import annotations

import filecmp
import re
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emulator.testing import (
    JobEndedOtherwise,
    NoEmulator,
    OwnServer,
    Refused,
    Server,
    WaitedInVain,
    World,
    world_name,
)
from emulator.testing.report import sections

pytestmark = pytest.mark.sample(2, of="module")

JOB = {"name": "night", "appId": "classifier-1.0.0", "parameters": {"imagefile": "pictures/night-sky.png"}}


@pytest.fixture
def world(shared_server: OwnServer, request: pytest.FixtureRequest) -> Iterator[World]:
    with shared_server.world(world_name(request.node.nodeid), simulated=True) as world:
        yield world


class TestNames:
    def test_always_the_same_and_never_that_of_another(self) -> None:
        first = world_name("tests/test_a.py::test_b[1]")
        assert first == world_name("tests/test_a.py::test_b[1]") != world_name("tests/test_a.py::test_b/1/")

    @pytest.mark.parametrize(
        "text", ["", "ü" * 300, "a" * 300, "-_-", "../../etc", "x\0y", "Tests::Über[a-b]"]
    )
    def test_every_text_has_one_that_a_world_can_have(self, shared_server: OwnServer, text: str) -> None:
        with shared_server.world(world_name(text)) as world:
            assert world.name == world_name(text) and len(world.name) <= 63


class TestJobs:
    def test_by_mapping_by_file_and_by_name(self, world: World, tmp_path: Path) -> None:
        (tmp_path / "job.json").write_text(
            '{"name": "from a file", "appId": "classifier-1.0.0"}', encoding="utf-8"
        )
        parameters = JOB["parameters"]
        jobs = [
            world.submit(JOB),
            world.submit(tmp_path / "job.json", parameters=parameters),
            world.submit(appId="classifier-1.0.0", parameters=parameters),
        ]
        assert [job.record["name"] for job in jobs] == ["night", "from a file", world.name]
        assert [job.id for job in world.jobs] == [job.id for job in jobs]
        for job in jobs:
            assert job.wait().states[-1] == "FINISHED"

    def test_a_refusal_has_the_words_of_the_service(self, world: World) -> None:
        with pytest.raises(Refused, match="No app found") as refusal:
            world.submit(appId="nobody-1.0")
        assert refusal.value.status == 400

    def test_a_wait_that_is_in_vain_tells_the_history(self, world: World) -> None:
        with world.scenario({"name": "held", "rules": [{"at": "job.staged", "do": "hold"}]}) as held:
            job = world.submit(JOB)
            world.wait(job, "STAGED")
            with pytest.raises(WaitedInVain, match=r"FINISHED; job .* is STAGED(.|\n)*PROCESSING_INPUTS"):
                world.wait(job, timeout=0.1)
            assert [(each.name, each.state) for each in world.scenarios] == [("held", "armed")]
            assert held.release() == 1
            world.wait(job)
        assert world.scenarios == []

    def test_one_that_ends_otherwise_is_told_at_once(self, world: World) -> None:
        world.simulate("classifier-*", exit_code=3)
        job = world.submit(JOB)
        with pytest.raises(Refused, match="there is no state 'READY'"):
            world.wait(job, "READY")
        with pytest.raises(ValueError, match="no state to wait for"):
            world.wait(job, [])
        with pytest.raises(JobEndedOtherwise, match=r"it never was FINISHED: job .* is FAILED: .*3:0"):
            world.wait(job)
        assert world.wait(job, "RUNNING").status == "FAILED", "it was running once"

    def test_of_many_the_report_tells_those_whole_that_matter(self, world: World) -> None:
        with world.scenario(
            {"name": "held", "rules": [{"at": "job.staged", "do": "hold", "times": 1}]}
        ) as held:
            jobs = [world.submit(JOB)]
            held.wait_for()
            jobs += [world.wait(world.submit(JOB)) for _ in range(6)]
            told = dict(sections(world))[f"tapis world {world.name}: jobs"]
        assert [told.count(f"job {job.id} (") for job in jobs] == [1] * 7
        whole = re.findall(r"^job (\S+) .*\n  ", told, re.MULTILINE)
        assert whole == [jobs[0].id, *(job.id for job in jobs[-4:])]

    def test_a_state_may_be_one_of_several(self, world: World) -> None:
        assert world.wait(world.submit(JOB), ("FAILED", "FINISHED")).status == "FINISHED"

    def test_cancelled(self, world: World) -> None:
        world.simulate("classifier-*", duration="1h")
        job = world.submit(JOB).wait("RUNNING").cancel()
        assert world.wait(job, "STOPPED").status == "STOPPED"


class TestFiles:
    def test_large_ones_are_never_held_in_memory(self, world: World, tmp_path: Path) -> None:
        """Neither here nor by the server, which runs in this process."""
        large, back = tmp_path / "large", tmp_path / "back"
        with large.open("wb") as file:
            file.truncate(48 << 20)
            file.write(b"begin")
        tracemalloc.start()
        try:
            world.files.put("a new/place for/the large one?.bin", large)
            world.files.download("a new/place for/the large one?.bin", back)
            assert tracemalloc.get_traced_memory()[1] < 24 << 20
        finally:
            tracemalloc.stop()
        assert filecmp.cmp(large, back, shallow=False)

    def test_what_breaks_off_or_is_not_there_leaves_nothing(self, world: World, tmp_path: Path) -> None:
        world.files.put("here.bin", b"x" * 100_000)
        with pytest.raises(Refused, match="404"):
            world.files.download("nowhere.bin", tmp_path / "back")
        rule = {"at": "http.files.download", "do": "truncate", "times": 1}
        with world.scenario({"name": "cut", "rules": [rule]}), pytest.raises(NoEmulator, match="back: "):
            world.files.download("here.bin", tmp_path / "back")
        assert not list(tmp_path.iterdir())

    def test_no_room_for_a_download(self, world: World) -> None:
        world.files.put("here.bin", b"x" * 100_000)
        full = Path("/dev/full")
        with pytest.raises(OSError, match="No space left"):
            world.files.download("here.bin", full)
        assert full.exists(), "a device is not ours to remove"

    def test_outputs_of_a_job(self, world: World, tmp_path: Path) -> None:
        world.simulate("*", outputs={"a b/c#d?.txt": "text"})
        job = world.wait(world.submit(JOB))
        assert "a b/c#d?.txt" in job.outputs()
        assert job.output("a b/c#d?.txt") == b"text"
        assert job.download("a b/c#d?.txt", tmp_path / "c").read_bytes() == b"text"


class TestTime:
    def test_two_days_in_a_queue(self, world: World) -> None:
        world.clock.freeze()
        world.simulate("*", queue_wait="48h", duration="5m")
        begin = world.clock.now
        job = world.clock.run_until(world.submit(JOB))
        assert world.clock.now - begin == timedelta(hours=48, minutes=5)
        record = job.record
        assert record["remoteStarted"] == _iso(begin + timedelta(hours=48))
        assert record["ended"] == _iso(begin + timedelta(hours=48, minutes=5))

    def test_it_is_moved_by_so_much_or_to_a_moment(self, world: World) -> None:
        world.clock.freeze(datetime(2030, 2, 1, tzinfo=UTC))
        assert world.clock.advance("90m") == datetime(2030, 2, 1, 1, 30, tzinfo=UTC)
        assert world.clock.advance(timedelta(seconds=5)) == datetime(2030, 2, 1, 1, 30, 5, tzinfo=UTC)
        assert world.clock.advance(0.5).microsecond == 500_000
        later = datetime(2031, 1, 1, tzinfo=UTC)
        assert world.clock.advance_to(later) == world.clock.now == later
        assert world.clock.run_until_idle() == later

    def test_what_does_not_come_in_time_and_what_ends_otherwise(self, world: World) -> None:
        world.clock.freeze()
        world.simulate("*", queue_wait="48h", exit_code=1)
        job = world.submit(JOB)
        with pytest.raises(WaitedInVain, match=r"it was not RUNNING: job .* is QUEUED"):
            world.clock.run_until(job, "RUNNING", limit="1h")
        with pytest.raises(JobEndedOtherwise, match=r"it never was FINISHED: job .* is FAILED"):
            world.clock.run_until(job)

    def test_scaled_and_free(self, world: World) -> None:
        world.clock.scale(3600)
        assert world.clock.mode == "scaled"
        world.simulate("*", duration="30s")
        world.wait(world.submit(JOB))
        world.clock.run_free()
        assert world.clock.mode == "real"

    def test_time_does_not_go_back(self, world: World) -> None:
        with pytest.raises(Refused, match="start lies before the world's own time"):
            world.clock.freeze(datetime(2001, 1, 1, tzinfo=UTC))


class TestMessages:
    def test_what_does_not_come_is_told_with_what_came(self, world: World) -> None:
        world.wait(world.submit(JOB, notifications=[{"url": world.webhooks.at("here"), "event": "FINISHED"}]))
        world.webhooks.wait_for(lambda hook: hook.path == "here")
        with pytest.raises(WaitedInVain, match="a webhook; there came POST /here"):
            world.webhooks.wait_for(lambda hook: hook.path == "elsewhere", timeout=0.1)
        with pytest.raises(WaitedInVain, match="a mail; there came nothing"):
            world.mailbox.wait_for(timeout=0.1)

    def test_one_after_the_other(self, world: World) -> None:
        """The same wait again finds the same webhook; what is wanted says which."""
        jobs = [
            world.submit(JOB, notifications=[{"url": world.webhooks.url, "event": "FINISHED"}]) for _ in "ab"
        ]
        for job in jobs:
            assert world.webhooks.wait_for(lambda hook, job=job: hook.json["id"] == job.id).answered == 200
        world.webhooks.clear()
        assert world.webhooks.received == []

    def test_answers_of_the_receiver(self, world: World) -> None:
        world.webhooks.answer(503, times=1, body="later")
        policy = {"retryStrategy": "IMMEDIATE", "retryLimit": 2, "retryRate": 0, "retryDelay": 0}
        notification = {"url": world.webhooks.url, "event": "FINISHED", "policy": policy}
        world.submit(JOB, notifications=[notification])
        assert world.webhooks.wait_for(lambda hook: hook.answered == 200).json["status"] == "FINISHED"
        assert [hook.answered for hook in world.webhooks.received] == [503, 200]


class TestRequests:
    def test_those_of_the_code_under_test(self, world: World) -> None:
        import requests

        world.submit(JOB)
        requests.get(f"{world.url}/jobs/v2", timeout=60)
        assert [(each.method, each.path, each.status) for each in world.requests] == [
            ("GET", "/jobs/v2", 200)
        ]
        assert [each.operation for each in world.requests.all] == ["jobs.submit", "jobs.list"]
        assert len(world.requests.of("jobs.list")) == 1
        world.requests.clear()
        assert not world.requests.all

    def test_a_scenario_armed_anew_knows_its_own_strikes_only(self, world: World) -> None:
        busy = {"name": "busy", "rules": [{"at": "http.jobs.list", "do": {"delay": 0}}]}
        with world.scenario(busy) as first:
            world.call("GET", "jobs/v2")
            assert [each.number for each in first.journal] == [1]
        with world.scenario(busy) as second:
            assert not second.journal
            with pytest.raises(WaitedInVain, match="a strike of 'busy'; there were none"):
                second.wait_for(timeout=0.1)

    def test_one_is_waited_for_until_it_is_answered(self, world: World) -> None:
        import requests

        slow = {"name": "slow", "rules": [{"at": "http.jobs.list", "do": "hold", "times": 1}]}
        with ThreadPoolExecutor() as pool, world.scenario(slow) as armed:
            answer = pool.submit(requests.get, f"{world.url}/jobs/v2", timeout=60)
            assert armed.wait_for().point == "http.jobs.list"
            (held,) = world.requests
            assert held.status is None and held.faults[0]["action"] == "hold"
            over = pool.submit(world.requests.wait_for, lambda request: request.status == 200)
            assert armed.release() == 1
            assert (over.result(60).number, answer.result(60).status_code) == (held.number, 200)


class TestWorlds:
    def test_reset_snapshot_and_restore(self, world: World, shared_server: OwnServer, tmp_path: Path) -> None:
        uri = world.files.put("deep/down/here.txt", "one")
        assert uri == "agave://tacc.corral/deep/down/here.txt"
        world.wait(world.submit(JOB))
        seed = world.snapshot(tmp_path / "seed")
        with pytest.raises(FileExistsError):
            world.snapshot(tmp_path / "seed")
        with shared_server.world("from-a-snapshot", world=seed, simulated={"x-*": {"exit_code": 1}}) as copy:
            assert copy.files.read("deep/down/here.txt") == b"one"
            assert [job.status for job in copy.jobs] == ["FINISHED"]
            copy.files.put("deep/down/here.txt", b"two")
            copy.reset()
            assert copy.files.read("deep/down/here.txt") == b"one"
        world.reset()
        assert world.jobs == []
        world.restore(seed)
        assert world.files.list("deep/down") == ["here.txt"]

    def test_one_replaces_another_of_its_name(self, shared_server: OwnServer) -> None:
        with shared_server.world("twice") as first:
            first.files.put("x/y.txt", "")
            with shared_server.world("twice") as second:
                assert "x" not in second.files.list()
        names = [world["name"] for world in shared_server.control("GET", "worlds")]
        assert "twice" not in names, "closing a world that is gone is fine"

    def test_many_at_once(self, shared_server: OwnServer) -> None:
        def live(number: int) -> int:
            with shared_server.world(f"many-{number}", simulated=True) as world:
                world.wait(world.submit(JOB))
                return len(world.jobs)

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(live, range(6))) == [1] * 6

    def test_a_scenario_that_is_wrong_leaves_no_world(self, shared_server: OwnServer) -> None:
        with pytest.raises(Refused, match=r"job\.staging"):
            shared_server.world(
                "wrong", scenario={"name": "x", "rules": [{"at": "job.stagng", "do": "fail"}]}
            )
        assert "wrong" not in [world["name"] for world in shared_server.control("GET", "worlds")]


class TestServers:
    def test_one_that_a_scenario_stops_goes_on_where_it_was(self) -> None:
        with OwnServer() as server, server.world("stopped", simulated=True) as world:
            stop = {"name": "stop", "rules": [{"at": "job.staged", "do": "stop-emulator", "times": 1}]}
            world.scenario(stop)
            job = world.submit(JOB)
            server.restart()
            assert world.wait(job).status == "FINISHED"
            assert [entry.action for entry in world.journal] == ["stop-emulator"]
            with pytest.raises(WaitedInVain, match="for a scenario to stop the emulator"):
                server.restart(timeout=0.05)

    def test_nothing_of_it_is_left(self) -> None:
        before = {thread.name for thread in threading.enumerate()}
        with OwnServer() as server:
            directory = server._emulator.directory.path
            url = server.url
        assert not directory.exists()
        with pytest.raises(NoEmulator):
            Server(url)
        left = {thread.name for thread in threading.enumerate() if not thread.name.startswith("connection")}
        assert {
            name for name in left - before if name.startswith(("engine", "deliveries", "listener"))
        } == set()


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
