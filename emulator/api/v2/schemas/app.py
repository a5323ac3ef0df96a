"""The body that registers or updates an app [apps §3].

Only what the body itself can tell is checked here; what depends on systems and files is the service's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, post_load

from emulator.api.v2.schemas.app_arguments import Arguments, InputSchema, OutputSchema
from emulator.api.v2.schemas.app_parameters import ParameterSchema
from emulator.api.v2.schemas.fields import (
    Fragment,
    Text,
    Texts,
    Truth,
    Whole,
    Word,
    Worded,
    WordedSchema,
    parse,
)
from emulator.domain.app import PARALLELISM, AppDefinition
from emulator.domain.errors import Invalid
from emulator.domain.resources import memory_gb, run_time_seconds
from emulator.domain.system import EXECUTION_TYPES

_NAME = "Invalid 'app.name' value. Please enter a valid name for this app."
_PARALLELISM = f"Parallelism must be one of {','.join(PARALLELISM)}"
_VERSION = "Invalid 'app.version' value. Please provide a version in x.x.x format"
_EXECUTION_SYSTEM = "No 'app.executionSystem' attribute found in software description"
_DEPLOYMENT_SYSTEM = (
    "Invalid deploymentSystem value. Please specify a valid storage system id on which the assets of this "
    "application are stored."
)
_MAX_RUN_TIME = (
    "Invalid defaultMaxRunTime value. If specified, defaultMaxRunTime must be in the form of hh:mm:ss."
)


def parse_app(body: Mapping[str, Any]) -> AppDefinition:
    """Raises Invalid with the service's words for the first thing that is wrong."""
    definition: AppDefinition = parse(AppSchema(), body)
    return definition


def _check_version(version: str) -> None:
    # two expressions of the service, which a version must both match; the first, \d+[.\d+]+, takes the same
    # texts as this one, and no time for those it refuses
    if not re.fullmatch(r"\d[.\d+]+", version, re.ASCII):
        raise Invalid(_VERSION)
    if len(version) > 16:
        raise Invalid("'software.version' must be less than 16 characters.")
    if not re.fullmatch(r"(0|[1-9]+\d*)[.\d]+", version, re.ASCII):
        raise Invalid("Invalid version specified")


def app_name(absent: str | None = None) -> Text:
    return Text(
        _NAME,
        absent=absent,
        longest=64,
        too_long="'app.name' must be less than 64 characters.",
        pattern=r"[0-9a-zA-Z.\-_()]+",
        mismatch="'app.name' may only contain alphanumeric characters, periods, and dashes.",
    )


def app_version(absent: str | None = None) -> Text:
    return Text(_VERSION, absent=absent, check=_check_version)


def _check_run_time(text: str) -> None:
    if text.strip() and run_time_seconds(text) is None:
        raise Invalid(_MAX_RUN_TIME)


def _text(name: str, longest: int) -> Text:
    return Text(
        f"Invalid app.{name} value. If specified, app.{name} must be a string.",
        data_key=name,
        longest=longest,
        too_long=f"app.{name} must be less than {longest} characters.",
        blank=True,
    )


def _url(name: str) -> Text:
    text = f"'app.{name}' must be a valid URL."
    return Text(
        text,
        data_key=name,
        longest=128,
        too_long=f"'app.{name}' must be less than 128 characters.",
        pattern=r"|[A-Za-z][A-Za-z0-9+.-]*://\S+",
        blank=True,
    )


def _texts(name: str, of: str = "strings") -> Texts:
    return Texts(
        f"Invalid 'app.{name}' value. If specified, 'app.{name}' must be a json array of {of}",
        too_long=f"'app.{name}' must be less than 255 characters.",
    )


def _path(name: str, where: str) -> Text:
    text = f"No {name} attribute found in {where} description"
    return Text(
        text,
        absent=text,
        data_key=name,
        longest=255,
        too_long=f"'app.{name}' must be less than 255 characters.",
    )


def _count(name: str) -> Whole:
    text = f"Invalid {name} value. If specified, {name} must be a postitive integer value or -1 for no limit."
    return Whole(text, data_key=name, default=1)


