"""A served emulator with a trivial app, and jobs of it timed from submission to FINISHED."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.live.own_app import register_cluster, register_script
from tests.live.serve_process import ServeProcess
from tests.real.waiting import wait_until
from tests.real.webhook_sink import Hook, WebhookSink
from tests.served import TERMINAL, Api

SCRIPT = "#!/bin/sh\necho done\n"
SYSTEM = "benchmark.cluster"
_LIMIT_SECONDS = 600


@dataclass
class Workload:
    """``server`` runs the app; the end of each job is told to ``sink``."""

    server: ServeProcess
    api: Api
    sink: WebhookSink
    app_id: str

    def request(self, **changes: Any) -> dict[str, Any]:
        """A job's definition that asks for one message, at its end."""
        ends = [{"event": event, "url": self.sink.url, "persistent": False} for event in TERMINAL]
        job = {"name": "trivial", "appId": self.app_id, "archive": False, "notifications": ends}
        return job | changes

    def control(self, method: str, path: str, **options: Any) -> Any:
        """A call to the control API below the default world; its plain JSON."""
        url = f"{self.server.url}/_emulator/worlds/default/{path}"
        answer = self.api.session.request(method, url, timeout=_LIMIT_SECONDS, **options)
        answer.raise_for_status()
        return answer.json()

    def run_one(self, **changes: Any) -> float:
        """Seconds from the submission to the message that the job is FINISHED."""
        known = len(self.sink.hooks.items)
        began = time.perf_counter()
        self.api.call("POST", "jobs/v2", json=self.request(**changes))
        ends = self.sink.wait_for(known + 1, _LIMIT_SECONDS)
        seconds = time.perf_counter() - began
        _all_finished(ends)
        return seconds

    def run_many(self, count: int, clients: int = 8) -> tuple[float, float]:
        """Seconds until ``count`` jobs, submitted by some clients side by side, were accepted, and FINISHED."""
        known = len(self.sink.hooks.items)
        apis = [Api(self.server.url) for _ in range(clients)]

        def submit(number: int) -> None:
            for _ in range(number, count, clients):
                apis[number].call("POST", "jobs/v2", json=self.request())

        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(submit, range(clients)))
        accepted = time.perf_counter() - began
        ends = self.sink.wait_for(known + count, _LIMIT_SECONDS)
        finished = time.perf_counter() - began
        _all_finished(ends)
        return accepted, finished

    def rendered_script(self) -> Path:
        """The script as it was rendered for the last job, in the job's work directory."""
        found = sorted(
            self.server.data.glob("hosts/**/*.ipcexe"), key=lambda script: script.stat().st_mtime_ns
        )
        return found[-1]


def _fork(api: Api) -> None:
    register_cluster(api, SYSTEM)


@contextmanager
def workload(
    folder: Path,
    *arguments: str,
    environment: dict[str, str] | None = None,
    register: Callable[[Api], None] = _fork,
    **app: Any,
) -> Iterator[Workload]:
    """An emulator on an empty data directory below ``folder`` in a process of its own, with the trivial app.

    ``register`` makes the execution system of the id ``SYSTEM``; ``app`` is what the app has besides.
    """
    data = ("--port", "0", "--data-dir", str(folder / "data"))
    with (
        ServeProcess(folder, *data, *arguments, environment=environment) as server,
        WebhookSink() as sink,
    ):
        api = Api(server.url)
        register(api)
        yield Workload(server, api, sink, register_script(api, "trivial", SYSTEM, SCRIPT, **app))
        wait_until(lambda: api.request("GET", "_emulator/health").json()["activeJobs"] == 0)


def elapsed(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def timed(command: Sequence[str], **options: Any) -> float:
    """Seconds that a command takes; ``CalledProcessError`` when it fails."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, **options)
    return time.perf_counter() - began


def _all_finished(messages: Sequence[Hook]) -> None:
    """A job that failed would make a quick figure, and a wrong one."""
    ended = [message.json for message in messages]
    wrong = [job for job in ended if job["status"] != "FINISHED"]
    if wrong:
        raise AssertionError(f"{len(wrong)} of {len(ended)} jobs did not finish; the first: {wrong[0]}")
