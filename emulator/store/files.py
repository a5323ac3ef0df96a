"""Rows of what is known about files, and the permissions on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from emulator.domain.file import FileGrant, LogicalFile, permission_from_bits
from emulator.store.tables import file_grants, files

_MOST_VALUES = 500
# Asked for by every request about files: built once, since building takes longer than answering.
_GET = select(files).where(
    files.c.world == bindparam("world"),
    files.c.system_id == bindparam("system_id"),
    files.c.path == bindparam("path"),
)
_GRANTS = (
    select(file_grants)
    .where(file_grants.c.file_uuid == bindparam("file_uuid"))
    .order_by(file_grants.c.username)
)
_GRANTS_ABOVE = (
    select(files.c.path, file_grants)
    .join(file_grants, file_grants.c.file_uuid == files.c.uuid)
    .where(
        files.c.world == bindparam("world"),
        files.c.system_id == bindparam("system_id"),
        files.c.path.in_(bindparam("above", expanding=True)),
        file_grants.c.recursive,
    )
    .order_by(func.length(files.c.path).desc(), file_grants.c.username)
)
_GRANTS_ABOVE_TO = _GRANTS_ABOVE.where(file_grants.c.username.in_(bindparam("usernames", expanding=True)))


class FileRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, world: str, system_id: str, path: str) -> LogicalFile | None:
        place = {"world": world, "system_id": system_id, "path": path}
        row = self._connection.execute(_GET, place).first()
        return None if row is None else _file(row)

    def at(self, world: str, system_id: str, paths: Iterable[str]) -> dict[str, LogicalFile]:
        """The records of those paths that have one."""
        found: dict[str, LogicalFile] = {}
        for some in batched(paths):
            query = select(files).where(
                files.c.world == world, files.c.system_id == system_id, files.c.path.in_(some)
            )
            found |= {row.path: _file(row) for row in self._connection.execute(query)}
        return found

    def by_uuid(self, uuid: str) -> LogicalFile | None:
        row = self._connection.execute(select(files).where(files.c.uuid == uuid)).first()
        return None if row is None else _file(row)

    def add(self, file: LogicalFile) -> None:
        self._connection.execute(insert(files).values(**_values(file)))

    def add_all(self, new: Iterable[LogicalFile]) -> None:
        rows = [_values(file) for file in new]
        if rows:
            self._connection.execute(insert(files), rows)

    def save(self, file: LogicalFile) -> None:
        self._connection.execute(update(files).where(files.c.uuid == file.uuid).values(**_values(file)))

    def below(self, world: str, system_id: str, path: str) -> list[LogicalFile]:
        """The record of a path and of everything below it."""
        query = select(files).where(files.c.world == world, files.c.system_id == system_id, _subtree(path))
        return [_file(row) for row in self._connection.execute(query.order_by(files.c.path))]

    def ancestors(self, world: str, system_id: str, path: str) -> list[LogicalFile]:
        """Records of the directories above a path, closest first."""
        above = _parents(path)
        query = select(files).where(
            files.c.world == world, files.c.system_id == system_id, files.c.path.in_(above)
        )
        found = [_file(row) for row in self._connection.execute(query)]
        return sorted(found, key=lambda file: len(file.path), reverse=True)

    def move_below(self, world: str, system_id: str, old: str, new: str, now: datetime) -> None:
        """A path and everything below it are found under another path, where nothing is known yet."""
        self._connection.execute(
            update(files)
            .where(files.c.world == world, files.c.system_id == system_id, _subtree(old))
            .values(path=literal(new) + func.substr(files.c.path, len(old) + 1), last_updated=now)
        )

    def remove_below(self, world: str, system_id: str, path: str) -> int:
        gone = self._connection.execute(
            delete(files).where(files.c.world == world, files.c.system_id == system_id, _subtree(path))
        )
        return gone.rowcount

    # permissions

    def grants(self, file_uuid: str) -> list[FileGrant]:
        rows = self._connection.execute(_GRANTS, {"file_uuid": file_uuid})
        return [_grant(row) for row in rows]

    def grants_of(self, file_uuids: Iterable[str]) -> dict[str, list[FileGrant]]:
        """The permissions on many files, by uuid."""
        found: dict[str, list[FileGrant]] = {}
        for some in batched(file_uuids):
            query = select(file_grants).where(file_grants.c.file_uuid.in_(some))
            for row in self._connection.execute(query):
                found.setdefault(row.file_uuid, []).append(_grant(row))
        return found

    def set_grant(self, grant: FileGrant) -> None:
        """Replace the user's permission; an empty one removes it."""
        self.drop_grants(grant.file_uuid, grant.username)
        if grant.permission:
            self._connection.execute(
                insert(file_grants).values(
                    file_uuid=grant.file_uuid,
                    username=grant.username,
                    bits=grant.permission.bits,
                    recursive=grant.recursive,
                )
            )

    def grants_above(
        self, world: str, system_id: str, path: str, usernames: Iterable[str] | None = None
    ) -> list[tuple[str, FileGrant]]:
        """Recursive permissions on directories above a path, each with its directory, closest first."""
        values: dict[str, Any] = {"world": world, "system_id": system_id, "above": _parents(path)}
        query = _GRANTS_ABOVE
        if usernames is not None:
            query = _GRANTS_ABOVE_TO
            values["usernames"] = list(usernames)
        return [(row.path, _grant(row)) for row in self._connection.execute(query, values)]

    def drop_grants_below(self, world: str, system_id: str, path: str, username: str | None = None) -> None:
        """Drop permissions on everything below a path, not on the path itself."""
        inside = select(files.c.uuid).where(
            files.c.world == world, files.c.system_id == system_id, _subtree(path), files.c.path != path
        )
        query = delete(file_grants).where(file_grants.c.file_uuid.in_(inside))
        if username is not None:
            query = query.where(file_grants.c.username == username)
        self._connection.execute(query)

    def drop_grants(self, file_uuid: str, username: str | None = None) -> None:
        query = delete(file_grants).where(file_grants.c.file_uuid == file_uuid)
        if username is not None:
            query = query.where(file_grants.c.username == username)
        self._connection.execute(query)


def batched(values: Iterable[str]) -> Iterator[list[str]]:
    """In pieces that fit into one question."""
    rest = iter(values)
    while piece := list(islice(rest, _MOST_VALUES)):
        yield piece


def _subtree(path: str) -> ColumnElement[bool]:
    base = "" if path == "/" else path
    # a range instead of LIKE: exact for % and _ in names, and answered by the index ("0" follows "/")
    return or_(files.c.path == path, (files.c.path >= f"{base}/") & (files.c.path < f"{base}0"))


def _parents(path: str) -> list[str]:
    pieces = [piece for piece in path.split("/") if piece][:-1]
    return ["/"] + ["/" + "/".join(pieces[: i + 1]) for i in range(len(pieces))] if path != "/" else []


def _values(file: LogicalFile) -> dict[str, Any]:
    return {name: getattr(file, name) for name in LogicalFile.__slots__}


def _file(row: Row[Any]) -> LogicalFile:
    return LogicalFile(**row._mapping)


def _grant(row: Row[Any]) -> FileGrant:
    return FileGrant(
        file_uuid=row.file_uuid,
        username=row.username,
        permission=permission_from_bits(row.bits),
        recursive=row.recursive,
    )
