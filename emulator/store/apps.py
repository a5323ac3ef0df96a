"""Rows of apps and the permissions on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from emulator.domain.app import App
from emulator.domain.document import from_document, to_document
from emulator.domain.file import Permission, permission_from_bits
from emulator.domain.search import Condition, Page
from emulator.store.rows import Elements, Searchable, paged, where
from emulator.store.tables import app_grants, apps

_TEXTS = (
    "execution_type",
    "parallelism",
    "deployment_system",
    "deployment_path",
    "template_path",
    "test_path",
    "label",
    "short_description",
    "long_description",
    "help_uri",
    "icon",
    "default_queue",
    "default_max_run_time",
    "checksum",
)
_NUMBERS = ("revision", "default_node_count", "default_processors_per_node")
SEARCHABLE: Searchable = (
    {column.name: column for column in apps.c if column.name not in ("document", "world")}
    | {name: apps.c.document[name].as_string() for name in _TEXTS}
    | {name: apps.c.document[name].as_integer() for name in _NUMBERS}
    | {f"{array}.id": Elements(apps.c.document, array, "id") for array in ("inputs", "parameters", "outputs")}
    | {
        "default_memory_per_node": apps.c.document["default_memory_per_node"].as_float(),
        "checkpointable": apps.c.document["checkpointable"].as_boolean(),
        "parameters.type": Elements(apps.c.document, "parameters", "type"),
        "tags": Elements(apps.c.document, "tags"),
        "ontology": Elements(apps.c.document, "ontology"),
    }
)


class AppRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, app: App) -> None:
        self._connection.execute(insert(apps).values(**_values(app)))

    def save(self, app: App) -> None:
        self._connection.execute(update(apps).where(apps.c.uuid == app.uuid).values(**_values(app)))

    def erase(self, app: App) -> None:
        self._connection.execute(delete(apps).where(apps.c.uuid == app.uuid))

    def get(self, world: str, app_id: str) -> App | None:
        """By id in any case, or by uuid [apps §1]."""
        document = self._connection.scalar(
            select(apps.c.document).where(
                apps.c.world == world, or_(func.lower(apps.c.id) == app_id.lower(), apps.c.uuid == app_id)
            )
        )
        return None if document is None else from_document(App, document)

    def find(
        self,
        world: str,
        visible_to: str | None,
        conditions: Iterable[Condition] = (),
        page: Page | None = None,
    ) -> list[App]:
        """Apps that ``visible_to`` owns, was granted, or that are public; None sees all [apps §8]."""
        query = select(apps.c.document).where(apps.c.world == world, where(SEARCHABLE, conditions))
        if visible_to is not None:
            granted = select(app_grants.c.app_uuid).where(
                app_grants.c.username.in_([visible_to, "world", "public"])
            )
            query = query.where(or_(apps.c.owner == visible_to, apps.c.public, apps.c.uuid.in_(granted)))
        query = paged(query, SEARCHABLE, page or Page(limit=None), apps.c.uuid)
        return [from_document(App, row.document) for row in self._connection.execute(query)]

    def versions(self, world: str, name: str) -> list[str]:
        rows = self._connection.execute(
            select(apps.c.version).where(apps.c.world == world, apps.c.name == name).distinct()
        )
        return [row.version for row in rows]

    # permissions

    def grants(self, app: App) -> dict[str, Permission]:
        """Explicit permissions by username."""
        rows = self._connection.execute(
            select(app_grants).where(app_grants.c.app_uuid == app.uuid).order_by(app_grants.c.username)
        )
        return {row.username: permission_from_bits(row.bits) for row in rows}

    def set_grant(self, app: App, username: str, permission: Permission) -> None:
        """Replace the user's permission; an empty one removes it."""
        self.drop_grants(app, username)
        if permission:
            self._connection.execute(
                insert(app_grants).values(app_uuid=app.uuid, username=username, bits=permission.bits)
            )

    def drop_grants(self, app: App, username: str | None = None) -> None:
        query = delete(app_grants).where(app_grants.c.app_uuid == app.uuid)
        if username is not None:
            query = query.where(app_grants.c.username == username)
        self._connection.execute(query)


def _values(app: App) -> dict[str, Any]:
    return {
        "world": app.world,
        "uuid": app.uuid,
        "id": app.id,
        "name": app.name,
        "version": app.version,
        "owner": app.owner,
        "execution_system": app.execution_system,
        "public": app.public,
        "available": app.available,
        "created": app.created,
        "last_updated": app.last_updated,
        "document": to_document(app),
    }
