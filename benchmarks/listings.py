"""Pages of listings and searches: what they cost among many, beside the same request among few."""

from __future__ import annotations

import http.client
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.collections import COLLECTIONS, Collection
from benchmarks.figures import Table, median, ms, percentile, ratio
from tests.live.serve_process import ServeProcess


def run(quick: bool = False) -> Table:
    rows: list[list[str]] = []
    for collection in COLLECTIONS:
        with tempfile.TemporaryDirectory() as folder:
            rows += _growth(collection, Path(folder), quick)
    return Table(
        title="Pages of 100 among few and among many",
        columns=("stored", "request", "among few", "among many", "99th percentile", "growth"),
        rows=rows,
        notes=(
            "One server holds few, another many; each request is made of both in turn over kept-alive "
            "connections. The growth is that of the medians: 1 means that the number stored does not matter.",
            "All belong to the user who asks. Searches marked (none) find nothing.",
        ),
    )


def _growth(collection: Collection, folder: Path, quick: bool) -> list[list[str]]:
    few, many = (n // 50 for n in collection.sizes) if quick else collection.sizes
    rounds = 20 if quick else 200
    rows = []
    small, large = _filled(collection, folder / "few", few), _filled(collection, folder / "many", many)
    with _served(small) as floor, _served(large) as server:
        for name, path in collection.requests.items():
            bare, found = Asked(floor, path), Asked(server, path)
            for _ in range(rounds):
                bare.once()
                found.once()
            low, middle = median(bare.seconds), median(found.seconds)
            rows.append(
                [
                    f"{collection.name}: {few:,} and {many:,}",
                    name,
                    ms(low),
                    ms(middle),
                    ms(percentile(found.seconds, 99)),
                    ratio(middle, low),
                ]
            )
    return rows


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


def _filled(collection: Collection, folder: Path, number: int) -> Path:
    """A data directory with so many of them."""
    folder.mkdir()
    with _served(folder) as server:  # the first start makes the users
        collection.prepare(server.url)
    collection.fill(folder / "data", number)
    return folder
