"""Rows of worlds, users, API clients and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update
from werkzeug.security import check_password_hash, generate_password_hash

from emulator.domain.document import from_document, to_document
from emulator.domain.identity import ApiClient, Token, User, World
from emulator.store.tables import clients, tokens, users, worlds

# Accounts of an emulator guard nothing: a cheap hash keeps the first start quick and hides
# passwords from a glance at the file, no more.
_HASH_METHOD = "pbkdf2:sha256:1000"


class AccountRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # worlds

    def worlds(self) -> list[World]:
        rows = self._connection.execute(select(worlds.c.document).order_by(worlds.c.name))
        return [from_document(World, row.document) for row in rows]

    def world(self, name: str) -> World | None:
        document = self._connection.scalar(select(worlds.c.document).where(worlds.c.name == name))
        return None if document is None else from_document(World, document)

    def add_world(self, world: World) -> None:
        self._connection.execute(insert(worlds).values(name=world.name, document=to_document(world)))

    def save_world(self, world: World) -> None:
        self._connection.execute(
            update(worlds).where(worlds.c.name == world.name).values(document=to_document(world))
        )

    # users

    def add_user(self, user: User, password: str) -> None:
        self.add_users([user], password)

    def add_users(self, new: list[User], password: str) -> None:
        """Several accounts with one password: hashed once, as a seed with forty students wants."""
        hashed = generate_password_hash(password, method=_HASH_METHOD)
        self._connection.execute(
            insert(users),
            [
                {
                    "world": user.world,
                    "username": user.username,
                    "password_hash": hashed,
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

    def users(self, world: str) -> list[User]:
        rows = self._connection.execute(
            select(users.c.document).where(users.c.world == world).order_by(users.c.username)
        )
        return [from_document(User, row.document) for row in rows]

    def password_matches(self, world: str, username: str, password: str) -> bool:
        hashed = self._connection.scalar(
            select(users.c.password_hash).where(users.c.world == world, users.c.username == username)
        )
        return hashed is not None and check_password_hash(hashed, password)

    # API clients

    def add_client(self, client: ApiClient) -> None:
        self._connection.execute(
            insert(clients).values(
                world=client.world,
                owner=client.owner,
                name=client.name,
                key=client.key,
                document=to_document(client),
            )
        )

    def clients(self, world: str, owner: str) -> list[ApiClient]:
        rows = self._connection.execute(
            select(clients.c.document)
            .where(clients.c.world == world, clients.c.owner == owner)
            .order_by(clients.c.name)
        )
        return [from_document(ApiClient, row.document) for row in rows]

    def client(self, world: str, owner: str, name: str) -> ApiClient | None:
        document = self._connection.scalar(
            select(clients.c.document).where(
                clients.c.world == world, clients.c.owner == owner, clients.c.name == name
            )
        )
        return None if document is None else from_document(ApiClient, document)

    def client_by_key(self, key: str) -> ApiClient | None:
        document = self._connection.scalar(select(clients.c.document).where(clients.c.key == key))
        return None if document is None else from_document(ApiClient, document)

    def remove_client(self, client: ApiClient) -> None:
        """The client goes, and its tokens with it."""
        self._connection.execute(delete(tokens).where(tokens.c.client_key == client.key))
        self._connection.execute(delete(clients).where(clients.c.key == client.key))

    # tokens

    def add_token(self, token: Token) -> None:
        self._connection.execute(insert(tokens).values(**_token_values(token)))

    def token(self, access_token: str) -> Token | None:
        row = self._connection.execute(select(tokens).where(tokens.c.access_token == access_token)).first()
        return None if row is None else _token(row)

    def token_by_refresh(self, refresh_token: str) -> Token | None:
        row = self._connection.execute(select(tokens).where(tokens.c.refresh_token == refresh_token)).first()
        return None if row is None else _token(row)

    def revoke_token(self, value: str) -> bool:
        """Revoke the pair that ``value`` (access or refresh token) belongs to; False if there is none."""
        changed = self._connection.execute(
            update(tokens)
            .where(or_(tokens.c.access_token == value, tokens.c.refresh_token == value))
            .values(revoked=True)
        )
        return changed.rowcount > 0

    def forget_tokens(self, before: datetime) -> int:
        """Drop access tokens that expired before a time and cannot be refreshed any more."""
        gone = self._connection.execute(delete(tokens).where(tokens.c.expires < before))
        return gone.rowcount

    def count_users(self, world: str) -> int:
        return (
            self._connection.scalar(select(func.count()).select_from(users).where(users.c.world == world))
            or 0
        )


def _token_values(token: Token) -> dict[str, Any]:
    return {name: getattr(token, name) for name in Token.__slots__}


def _token(row: Row[Any]) -> Token:
    return Token(**row._mapping)
