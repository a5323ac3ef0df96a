"""Every search term under every operator, against an oracle that works on the jobs themselves [jobs §6.1, §6.2]."""

# ruff: noqa: B023 - what closes over a loop's variable is called inside the loop

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.api.v2 import job_search
from emulator.domain.job import Job
from emulator.domain.search import Operator
from emulator.domain.states import JobState
from emulator.domain.system import Queue
from tests.contract.jobs.conftest import Bench, opened
from tests.job_samples import NOON, OWNER, sample_job

pytestmark = pytest.mark.sample(6)

Value = Any
Test = Callable[[Value, Any], bool]


def seconds(start: datetime | None, end: datetime | None) -> int | None:
    return None if start is None or end is None else abs(int((end - start).total_seconds()))


def max_hours(job: Job) -> float:
    return round(job.plan.max_run_seconds / 3600, 2)


TEXT: dict[str, Callable[[Job], Value]] = {
    "id": lambda job: job.id,
    "name": lambda job: job.name,
    "owner": lambda job: job.owner,
    "tenantQueue": lambda job: f"aloe.jobq.{job.tenant_id}.submit.DefaultQueue",
    "lastStatusMessage": lambda job: job.last_status_message,
    "systemId": lambda job: job.plan.execution_system,
    "appId": lambda job: job.app_id,
    "workPath": lambda job: job.plan.work_path,
    "archivePath": lambda job: job.plan.archive_path,
    "archiveSystem": lambda job: job.plan.archive_system,
    "inputs": lambda job: json.dumps(job.plan.inputs, separators=(",", ":"), ensure_ascii=False),
    "parameters": lambda job: json.dumps(job.plan.parameters, separators=(",", ":"), ensure_ascii=False),
    "remoteJobId": lambda job: job.remote_job_id,
    "schedulerJobId": lambda job: job.scheduler_job_id,
    "remoteQueue": lambda job: job.plan.queue.name if job.plan.queue else None,
}
STATUS = {"status": lambda job: job.status.value}
DATES: dict[str, Callable[[Job], Value]] = {
    "accepted": lambda job: job.accepted,
    "created": lambda job: job.created,
    "ended": lambda job: job.ended,
    "lastUpdated": lambda job: job.last_updated,
    "lastModified": lambda job: job.last_updated,
    "remoteSubmitted": lambda job: job.remote_submitted,
    "remoteStarted": lambda job: job.remote_started,
    "remoteEnded": lambda job: job.remote_ended,
}
INTEGERS: dict[str, Callable[[Job], Value]] = {
    "nodeCount": lambda job: job.plan.node_count,
    "processorsPerNode": lambda job: job.plan.processors_per_node,
    "submitRetries": lambda job: job.submit_retries,
    "runTime": lambda job: seconds(job.remote_started, job.ended),
    "wallTime": lambda job: seconds(job.created, job.ended),
}
DECIMALS: dict[str, Callable[[Job], Value]] = {
    "memoryPerNode": lambda job: job.plan.memory_per_node,
    "maxHours": max_hours,
}
BOOLEANS: dict[str, Callable[[Job], Value]] = {
    "archive": lambda job: job.plan.archive,
    "visible": lambda job: job.visible,
}
LEGACY = {
    "executionSystem": "systemId",
    "batchQueue": "remoteQueue",
    "localId": "remoteJobId",
    "startTime": "remoteStarted",
    "submitTime": "remoteSubmitted",
    "endTime": "ended",
    "maxRunTime": "maxHours",
    "retries": "submitRetries",
    "outputPath": "workPath",
    "message": "lastStatusMessage",
}
KINDS = {
    "text": TEXT,
    "status": STATUS,
    "date": DATES,
    "integer": INTEGERS,
    "decimal": DECIMALS,
    "boolean": BOOLEANS,
}
GETTERS = {term: getter for kind in KINDS.values() for term, getter in kind.items()}
ORDERED: dict[str, Test] = {
    "lt": lambda found, wanted: found is not None and found < wanted,
    "lte": lambda found, wanted: found is not None and found <= wanted,
    "gt": lambda found, wanted: found is not None and found > wanted,
    "gte": lambda found, wanted: found is not None and found >= wanted,
}
REFUSED: dict[str, set[str]] = {
    "text": {"on", "before", "after", "between"},
    "status": {"on", "before", "after", "between"},
    "integer": {"on", "before", "after", "between"},
    "decimal": {"on", "before", "after", "between"},
    "boolean": {operator.value for operator in Operator} - {"eq", "neq"},
    "date": {"in", "nin"},
}


