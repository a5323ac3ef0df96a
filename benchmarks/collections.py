"""What the listings are measured on: how each collection is filled, and what is asked of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from emulator.domain.metadata import MetadataRecord, RecordKind
from emulator.domain.states import JobState
from emulator.domain.world import DEFAULT_WORLD
from emulator.store import Store
from tests.job_samples import sample_job
from tests.live.own_app import STORAGE, register_cluster, register_script
from tests.served import Api

_STATES = (*[JobState.FINISHED] * 7, JobState.FAILED, JobState.FAILED, JobState.STOPPED)
_BATCH = 2000
_CLUSTER = "bench.cluster"
_FOLDER = "home/testuser/many"


@dataclass(frozen=True)
class Collection:
    """``sizes`` are few and many. ``prepare`` works over HTTP, ``fill`` on the data directory of a stopped server.

    ``requests`` are paths by the name they have in the table.
    """

    name: str
    sizes: tuple[int, int]
    requests: Mapping[str, str]
    fill: Callable[[Path, int], None]
    prepare: Callable[[str], None] = lambda url: None


def _fill_jobs(data: Path, number: int) -> None:
    with _store(data) as store:
        for batch in _batches(number):
            with store.write() as tx:
                for n in batch:
                    tx.jobs.add(sample_job(n, status=_STATES[n % len(_STATES)]))


def _prepare_catalog(url: str) -> None:
    api = Api(url)
    register_cluster(api, _CLUSTER)
    register_script(api, "bench", _CLUSTER, "true\n")


def _fill_systems(data: Path, number: int) -> None:
    with _store(data) as store:
        with store.read() as tx:
            first = tx.systems.get(DEFAULT_WORLD, _CLUSTER)
        assert first is not None
        for batch in _batches(number):
            with store.write() as tx:
                for n in batch:
                    made = replace(first, uuid=_uuid(n, "006"), id=f"bench-{n}", name=f"Cluster {n}")
                    tx.systems.add(made, {})


def _fill_apps(data: Path, number: int) -> None:
    with _store(data) as store:
        with store.read() as tx:
            first = tx.apps.get(DEFAULT_WORLD, "bench-1.0")
        assert first is not None
        for batch in _batches(number):
            with store.write() as tx:
                for n in batch:
                    tags = (f"tag{n % 1000}",)
                    tx.apps.add(replace(first, uuid=_uuid(n, "005"), name=f"bench-{n}", tags=tags))


def _prepare_folder(url: str) -> None:
    folder, _, name = _FOLDER.rpartition("/")
    path = f"files/v2/media/system/{STORAGE}//{folder}"
    Api(url).call("PUT", path, json={"action": "mkdir", "path": name})


def _fill_folder(data: Path, number: int) -> None:
    (folder,) = (data / "hosts").glob(f"*/*/**/{_FOLDER}")
    for n in range(number):
        (folder / f"file-{n:06}.txt").write_bytes(b"x")


def _fill_metadata(data: Path, number: int) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    with _store(data) as store:
        for batch in _batches(number):
            with store.write() as tx:
                for n in batch:
                    made = begin + timedelta(seconds=n)
                    tx.metadata.add(
                        MetadataRecord(
                            world=DEFAULT_WORLD,
                            kind=RecordKind.ITEM,
                            uuid=_uuid(n, "012"),
                            owner="testuser",
                            name=f"sample {n % 1000}",
                            content={"plate": n // 96, "well": n % 96, "tag": f"t{n}"},
                            association_ids=(_uuid(n % 5000, "002"),),
                            created=made,
                            last_updated=made,
                        )
                    )


def _query(document: dict[str, object]) -> str:
    return f"/meta/v2/data?limit=100&q={quote(json.dumps(document))}"


def _uuid(number: int, kind: str) -> str:
    return f"{10**16 + number}-242ac114-0001-{kind}"


def _batches(number: int) -> Iterator[range]:
    for begin in range(0, number, _BATCH):
        yield range(begin, min(begin + _BATCH, number))


@contextmanager
def _store(data: Path) -> Iterator[Store]:
    store = Store.at(data)
    try:
        yield store
    finally:
        store.close()


COLLECTIONS = (
    Collection(
        name="jobs",
        sizes=(1000, 100_000),
        fill=_fill_jobs,
        requests={
            "the list": "/jobs/v2?limit=100",
            "the last page": "/jobs/v2?limit=100&offset=900",
            "status=FAILED": "/jobs/v2?limit=100&status=FAILED",
            "status=RUNNING (none)": "/jobs/v2?limit=100&status=RUNNING",
            "name of one job": "/jobs/v2?limit=100&name=classify%2077",
            "name.like=classify 77*": "/jobs/v2?limit=100&name.like=classify%2077*",
            "name.like=*77": "/jobs/v2?limit=100&name.like=*77",
            "created.after=tomorrow (none)": "/jobs/v2?limit=100&created.after=tomorrow",
            "appId of none": "/jobs/v2?limit=100&appId=nothing-1.0",
            "orderBy=name": "/jobs/v2?limit=100&orderBy=name",
            "full records (filter=*)": "/jobs/v2?limit=100&filter=*",
        },
    ),
    Collection(
        name="systems",
        sizes=(1000, 10_000),
        prepare=_prepare_catalog,
        fill=_fill_systems,
        requests={
            "the list": "/systems/v2?limit=100",
            "type=STORAGE": "/systems/v2?limit=100&type=STORAGE",
            "id of one": "/systems/v2?limit=100&id=bench-77",
            "name.like=*77": "/systems/v2?limit=100&name.like=*77",
            "default=true": "/systems/v2?limit=100&default=true",
        },
    ),
    Collection(
        name="apps",
        sizes=(1000, 10_000),
        prepare=_prepare_catalog,
        fill=_fill_apps,
        requests={
            "the list": "/apps/v2?limit=100",
            "id of one": "/apps/v2?limit=100&id=bench-77-1.0",
            "name of one": "/apps/v2?limit=100&name=bench-77",
            "executionSystem": f"/apps/v2?limit=100&executionSystem={_CLUSTER}",
            "by tag": "/apps/v2/tag/tag77?limit=100",
        },
    ),
    Collection(
        name="files in a folder",
        sizes=(1000, 10_000),
        prepare=_prepare_folder,
        fill=_fill_folder,
        requests={
            "the first page": f"/files/v2/listings/system/{STORAGE}//{_FOLDER}?limit=100",
            "page nine": f"/files/v2/listings/system/{STORAGE}//{_FOLDER}?limit=100&offset=800",
        },
    ),
    Collection(
        name="metadata",
        sizes=(1000, 50_000),
        fill=_fill_metadata,
        requests={
            "the list": "/meta/v2/data?limit=100",
            "name": _query({"name": "sample 77"}),
            "associationIds": _query({"associationIds": _uuid(77, "002")}),
            "value.tag": _query({"value.tag": "t77"}),
            "value.plate of one, value.well in a range": _query(
                {"value.plate": 3, "value.well": {"$gt": 40}}
            ),
            "value.plate in a range, sorted by lastUpdated": _query({"value.plate": {"$gte": 0}}),
        },
    ),
)