class DefaultMemory(Worded):
    """Gigabytes as a number, or ``###.#[EPTGM]B``; at least one."""

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": ["number", "string"]}

    def read(self, value: Any) -> float:
        amount = memory_gb(value)
        if amount is None or amount == float("inf"):
            raise self.refuse()
        if amount < 1:
            raise self.refuse(
                "If specified, app.defaultMemoryPerNode must be a postive number representing GB."
            )
        return amount


class AppSchema(WordedSchema):
    name = app_name(absent=_NAME)
    parallelism = Word(
        f"Invalid parallelism value. {_PARALLELISM}",
        PARALLELISM,
        absent=f"No 'app.parallelism' attribute found in app description. {_PARALLELISM}",
    )
    version = app_version(absent="No version attribute found in software description")
    icon = _url("icon")
    help_uri = _url("helpURI")
    label = _text("label", 64)
    short_description = _text("shortDescription", 255)
    long_description = _text("longDescription", 4096)
    tags = _texts("tags")
    modules = _texts("modules")
    ontology = _texts("ontology", "URL")
    execution_system = Text(_EXECUTION_SYSTEM, absent=_EXECUTION_SYSTEM, data_key="executionSystem")
    execution_type = Word(
        f"Invalid executionType value. executionType must be one of {','.join(EXECUTION_TYPES)}",
        EXECUTION_TYPES,
        absent="No executionType attribute found in software description",
        data_key="executionType",
    )
    default_queue = Text(
        "Invalid defaultQueue value. If specified, defaultQueue must be the name of a queue.",
        data_key="defaultQueue",
        blank=True,
    )
    default_node_count = _count("defaultNodeCount")
    default_processors_per_node = _count("defaultProcessorsPerNode")
    default_memory_per_node = DefaultMemory(
        "Invalid defaultMemoryPerNode value. If specified, app.defaultMemoryPerNode should be a postive value "
        "specified in ###.#[EPTGM]B format.",
        data_key="defaultMemoryPerNode",
        default=1.0,
    )
    default_max_run_time = Text(
        _MAX_RUN_TIME, data_key="defaultMaxRunTime", check=_check_run_time, blank=True
    )
    deployment_system = Text(_DEPLOYMENT_SYSTEM, data_key="deploymentSystem", blank=True)
    deployment_path = _path("deploymentPath", "app")
    template_path = _path("templatePath", "app")
    test_path = _path("testPath", "software")
    checkpointable = Truth(
        "Invalid checkpointable value. Please specify either true or false based on the ability of this app to be "
        "checkpointed.",
        default=False,
    )
    available = Truth(
        "Invalid available value. Please specify either true or false based on the immediate availability of this "
        "app for use.",
        default=True,
    )
    inputs = Arguments(
        "Invalid app inputs value. Please specify an array of JSON objects describing the inputs for this app.",
        "input",
        InputSchema,
        "input",
    )
    parameters = Arguments(
        "Invalid app parameters value. Please specify an array of JSON objects describing the parameters for "
        "this app.",
        "parameter",
        ParameterSchema,
        "parameters",
    )
    outputs = Arguments(
        "Invalid app output value. Please specify an array of JSON objects describing the outputs for this app.",
        "output",
        OutputSchema,
        "output",
    )

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> AppDefinition:
        for name in ("icon", "help_uri", "default_queue", "default_max_run_time", "deployment_system"):
            data[name] = (data[name] or "").strip() or None
        data["tags"] = _tags(data["tags"])
        folder = data["deployment_path"].rstrip("/")
        if not folder:
            raise ValidationError("No deploymentPath attribute found in app description")
        data["deployment_path"] = folder
        for name in ("template_path", "test_path"):
            data[name] = data[name].removeprefix(folder + "/").strip("/")
        return AppDefinition(**data)


def _tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Commas part tags; each is kept once."""
    pieces = [piece.strip() for tag in tags for piece in tag.split(",")]
    return tuple(dict.fromkeys(piece for piece in pieces if piece))