def made() -> list[Job]:
    plain: dict[str, Any] = {"node_count": 1, "memory_per_node": 0.5, "max_run_seconds": 5400}
    big: dict[str, Any] = {
        "execution_system": "Cluster.TWO",
        "queue": Queue(name="Big"),
        "node_count": 4,
        "processors_per_node": 16,
        "memory_per_node": 192.0,
        "max_run_seconds": 360_000,
        "archive": False,
        "archive_system": None,
        "work_path": "/work/two",
        "archive_path": "Two/archive",
        "inputs": {"picture": ["agave://corral/Cat.png", "100%_x.png"]},
        "parameters": {"note": 'naïve "quoted" \\ back', "n": 9},
    }
    nothing: dict[str, Any] = {"ended": None, "remote_ended": None, "archived": False}
    early = {"remote_submitted": None, "remote_started": None, "remote_job_id": None, **nothing}
    later = NOON + timedelta(days=40)
    return [
        sample_job(1, name="alpha", plan=plain),
        sample_job(
            2, name="ALPHA beta", status=JobState.FAILED, submit_retries=2, plan=big, app_id="Other-2.0"
        ),
        sample_job(3, name="a_b*c%", status=JobState.RUNNING, scheduler_job_id="S-1", **nothing),
        sample_job(4, name="ünïcode", status=JobState.PENDING, plan=big | {"queue": None}, **early),
        sample_job(5, name="x", status=JobState.STOPPED, ended=later, last_updated=later),
        sample_job(6, name="hidden", visible=False, plan=plain),
    ]


JOBS = made()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with opened(tmp_path_factory.mktemp("oracle")) as made:
        made.add(*JOBS)
        yield made


def test_every_term_of_the_service_is_asked_here() -> None:
    assert {term.lower() for term in [*GETTERS, *LEGACY]} == set(job_search.TERMS)


def found(bench: Bench, term: str, operator: str, text: str) -> set[str]:
    return {job["id"] for job in bench.get("/jobs/v2", **{f"{term}.{operator}": text})}


def expected(term: str, holds: Callable[[Value], bool]) -> set[str]:
    getter = GETTERS[LEGACY.get(term, term)]
    return {job.id for job in JOBS if holds(getter(job)) and (job.visible or term == "visible")}


def fold(text: Value) -> Value:
    """ASCII letters in lower case, as the service's database compares."""
    return text if text is None else "".join(c.lower() if c.isascii() else c for c in text)


def like(pattern: str) -> Callable[[Value], bool]:
    regex = re.compile(".*".join(map(re.escape, fold(pattern).split("*"))), re.DOTALL)
    return lambda value: value is not None and regex.fullmatch(fold(value)) is not None


def terms_of(*kinds: str) -> list[str]:
    modern = [term for kind in kinds for term in KINDS[kind]]
    return modern + [old for old, new in LEGACY.items() if new in modern]


def values_of(term: str) -> list[Any]:
    getter = GETTERS[LEGACY.get(term, term)]
    return sorted({getter(job) for job in JOBS} - {None})


