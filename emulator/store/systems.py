"""Rows of systems, roles and users' default systems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update

from emulator.domain.document import from_document, to_document
from emulator.domain.search import Condition, Page
from emulator.domain.system import Role, System, SystemRole, SystemType
from emulator.store.listing import Listing
from emulator.store.rows import Elements, Searchable
from emulator.store.tables import system_roles, systems, user_defaults

_DOCUMENT_FIELDS = {
    "description": ("description",),
    "site": ("site",),
    "execution_type": ("execution_type",),
    "scheduler": ("scheduler",),
    "environment": ("environment",),
    "startup_script": ("startup_script",),
    "work_dir": ("work_dir",),
    "scratch_dir": ("scratch_dir",),
    "storage.host": ("storage", "host"),
    "storage.protocol": ("storage", "protocol"),
    "storage.root_dir": ("storage", "root_dir"),
    "storage.home_dir": ("storage", "home_dir"),
    "storage.zone": ("storage", "zone"),
    "storage.resource": ("storage", "resource"),
    "storage.container": ("storage", "container"),
    "storage.proxy.name": ("storage", "proxy", "name"),
    "storage.proxy.host": ("storage", "proxy", "host"),
    "login.host": ("login", "host"),
    "login.protocol": ("login", "protocol"),
    "login.proxy.name": ("login", "proxy", "name"),
    "login.proxy.host": ("login", "proxy", "host"),
}
_DOCUMENT_NUMBERS = {
    "storage.port": ("storage", "port"),
    "storage.proxy.port": ("storage", "proxy", "port"),
    "login.port": ("login", "port"),
    "login.proxy.port": ("login", "proxy", "port"),
    "max_system_jobs": ("max_system_jobs",),
    "max_system_jobs_per_user": ("max_system_jobs_per_user",),
    "revision": ("revision",),
}
_HIDDEN = ("document", "credentials", "credentials_since", "world")
_QUEUE_TEXTS = ("name", "custom_directives", "max_requested_time")
_QUEUE_NUMBERS = ("max_jobs", "max_user_jobs", "max_nodes", "max_processors_per_node")


def _of_queues(name: str, kind: str) -> Elements:
    return Elements(systems.c.document, "queues", name, kind)


SEARCHABLE: Searchable = (
    {column.name: column for column in systems.c if column.name not in _HIDDEN}
    | {name: systems.c.document[path].as_string() for name, path in _DOCUMENT_FIELDS.items()}
    | {name: systems.c.document[path].as_integer() for name, path in _DOCUMENT_NUMBERS.items()}
    | {f"queues.{name}": _of_queues(name, "string") for name in _QUEUE_TEXTS}
    | {f"queues.{name}": _of_queues(name, "integer") for name in _QUEUE_NUMBERS}
    | {"queues.max_memory_per_node": _of_queues("max_memory_per_node", "float")}
    | {"queues.default": _of_queues("default", "boolean")}
)


_BY_ID = select(systems.c.document).where(
    systems.c.world == bindparam("world"), systems.c.id == bindparam("system_id")
)
_LISTING = Listing(systems, SEARCHABLE, frozenset({"id", "name", "owner", "uuid"}))


class SystemRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, system: System, credentials: dict[str, Any]) -> None:
        """``credentials``: ``{"storage": {…}, "login": {…}}`` as registered; never part of a System."""
        self._connection.execute(insert(systems).values(**_values(system), credentials=credentials))

    def save(self, system: System, credentials: dict[str, Any] | None = None) -> None:
        """Replace the record; None keeps the stored credentials."""
        values = _values(system) if credentials is None else _values(system) | {"credentials": credentials}
        self._connection.execute(update(systems).where(systems.c.uuid == system.uuid).values(**values))

    def erase(self, system: System) -> None:
        self._connection.execute(delete(systems).where(systems.c.uuid == system.uuid))
        self._connection.execute(
            delete(user_defaults).where(
                user_defaults.c.world == system.world, user_defaults.c.system_id == system.id
            )
        )

    def get(self, world: str, system_id: str) -> System | None:
        document = self._connection.scalar(_BY_ID, {"world": world, "system_id": system_id})
        return None if document is None else from_document(System, document)

    def by_uuid(self, uuid: str) -> System | None:
        document = self._connection.scalar(select(systems.c.document).where(systems.c.uuid == uuid))
        return None if document is None else from_document(System, document)

    def find(
        self,
        world: str,
        visible_to: str | None,
        conditions: Iterable[Condition] = (),
        page: Page | None = None,
    ) -> list[System]:
        """Systems that ``visible_to`` owns, has a role on, or that are public; None sees all [systems §6]."""
        granted = select(system_roles.c.system_uuid).where(system_roles.c.username == visible_to)
        query = _LISTING.documents(world, conditions, page or Page(limit=None), visible_to, granted)
        return [from_document(System, row.document) for row in self._connection.execute(query)]

    def global_default(self, world: str, kind: SystemType) -> System | None:
        document = self._connection.scalar(
            select(systems.c.document).where(
                systems.c.world == world,
                systems.c.type == kind.value,
                systems.c.global_default,
                systems.c.available,
            )
        )
        return None if document is None else from_document(System, document)

    # roles

    def role(self, system: System, username: str) -> Role | None:
        """The explicit entry of a user, if there is one."""
        found = self._connection.scalar(
            select(system_roles.c.role).where(
                system_roles.c.system_uuid == system.uuid, system_roles.c.username == username
            )
        )
        return None if found is None else Role(found)

    def roles(self, system: System) -> list[SystemRole]:
        rows = self._connection.execute(
            select(system_roles).where(system_roles.c.system_uuid == system.uuid).order_by("username")
        )
        return [SystemRole(system_uuid=r.system_uuid, username=r.username, role=Role(r.role)) for r in rows]

    def set_role(self, role: SystemRole) -> None:
        """Replace the user's entry; NONE removes it."""
        self.drop_role(role.system_uuid, role.username)
        if role.role is not Role.NONE:
            self._connection.execute(
                insert(system_roles).values(
                    system_uuid=role.system_uuid, username=role.username, role=int(role.role)
                )
            )

    def drop_role(self, system_uuid: str, username: str | None = None) -> None:
        """Remove one user's entry, or all with None."""
        query = delete(system_roles).where(system_roles.c.system_uuid == system_uuid)
        if username is not None:
            query = query.where(system_roles.c.username == username)
        self._connection.execute(query)

    # users' default systems

    def user_default(self, world: str, username: str, kind: SystemType) -> str | None:
        """The id of the system the user chose for the type, if any."""
        return self._connection.scalar(
            select(user_defaults.c.system_id).where(
                user_defaults.c.world == world,
                user_defaults.c.username == username,
                user_defaults.c.type == kind.value,
            )
        )

    def set_user_default(self, world: str, username: str, kind: SystemType, system_id: str | None) -> None:
        key = {"world": world, "username": username, "type": kind.value}
        self._connection.execute(_drop_default(key))
        if system_id is not None:
            self._connection.execute(insert(user_defaults).values(**key, system_id=system_id))

    def count(self, world: str) -> int:
        return (
            self._connection.scalar(select(func.count()).select_from(systems).where(systems.c.world == world))
            or 0
        )


def _drop_default(key: dict[str, str]) -> Any:
    return delete(user_defaults).where(and_(*(user_defaults.c[name] == value for name, value in key.items())))


def _values(system: System) -> dict[str, Any]:
    return {
        "world": system.world,
        "uuid": system.uuid,
        "id": system.id,
        "name": system.name,
        "type": system.type.value,
        "status": system.status.value,
        "owner": system.owner,
        "public": system.public,
        "global_default": system.global_default,
        "available": system.available,
        "created": system.created,
        "last_updated": system.last_updated,
        "document": to_document(system),
    }
