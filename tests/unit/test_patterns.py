"""Regular expressions of clients: Java's language, and an end to those that would try for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emulator.domain import patterns
from emulator.domain.errors import Invalid
from emulator.domain.search import Condition, Operator, Page
from emulator.store import Store
from tests.job_samples import sample_job

FOR_EVER = "(a|a)*$"
LONG = "a" * 40 + "b"


@pytest.mark.parametrize(
    ("expression", "text", "whole", "somewhere"),
    [
        ("[a-c]+", "abc", True, True),
        ("b", "abc", False, True),
        (r"\p{Alpha}+", "abc", True, True),
        (r"\p{Lu}\p{L}*", "Ärzte", True, True),
        ("a++b", "aab", True, True),
        ("(?<year>[0-9]{4})-.*", "2026-11", True, True),
        ("", "a", False, True),
    ],
)
def test_java_expressions(expression: str, text: str, whole: bool, somewhere: bool) -> None:
    assert patterns.matches(expression, text) is whole
    assert patterns.occurs(expression, text) is somewhere


@pytest.mark.parametrize("expression", ["(", "[a", "a{2,1}", "*", "(?P<a>x)(?P<a", "\\"])
def test_what_is_no_expression_is_told(expression: str) -> None:
    with pytest.raises(patterns.BadPattern):
        patterns.check(expression)


def test_one_that_would_try_for_ever_is_refused() -> None:
    with pytest.raises(Invalid, match="takes longer than"):
        patterns.matches(FOR_EVER, LONG)


def test_busy_threads_make_nothing_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other threads work meanwhile is no reason to refuse: the first try is too short for any of their turns."""
    monkeypatch.setattr(patterns, "_TRIES", [(1e-3, patterns._TRIES[0][1])])
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            sum(range(100))

    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(work)
        try:
            for _ in range(10):
                assert patterns.matches(r"[A-Za-z0-9_. /-]*\.(png|PNG)", "pictures/dog.png")
        finally:
            done.set()


def test_a_search_by_one_that_would_try_for_ever_is_refused(tmp_path: Path) -> None:
    store = Store.at(tmp_path)
    job = sample_job(name=LONG)
    with store.write() as tx:
        tx.jobs.add(job)
    search = [Condition("name", Operator.RLIKE, FOR_EVER)]
    with pytest.raises(Invalid, match="takes too long"), store.read() as tx:
        tx.jobs.find(job.world, None, search, Page(limit=10, offset=0, order_by="last_updated"))
    store.close()


@pytest.mark.parametrize(
    "expression", ["(?:(?:(?:a{1000}){1000}){1000}){1000}", "a{30000}", "((x[{}]{9}){99}y){99}", "a" * 30_000]
)
def test_an_expression_that_would_fill_the_memory_is_refused(expression: str) -> None:
    with pytest.raises(patterns.BadPattern, match="too large"):
        patterns.check(expression)


def test_common_repetitions_are_not_too_large() -> None:
    uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    patterns.check(f"({uuid},){{100}}({uuid}){{0,1000000}}[{{9999999}}]\\{{99999}}")