@pytest.mark.parametrize("term", terms_of("text", "status"))
def test_texts(bench: Bench, term: str) -> None:
    values = values_of(term)
    absent = ["KILLED"] if term == "status" else ["nothing", "", "%", "_"]
    for value in [*values, *absent]:
        same = [value, value.upper(), value.lower()] if value.isascii() else [value]
        for text in same:
            assert found(bench, term, "eq", text) == expected(term, lambda v: fold(v) == fold(text))
            assert found(bench, term, "neq", text) == expected(term, lambda v: fold(v) != fold(text))
    plain = [value for value in values if "," not in value] or ["nothing"]
    for count in (1, 2, 30):
        chosen = (plain * 30)[:count]
        folded = {fold(value) for value in chosen}
        assert found(bench, term, "in", ",".join(chosen)) == expected(term, lambda v: fold(v) in folded)
        assert found(bench, term, "nin", ",".join(chosen)) == expected(term, lambda v: fold(v) not in folded)


@pytest.mark.parametrize("term", terms_of("text", "status"))
def test_patterns(bench: Bench, term: str) -> None:
    values = values_of(term)
    cut = {value[: len(value) // 2] + "*" for value in values} | {"*" + value[-2:] for value in values}
    for pattern in {*values, *cut, "*", "*a*", "*%*", "*_*", "a", "*\\*", '*"*', "**o**"}:
        assert found(bench, term, "like", pattern) == expected(term, like(pattern)), pattern
        matches = like(pattern)
        assert found(bench, term, "nlike", pattern) == expected(term, lambda v: not matches(v)), pattern
    for text in ("a", "^.{5}$", "(?i)ALPHA", r"\d+", "[A-Z]", "x|y"):
        regex = re.compile(text)
        assert found(bench, term, "rlike", text) == expected(
            term, lambda v: v is not None and regex.search(v) is not None
        ), text


@pytest.mark.parametrize("term", terms_of("integer", "decimal"))
def test_numbers(bench: Bench, term: str) -> None:
    whole = LEGACY.get(term, term) in INTEGERS
    values = values_of(term)
    for number in {*values, 0, -1, 10**6} | (set() if whole else {0.25, 1.75}):
        text = str(number)
        assert found(bench, term, "eq", text) == expected(term, lambda v: v == number)
        assert found(bench, term, "neq", text) == expected(term, lambda v: v != number)
        assert found(bench, term, "like", text) == expected(term, lambda v: v == number)
        assert found(bench, term, "nlike", text) == expected(term, lambda v: v != number)
        for operator, holds in ORDERED.items():
            assert found(bench, term, operator, text) == expected(term, lambda v: holds(v, number)), operator
    chosen = values[:2]
    text = " , ".join(map(str, chosen))
    assert found(bench, term, "in", text) == expected(term, lambda v: v in chosen)
    assert found(bench, term, "nin", text) == expected(term, lambda v: v not in chosen)


@pytest.mark.parametrize("term", terms_of("boolean"))
@pytest.mark.parametrize(
    ("text", "value"),
    [(text, True) for text in ("true", "True", "1", "on", "YES", "t", "y")]
    + [(text, False) for text in ("false", "False", "0", "2", "no", "")],
)
def test_booleans(bench: Bench, term: str, text: str, value: bool) -> None:
    assert found(bench, term, "eq", text) == expected(term, lambda v: v is value)
    assert found(bench, term, "neq", text) == expected(term, lambda v: v is not value)


def second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def spellings(moment: datetime) -> list[str]:
    """The same second, written in every way that is taken."""
    chicago = moment - timedelta(hours=6)
    return [
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        chicago.strftime("%Y-%m-%dT%H:%M:%S-06:00"),
        moment.strftime("%Y-%m-%d %H:%M:%S"),
        str(int(moment.timestamp()) * 1000),
        str(int(moment.timestamp())),
    ]


@pytest.mark.parametrize("term", terms_of("date"))
def test_dates(bench: Bench, term: str) -> None:
    for moment in [*values_of(term), NOON - timedelta(days=9)]:
        same = second(moment)
        for text in spellings(moment):
            assert found(bench, term, "eq", text) == expected(
                term, lambda v: v is not None and second(v) == same
            ), text
        text = spellings(moment)[0]
        assert found(bench, term, "neq", text) == expected(term, lambda v: v is None or second(v) != same)
        for operator, name in (*zip(ORDERED, ORDERED, strict=True), ("before", "lt"), ("after", "gt")):
            holds = ORDERED[name]
            assert found(bench, term, operator, text) == expected(term, lambda v: holds(v, same)), operator


@pytest.mark.parametrize("term", terms_of("date"))
def test_days_and_ranges(bench: Bench, term: str) -> None:
    for moment in [*values_of(term), NOON - timedelta(days=9)]:
        day = moment.date()
        assert found(bench, term, "on", moment.strftime("%Y-%m-%d")) == expected(
            term, lambda v: v is not None and v.date() == day
        )
    moments = [*values_of(term), NOON - timedelta(days=9)]
    for start, end in itertools.product(moments, repeat=2):
        text = f"{start.isoformat()},{end.isoformat()}".replace("+00:00", "Z")
        assert found(bench, term, "between", text) == expected(
            term, lambda v: v is not None and start <= v <= end
        )


@pytest.mark.parametrize(
    ("phrase", "shift"),
    [
        ("yesterday", None),
        ("3 days ago", timedelta(days=-3)),
        ("-2 weeks", timedelta(days=-14)),
        ("+1 week", timedelta(days=7)),
        ("an hour ago", timedelta(hours=-1)),
        ("now", timedelta(0)),
    ],
)
@pytest.mark.parametrize("term", terms_of("date"))
def test_phrases(bench: Bench, term: str, phrase: str, shift: timedelta | None) -> None:
    now = bench.clock.now()
    meant = now + shift if shift is not None else now.replace(hour=0, minute=0, second=0) - timedelta(days=1)
    near = [v for v in values_of(term) if abs(v - meant) < timedelta(minutes=10)]
    assert meant.tzinfo is UTC and not near, "the samples stand well away from what the phrases mean"
    assert found(bench, term, "after", phrase) == expected(term, lambda v: v is not None and v > meant)
    assert found(bench, term, "before", phrase) == expected(term, lambda v: v is not None and v < meant)


@pytest.mark.parametrize("term", terms_of("text", "date", "integer"))
def test_nothing_at_all(bench: Bench, term: str) -> None:
    assert found(bench, term, "eq", "null") == expected(term, lambda v: v is None)
    assert found(bench, term, "neq", "null") == expected(term, lambda v: v is not None)


@pytest.mark.parametrize(
    ("term", "operator"),
    [
        (term, operator)
        for kind, refused in REFUSED.items()
        for term in KINDS[kind]
        for operator in sorted(refused)
    ],
)
def test_operators_that_a_type_does_not_know(bench: Bench, term: str, operator: str) -> None:
    text = {"date": "2026-11-20", "status": "FAILED"}.get(next(k for k in KINDS if term in KINDS[k]), "1")
    status, message = bench.refused("GET", f"/jobs/v2?{term}.{operator}={text}")
    assert status == 400 and term.lower() in message, message


@pytest.mark.parametrize("term", [*GETTERS, *LEGACY])
@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_every_term_orders(bench: Bench, term: str, order: str) -> None:
    getter = GETTERS[LEGACY.get(term, term)]
    shown = bench.get("/jobs/v2", orderBy=term, order=order)
    by_id = {job.id: job for job in JOBS}
    values = [getter(by_id[job["id"]]) for job in shown]
    keys = [(value is not None, fold(value) if isinstance(value, str) else value or 0) for value in values]
    assert len(shown) == len(JOBS) - 1
    assert keys == sorted(keys, reverse=order == "DESC")


@pytest.mark.parametrize("term", [*GETTERS, *LEGACY])
def test_every_term_can_be_asked_for_by_path(bench: Bench, term: str) -> None:
    shown = bench.get(f"/jobs/v2/search/{term}")
    keys = list(dict.fromkeys(["id", term, "_links"]))
    assert [list(job) for job in shown] == [keys] * (len(JOBS) - 1)
    assert all(job["id"].endswith("-007") for job in bench.get(f"/jobs/v2/search/owner/{OWNER}"))
