"""``GET /jobs/v2?limit=100``: what a page costs as ever more jobs are stored."""

from __future__ import annotations

import http.client
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.figures import Table, median, ms, percentile, ratio
from emulator.domain.states import JobState
from emulator.store import Store
from tests.job_samples import sample_job
from tests.live.serve_process import ServeProcess

_STATES = (*[JobState.FINISHED] * 7, JobState.FAILED, JobState.FAILED, JobState.STOPPED)
_BATCH = 2000
LEAST = 100
LISTING = "/jobs/v2?limit=100"
HEALTH = "/_emulator/health"
_SEARCHES = {
    "status=FAILED": "status=FAILED",
    "status=RUNNING (none)": "status=RUNNING",
    "name of one job": "name=classify%2077",
    "name.like=*77": "name.like=*77",
    "created.after=tomorrow (none)": "created.after=tomorrow",
    "orderBy=name": "orderBy=name",
    "full records (filter=*)": "filter=*",
}


def run(quick: bool = False) -> Table:
    sizes = (1000, 2000) if quick else (1000, 10_000, 100_000)
    rounds = 50 if quick else 500
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        least = _data(Path(folder) / "least", 0, LEAST)
        data = _data(Path(folder) / "data", 0, 0)
        stored = 0
        for size in sizes:
            _data(data, stored, size)
            stored = size
            searches = {"list": ""} | (_SEARCHES if size == sizes[-1] else {})
            with _served(least) as floor, _served(data) as server:
                rows.append([f"{size:,}", "GET /_emulator/health", *_beside(floor, server, HEALTH, rounds)])
                for name, query in searches.items():
                    count = rounds if name == "list" else rounds // 5
                    rows.append(
                        [f"{size:,}", name, *_beside(floor, server, f"{LISTING}&{query}".rstrip("&"), count)]
                    )
    return Table(
        title="A page of 100 jobs",
        columns=("jobs stored", "request", "median", "99th percentile", f"list, {LEAST} stored", "ratio"),
        rows=rows,
        notes=(
            f"{LISTING} over kept-alive connections, {rounds} times a row, a search {rounds // 5} times; all "
            "jobs belong to the user who asks.",
            f"Beside each request the plain list is asked of a second server that has {LEAST} jobs: the floor, "
            "since its answer is the same and nothing else is stored. The ratio is that of the medians.",
        ),
    )


def _beside(floor: ServeProcess, server: ServeProcess, path: str, rounds: int) -> list[str]:
    """Median and 99th percentile of a request, the floor's median, and the ratio of the medians."""
    bare, found = Asked(floor, LISTING), Asked(server, path)
    for _ in range(rounds):
        bare.once()
        found.once()
    middle, low = median(found.seconds), median(bare.seconds)
    return [ms(middle), ms(percentile(found.seconds, 99)), ms(low), ratio(middle, low)]


class Asked:
    """One request, made over and over on one connection."""

    def __init__(self, server: ServeProcess, path: str) -> None:
        address = urlsplit(server.url)
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        self._path = path
        self.seconds: list[float] = []
        self.once()  # fills caches
        self.seconds.clear()

    def once(self) -> None:
        began = time.perf_counter()
        self._connection.request("GET", self._path)
        response = self._connection.getresponse()
        body = response.read()
        self.seconds.append(time.perf_counter() - began)
        if response.status != 200:
            raise AssertionError(f"GET {self._path}: {response.status} {body[:500]!r}")


def _served(folder: Path) -> ServeProcess:
    return ServeProcess(folder, "--port", "0", "--data-dir", str(folder / "data"))


def _data(folder: Path, begin: int, end: int) -> Path:
    """Put jobs number ``begin`` to ``end`` into an emulator's data directory, which is made if need be."""
    if not folder.exists():
        folder.mkdir()
        with _served(folder):
            pass  # the first start makes the users
    store = Store.at(folder / "data")
    for first in range(begin, end, _BATCH):
        with store.write() as tx:
            for number in range(first, min(first + _BATCH, end)):
                tx.jobs.add(sample_job(number, status=_STATES[number % len(_STATES)]))
    store.close()
    return folder
