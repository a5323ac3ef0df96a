"""Rows of apps, the permissions on them, and copies that are under way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update

from emulator.domain.app import App, AppCopy
from emulator.domain.document import from_document, to_document
from emulator.domain.file import Permission, permission_from_bits
from emulator.domain.identity import PUBLIC_USER, WORLD_USER
from emulator.domain.search import Condition, Page
from emulator.store.listing import Listing
from emulator.store.rows import Elements, Related, Searchable
from emulator.store.tables import app_copies, app_grants, app_words, apps

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
_WORDS = ("tags", "ontology")


def _words(kind: str) -> Related:
    return Related(apps.c.uuid, app_words.c.app_uuid, app_words.c.word, app_words.c.kind == kind)


SEARCHABLE: Searchable = (
    {column.name: column for column in apps.c if column.name not in ("document", "world")}
    | {name: apps.c.document[name].as_string() for name in _TEXTS}
    | {name: apps.c.document[name].as_integer() for name in _NUMBERS}
    | {f"{array}.id": Elements(apps.c.document, array, "id") for array in ("inputs", "parameters", "outputs")}
    | {
        "default_memory_per_node": apps.c.document["default_memory_per_node"].as_float(),
        "checkpointable": apps.c.document["checkpointable"].as_boolean(),
        "parameters.type": Elements(apps.c.document, "parameters", "type"),
    }
    | {kind: _words(kind) for kind in _WORDS}
)
_LISTING = Listing(apps, SEARCHABLE, frozenset({"id", "name", "owner", "uuid", "execution_system", *_WORDS}))
_HERE = select(apps.c.document).where(apps.c.world == bindparam("world"))
_BY_ID = _HERE.where(func.lower(apps.c.id) == func.lower(bindparam("app")))
_BY_UUID = _HERE.where(apps.c.uuid == bindparam("app"))


class AppRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, app: App) -> None:
        self._connection.execute(insert(apps).values(**_values(app)))
        self._add_words([app])

    def save(self, app: App) -> None:
        self._connection.execute(update(apps).where(apps.c.uuid == app.uuid).values(**_values(app)))
        self._connection.execute(delete(app_words).where(app_words.c.app_uuid == app.uuid))
        self._add_words([app])

    def add_missing_words(self) -> None:
        """For apps of older databases, which kept words in their documents only."""
        without = select(apps.c.document).where(~exists().where(app_words.c.app_uuid == apps.c.uuid))
        self._add_words([from_document(App, document) for document in self._connection.scalars(without)])

    def _add_words(self, of: Iterable[App]) -> None:
        rows = [
            {"app_uuid": app.uuid, "kind": kind, "word": word}
            for app in of
            for kind in _WORDS
            for word in dict.fromkeys(getattr(app, kind))
        ]
        if rows:
            self._connection.execute(insert(app_words), rows)

    def erase(self, app: App) -> None:
        self._connection.execute(delete(apps).where(apps.c.uuid == app.uuid))

    def get(self, world: str, app_id: str) -> App | None:
        """By id in any case, or by uuid [apps §1]."""
        for one in (_BY_ID, _BY_UUID):
            document = self._connection.scalar(one, {"world": world, "app": app_id})
            if document is not None:
                return from_document(App, document)
        return None

    def by_uuid(self, world: str, uuid: str) -> App | None:
        document = self._connection.scalar(_BY_UUID, {"world": world, "app": uuid})
        return None if document is None else from_document(App, document)

    def find(
        self,
        world: str,
        visible_to: str | None,
        conditions: Iterable[Condition] = (),
        page: Page | None = None,
    ) -> list[App]:
        """Apps that ``visible_to`` owns, was granted, or that are public; None sees all [apps §8]."""
        everybody = [visible_to, WORLD_USER, PUBLIC_USER]
        granted = select(app_grants.c.app_uuid).where(app_grants.c.username.in_(everybody))
        query = _LISTING.documents(world, conditions, page or Page(limit=None), visible_to, granted)
        return [from_document(App, row.document) for row in self._connection.execute(query)]

    def versions(self, world: str, name: str) -> list[str]:
        rows = self._connection.execute(
            select(apps.c.version).where(apps.c.world == world, apps.c.name == name).distinct()
        )
        return [row.version for row in rows]

    def last_publication(self, world: str, name: str, version: str) -> int:
        """The highest revision that was published of a name and version; 0 for none [apps §6.1]."""
        ids = select(apps.c.document).where(
            apps.c.world == world,
            func.lower(apps.c.name) == func.lower(name),
            apps.c.version == version,
            apps.c.public,
        )
        published = [from_document(App, document) for document in self._connection.scalars(ids)]
        return max((app.revision for app in published), default=0)

    # copies under way

    def begin_copy(self, copy: AppCopy) -> None:
        self._connection.execute(insert(app_copies).values(**asdict(copy)))

    def end_copy(self, copy: AppCopy) -> None:
        self._connection.execute(delete(app_copies).where(app_copies.c.id == copy.id))

    def copies(self) -> list[AppCopy]:
        """Those of all worlds: at the start of the program, what an earlier run has left unfinished."""
        return [AppCopy(**row._mapping) for row in self._connection.execute(select(app_copies))]

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
