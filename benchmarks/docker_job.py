"""A trivial job from its submission to FINISHED in a container, beside ``docker run --rm`` of the same image."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.figures import Table, Unavailable, median, ms, paired, ratio, spread
from benchmarks.workload import timed, workload
from tests.real.base_images import ImageUnavailable, base_image
from tests.real.docker_engine import Engine, EngineUnavailable, docker_engine

_IMAGE = "busybox:latest"
_SIDE_BY_SIDE = 4  # as many as the engine has workers


def run(quick: bool = False) -> Table:
    if shutil.which("docker") is None:
        raise Unavailable("there is no docker command to compare with")
    try:
        with docker_engine() as engine:
            return _run(engine, base_image(engine, _IMAGE), quick)
    except (EngineUnavailable, ImageUnavailable) as reason:
        raise Unavailable(str(reason)) from reason


def _run(engine: Engine, image: str, quick: bool) -> Table:
    rounds, count = (3, 8) if quick else (25, 60)
    runtime = ("--runtime", "docker", "--docker-image", image)
    # a container sees its work directory under the path it has here, so this must not be a private /tmp
    with (
        tempfile.TemporaryDirectory() as scratch,
        workload(Path(scratch), *runtime, environment=engine.environment) as work,
    ):
        work.run_one()
        script = work.rendered_script()
        mount = f"{script.parent}:{script.parent}"
        by_hand = ["docker", "run", "--rm", "-v", mount, "-w", str(script.parent), image, "sh", script.name]
        environment = os.environ | engine.environment
        timed(by_hand, env=environment)
        floor, jobs = [], []
        for _ in range(rounds):
            floor.append(timed(by_hand, env=environment))
            jobs.append(work.run_one())
        began = time.perf_counter()
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            list(pool.map(lambda _: timed(by_hand, env=environment), range(count)))
        many_by_hand = time.perf_counter() - began
        _, many_jobs = work.run_many(count)
    return Table(
        "A trivial job, Docker runtime",
        ("run", "median", "least – most", "beside `docker run --rm`"),
        [
            ("`docker run --rm` of its script", ms(median(floor)), spread(floor), ""),
            ("the job", ms(median(jobs)), spread(jobs), paired(jobs, floor)),
            (f"{count} × `docker run --rm`, {_SIDE_BY_SIDE} side by side", ms(many_by_hand), "", ""),
            (f"{count} jobs at once", ms(many_jobs), "", ratio(many_jobs, many_by_hand)),
        ],
        (
            f"{rounds} rounds of one and the other in turn; image `{image}`, work directory mounted, default bridge "
            f"network, in both; engine {_version(environment)}.",
        ),
    )


def _version(environment: dict[str, str]) -> str:
    asked = ["docker", "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout.strip()
