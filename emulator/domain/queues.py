"""Which batch queue takes a job, and what the job gets of it [jobs §3.3, §3.4]."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from emulator.domain.errors import Invalid
from emulator.domain.resources import run_time_seconds, run_time_text
from emulator.domain.system import UNLIMITED, Queue, System


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a job asks for: memory in GB and time in seconds; None where neither job nor app says."""

    node_count: int = 1
    processors_per_node: int = 1
    memory: float | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The queue, and the demand with the queue's limits where nothing was asked for (0 = no limit)."""

    queue: Queue | None
    node_count: int
    processors_per_node: int
    memory: float
    seconds: int


def named_queue(system: System, app_id: str, asked: str | None, app_default: str | None) -> Queue | None:
    """The queue that the job asks for, else the app's default; None when neither names one.

    Raises Invalid for one that the system does not have.
    """
    name = asked if asked is not None else app_default
    queue = None if name is None else system.queue(name)
    if asked is not None and queue is None:
        raise Invalid(f"Invalid batchQueue. No batch queue named {asked} is defined on system {system.id}")
    if name is not None and queue is None:
        raise Invalid(
            f'No queue matching the default queue, "{name}," specified by the requested app {app_id}, is not '
            f"defined on the execution system {system.id}"
        )
    return queue


def choose_queue(
    system: System, demand: Demand, named: Queue | None = None, drop_unlimited: bool = False
) -> Granted:
    """The named queue, else the system's default if the job fits, else the smallest that fits.

    Raises Invalid when the job does not fit. A system without queues takes everything. With
    ``drop_unlimited`` queues with a negative limit take nothing.
    """
    if not system.queues:
        return _granted(None, demand)
    for queue in [named] if named else _by_preference(system):
        if fits(queue, demand) and not (drop_unlimited and is_unlimited(queue)):
            return _granted(queue, demand)
    raise Invalid(
        f"No queue found on execution system {system.id} to support jobs requiring {demand.node_count} nodes "
        f"with {demand.memory or 0.0:f} memmory and {demand.processors_per_node} processors per node, and a "
        f"max run time of {run_time_text(demand.seconds or 0)}."
    )


def fits(queue: Queue, demand: Demand) -> bool:
    """Whether the queue's limits allow the job; what it does not ask for always fits."""
    longest = run_time_seconds(queue.max_requested_time)
    return (
        _within(demand.node_count, queue.max_nodes)
        and _within(demand.processors_per_node, queue.max_processors_per_node)
        and _within(demand.memory or 0, queue.max_memory_per_node)
        and _within(demand.seconds or 0, UNLIMITED if longest is None else longest)
    )


def is_unlimited(queue: Queue) -> bool:
    """Whether any limit is negative: the service leaves such queues out of consideration [jobs §3.3]."""
    limits = (
        queue.max_jobs,
        queue.max_user_jobs,
        queue.max_nodes,
        queue.max_processors_per_node,
        queue.max_memory_per_node,
    )
    return any(limit < 0 for limit in limits)


def _by_preference(system: System) -> list[Queue]:
    return sorted(system.queues, key=lambda queue: (queue is not system.default_queue, *_size(queue)))


def _size(queue: Queue) -> tuple[float, float, float, float, str, str]:
    """Smaller queues sort first; no limit is the largest."""
    return (
        _bound(queue.max_nodes),
        _bound(queue.max_memory_per_node),
        _bound(queue.max_processors_per_node),
        _bound(run_time_seconds(queue.max_requested_time) or UNLIMITED),
        queue.name,
        queue.mapped_name or "",
    )


def _granted(queue: Queue | None, demand: Demand) -> Granted:
    memory, seconds = demand.memory, demand.seconds
    if queue is not None:
        memory = max(0.0, queue.max_memory_per_node) if memory is None else memory
        seconds = seconds or run_time_seconds(queue.max_requested_time)
    return Granted(
        queue=queue,
        node_count=demand.node_count,
        processors_per_node=demand.processors_per_node,
        memory=memory or 0.0,
        seconds=seconds or 0,
    )


def _within(amount: float, limit: float) -> bool:
    return amount <= _bound(limit)


def _bound(limit: float) -> float:
    return inf if limit < 0 else limit
