"""Rules at schedulers and apps where scripts really run: what is done is done to the process, and once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.app import Emulator
from tests.contract.struck_hosts.conftest import Stage
from tests.live.own_app import register_cluster, register_script
from tests.real.waiting import wait_until
from tests.served import served

pytestmark = pytest.mark.sample(2)

LONG = 'echo $$ > "$HOME/pid"; echo begun; exec sleep 600\n'
COUNTING = 'echo ran >> "$HOME/runs"; echo done\n'
QUEUES = {"executionType": "HPC", "scheduler": "SLURM", "queues": [{"name": "normal", "default": True}]}


class RealStage(Stage):
    """Two systems whose scripts are processes: one plays Slurm, one has no scheduler."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator)
        self.emulator = emulator

    def furnish(self) -> None:
        for system, more in (("forking", {}), ("slurming", QUEUES)):
            register_cluster(self.api, system, **more)
            kind = {"executionType": "HPC"} if more else {}
            for name, script in (("long", LONG), ("counting", COUNTING)):
                register_script(self.api, f"{name}-{system}", system, script, **kind)

    def home(self, system: str) -> Path:
        found = self.emulator.hosts.host("default", f"{system}.example.org").files.local_path(
            "/home/testuser"
        )
        assert found is not None
        return found

    def take(self, system: str, name: str) -> list[str]:
        """The lines of a file in the home directory, which is empty afterwards."""
        path = self.home(system) / name
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def started(self, system: str) -> int:
        """The process id of a script that has just started."""
        found: list[str] = []
        wait_until(lambda: bool(found.extend(self.take(system, "pid")) or found))
        return int(found[0])


@pytest.fixture(scope="module")
def real_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with served(tmp_path_factory.mktemp("real")) as running:
        RealStage(running).furnish()
        yield running


@pytest.fixture
def real(real_emulator: Emulator) -> Iterator[RealStage]:
    stage = RealStage(real_emulator)
    yield stage
    stage.disarm()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1] not in "ZX"


@pytest.mark.parametrize("system", ["forking", "slurming"])
@pytest.mark.parametrize(("do", "word"), [("node-fail", "NODE_FAIL"), ("out-of-memory", "OUT_OF_MEMORY")])
def test_a_script_is_really_killed(real: RealStage, system: str, do: str, word: str) -> None:
    job_id = real.submit(f"long-{system}-1.0")
    pid = real.started(system)
    real.api.wait_for_job(job_id, ("RUNNING",))
    assert alive(pid)
    real.arm("scheduler.status", do, times=1)
    assert real.api.wait_for_job(job_id) == "FAILED"
    assert f"status {word} with" in real.job(job_id)["lastStatusMessage"]
    assert not alive(pid)


@pytest.mark.parametrize("system", ["forking", "slurming"])
@pytest.mark.parametrize(
    ("do", "status", "said"),
    [
        ({"exit": {"code": 3, "message": "it's over"}}, "FAILED", 0),
        ({"signal": 11}, "FAILED", 0),
        ({"flood": "1MiB"}, "FINISHED", 1 << 20),
        ("silent", "FINISHED", 0),
    ],
)
def test_another_script_really_runs(real: RealStage, system: str, do: Any, status: str, said: int) -> None:
    real.arm("app.run", do)
    job_id = real.submit(f"counting-{system}-1.0")
    assert real.api.wait_for_job(job_id) == status
    assert real.take(system, "runs") == []
    assert len(real.output(job_id, f"a-job-{job_id}.out")) == said
    message = real.job(job_id)["lastStatusMessage"]
    if "exit" in str(do):
        assert message.endswith("3:0" if system == "slurming" else "code: 3")
        assert real.output(job_id, f"a-job-{job_id}.err") == b"it's over\n"
    if "signal" in str(do):
        assert message.endswith("0:11" if system == "slurming" else "code: 139")


def test_an_app_that_hangs_can_be_stopped(real: RealStage) -> None:
    real.arm("app.run", "hang")
    job_id = real.submit("counting-slurming-1.0")
    real.api.wait_for_job(job_id, ("RUNNING",))
    real.cancel(job_id)
    assert real.api.wait_for_job(job_id) == "STOPPED"
    assert real.take("slurming", "runs") == []


@pytest.mark.parametrize("system", ["forking", "slurming"])
@pytest.mark.parametrize(("at", "do"), [("scheduler.submit", "lose-id"), ("host.exec", "drop")])
def test_a_submission_whose_answer_is_lost_runs_once(real: RealStage, system: str, at: str, do: str) -> None:
    real.arm(at, do, times=1)
    job_id = real.submit(f"counting-{system}-1.0")
    assert real.api.wait_for_job(job_id) == "FINISHED"
    assert real.take(system, "runs") == ["ran"]
    assert "BLOCKED" in real.states(job_id)


def test_a_cancel_that_is_ignored_leaves_the_script_running(real: RealStage) -> None:
    real.arm("scheduler.cancel", "ignore", times=1)
    job_id = real.submit("long-slurming-1.0")
    pid = real.started("slurming")
    real.cancel(job_id)
    assert real.api.wait_for_job(job_id) == "STOPPED"
    assert alive(pid)
    os.kill(pid, 9)
    spool = real.emulator.directory.path / "spool" / job_id
    wait_until(lambda: not spool.exists())
    assert list((real.emulator.directory.path / "interventions").glob(f"{job_id}*")) == []


@pytest.mark.parametrize("system", ["forking", "slurming"])
def test_a_held_script_waits_through_a_restart_and_then_runs_once(tmp_path: Path, system: str) -> None:
    with served(tmp_path) as emulator:
        real = RealStage(emulator)
        real.furnish()
        real.arm("scheduler.submit", {"hold-queue": "48h"}, times=1)
        job_id = real.submit(f"counting-{system}-1.0")
        real.api.wait_for_job(job_id, ("QUEUED",))
        number = real.job(job_id)["remoteJobId"]
        stopped = real.submit(f"counting-{system}-1.0")
        assert real.api.wait_for_job(stopped) == "FINISHED"
        assert real.take(system, "runs") == ["ran"]
    with served(tmp_path) as emulator:
        real = RealStage(emulator)
        real.api.wait_for_job(job_id, ("QUEUED",))
        assert real.take(system, "runs") == []
        real.release()
        assert real.api.wait_for_job(job_id) == "FINISHED"
        assert real.job(job_id)["remoteJobId"] == number
        assert real.take(system, "runs") == ["ran"]
