"""Rows of worlds and users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update
from werkzeug.security import check_password_hash, generate_password_hash

from emulator.domain.document import from_document, to_document
from emulator.domain.identity import User, World
from emulator.store.tables import users, worlds

# Accounts of an emulator guard nothing: a cheap hash keeps the first start quick and hides
# passwords from a glance at the file, no more.
_HASH_METHOD = "pbkdf2:sha256:1000"


_FIRST, _LAST = (users.c.document[name].as_string() for name in ("first_name", "last_name"))
SEARCHABLE: Mapping[str, ColumnElement[Any]] = {
    "username": users.c.username,
    "email": users.c.email,
    "first_name": _FIRST,
    "last_name": _LAST,
    "full_name": func.trim(_FIRST + " " + _LAST),
}


_WORLD = select(worlds.c.document).where(worlds.c.name == bindparam("name"))


class AccountRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # worlds

    def worlds(self) -> list[World]:
        rows = self._connection.execute(select(worlds.c.document).order_by(worlds.c.name))
        return [from_document(World, row.document) for row in rows]

    def world(self, name: str) -> World | None:
        document = self._connection.scalar(_WORLD, {"name": name})
        return None if document is None else from_document(World, document)

    def add_world(self, world: World) -> None:
        self._connection.execute(insert(worlds).values(name=world.name, document=to_document(world)))

    def save_world(self, world: World) -> None:
        self._connection.execute(
            update(worlds).where(worlds.c.name == world.name).values(document=to_document(world))
        )

    def put_world(self, world: World) -> None:
        """As it is now, whether it was there or not."""
        self._connection.execute(delete(worlds).where(worlds.c.name == world.name))
        self.add_world(world)

    # users

    def add_user(self, user: User, password: str) -> None:
        self.add_users([user], password)

    def add_users(self, new: list[User], password: str) -> None:
        """Several accounts with one password: hashed once, as a seed with forty students wants."""
        password_hash = hashed(password)
        self._connection.execute(
            insert(users),
            [
                {
                    "world": user.world,
                    "username": user.username,
                    "password_hash": password_hash,
                    "email": user.email,
                    "document": to_document(user),
                }
                for user in new
            ],
        )

    def user(self, world: str, username: str) -> User | None:
        document = self._connection.scalar(
            select(users.c.document).where(users.c.world == world, users.c.username == username)
        )
        return None if document is None else from_document(User, document)

    def users(
        self, world: str, term: str | None = None, part: str = "", limit: int | None = None, offset: int = 0
    ) -> list[User]:
        """By name; those whose ``term`` (a key of ``SEARCHABLE``) contains ``part``, in any case."""
        query = select(users.c.document).where(users.c.world == world).order_by(users.c.username)
        if "\x00" in part:  # no account holds one, and SQLite ends a pattern there
            return []
        if term is not None:
            query = query.where(func.lower(SEARCHABLE[term]).contains(part.lower(), autoescape=True))
        rows = self._connection.execute(query.limit(limit).offset(offset))
        return [from_document(User, row.document) for row in rows]

    def save_user(self, user: User, password: str | None = None) -> None:
        """Replace an account; None keeps its password."""
        values = {"email": user.email, "document": to_document(user)}
        if password is not None:
            values["password_hash"] = hashed(password)
        self._connection.execute(
            update(users)
            .where(users.c.world == user.world, users.c.username == user.username)
            .values(**values)
        )

    def remove_user(self, user: User) -> None:
        self._connection.execute(
            delete(users).where(users.c.world == user.world, users.c.username == user.username)
        )

    def password_matches(self, world: str, username: str, password: str) -> bool:
        kept = self._connection.scalar(
            select(users.c.password_hash).where(users.c.world == world, users.c.username == username)
        )
        return kept is not None and check_password_hash(kept, password)

    def count_users(self, world: str) -> int:
        return (
            self._connection.scalar(select(func.count()).select_from(users).where(users.c.world == world))
            or 0
        )


def hashed(password: str) -> str:
    """What is kept of a password."""
    return generate_password_hash(password, method=_HASH_METHOD)
