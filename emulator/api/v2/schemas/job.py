"""Reading a job request: its shape, types and lengths [jobs §2, §3.1]."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, missing

from emulator.api.v2.schemas.fields import Fragment, Text, Truth, Whole, Worded, WordedSchema, first_refusal
from emulator.domain.errors import Invalid
from emulator.domain.job_request import JobRequest
from emulator.domain.resources import memory_gb, run_time_seconds

_LONGEST_DOCUMENT = 16384
_PROCESSORS = "Invalid processorsPerNode value. processorsPerNode must be a positive integer value."
_APP_ID = (
    "Invalid appId. Please specify an app using its unique id. The unique id is defined by the app name and "
    "version separated by a hyphen. eg. example-1.0"
)
# a blank one is as good as none: job templates of the clients are full of them
_MAY_BE_BLANK = ("batchQueue", "memoryPerNode", "maxRunTime", "archiveSystem", "archivePath", "notifications")
_ALIAS = {"processorOnEachNode": "processorsOnEachNode"}


class Memory(Worded):
    """An amount of memory, in GB."""

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": ["number", "string"]}

    def read(self, value: Any) -> float:
        amount = memory_gb(value)
        if amount is None or (isinstance(value, str) and len(value) > 32) or amount > 2**40:
            raise self.refuse()
        return amount


class RunTime(Worded):
    """``HH:MM:SS``, in seconds."""

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": "string"}

    def read(self, value: Any) -> int:
        seconds = run_time_seconds(value) if isinstance(value, str) and len(value) <= 20 else None
        if seconds is None:
            raise self.refuse()
        return seconds


class Values(Worded):
    """An object of inputs or parameters, at most 16384 characters of JSON."""

    def __init__(self, name: str) -> None:
        refusal = f"Invalid {name} value. {name} must be a JSON object of ids and their values."
        super().__init__(refusal, default=missing)
        self._too_long = f"{name} must be less than {_LONGEST_DOCUMENT} characters."

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": "object"}

    def read(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.refuse()
        if len(json.dumps(value, separators=(",", ":"), ensure_ascii=False)) > _LONGEST_DOCUMENT:
            raise self.refuse(self._too_long)
        return value


def _text(name: str, longest: int) -> Text:
    return Text(
        f"Invalid {name} value. {name} must be a string.",
        longest=longest,
        too_long=f"{name} must be less than {longest} characters.",
        default=missing,
        data_key=name,
    )


def _unique_id(app_id: str) -> None:
    if "-" not in app_id or app_id.endswith("-"):
        raise Invalid(_APP_ID)


class JobRequestSchema(WordedSchema):
    name = Text(
        "Job name cannot be empty.",
        longest=64,
        too_long="Job name must be less than 64 characters.",
        absent="Job name cannot be empty.",
    )
    app_id = Text(
        "appId cannot be empty",
        longest=80,
        too_long="appId must be less than 80 characters",
        check=_unique_id,
        absent="appId cannot be empty",
        data_key="appId",
    )
    batch_queue = _text("batchQueue", 255)
    node_count = Whole(
        "Invalid nodeCount. If specified, nodeCount must be a positive integer value.",
        default=missing,
        data_key="nodeCount",
    )
    memory_per_node = Memory(
        "Invalid memoryPerNode. memoryPerNode should be a postive value specified in ###.#[EPTGM]B format.",
        default=missing,
        data_key="memoryPerNode",
    )
    processors_on_each_node = Whole(_PROCESSORS, default=missing, data_key="processorsOnEachNode")
    total_processors = Whole(_PROCESSORS, default=missing, data_key="processorsPerNode")
    max_run_seconds = RunTime(
        "Invalid maxRunTime. maxRunTime should be the maximum run time for this job in hh:mm:ss format.",
        default=missing,
        data_key="maxRunTime",
    )
    inputs = Values("inputs")
    parameters = Values("parameters")
    archive = Truth("Invalid archive value.", words=True, default=missing)
    archive_on_app_error = Truth(
        "Invalid archiveOnAppError value.", words=True, default=missing, data_key="archiveOnAppError"
    )
    archive_system = _text("archiveSystem", 64)
    archive_path = _text("archivePath", 255)
    notifications = fields.Raw(load_default=None, allow_none=True)


_SCHEMA = JobRequestSchema()
_ATTRIBUTES = {one.data_key or name: name for name, one in _SCHEMA.fields.items()}


def read_job_request(document: Mapping[str, Any], strict: bool, origins: Iterable[str] = ()) -> JobRequest:
    """The request in neutral form, with a refusal for every field that cannot be read.

    Raises Invalid at once for ``dependencies`` and, with ``strict``, for names that a request does not have.
    """
    given: dict[str, Any] = {}
    for key, value in document.items():
        name = _ALIAS.get(key, key)
        if name == "dependencies" and value is not None:
            raise Invalid("Job dependencies are not yet supported.")
        if name not in _ATTRIBUTES:
            if strict:
                raise Invalid(f'Unrecognized field "{key}" in job request.')
        elif not (name in _MAY_BE_BLANK and isinstance(value, str) and not value.strip()):
            given[name] = value
    try:
        values: Any = _SCHEMA.load(given)
    except ValidationError as error:
        refusals: Any = error.messages
        faults = {_ATTRIBUTES[key]: first_refusal(texts) for key, texts in refusals.items()}
        values = error.valid_data
        return JobRequest(**values, origins=tuple(origins), faults=faults)
    return JobRequest(**values, origins=tuple(origins))
