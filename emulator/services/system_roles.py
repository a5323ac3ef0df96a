"""Roles on systems: who has which, and giving and taking them [systems §7]."""

from __future__ import annotations

from emulator.domain.errors import Forbidden, Invalid, NotFound, NotProvided
from emulator.domain.identity import Caller
from emulator.domain.search import Page
from emulator.domain.system import Role, System, SystemRole, SystemType
from emulator.services.accounts import AccountService
from emulator.services.systems import SystemService
from emulator.store import Store, Transaction

_GIVEN = {role.name: role for role in Role}
_NOT_MANAGER = "User does not have the necessary role to modify this system"


class SystemRoleService:
    def __init__(self, *, store: Store, systems: SystemService, accounts: AccountService) -> None:
        self._store = store
        self._systems = systems
        self._accounts = accounts

    def all(self, caller: Caller, system_id: str, page: Page) -> tuple[System, list[SystemRole]]:
        """All roles, the owner's first, for those who manage the system; for others their own."""
        with self._store.read() as tx:
            system = self._system(tx, caller, system_id)
            own = self._systems.role(tx, caller, system)
            if not own.can_read:
                raise Forbidden("User does not have the necessary role to view this system.")
            if not own.can_admin:
                return system, [_entry(system, caller.username, own)]
            entries = [_entry(system, system.owner, Role.OWNER), *tx.systems.roles(system)]
        end = None if page.limit is None else page.offset + page.limit
        return system, entries[page.offset : end]

    def of_user(self, caller: Caller, system_id: str, username: str) -> tuple[System, SystemRole]:
        """The effective role of one user; others than oneself only for those who manage the system."""
        with self._store.read() as tx:
            system = self._system(tx, caller, system_id)
            own = self._systems.role(tx, caller, system)
            if username == caller.username:
                role = own
            elif not own.can_admin:
                raise Forbidden(
                    "User does not have the necessary role to view other user roles on this system."
                )
            else:
                role = self._role_of(tx, caller, system, username)
        if role is Role.NONE:
            raise NotFound(f"No roles found for user {username}")
        return system, _entry(system, username, role)

    def grant(
        self, caller: Caller, system_id: str, username: str, role_name: str
    ) -> tuple[System, SystemRole]:
        """Give a user the role of a name, in place of the one it had; NONE or an empty name takes it away.

        Owners and tenant admins keep what they have.
        """
        with self._store.write() as tx:
            system = self._changeable(tx, caller, system_id)
            if system.public and not caller.admin:
                raise NotProvided("Share roles are not suported on public systems.")
            if not self._systems.role(tx, caller, system).can_admin:
                raise Forbidden(_NOT_MANAGER)
            if not self._accounts.known_user(tx, caller.world, username):
                raise NotFound(f"No user found matching {username}")
            role = _role(role_name)
            if role is Role.PUBLISHER and system.type is SystemType.STORAGE:
                raise Invalid("Cannot set PUBLISHER role on storage systems.")
            fixed = self._fixed_role(tx, caller, system, username)
            if fixed is not None:
                return system, _entry(system, username, fixed)
            entry = _entry(system, username, role)
            tx.systems.set_role(entry)
            if role is Role.NONE:
                self._note_revoked(tx, caller, system, username)
            else:
                text = f"User {username} was granted the role of {role.name} by {caller.username}"
                self._systems.note(tx, caller, system, "ROLES_GRANT", text)
        return system, entry

    def revoke(self, caller: Caller, system_id: str, username: str | None = None) -> None:
        """Take the role of one user away, or of all with None."""
        with self._store.write() as tx:
            system = self._changeable(tx, caller, system_id)
            if system.public:
                raise NotProvided("Share roles are not suported on public systems.")
            if not self._systems.role(tx, caller, system).can_admin:
                raise Forbidden(_NOT_MANAGER)
            if username is not None and not self._accounts.known_user(tx, caller.world, username):
                raise NotFound(f"No user found matching {username}")
            for entry in tx.systems.roles(system):
                if username in (None, entry.username):
                    tx.systems.drop_role(system.uuid, entry.username)
                    self._note_revoked(tx, caller, system, entry.username)

    def _system(self, tx: Transaction, caller: Caller, system_id: str) -> System:
        system = tx.systems.get(caller.world, system_id)
        if system is None:
            raise NotFound(f"No shared system found matching {system_id}")
        return system

    def _changeable(self, tx: Transaction, caller: Caller, system_id: str) -> System:
        system = self._system(tx, caller, system_id)
        if not system.available:
            raise Invalid(
                "System has been disabled by the administrator. No roles changes may be applied to a disabled "
                "system."
            )
        return system

    def _role_of(self, tx: Transaction, caller: Caller, system: System, username: str) -> Role:
        if not self._accounts.known_user(tx, caller.world, username):
            return Role.NONE
        return self._systems.role(tx, self._accounts.caller(caller.world, username), system)

    def _fixed_role(self, tx: Transaction, caller: Caller, system: System, username: str) -> Role | None:
        """The role of those whose role cannot be changed: the owner and tenant admins."""
        if username == system.owner:
            return Role.OWNER
        return Role.ADMIN if self._accounts.caller(caller.world, username).admin else None

    def _note_revoked(self, tx: Transaction, caller: Caller, system: System, username: str) -> None:
        text = f"User {username} had their roles revoked by {caller.username}"
        self._systems.note(tx, caller, system, "ROLES_REVOKE", text)


def _entry(system: System, username: str, role: Role) -> SystemRole:
    return SystemRole(system_uuid=system.uuid, username=username, role=role)


def _role(name: str) -> Role:
    """The role of a name in any case; OWNER cannot be given."""
    if not name.strip():
        return Role.NONE
    role = _GIVEN.get(name.strip().upper())
    if role is None or role is Role.OWNER:
        raise Invalid("Invalid role value. Valid values are: NONE, USER, PUBLISHER, OWNER, ADMIN")
    return role
