"""Rows of API clients, their tokens and authorization codes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update

from emulator.domain.document import from_document, to_document
from emulator.domain.identity import ApiClient, AuthorizationCode, Token, User
from emulator.store.tables import authorization_codes, clients, tokens, users


class ClientRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, client: ApiClient) -> None:
        self._connection.execute(
            insert(clients).values(
                world=client.world,
                owner=client.owner,
                name=client.name,
                key=client.key,
                document=to_document(client),
            )
        )

    def save(self, client: ApiClient) -> None:
        self._connection.execute(
            update(clients).where(clients.c.key == client.key).values(document=to_document(client))
        )

    def of_owner(self, world: str, owner: str) -> list[ApiClient]:
        rows = self._connection.execute(
            select(clients.c.document)
            .where(clients.c.world == world, clients.c.owner == owner)
            .order_by(clients.c.name)
        )
        return [from_document(ApiClient, row.document) for row in rows]

    def get(self, world: str, owner: str, name: str) -> ApiClient | None:
        document = self._connection.scalar(
            select(clients.c.document).where(
                clients.c.world == world, clients.c.owner == owner, clients.c.name == name
            )
        )
        return None if document is None else from_document(ApiClient, document)

    def by_key(self, key: str) -> ApiClient | None:
        document = self._connection.scalar(select(clients.c.document).where(clients.c.key == key))
        return None if document is None else from_document(ApiClient, document)

    def remove(self, client: ApiClient) -> None:
        """The client goes, and its tokens and codes with it."""
        self._connection.execute(delete(tokens).where(tokens.c.client_key == client.key))
        self._connection.execute(
            delete(authorization_codes).where(authorization_codes.c.client_key == client.key)
        )
        self._connection.execute(delete(clients).where(clients.c.key == client.key))


class TokenRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, token: Token) -> None:
        values = {name: getattr(token, name) for name in Token.__slots__}
        self._connection.execute(insert(tokens).values(**values))

    def bearer(self, access_token: str) -> tuple[Token, User | None, ApiClient | None] | None:
        """A token with its user and its client, in one look: every request asks for that."""
        row = self._connection.execute(
            select(tokens, users.c.document.label("user"), clients.c.document.label("client"))
            .outerjoin(users, and_(users.c.world == tokens.c.world, users.c.username == tokens.c.username))
            .outerjoin(clients, clients.c.key == tokens.c.client_key)
            .where(tokens.c.access_token == access_token)
        ).first()
        if row is None:
            return None
        user = None if row.user is None else from_document(User, row.user)
        client = None if row.client is None else from_document(ApiClient, row.client)
        return _token(row), user, client

    def by_refresh(self, refresh_token: str) -> Token | None:
        row = self._connection.execute(select(tokens).where(tokens.c.refresh_token == refresh_token)).first()
        return None if row is None else _token(row)

    def alive(
        self, client_key: str, username: str, scope: str, refreshable: bool, now: datetime
    ) -> Token | None:
        """The token that ends last of those which are still good for this client, user and scope."""
        has_refresh = tokens.c.refresh_token.is_not(None)
        row = self._connection.execute(
            select(tokens)
            .where(
                tokens.c.client_key == client_key,
                tokens.c.username == username,
                tokens.c.scope == scope,
                tokens.c.expires > now,
                ~tokens.c.revoked,
                has_refresh if refreshable else ~has_refresh,
            )
            .order_by(tokens.c.expires.desc())
            .limit(1)
        ).first()
        return None if row is None else _token(row)

    def revoke(self, value: str, client_key: str | None = None) -> None:
        """End the pair that ``value`` (access or refresh token) belongs to, if it is that client's."""
        ours = or_(tokens.c.access_token == value, tokens.c.refresh_token == value)
        if client_key is not None:
            ours = and_(ours, tokens.c.client_key == client_key)
        self._connection.execute(delete(tokens).where(ours))

    def end(self, access_token: str, when: datetime) -> None:
        """The access token is good until ``when``, if it would be longer."""
        self._connection.execute(
            update(tokens)
            .where(tokens.c.access_token == access_token, tokens.c.expires > when)
            .values(expires=when)
        )

    def forget_ended(self, client_key: str, before: datetime) -> None:
        """Drop a client's tokens that ended before a time and cannot be refreshed."""
        self._connection.execute(
            delete(tokens).where(
                tokens.c.client_key == client_key,
                tokens.c.expires < before,
                tokens.c.refresh_token.is_(None),
            )
        )

    def remove_all_of(self, world: str, username: str) -> None:
        """Every token and code that a user has, of whatever client."""
        for table in (tokens, authorization_codes):
            self._connection.execute(
                delete(table).where(table.c.world == world, table.c.username == username)
            )

    # authorization codes

    def add_code(self, code: AuthorizationCode) -> None:
        values = {name: getattr(code, name) for name in AuthorizationCode.__slots__}
        self._connection.execute(insert(authorization_codes).values(**values))

    def code(self, code: str) -> AuthorizationCode | None:
        row = self._connection.execute(
            select(authorization_codes).where(authorization_codes.c.code == code)
        ).first()
        return None if row is None else AuthorizationCode(**row._mapping)

    def use_code(self, code: AuthorizationCode, access_token: str) -> None:
        self._connection.execute(
            update(authorization_codes)
            .where(authorization_codes.c.code == code.code)
            .values(access_token=access_token)
        )

    def forget_codes(self, before: datetime) -> None:
        self._connection.execute(delete(authorization_codes).where(authorization_codes.c.expires < before))


def _token(row: Row[Any]) -> Token:
    return Token(**{name: row._mapping[name] for name in Token.__slots__})
