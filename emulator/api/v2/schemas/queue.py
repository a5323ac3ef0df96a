"""A batch queue [systems §4.2]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import Schema, ValidationError, post_load

from emulator.api.v2.schemas.fields import Fragment, Text, Truth, Whole, Worded, WordedSchema
from emulator.domain.resources import memory_gb, run_time_seconds
from emulator.domain.system import UNLIMITED, Queue

_NAME_LETTERS = "[0-9a-zA-Z.-]+"
_REQUESTED_TIME = "'system.queues.maxRequestedTime' must be in the form of hh:mm:ss."


class QueueMemory(Worded):
    """Gigabytes as a number, or ``###.#[EPTGM]B``; -1 for no limit."""

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": ["number", "string"]}

    def read(self, value: Any) -> float:
        if str(value).strip() == "-1":
            return UNLIMITED
        amount = memory_gb(value)
        if not amount or amount == float("inf"):
            raise self.refuse()
        return amount


def _limit(name: str) -> Whole:
    return Whole(
        f"Invalid 'queue.{name}' value. If specified, {name} should be a positive integer value or -1 for no limit.",
        or_minus_one=True,
        default=UNLIMITED,
        data_key=name,
    )


def _check_requested_time(text: str) -> None:
    if run_time_seconds(text) is None:
        raise ValidationError(_REQUESTED_TIME)


class QueueSchema(WordedSchema):
    name = Text(
        "Please specify a valid string value for the 'queue.name' field.",
        absent="Please specify a valid string value for the 'queue.name' field.",
        longest=128,
        too_long="'queue.name' must be less than 128 characters.",
        pattern=_NAME_LETTERS,
        mismatch="'queue.name' may only contain alphanumeric characters, periods, and dashes.",
    )
    mapped_name = Text(
        "Invalid 'queue.mappedName' value. If specified, please specify a valid name for the queue.",
        data_key="mappedName",
        longest=128,
        too_long="'queue.mappedName' must be less than 128 characters.",
        pattern=_NAME_LETTERS,
        mismatch="'queue.mappedName' may only contain alphanumeric characters, periods, and dashes.",
    )
    description = Text(
        "Invalid 'queue.description' value. If specified, please specify a valid description of the queue.",
        longest=512,
        too_long="'queue.description' must be less than 512 characters.",
        blank=True,
    )
    default = Truth(
        "Invalid 'queue.default' value. If specified, please specify either true or false.",
        default=False,
        words=True,
    )
    max_jobs = _limit("maxJobs")
    max_user_jobs = _limit("maxUserJobs")
    max_nodes = _limit("maxNodes")
    max_processors_per_node = _limit("maxProcessorsPerNode")
    max_memory_per_node = QueueMemory(
        "Invalid 'queue.maxMemoryPerNode' value. If specified, maxMemoryPerNode should be a postive value "
        "specified in ###.#[EPTGM]B format or -1 for no limit.",
        default=UNLIMITED,
        data_key="maxMemoryPerNode",
    )
    max_requested_time = Text(
        _REQUESTED_TIME,
        data_key="maxRequestedTime",
        longest=19,
        check=_check_requested_time,
        default="999:59:59",
    )
    custom_directives = Text(
        "Invalid 'queue.customDirectives' value. If specified, please specify valid scheduler directives.",
        data_key="customDirectives",
        longest=16384,
        too_long="'queue.customDirectives' must be less than 16384 characters.",
        blank=True,
    )

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Queue:
        if data["max_jobs"] != UNLIMITED and data["max_user_jobs"] > data["max_jobs"]:
            raise ValidationError(
                "Invalid 'queue.maxUserJobs' value. If specified, maxUserJobs must be less than the maxJobs for "
                "this queue."
            )
        return Queue(**data)
