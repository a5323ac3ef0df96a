"""Credentials of systems: kept, replaced and dropped, and never told [systems §10]."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from emulator.domain.credentials import (
    STORAGE,
    Credential,
    parts_of,
    protocol_of,
    shape_of,
    types_for,
)
from emulator.domain.errors import Forbidden, Invalid, NotFound
from emulator.domain.identity import Caller
from emulator.domain.system import AuthShape, System
from emulator.services.system_access import SystemAccess
from emulator.store import Transaction

_ADMINISTRATORS_ONLY = "Individual user credentials may only be managed by system administrators."


class SystemCredentials:
    """``username`` is an internal user, or None for the system's own credentials."""

    def __init__(self, access: SystemAccess) -> None:
        self._access = access

    def all(self, caller: Caller, system_id: str) -> tuple[System, list[Credential]]:
        """The system's own first, then those of internal users."""
        with self._access.store.read() as tx:
            system = self._managed(tx, caller, system_id, "view")
            return system, [*self._own(tx, system), *tx.credentials.internal(system)]

    def of_user(
        self, caller: Caller, system_id: str, username: str | None, part: str | None = None
    ) -> tuple[System, list[Credential]]:
        """Raises NotFound where there are none."""
        system, every = self.all(caller, system_id)
        found = [one for one in every if one.username == username and part in (None, one.part)]
        if not found:
            raise NotFound(_nothing(system, username, part))
        return system, found

    def put(
        self,
        caller: Caller,
        system_id: str,
        shape: AuthShape,
        secret: dict[str, Any],
        username: str | None,
        part: str | None,
    ) -> None:
        """Set the credential of a part; without ``part``, of each part that takes its type."""
        with self._access.store.write() as tx:
            system = self._managed(tx, caller, system_id, "edit")
            parts = _fitting(system, shape.type, part)
            if username is None:
                self._put_own(tx, caller, system, shape, secret, parts)
                return
            now = self._access.clocks.of(caller.world).now()
            for one in parts:
                entry = Credential(part=one, username=username, shape=shape, created=now)
                tx.credentials.put_internal(system, entry, secret)
            text = f"The {' and '.join(parts)} credentials of {username} were updated"
            self._access.note(tx, caller, system, "UPDATE_CREDENTIAL", text)

    def remove(
        self, caller: Caller, system_id: str, username: str | None = None, part: str | None = None
    ) -> None:
        """Drop what a user, or the system itself, has; of all parts without ``part``. Raises NotFound for nothing."""
        with self._access.store.write() as tx:
            system = self._managed(tx, caller, system_id, "edit")
            entries = self._own(tx, system) if username is None else tx.credentials.internal(system)
            parts = [one.part for one in entries if one.username == username and part in (None, one.part)]
            if not parts:
                raise NotFound(_nothing(system, username, part))
            if username is None:
                self._drop_own(tx, caller, system, parts, "REMOVE_DEFAULT_CREDENTIAL")
                return
            for one in parts:
                tx.credentials.drop_internal(system, username, one)
            text = f"The {' and '.join(parts)} credentials of {username} were removed"
            self._access.note(tx, caller, system, "REMOVE_CREDENTIAL", text)

    def clear(self, caller: Caller, system_id: str) -> None:
        """Drop everything, the system's own credentials included."""
        with self._access.store.write() as tx:
            system = self._managed(tx, caller, system_id, "edit")
            tx.credentials.drop_internal(system)
            self._drop_own(tx, caller, system, list(parts_of(system)), "CLEAR_CREDENTIALS")

    def _managed(self, tx: Transaction, caller: Caller, system_id: str, verb: str) -> System:
        system = self._access.existing(tx, caller, system_id)
        if system.public and not caller.admin:
            raise Forbidden(_ADMINISTRATORS_ONLY)
        if not self._access.role(tx, caller, system).can_admin:
            raise Forbidden(f"User does not have the necessary role to {verb} this system.")
        return system

    def _own(self, tx: Transaction, system: System) -> list[Credential]:
        kept = tx.credentials.own_since(system)
        return [
            Credential(part=part, username=None, shape=shape, created=kept.get(part, system.created))
            for part in parts_of(system)
            if (shape := shape_of(system, part)) is not None
        ]

    def _put_own(
        self,
        tx: Transaction,
        caller: Caller,
        system: System,
        shape: AuthShape,
        secret: dict[str, Any],
        parts: list[str],
    ) -> None:
        changed = _with_shapes(system, dict.fromkeys(parts, shape))
        secrets = tx.credentials.own(system) | dict.fromkeys(parts, secret)
        text = f"The default {' and '.join(parts)} credentials were updated"
        self._access.save(tx, caller, changed, "UPDATE_DEFAULT_CREDENTIAL", text, secrets)
        tx.credentials.note_own(system, parts, self._access.clocks.of(caller.world).now())

    def _drop_own(
        self, tx: Transaction, caller: Caller, system: System, parts: list[str], event: str
    ) -> None:
        changed = _with_shapes(system, dict.fromkeys(parts, None))
        secrets = {part: kept for part, kept in tx.credentials.own(system).items() if part not in parts}
        text = f"The {' and '.join(parts)} credentials of this system were removed"
        self._access.save(tx, caller, changed, event, text, secrets)


def _with_shapes(system: System, shapes: dict[str, AuthShape | None]) -> System:
    storage, login = system.storage, system.login
    for part, shape in shapes.items():
        if part == STORAGE:
            storage = replace(storage, auth=shape)
        elif login is not None:
            login = replace(login, auth=shape)
    return replace(system, storage=storage, login=login)


def _fitting(system: System, kind: str, part: str | None) -> list[str]:
    """The parts that take a type of credential. Raises Invalid when none does [systems §3.1]."""
    asked = parts_of(system) if part is None else (part,)
    if part is not None and part not in parts_of(system):
        raise Invalid(
            f"Invalid credential type. {system.id} is a storage system, which has no login credentials."
        )
    found = [one for one in asked if (known := types_for(system, one)) is None or kind in known]
    if not found:
        one = asked[0]
        choice = ", ".join(f"'{name}'" for name in types_for(system, one) or ())
        raise Invalid(
            f"Invalid authentication combination. '{one}.protocol' {protocol_of(system, one)} does not support "
            f"'auth.type' {kind}. Please specify one of: {choice}"
        )
    return found


def _nothing(system: System, username: str | None, part: str | None) -> str:
    kind = f"{part} credentials" if part else "credentials"
    return f"No {kind} found for {username or 'default'} on system {system.id}"
