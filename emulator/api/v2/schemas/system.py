"""The body that registers or updates a system [systems §2-§4]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError, post_load

from emulator.api.v2.schemas.auth import Auth
from emulator.api.v2.schemas.fields import (
    Section,
    Sections,
    Text,
    Truth,
    Whole,
    Word,
    WordedSchema,
    parse,
)
from emulator.api.v2.schemas.queue import QueueSchema
from emulator.api.v2.schemas.storage import LoginSchema, StorageSchema
from emulator.domain.system import (
    EXECUTION_TYPES,
    NO_JOB_LIMIT,
    SCHEDULERS,
    UNLISTED_SCHEDULERS,
    Queue,
    SystemDefinition,
    SystemStatus,
    SystemType,
    check_system_id,
)

_TYPES = "Please specify one of: EXECUTION,STORAGE,AUTH"
_EXECUTION_TYPES = "Please specify one of: " + ",".join(EXECUTION_TYPES)
_ID = "Please specify a valid string value for the 'id' field."
_NAME = "Please specify a valid string value for the 'name' field."
_STORAGE = (
    "No 'storage' value specified. Please specify a JSON object representing a valid 'storage' configuration."
)
_LOGIN = (
    "No 'login' value specified. Please specify a JSON object representing a valid 'login' configuration."
)
_QUEUES = (
    "No 'queues' value specified. Please specify a JSON array of one or more queue configuration objects."
)


def parse_system(body: Mapping[str, Any]) -> tuple[SystemDefinition, dict[str, Any]]:
    """A definition, and apart from it the credentials: ``{"storage": {…}, "login": {…}}``, given ones only.

    Raises Invalid with the service's words for the first thing that is wrong.
    """
    common = parse(SystemSchema(), body)
    storage, auth = common.pop("storage")
    credentials = {"storage": auth}
    if common["type"] is SystemType.EXECUTION:
        execution = parse(ExecutionSchema(), body)
        execution["login"], credentials["login"] = execution["login"]
        common |= execution
    definition = SystemDefinition(**common, storage=storage)
    return definition, {name: auth.secret for name, auth in credentials.items() if auth is not None}


def parse_queue(body: Mapping[str, Any]) -> Queue:
    """A queue as the queue routes take it. Raises Invalid."""
    queue: Queue = parse(QueueSchema(), body)
    return queue


def parse_auth(body: Mapping[str, Any]) -> Auth:
    """An ``auth`` object on its own. Raises Invalid."""
    from emulator.api.v2.schemas.auth import AuthSchema

    auth: Auth = parse(AuthSchema(), body)
    return auth


class SystemSchema(WordedSchema):
    """What storage and execution systems have in common."""

    id = Text(_ID, absent=_ID, check=check_system_id)
    name = Text(_NAME, absent=_NAME, longest=64, too_long="'system.name' must be less than 64 characters.")
    type = Word(f"Invalid 'type' value. {_TYPES}", SystemType, absent=f"No 'type' value specified. {_TYPES}")
    status = Word(
        f"Invalid 'status' value. Please specify one of: {','.join(SystemStatus)}",
        SystemStatus,
        default=SystemStatus.UP.value,
    )
    description = Text(
        "Invalid 'description' value. If specified, please specify a valid description of this system",
        longest=4096,
        too_long="'system.description' must be less than 4096 characters.",
        blank=True,
    )
    site = Text(
        "Invalid 'site' value. If specified, please specify a valid name for the site where this system lives",
        longest=64,
        too_long="'system.site' must be less than 64 characters.",
        null_refused=True,
    )
    available = Truth(
        "Invalid 'available' value. If provided, please specify either true or false depending on whether you "
        "would like this system to be available for use. Default: true",
        default=True,
        words=True,
    )
    storage = Section(_STORAGE, StorageSchema, prefix="Failed to parse 'storage' object: ", absent=_STORAGE)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return data | {"type": SystemType(data["type"]), "status": SystemStatus(data["status"])}


def _directory(name: str) -> Text:
    return Text(
        f"Invalid '{name}' value. If provided, please specify a valid directory path.",
        data_key=name,
        longest=255,
        too_long=f"'system.{name}' must be less than 255 characters.",
        blank=True,
        default="",
    )


def _job_limit(name: str, what: str) -> Whole:
    return Whole(
        f"Invalid '{name}' value. If specified, please specify a valid postive integer value for the maximum "
        f"number of simultaneous {what} allowed on this system.",
        data_key=name,
        default=NO_JOB_LIMIT,
    )


class ExecutionSchema(WordedSchema):
    """What only execution systems have."""

    execution_type = Word(
        f"Invalid 'executionType' value. {_EXECUTION_TYPES}",
        EXECUTION_TYPES,
        data_key="executionType",
        absent=f"No 'executionType' value specified. {_EXECUTION_TYPES}",
    )
    scheduler = Text("Invalid 'scheduler' value. Please specify a valid scheduler.")
    login = Section(_LOGIN, LoginSchema, prefix="Failed to parse 'login' object: ", absent=_LOGIN)
    queues = Sections(_QUEUES, QueueSchema, prefix="Failed to parse 'queue': ", default=())
    max_system_jobs = _job_limit("maxSystemJobs", "jobs")
    max_system_jobs_per_user = _job_limit("maxSystemJobsPerUser", "jobs per user")
    environment = Text(
        "Invalid 'environment' value. If specified, please specify a valid environment.",
        longest=16384,
        too_long="'system.environment' must be less than 16384 characters.",
        blank=True,
    )
    startup_script = Text(
        "Invalid 'startupScript' value. If provided, please specify a valid path to the startup script that "
        "should be run prior to execution.",
        data_key="startupScript",
        longest=255,
    )
    work_dir = _directory("workDir")
    scratch_dir = _directory("scratchDir")

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        kind = data["execution_type"]
        data["scheduler"] = _scheduler(kind, data["scheduler"])
        if not data["queues"]:
            if kind in ("HPC", "CONDOR"):
                raise ValidationError(_QUEUES)
            data["queues"] = (Queue(name="default"),)
        names = [queue.name for queue in data["queues"]]
        if len(set(names)) < len(names):
            raise ValidationError("Failed to parse 'queue': Queue names must be unique to the system.")
        beaten = {queue.name for queue in [q for q in data["queues"] if q.default][:-1]}
        if beaten:  # the last default wins [systems §4.2]
            data["queues"] = tuple(
                replace(q, default=q.default and q.name not in beaten) for q in data["queues"]
            )
        for name in ("work_dir", "scratch_dir"):
            path = data[name].strip()
            data[name] = path.rstrip("/") + "/" if path else ""
        return data


def _scheduler(kind: str, given: str | None) -> str:
    known = SCHEDULERS[kind]
    if given is None:
        if kind in ("HPC", "CONDOR"):
            raise ValidationError(
                f"Please specify a value for the 'scheduler' field. Valid values are: {','.join(known)}"
            )
        return known[0]
    if given.strip().upper() not in (*known, *UNLISTED_SCHEDULERS.get(kind, ())):
        raise ValidationError(f"Invalid 'scheduler' value. Please specify one of: {','.join(known)}")
    return given.strip().upper()
