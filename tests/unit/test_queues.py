"""Which queue takes a job [jobs §3.3]."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.domain.errors import Invalid
from emulator.domain.queues import Demand, Granted, choose_queue, fits, named_queue
from emulator.domain.system import Queue, System
from tests.unit.test_slug import system

SMALL = Queue(
    name="small", max_nodes=2, max_processors_per_node=4, max_memory_per_node=8, max_requested_time="01:00:00"
)
LARGE = Queue(
    name="large",
    max_nodes=9,
    max_processors_per_node=16,
    max_memory_per_node=64,
    max_requested_time="48:00:00",
)
NORMAL = Queue(
    name="normal",
    default=True,
    mapped_name="norm.q",
    max_nodes=4,
    max_processors_per_node=8,
    max_memory_per_node=32,
    max_requested_time="10:00:00",
)


def cluster(*queues: Queue) -> System:
    return system(queues=queues or (LARGE, NORMAL, SMALL))


def choose(
    demand: Demand,
    where: System | None = None,
    asked: str | None = None,
    app_default: str | None = None,
    **switches: Any,
) -> Granted:
    system = where or cluster()
    return choose_queue(system, demand, named_queue(system, "wc-1.0", asked, app_default), **switches)


def chosen(demand: Demand, where: System | None = None, **wishes: Any) -> str:
    queue = choose(demand, where, **wishes).queue
    assert queue is not None
    return queue.name


def test_the_queue_asked_for_comes_before_the_apps_and_the_systems() -> None:
    assert chosen(Demand(), asked="small", app_default="large") == "small"
    assert chosen(Demand(), app_default="large") == "large"
    assert chosen(Demand()) == "normal"


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        (Demand(node_count=4), "normal"),
        (Demand(node_count=5), "large"),
        (Demand(processors_per_node=9), "large"),
        (Demand(memory=33), "large"),
        (Demand(seconds=36001), "large"),
        (Demand(memory=32, seconds=36000, processors_per_node=8), "normal"),
    ],
)
def test_what_the_default_queue_cannot_hold_goes_to_one_that_can(demand: Demand, expected: str) -> None:
    assert chosen(demand) == expected


def test_behind_the_default_the_smallest_that_fits_is_taken() -> None:
    tiny = Queue(name="tiny", default=True, max_nodes=1, max_requested_time="00:10:00")
    assert chosen(Demand(node_count=2), cluster(LARGE, SMALL, tiny)) == "small"
    assert chosen(Demand(node_count=3), cluster(LARGE, SMALL, tiny)) == "large"


def test_what_is_not_asked_for_is_the_queues_limit() -> None:
    granted = choose(Demand())
    assert (granted.memory, granted.seconds) == (32, 36000)
    granted = choose(Demand(memory=1.5, seconds=60))
    assert (granted.memory, granted.seconds) == (1.5, 60)


def test_zero_run_time_is_none_at_all() -> None:
    assert choose(Demand(seconds=0)).seconds == 36000


def test_unknown_queues_are_named() -> None:
    with pytest.raises(
        Invalid, match=r"^Invalid batchQueue. No batch queue named gpu is defined on system cluster$"
    ):
        choose(Demand(), asked="gpu")
    with pytest.raises(Invalid) as refused:
        choose(Demand(), app_default="gpu")
    assert refused.value.message == (
        'No queue matching the default queue, "gpu," specified by the requested app wc-1.0, is not defined on '
        "the execution system cluster"
    )


@pytest.mark.parametrize("wishes", [{"asked": "small"}, {"app_default": "small"}])
def test_a_named_queue_that_is_too_small_is_no_good(wishes: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        choose(Demand(node_count=3, memory=0.5, processors_per_node=2, seconds=90), **wishes)
    assert refused.value.message == (
        "No queue found on execution system cluster to support jobs requiring 3 nodes with 0.500000 memmory "
        "and 2 processors per node, and a max run time of 00:01:30."
    )


def test_no_queue_holds_it() -> None:
    with pytest.raises(Invalid, match=r"requiring 10 nodes with 0.000000 memmory and 1 processors"):
        choose(Demand(node_count=10))


def test_a_system_without_queues_takes_everything() -> None:
    granted = choose(Demand(node_count=10, memory=2, seconds=5), system())
    assert granted == Granted(queue=None, node_count=10, processors_per_node=1, memory=2, seconds=5)
    assert choose(Demand(), system()).seconds == 0


def test_minus_one_is_no_limit_unless_such_queues_are_dropped() -> None:
    free = Queue(name="free", default=True)
    assert chosen(Demand(node_count=10**6, memory=10**6), cluster(free)) == "free"
    assert choose(Demand(), cluster(free)).memory == 0
    with pytest.raises(Invalid, match=r"^No queue found"):
        choose(Demand(), cluster(free), drop_unlimited=True)
    bounded = Queue(
        name="bounded",
        max_jobs=5,
        max_user_jobs=5,
        max_nodes=1,
        max_processors_per_node=1,
        max_memory_per_node=1,
    )
    assert chosen(Demand(), cluster(free, bounded), drop_unlimited=True) == "bounded"


limits = st.one_of(st.just(-1), st.integers(1, 8))


@given(
    st.lists(st.tuples(limits, limits, limits), min_size=1, max_size=6),
    st.integers(1, 8),
    st.integers(1, 8),
    st.integers(0, 8),
)
def test_a_job_is_refused_only_when_no_queue_holds_it(
    sizes: list[tuple[int, int, int]], nodes: int, processors: int, memory: int
) -> None:
    queues = [
        Queue(name=f"q{i}", max_nodes=n, max_processors_per_node=p, max_memory_per_node=m)
        for i, (n, p, m) in enumerate(sizes)
    ]
    demand = Demand(node_count=nodes, processors_per_node=processors, memory=memory)
    holding = [queue for queue in queues if fits(queue, demand)]
    try:
        assert choose(demand, cluster(*queues)).queue in holding
    except Invalid:
        assert not holding
