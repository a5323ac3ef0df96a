"""What an app must fit to be registered: its execution system, a queue's limits, its deployment system [apps §4].

Pure: the service looks the systems up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from emulator.domain.app import App, AppDefinition
from emulator.domain.errors import Invalid
from emulator.domain.resources import run_time_seconds
from emulator.domain.system import UNLIMITED, Queue, System, SystemType

_N = TypeVar("_N", int, float)

# execution type of the system: those that an app on it may have
_COMPATIBLE = {"HPC": ("HPC", "CLI"), "CONDOR": ("CONDOR",), "CLI": ("CLI",), "ATMOSPHERE": ("CLI",)}


def check_execution(app: AppDefinition, system: System | None) -> System:
    """The execution system, when the app fits it and its queue. ``system`` is what the id names, if anything."""
    wanted = app.execution_system
    system = suitable(wanted, system)
    compatible = _COMPATIBLE[system.execution_type or "CLI"]
    if app.execution_type not in compatible:
        raise Invalid(
            f"Invalid executionType value. The execution system {wanted} execution type is incompatible with the "
            f"executionType provided. Please specify one of {','.join(compatible)}"
        )
    if app.default_queue is not None:
        _check_queue(app, system, app.default_queue)
    return system


def suitable(wanted: str, system: System | None) -> System:
    """The system that an id names, when apps can run on it."""
    if system is None or not system.available:
        raise Invalid(
            f"Invalid executionSystem value, {wanted}. Please specify a valid system id representing an "
            "execution system on which this app should run."
        )
    if system.type is not SystemType.EXECUTION:
        raise Invalid(
            f"Invalid executionSystem value. The specified executionSystem value, {wanted}, is not an execution "
            "system. Please specify a valid system id representing an execution system on which this app should "
            "run."
        )
    return system


def fitted(app: App, system: System) -> App:
    """The app on an execution system: with a type that runs there, and within its queue [apps §6.2].

    An app that names no queue takes what a job's queue gives.
    """
    compatible = _COMPATIBLE[system.execution_type or "CLI"]
    moved = replace(app, execution_system=system.id, execution_type=compatible[0])
    if app.default_queue is None:
        return moved
    queue = system.queue(app.default_queue) or system.default_queue
    if queue is None:
        return replace(moved, default_queue=None)
    longest, wanted = (
        run_time_seconds(queue.max_requested_time),
        run_time_seconds(app.default_max_run_time or ""),
    )
    too_long = wanted is not None and longest is not None and wanted > longest
    return replace(
        moved,
        default_queue=queue.name,
        default_node_count=_clipped(app.default_node_count, queue.max_nodes),
        default_processors_per_node=_clipped(app.default_processors_per_node, queue.max_processors_per_node),
        default_memory_per_node=_clipped(app.default_memory_per_node, queue.max_memory_per_node),
        default_max_run_time=queue.max_requested_time if too_long else app.default_max_run_time,
    )


def _clipped(value: _N | None, limit: _N) -> _N | None:
    return value if value is None or limit == UNLIMITED else min(value, limit)


def check_deployment(wanted: str, system: System | None) -> System:
    """The deployment system, when it is an available storage system."""
    if system is None or not system.available:
        raise Invalid(
            f"Invalid deploymentSystem value, {wanted}. Please specify a valid storage system id on which the "
            "assets of this application are stored."
        )
    if system.type is not SystemType.STORAGE:
        raise Invalid(
            f"Invalid deploymentSystem value. {wanted} is not a storage system. Please specify a valid storage "
            "system id on which the assets of this application are stored."
        )
    return system


def _check_queue(app: AppDefinition, system: System, name: str) -> None:
    queue = system.queue(name)
    if queue is None:
        names = ",".join(queue.name for queue in system.queues)
        raise Invalid(
            f"Invalid defaultQueue value. If specified, one of the queues on {system.id} must be specified. The "
            f"available queues are: {names}"
        )
    _check_limit("defaultNodeCount", app.default_node_count, queue.max_nodes, "nodes")
    _check_limit(
        "defaultProcessorsPerNode",
        app.default_processors_per_node,
        queue.max_processors_per_node,
        "processors per node",
    )
    _check_limit(
        "defaultMemoryPerNode", app.default_memory_per_node, queue.max_memory_per_node, "memory per node"
    )
    _check_run_time(app, queue)


def _check_limit(name: str, value: float | None, limit: float, what: str) -> None:
    if value is not None and limit != UNLIMITED and value > limit:
        raise Invalid(
            f"Invalid {name} value. If specified, {name} must be a postitive integer value less than the max "
            f"{what} of the target system queue."
        )


def _check_run_time(app: AppDefinition, queue: Queue) -> None:
    limit = run_time_seconds(queue.max_requested_time)
    wanted = run_time_seconds(app.default_max_run_time or "")
    if wanted is not None and limit is not None and wanted > limit:
        raise Invalid(
            "Invalid defaultMaxRunTime value. The defaultMaxRunTime must not exceed the defaultQueue max "
            f"requested time of {queue.max_requested_time}"
        )
