"""Storage and execution systems, their queues and roles [systems §2-§4, §7].

Credentials are no part of these classes: the store keeps them apart and only adapters that
log in ever read them, so that no rendering can show a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from emulator.domain.errors import Invalid

UNLIMITED = -1
NO_JOB_LIMIT = 2147483647

STORAGE_PROTOCOLS = (
    "GRIDFTP",
    "FTP",
    "SFTP",
    "IRODS",
    "IRODS4",
    "LOCAL",
    "AZURE",
    "S3",
    "SWIFT",
    "HTTP",
    "HTTPS",
)
LOGIN_PROTOCOLS = ("API", "SSH", "GSISSH", "LOCAL")

_BATCH = ("LSF", "LOADLEVELER", "PBS", "SGE", "TORQUE", "MOAB", "SLURM")
# the custom variant of SGE has a name of its own
_CUSTOM = ("LSF", "LOADLEVELER", "PBS", "GRIDENGINE", "TORQUE", "MOAB", "SLURM")
SCHEDULERS = {
    "HPC": tuple(
        name for pair in zip(_BATCH, (f"CUSTOM_{c}" for c in _CUSTOM), strict=True) for name in pair
    ),
    "CONDOR": ("CONDOR", "CUSTOM_CONDOR"),
    "CLI": ("FORK",),
    "ATMOSPHERE": ("FORK",),
}
UNLISTED_SCHEDULERS = {"HPC": ("COBALT",)}
"""Accepted too, though the messages of the service do not name them [wrapper-templates §2]."""
EXECUTION_TYPES = ("ATMOSPHERE", "HPC", "CONDOR", "CLI")
"""Execution types; SCHEDULERS has what each may name as its scheduler [systems §4]."""


_SYSTEM_ID = re.compile(r"[0-9a-zA-Z.-]+")
_RESERVED_IDS = ("execution", "storage", "authentication", "vizualization", "instrument")


def check_system_id(system_id: str) -> None:
    """Raise Invalid unless a system may be called so [systems §2]."""
    if not system_id.strip():
        raise Invalid("Please specify a valid string value for the 'id' field.")
    if len(system_id) > 64:
        raise Invalid("'system.id' must be less than 64 characters.")
    if system_id.lower() in _RESERVED_IDS:
        raise Invalid("System id cannot be the reserve words 'execution', 'storage', or 'auth.'")
    if not _SYSTEM_ID.fullmatch(system_id):
        raise Invalid("System id may only contain alphanumeric characters, periods, and dashes.")


class SystemType(StrEnum):
    EXECUTION = "EXECUTION"
    STORAGE = "STORAGE"


class SystemStatus(StrEnum):
    UP = "UP"
    DOWN = "DOWN"
    UNKNOWN = "UNKNOWN"
    MAINTENANCE = "MAINTENANCE"


class Role(IntEnum):
    """Roles on a system, in rising order; comparing them compares what they allow [systems §7]."""

    NONE = 0
    GUEST = 1
    USER = 2
    PUBLISHER = 3
    ADMIN = 4
    OWNER = 5

    @property
    def can_read(self) -> bool:
        return self >= Role.GUEST

    @property
    def can_use(self) -> bool:
        return self >= Role.USER

    @property
    def can_publish(self) -> bool:
        return self >= Role.PUBLISHER

    @property
    def can_admin(self) -> bool:
        return self >= Role.ADMIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A batch queue. Limits of -1 mean none; memory in GB; requested time as ``HH:MM:SS`` [systems §4.2]."""

    name: str
    default: bool = False
    description: str | None = None
    mapped_name: str | None = None
    max_jobs: int = UNLIMITED
    max_user_jobs: int = UNLIMITED
    max_nodes: int = UNLIMITED
    max_processors_per_node: int = UNLIMITED
    max_memory_per_node: float = UNLIMITED
    max_requested_time: str = "999:59:59"
    custom_directives: str | None = None
    uuid: str = ""

    @property
    def effective_name(self) -> str:
        """The name that the scheduler on the machine knows."""
        return self.mapped_name or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    name: str
    host: str
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthShape:
    """What may be shown of a credential: its type, and the server it is got from."""

    type: str
    server: dict[str, Any] | None = None
    ca_certs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """``storage`` of a system. ``root_dir`` starts with ``/``; ``home_dir`` lies below it [files §2]."""

    host: str
    port: int | None
    protocol: str
    root_dir: str = "/"
    home_dir: str | None = None
    public_apps_dir: str | None = None
    mirror: bool = False
    zone: str | None = None
    resource: str | None = None
    container: str | None = None
    proxy: Proxy | None = None
    auth: AuthShape | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginConfig:
    """``login`` of an execution system."""

    host: str
    port: int | None
    protocol: str
    proxy: Proxy | None = None
    auth: AuthShape | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemDefinition:
    """What a client writes of a system [systems §2-§4]."""

    id: str
    name: str
    type: SystemType
    storage: StorageConfig
    status: SystemStatus = SystemStatus.UP
    description: str | None = None
    site: str | None = None
    available: bool = True
    # execution systems only
    login: LoginConfig | None = None
    execution_type: str | None = None
    scheduler: str | None = None
    environment: str | None = None
    startup_script: str | None = None
    max_system_jobs: int = NO_JOB_LIMIT
    max_system_jobs_per_user: int = NO_JOB_LIMIT
    work_dir: str = ""
    scratch_dir: str = ""
    queues: tuple[Queue, ...] = field(default=())

    def definition(self) -> dict[str, Any]:
        """The fields a client writes, by name: what a new revision of the record replaces."""
        return {f.name: getattr(self, f.name) for f in fields(SystemDefinition)}

    def queue(self, name: str) -> Queue | None:
        return next((queue for queue in self.queues if queue.name == name), None)

    @property
    def default_queue(self) -> Queue | None:
        """The last queue marked default, else the first listed [systems §4.2]."""
        marked = [queue for queue in self.queues if queue.default]
        return marked[-1] if marked else (self.queues[0] if self.queues else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class System(SystemDefinition):
    """A registered system: its definition, and what the service keeps about it."""

    world: str
    uuid: str
    owner: str
    created: datetime
    last_updated: datetime
    public: bool = False
    global_default: bool = False
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRole:
    system_uuid: str
    username: str
    role: Role
