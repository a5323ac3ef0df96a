"""Every search operator on every term of systems and apps, held against what the records themselves say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from emulator.api.v2 import apps as apps_api
from emulator.api.v2.search import BOOLEAN, DATE, DECIMAL, INTEGER
from emulator.api.v2.systems_search import TERMS as SYSTEM_TERMS
from emulator.domain.search import Page
from tests.catalog import ADMIN, APP, EXECUTION, OTHER, OWNER, STORAGE, WORLD, Catalog, changed
from tests.contract.catalog.oracle import Term, probes

pytestmark = pytest.mark.sample(5)

KINDS: dict[Any, str] = {BOOLEAN: "boolean", DATE: "date", INTEGER: "number", DECIMAL: "number"}
SPELLED = {
    "storage.bucket": "storage.container",
    "lastupdated": "created.updated",
    "lastmodified": "created.updated",
    "created": "created.created",
    "queues.maxmemoryperjob": "queues.maxmemorypernode",
    "defaultnodes": "defaultnodecount",
    "public": "public",
    "parameters.type": "parameters.value.type",
    "checksum": "created.checksum",
}
# terms that only execution systems have: the others are no answer to them, whatever is asked
ONLY_EXECUTION = (
    "login.", "queues.", "workdir", "scratchdir", "maxsystemjobs", "startupscript", "executiontype", "environment",
    "scheduler",
)  # fmt: skip


def found_in(record: Any, path: list[str]) -> list[Any]:
    """The values at a dotted path, in any case, through arrays; nulls are none."""
    if record is None:
        return []
    if isinstance(record, list):
        return [value for one in record for value in found_in(one, path)]
    if not path:
        return [record]
    key = next((key for key in record if key.lower() == path[0]), None)
    return [] if key is None else found_in(record[key], path[1:])


def term(name: str, terms: Any, public: str) -> Term:
    path = SPELLED.get(name, name).split(".")
    kind = KINDS.get(terms[name][1]) or ("text" if type(terms[name][1]).__name__ == "_Text" else "word")
    return Term(name, kind, lambda record: found_in(record, [public] if path == ["public"] else path))


def with_facts(listed: list[Any], stored: Sequence[Any]) -> list[Any]:
    """The listed records, with what no answer shows under ``created``."""
    facts = {
        one.uuid: {
            "created": one.created,
            "updated": one.last_updated,
            "checksum": getattr(one, "checksum", None),
        }
        for one in stored
    }
    return [record | {"created": facts[record["uuid"]]} for record in listed]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    made = Catalog(tmp_path_factory.mktemp("searched"))
    add_systems(made)
    add_apps(made)
    yield made
    made.close()


def add_systems(catalog: Catalog) -> None:
    catalog.add_app_material()
    proxy = {"name": "jump", "host": "jump.example.org", "port": 2222}
    cloud_auth = {"type": "APIKEYS", "publicKey": "k", "privateKey": "k"}
    for body, user in (
        (changed(STORAGE, id="Proxied", name="100% sure_", storage__proxy=proxy, description=None), OWNER),
        (
            changed(
                STORAGE, id="cloud", site="elsewhere", status="MAINTENANCE", storage__protocol="S3",
                storage__port=443, storage__container="bucket", storage__auth=cloud_auth, storage__homeDir=...,
            ),
            OTHER,
        ),
        (changed(STORAGE, id="tape", storage__protocol="IRODS", storage__zone="z1", storage__resource="r"), OTHER),
        (
            changed(
                EXECUTION, id="desk", executionType="CLI", scheduler="FORK", queues=..., workDir="/work",
                maxSystemJobs=5, maxSystemJobsPerUser=2, startupScript="/etc/profile", environment="A=1",
                login__proxy=proxy, login__port=2200,
            ),
            OTHER,
        ),
        (
            changed(
                EXECUTION, id="farm", scheduler="SGE",
                queues=[{"name": "a", "maxJobs": 3, "customDirectives": "-x"}, {"name": "b", "maxMemoryPerNode": 0.5}],
            ),
            OWNER,
        ),
    ):  # fmt: skip
        catalog.post("/systems/v2", body, user=user)
    for system in ("cluster", "data.storage", "cloud"):
        catalog.put(f"/systems/v2/{system}", {"action": "publish"}, user=ADMIN)
    catalog.put("/systems/v2/data.storage", {"action": "setGlobalDefault"}, user=ADMIN)
    catalog.put("/systems/v2/farm", {"action": "setDefault"})


def add_apps(catalog: Catalog) -> None:
    arguments: dict[str, Any] = {
        "inputs": [{"id": "query"}, {"id": "Second"}],
        "parameters": [
            {"id": "mode", "value": {"type": "enumeration", "enum_values": ["a"]}},
            {"id": "n", "value": {"type": "number"}},
        ],
        "outputs": [{"id": "table"}],
    }
    catalog.post("/apps/v2", changed(APP, **arguments, tags=["text", "Words"], ontology=["http://a.org/b"]))
    catalog.post(
        "/apps/v2",
        changed(
            APP, name="blast", version="2.0", label="BLAST_%", tags=["words"], icon="http://a.org/i.png",
            helpURI="http://a.org/help", shortDescription="short", longDescription="longer", defaultQueue="normal",
            defaultMaxRunTime="01:00:00", defaultMemoryPerNode=1.5, defaultNodeCount=2, checkpointable=True,
            defaultProcessorsPerNode=4, parallelism="PARALLEL", executionType="CLI",
        ),
    )  # fmt: skip
    catalog.post("/apps/v2", changed(APP, name="old"))
    catalog.put("/apps/v2/wc-1.00", {"action": "publish"}, user=ADMIN, status=202)


def check(
    catalog: Catalog, path: str, one: Term, records: list[Any], at_all: Callable[[Any], bool] = lambda _: True
) -> None:
    """Every probe of a term finds what it must, and is refused where it must be."""
    for probe in probes(one, records):
        name = f"{one.name}.{probe.operator}"
        answer = catalog.send("GET", path, query_string={name: probe.text, "filter": "id"})
        document = answer.get_json()
        if probe.holds is None:
            assert (answer.status_code, document["status"]) == (400, "error"), (name, probe.text)
            assert document["message"].startswith("Illegal "), document
            continue
        assert answer.status_code == 200, (name, probe.text, document)
        wanted = [record["id"] for record in records if at_all(record) and probe.holds(record)]
        assert [record["id"] for record in document["result"]] == wanted, (name, probe.text)


@pytest.mark.parametrize("name", [name for name in SYSTEM_TERMS if name != "available"])
def test_systems(catalog: Catalog, name: str) -> None:
    with catalog.store.read() as tx:
        stored = tx.systems.find(WORLD, None, page=Page(limit=None))
    records = with_facts(catalog.get("/systems/v2", filter="*"), stored)
    assert len(records) == 5
    only = name.startswith(ONLY_EXECUTION)
    check(
        catalog,
        "/systems/v2",
        term(name, SYSTEM_TERMS, "public"),
        records,
        lambda record: not only or record["type"] == "EXECUTION",
    )


@pytest.mark.parametrize("name", [name for name in apps_api.TERMS if name != "available"])
def test_apps(catalog: Catalog, name: str) -> None:
    with catalog.store.read() as tx:
        stored = tx.apps.find(WORLD, None, page=Page(limit=None))
    records = with_facts(catalog.get("/apps/v2", filter="*"), stored)
    assert len(records) == 4
    check(catalog, "/apps/v2", term(name, apps_api.TERMS, "ispublic"), records)


@pytest.mark.parametrize(("path", "subject"), [("/systems/v2", "farm"), ("/apps/v2", "old-1.00")])
def test_availability(catalog: Catalog, path: str, subject: str) -> None:
    every = {record["id"] for record in catalog.get(path)}
    catalog.put(f"{path}/{subject}", {"action": "disable"})
    try:
        for query, wanted in (
            ({}, every - {subject}),
            ({"available": "True"}, every - {subject}),
            ({"available.neq": "false"}, every - {subject}),
            ({"AVAILABLE.EQ": "no"}, {subject}),
            ({"available.neq": "1"}, {subject}),
            ({"available": "null"}, set()),
            ({"available.neq": "null"}, every),
        ):
            assert {record["id"] for record in catalog.get(path, **query)} == wanted, query
    finally:
        catalog.put(f"{path}/{subject}", {"action": "enable"})


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/apps/v2/name/BLAST-2.0", ["blast-2.0"]),
        ("/apps/v2/name/wc*", ["wc-1.00", "wc-1.00u1"]),
        ("/apps/v2/name/blast", []),
        ("/apps/v2/tag/WORDS", ["blast-2.0", "wc-1.00", "wc-1.00u1"]),
        ("/apps/v2/tag/te*", ["wc-1.00", "wc-1.00u1"]),
        ("/apps/v2/ontology/*a.org*", ["wc-1.00", "wc-1.00u1"]),
        ("/apps/v2/system/cluster", ["blast-2.0", "old-1.00", "wc-1.00", "wc-1.00u1"]),
        ("/apps/v2/system/clust", []),
        ("/apps/v2/tag/words?publicOnly=no", ["wc-1.00u1"]),
        ("/apps/v2/tag/words?privateOnly=false", ["blast-2.0", "wc-1.00"]),
        ("/apps/v2/tag/words?name=blast", ["blast-2.0"]),
    ],
)
def test_searches_by_path(catalog: Catalog, path: str, wanted: list[str]) -> None:
    found = catalog.send("GET", path).get_json()["result"]
    assert sorted(app["id"] for app in found) == wanted
    assert not any("inputs" in app for app in found)
