"""Events of one resource that are also events of another, under another name [notifications §5, files §9]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.domain.file import LogicalFile
from emulator.domain.job import Job
from emulator.domain.states import JobState

# what the execution system, and the app, of a job are told of its states
_TOLD_TO_SYSTEMS = {JobState.PENDING.value: "JOB_CREATED"} | {
    state.value: f"JOB_{state}"
    for state in (
        JobState.QUEUED,
        JobState.RUNNING,
        JobState.PAUSED,
        JobState.FINISHED,
        JobState.FAILED,
        JobState.STOPPED,
    )
}
_TOLD_TO_APPS = {JobState.PENDING.value: "JOB_CREATED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Echoes:
    """Where else an event is heard: the event's name there by the uuid of the other resource.

    A system is known by its id here: ``system_id``, ``system_event``; both empty for none.
    """

    by_uuid: Mapping[str, str] = field(default_factory=dict)
    system_id: str = ""
    system_event: str = ""


def echoes_of(resource: object, event: str) -> Echoes:
    """The echoes of an event that happened to a resource."""
    if isinstance(resource, LogicalFile):
        return Echoes(system_id=resource.system_id, system_event=f"SYSTEM_{event}")
    if isinstance(resource, Job):
        told = _TOLD_TO_SYSTEMS.get(event, "")
        app_event = _TOLD_TO_APPS.get(event)
        return Echoes(
            by_uuid={resource.app_uuid: app_event} if app_event else {},
            system_id=resource.plan.execution_system if told else "",
            system_event=told,
        )
    return Echoes()
