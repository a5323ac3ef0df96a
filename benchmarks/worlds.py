"""Worlds as wholes: made, reset, pictured, restored and removed, small ones and one with files and jobs in it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import requests

from benchmarks.figures import Table, median, ms, percentile
from benchmarks.workload import workload

FILES, JOBS = 200, 50
_JOB = {"name": "night", "appId": "classifier-1.0.0", "parameters": {"imagefile": "pictures/night-sky.png"}}


def run(quick: bool = False) -> Table:
    rounds, files, jobs = (3, 20, 5) if quick else (20, FILES, JOBS)
    with tempfile.TemporaryDirectory() as scratch, workload(Path(scratch)) as work:
        control = _Control(work.server.url)
        small = _rounds(control, rounds, seed=None)
        seed = Path(scratch) / "seed"
        _fill(control, seed, files, jobs)
        large = _rounds(control, max(3, rounds // 2), seed=str(seed))
    rows = [
        (
            deed,
            *(
                ms(each)
                for found in (small, large)
                for each in (median(found[deed]), percentile(found[deed], 95))
            ),
        )
        for deed in small
    ]
    return Table(
        "Worlds",
        (
            "call",
            "the built-in seed, median",
            "95th percentile",
            f"a seed with {files} files and {jobs} jobs, median",
            "95th percentile",
        ),
        rows,
        (
            "By the control API, each call until its answer. The built-in seed has 42 users, 2 systems, an app with 13"
            " files.",
            "The jobs are FINISHED, with their archives; the files have 4 KiB. What lies on the machines is made anew"
            " for each world.",
            "Reset is timed after a job was submitted, so that there is something to undo.",
        ),
    )


def _rounds(control: _Control, rounds: int, seed: str | None) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}

    def timed(deed: str, action: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        answer = action()
        found.setdefault(deed, []).append(time.perf_counter() - began)
        return answer

    wanted = {"name": "measured", "listener": True, "simulated": True, "clock": "real"}
    if seed is not None:
        wanted["seed"] = seed
    for _ in range(rounds):
        world = timed("make, with a listener", lambda: control.ask("POST", "", json=wanted))
        requests.post(f"{world['url']}/jobs/v2", json=_JOB, timeout=60).raise_for_status()
        timed("reset", lambda: control.ask("POST", "/measured/reset"))
        tar = timed("snapshot, as a tar", lambda: control.bytes("/measured/snapshot"))
        timed("restore, from a tar", partial(control.ask, "POST", "/measured/restore", data=tar))
        timed("delete", lambda: control.ask("DELETE", "/measured"))
    return found


def _fill(control: _Control, seed: Path, files: int, jobs: int) -> None:
    """A seed folder with these: the snapshot of a world in which the jobs have run to their end."""
    wanted = {"name": "filled", "listener": True, "simulated": True, "clock": "frozen"}
    world = control.ask("POST", "", json=wanted)
    for _ in range(jobs):
        requests.post(f"{world['url']}/jobs/v2", json=_JOB, timeout=60).raise_for_status()
    control.ask("POST", "/filled/clock", json={"run": "idle"})
    control.ask("POST", "/filled/snapshot", json={"folder": str(seed)})
    home = seed / "files" / "corral.tacc.example.org" / "home" / "testuser"
    home.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        (home / f"{number}.txt").write_bytes(b"x" * 4096)
    control.ask("DELETE", "/filled")


class _Control:
    def __init__(self, url: str) -> None:
        self._url = f"{url}/_emulator/worlds"
        self._session = requests.Session()

    def ask(self, method: str, path: str, **options: Any) -> Any:
        return self._asked(method, path, **options).json()

    def bytes(self, path: str) -> bytes:
        return self._asked("POST", path).content

    def _asked(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Content-Type": "application/gzip"} if "data" in options else {}
        answer = self._session.request(method, self._url + path, headers=headers, timeout=600, **options)
        if not answer.ok:
            raise AssertionError(f"{method} {path}: {answer.text}")
        return answer
