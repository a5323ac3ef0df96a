"""Who may do what with a file: looking it up, listing, granting and revoking [files §10]."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from emulator.domain import paths
from emulator.domain.errors import Forbidden, Invalid, NotFound
from emulator.domain.file import (
    ALL_PERMISSIONS,
    INVALID_PERMISSION,
    NO_PERMISSION,
    FileGrant,
    LogicalFile,
    Permission,
    file_permission,
)
from emulator.domain.file_event import FileEvent
from emulator.domain.file_rights import effective_permission, grantees, grants_for, owner_of
from emulator.domain.identity import PUBLIC_USER, WORLD_USER, Caller
from emulator.domain.ports import Clocks, Hosts, Ids
from emulator.domain.system import Role, System
from emulator.engine.journal import Journal
from emulator.services.file_failures import MISSING, NO_VIEW, told
from emulator.services.file_places import Place, Places, Route
from emulator.services.file_records import FileRecords
from emulator.services.systems import SystemService
from emulator.settings import Settings
from emulator.store import Store, Transaction

EVERYBODY = "*"
_NO_MANAGEMENT = "User does not have permission to manage permissions on this file for directory."


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePem:
    """What a user may do with a path; ``recursive``: and with all below it."""

    username: str
    permission: Permission
    recursive: bool


@dataclass(frozen=True, slots=True)
class Pems:
    """Entries of a place; after a change: whether it has granted something."""

    place: Place
    entries: list[FilePem]
    granted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PemChange:
    """What is to become of a user's grant. ``word`` wins over the single rights; None takes the caller's own."""

    username: str
    word: str | None = None
    read: bool | None = None
    write: bool | None = None
    execute: bool = False
    everything: bool = False
    recursive: bool = False

    def permission(self, own: Permission) -> Permission:
        """Raises Invalid for a word that names no permission."""
        if self.word is not None:
            named = file_permission(self.word)
            if named is None:
                raise Invalid(INVALID_PERMISSION)
            return named
        if self.everything:
            return ALL_PERMISSIONS
        return Permission(
            read=own.read if self.read is None else self.read,
            write=own.write if self.write is None else self.write,
            execute=self.execute,
        )


class FilePermissionService:
    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        ids: Ids,
        journal: Journal,
        systems: SystemService,
        hosts: Hosts,
        settings: Settings,
    ) -> None:
        self._store = store
        self._systems = systems
        self._settings = settings
        self._places = Places(store=store, systems=systems, hosts=hosts)
        self._records = FileRecords(clocks=clocks, ids=ids, journal=journal)

    def effective(self, tx: Transaction, caller: Caller, system: System, virtual_path: str) -> Permission:
        """What the caller may do at a virtual path [files §10.1]; the system must be visible to it."""
        role = self._systems.role(tx, caller, system)
        if caller.username and role.can_admin:
            return ALL_PERMISSIONS  # whatever is granted to anybody
        record = tx.files.get(system.world, system.id, virtual_path)
        above = tx.files.grants_above(system.world, system.id, virtual_path, grantees(caller.username))
        item = tx.files.grants(record.uuid) if record else []
        return self._decide(caller, role, system, virtual_path, record, item, above)

    def effective_inside(
        self, tx: Transaction, caller: Caller, place: Place, records: Iterable[LogicalFile]
    ) -> dict[str, Permission]:
        """The same for children of a directory that are known, by path, in a few questions to the store."""
        system, known = place.system, list(records)
        role = self._systems.role(tx, caller, system)
        if caller.username and role.can_admin:
            return {record.path: ALL_PERMISSIONS for record in known}
        child = paths.join(place.path, "child")
        above = tx.files.grants_above(system.world, system.id, child, grantees(caller.username))
        items = tx.files.grants_of(record.uuid for record in known)
        return {
            record.path: self._decide(
                caller, role, system, record.path, record, items.get(record.uuid, []), above
            )
            for record in known
        }

    def is_published(self, tx: Transaction, system: System, virtual_path: str) -> bool:
        """Whether anybody may read a path without a token: it was granted to ``public`` [files §12]."""
        record = tx.files.get(system.world, system.id, virtual_path)
        own = tx.files.grants(record.uuid) if record else []
        granted = next((grant.permission for grant in own if grant.username == PUBLIC_USER), None)
        if granted is None:
            above = tx.files.grants_above(system.world, system.id, virtual_path, [PUBLIC_USER])
            granted = above[0][1].permission if above else NO_PERMISSION
        return granted.read

    def _decide(
        self,
        caller: Caller,
        role: Role,
        system: System,
        path: str,
        record: LogicalFile | None,
        item: Iterable[FileGrant],
        above: list[tuple[str, FileGrant]],
    ) -> Permission:
        closest = above[0][0] if above else None
        return effective_permission(
            username=caller.username,
            role=role,
            system=system,
            path=path,
            owner=record.owner if record else None,
            item=grants_for(caller.username, item),
            inherited=grants_for(caller.username, (grant for where, grant in above if where == closest)),
            inherited_from=closest,
            public_default_read=self._settings.public_default_read,
        )

    def listing(
        self,
        caller: Caller,
        system_id: str | None,
        agave_path: str,
        username: str | None = None,
        permission: str | None = None,
    ) -> Pems:
        """One entry per user by name; just that of ``username``, or those with exactly ``permission``.

        Raises NotFound, Forbidden, and Invalid for a permission that does not exist.
        """
        place = self._places.locate(caller, system_id, agave_path, Route.LOOK)
        wanted = None if permission is None else _exact(permission)
        _stat(place)
        with self._store.read() as tx:
            own = self.effective(tx, caller, place.system, place.path)
            if not own.read:
                raise Forbidden(NO_VIEW)
            names = self._holders(tx, caller, place) if username is None else {username}
            pems = [self._pem(tx, caller, place, name) for name in sorted(names)]
        return Pems(place, [pem for pem in pems if wanted is None or pem.permission == wanted])

    def change(self, caller: Caller, system_id: str | None, agave_path: str, change: PemChange) -> Pems:
        """Replace a user's grant; an empty permission revokes it, for ``*`` all. The user's entry as it is then."""
        place = self._places.locate(caller, system_id, agave_path, Route.SHARE)
        is_dir = _stat(place)
        with self._store.write() as tx:
            own = self.effective(tx, caller, place.system, place.path)
            if not own.write:
                raise Forbidden(_NO_MANAGEMENT)
            permission = change.permission(own)
            if change.username == EVERYBODY:
                if permission:
                    raise Invalid(
                        "The user * stands for all users and can only be given the permission NONE."
                    )
                self._clear(tx, caller, place, change.recursive and is_dir)
                return Pems(place, [])
            record = self._records.seen(tx, place, is_dir)
            recursive = change.recursive and is_dir
            if recursive:
                tx.files.drop_grants_below(record.world, record.system_id, place.path, change.username)
            grant = FileGrant(
                file_uuid=record.uuid, username=change.username, permission=permission, recursive=recursive
            )
            tx.files.set_grant(grant)
            if permission:
                text = f"{permission.word} permission granted to {change.username}"
                self._records.note(tx, record, FileEvent.PERMISSION_GRANT, caller.username, text)
            else:
                text = f"All permissions revoked for {change.username}"
                self._records.note(tx, record, FileEvent.PERMISSION_REVOKE, caller.username, text)
            return Pems(place, [self._pem(tx, caller, place, change.username)], granted=bool(permission))

    def clear(self, caller: Caller, system_id: str | None, agave_path: str, recursive: bool = False) -> None:
        """Drop the caller's own grants; for the owner, or an admin of the system, everybody's."""
        place = self._places.locate(caller, system_id, agave_path, Route.SHARE)
        with self._store.write() as tx:
            record = self._records.known(tx, place)
            if record is None and not place.files.exists(place.host_path):
                raise NotFound("Failed to remove permissions.", service_status=500)
            if not self.effective(tx, caller, place.system, place.path).write:
                raise Forbidden(f"User does not have access to change permissions on {place.path}")
            if record is None:
                return
            is_owner = record.owner == caller.username
            if is_owner or self._systems.role(tx, caller, place.system).can_admin:
                self._clear(tx, caller, place, recursive)
                return
            tx.files.drop_grants(record.uuid, caller.username)
            if recursive:
                tx.files.drop_grants_below(record.world, record.system_id, place.path, caller.username)
            text = f"All permissions revoked for {caller.username}"
            self._records.note(tx, record, FileEvent.PERMISSION_REVOKE, caller.username, text)

    def _clear(self, tx: Transaction, caller: Caller, place: Place, recursive: bool) -> None:
        record = self._records.known(tx, place)
        if record is None:
            return
        tx.files.drop_grants(record.uuid)
        if recursive:
            tx.files.drop_grants_below(record.world, record.system_id, place.path)
        self._records.note(
            tx, record, FileEvent.PERMISSION_REVOKE, caller.username, "All permissions revoked"
        )

    def _holders(self, tx: Transaction, caller: Caller, place: Place) -> set[str]:
        """Everybody who has a say about a path [files §10]."""
        system = place.system
        names = {system.owner, caller.username}
        for entry in tx.systems.roles(system):
            if entry.role.can_admin or not system.public:
                names.add(entry.username)
        record = self._records.known(tx, place)
        if record is not None:
            names.update(grant.username for grant in tx.files.grants(record.uuid))
        above = tx.files.grants_above(system.world, system.id, place.path)
        names.update(grant.username for _, grant in above)
        if system.public and tx.systems.role(system, WORLD_USER) is not Role.GUEST:
            owner = _home_owner(place)
            names.update([owner] if owner else [])
        return names

    def _pem(self, tx: Transaction, caller: Caller, place: Place, username: str) -> FilePem:
        system = place.system
        user = tx.accounts.user(caller.world, username)
        other = Caller(
            world=caller.world,
            username=username,
            tenant_id=caller.tenant_id,
            admin=bool(user and user.is_admin(caller.tenant_id)),
        )
        record = self._records.known(tx, place)
        own = (
            [grant for grant in tx.files.grants(record.uuid) if grant.username == username] if record else []
        )
        permission = self.effective(tx, other, system, place.path)
        if username in (PUBLIC_USER, WORLD_USER):
            # not users: what they have is what was granted to them
            permission = next((grant.permission for grant in own), permission)
        inherited = tx.files.grants_above(system.world, system.id, place.path, [username])
        by_grant = bool(inherited) or any(grant.recursive for grant in own)
        role = self._systems.role(tx, other, system)
        by_role = role.can_admin or (not own and not system.public and role.can_read)
        at_home = _home_owner(place) == username
        return FilePem(
            username=username,
            permission=permission,
            recursive=bool(permission) and (by_grant or by_role or at_home),
        )


def _stat(place: Place) -> bool:
    """Whether the place is a directory. Raises NotFound."""
    with told(f"Failed to retrieve information for {place.path}", missing=MISSING):
        return place.files.stat(place.host_path).is_dir


def _home_owner(place: Place) -> str | None:
    """Whose home on a public system a place lies in."""
    return owner_of(place.system, place.path, "") or None


def _exact(word: str) -> Permission:
    """The permission of a filter; it knows the words in capitals only."""
    found = file_permission(word) if word == word.upper() else None
    if found is None:
        raise Invalid(INVALID_PERMISSION)
    return found
