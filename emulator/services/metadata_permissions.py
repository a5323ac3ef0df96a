"""Permissions on metadata items and schemas [postits §B.4]."""

from __future__ import annotations

from emulator.domain.errors import Forbidden, Invalid, NotFound
from emulator.domain.file import file_permission
from emulator.domain.identity import PUBLIC_USER, WORLD_USER, Caller
from emulator.domain.metadata import MetadataGrant, MetadataRecord, RecordKind
from emulator.services.accounts import AccountService
from emulator.services.metadata_access import MetadataAccess
from emulator.store import Transaction

_VIEW = "User does not have permission to view this resource."
_CHANGE = "User does not have permission to modify this resource."
_UNKNOWN = "Failed to update metadata permissions: Unable to set unknown permission, please use READ, READ_WRITE, NONE"
_LONGEST_USERNAME = 64


class MetadataPermissionService:
    def __init__(self, *, access: MetadataAccess, accounts: AccountService) -> None:
        self._access = access
        self._accounts = accounts

    def all(
        self, caller: Caller, kind: RecordKind, uuid: str, limit: int | None, offset: int
    ) -> list[MetadataGrant]:
        """The owner's first, then what others were given. Needs READ."""
        with self._access.store.read() as tx:
            record = self._access.readable(tx, caller, kind, uuid, _VIEW)
            given = [grant for grant in tx.metadata.grants(record) if grant.username != record.owner]
        return [_full(record.owner), *given][offset : None if limit is None else offset + limit]

    def of_user(self, caller: Caller, kind: RecordKind, uuid: str, username: str) -> MetadataGrant:
        """Owner and tenant admins have all. Raises NotFound for who was given nothing. Needs READ."""
        with self._access.store.read() as tx:
            record = self._access.readable(tx, caller, kind, uuid, _VIEW)
            if username == record.owner:
                return _full(username)
            given = tx.metadata.grants_of(record, (username,))
        if self._accounts.caller(caller.world, username).admin:
            return _full(username)
        if not given:
            raise NotFound(f"No permissions found for user {username}")
        return given[0]

    def grant(self, caller: Caller, kind: RecordKind, uuid: str, username: str, word: str) -> MetadataGrant:
        """Give a user what ``word`` names in place of what it had; NONE or an empty word takes it away.

        Nothing changes for the caller itself, nor for the owner. Needs WRITE; ``public`` and ``world`` need
        a tenant admin.
        """
        with self._access.store.write() as tx:
            record = self._access.writable(tx, caller, kind, uuid, _CHANGE)
            return self.apply(tx, caller, record, username, word)

    def apply(
        self, tx: Transaction, caller: Caller, record: MetadataRecord, username: str, word: str
    ) -> MetadataGrant:
        """As :meth:`grant`, on a record that the caller may change."""
        wanted = _read(username, word)
        if username in (PUBLIC_USER, WORLD_USER) and not caller.admin:
            raise Forbidden(_CHANGE)
        if username == record.owner:
            return _full(username)
        if username == caller.username:
            return self._access.rights(tx, caller, record)
        had = bool(tx.metadata.grants_of(record, (username,)))
        if not wanted:
            self._revoke(tx, caller, record, username)
            return wanted
        tx.metadata.set_grant(record, wanted)
        event = "PERMISSION_UPDATE" if had else "PERMISSION_GRANT"
        self._access.note(tx, caller, record, event, f"{word.upper()} permission granted to {username}")
        return wanted

    def revoke(self, caller: Caller, kind: RecordKind, uuid: str, username: str | None = None) -> None:
        """Take away what one user, or with None everybody, was given. Needs WRITE."""
        with self._access.store.write() as tx:
            self._revoke(tx, caller, self._access.writable(tx, caller, kind, uuid, _CHANGE), username)

    def _revoke(self, tx: Transaction, caller: Caller, record: MetadataRecord, username: str | None) -> None:
        given = [grant for grant in tx.metadata.grants(record) if username in (None, grant.username)]
        if not given:
            return
        tx.metadata.drop_grants(record, username)
        whose = "" if username is None else f" for {username}"
        self._access.note(tx, caller, record, "PERMISSION_REVOKE", f"All permissions revoked{whose}")


def _read(username: str, word: str) -> MetadataGrant:
    if len(username) > _LONGEST_USERNAME or not username.isprintable():
        raise Invalid(f"Invalid username. A username has at most {_LONGEST_USERNAME} characters.")
    named = file_permission(word) if word else file_permission("NONE")
    if named is None:
        raise Invalid(_UNKNOWN, service_status=500)
    return MetadataGrant(username=username, read=named.read, write=named.write)


def _full(username: str) -> MetadataGrant:
    return MetadataGrant(username=username, read=True, write=True)
