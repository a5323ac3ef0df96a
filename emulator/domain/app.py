"""Apps: what can be run, with which inputs and parameters [apps §3, §5]."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

PARALLELISM = ("SERIAL", "PARALLEL", "PTHREAD")
PARAMETER_TYPES = ("string", "number", "bool", "enumeration", "flag")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppArgument:
    """What inputs and parameters have in common. ``default`` is one value, several as a list, or None."""

    id: str
    default: Any = None
    validator: str | None = None
    visible: bool = True
    required: bool = False
    order: int = 0
    enquote: bool = False
    label: str | None = None
    description: str | None = None
    argument: str | None = None
    show_argument: bool = False
    repeat_argument: bool = False
    min_cardinality: int = 0
    max_cardinality: int = 1
    ontology: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppInput(AppArgument):
    """A file or directory that is staged into the work directory [apps §5.1]."""

    file_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppParameter(AppArgument):
    """A value that is rendered into the wrapper template [apps §5.2].

    ``enum_values`` are (key, label) pairs; keys are what a job may give.
    """

    type: str = "string"
    enum_values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppOutput:
    """A declared output; informational [apps §5.3]."""

    id: str
    default: Any = None
    validator: str | None = None
    order: int = 0
    label: str | None = None
    description: str | None = None
    min_cardinality: int = 0
    max_cardinality: int = -1
    ontology: tuple[str, ...] = ()
    file_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppDefinition:
    """What a client writes of an app [apps §3].

    ``deployment_system`` None stands for the registering user's default storage system.
    ``default_memory_per_node`` in GB, ``default_max_run_time`` as ``HH:MM:SS``.
    """

    name: str
    version: str
    execution_system: str
    execution_type: str
    parallelism: str
    deployment_system: str | None
    deployment_path: str
    template_path: str
    test_path: str
    available: bool = True
    label: str | None = None
    short_description: str | None = None
    long_description: str | None = None
    help_uri: str | None = None
    icon: str | None = None
    tags: tuple[str, ...] = ()
    ontology: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    checkpointable: bool = False
    default_queue: str | None = None
    default_node_count: int | None = None
    default_processors_per_node: int | None = None
    default_memory_per_node: float | None = None
    default_max_run_time: str | None = None
    inputs: tuple[AppInput, ...] = field(default=())
    parameters: tuple[AppParameter, ...] = field(default=())
    outputs: tuple[AppOutput, ...] = field(default=())

    @property
    def private_id(self) -> str:
        """``<name>-<version>``: what the app is called unless it is a public copy [apps §1]."""
        return f"{self.name}-{self.version}"

    def definition(self) -> dict[str, Any]:
        """The fields a client writes, by name: what a new revision of the record replaces."""
        return {f.name: getattr(self, f.name) for f in fields(AppDefinition)}


@dataclass(frozen=True, slots=True, kw_only=True)
class App(AppDefinition):
    """A registered app: its definition, and what the service keeps about it."""

    world: str
    uuid: str
    owner: str
    deployment_system: str
    created: datetime
    last_updated: datetime
    revision: int = 1
    public: bool = False
    checksum: str | None = None

    @property
    def id(self) -> str:
        """The private id, with ``u<revision>`` behind it once public [apps §1]."""
        return f"{self.private_id}u{self.revision}" if self.public else self.private_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRequest:
    """What a client says of the copy that publishing or cloning makes; None: as the service chooses [apps §6]."""

    name: str | None = None
    version: str | None = None
    execution_system: str | None = None
    deployment_system: str | None = None
    deployment_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCopy:
    """A clone's files on their way, to a place where nobody sees them yet; ``app_uuid`` is the app cloned.

    ``path`` is virtual. Written down before the copying starts, so that a restart can clear it away.
    """

    world: str
    id: str
    app_uuid: str
    username: str
    system_id: str
    path: str
