"""The emulator ends as by kill -9 in the middle of a job, and is started again on the same data."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.testing import NoEmulator, OwnServer, World
from tests.scenario.conftest import SIMULATED
from tests.scenario.lesson import Lesson

pytestmark = pytest.mark.xdist_group("scenario-two")


def test_emulator_killed_while_archiving(begin: Callable[[World], Lesson]) -> None:
    server = OwnServer(recovery_time_scale=1.0)
    with server:
        world = server.world("killed", seed=7, clock="frozen", simulated=SIMULATED)
        lesson = begin(world)
        lesson.arm()
        job = lesson.submit()
        with pytest.raises(NoEmulator):
            world.clock.run_until(job)
        gone = lesson.get("ag.jobs.getStatus(jobId=job)", job=job)
        assert gone.error in ("ConnectionError", "SSLError"), gone
        server.restart()
        assert lesson.run(job) == "FINISHED"
        assert lesson.states(job).count("RUNNING") == 1 and lesson.record(job)["remoteJobId"] == "1"
        assert lesson.output(job, "predictions.txt") == b"night sky 0.97\n"
        assert lesson.struck() == [("job.archiving", "stop-emulator")]
        world.close()
