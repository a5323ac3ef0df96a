"""What every use case of systems leans on: roles, defaults, the record and its events [systems §7, §8]."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from emulator.domain.errors import NotFound
from emulator.domain.identity import WORLD_USER, Caller
from emulator.domain.ports import Clocks, Ids
from emulator.domain.system import Queue, Role, System, SystemType
from emulator.engine.journal import Journal
from emulator.store import Store, Transaction

SYSTEM_UUID = "006"
QUEUE_UUID = "041"
Credentials = dict[str, Any]
"""``{"storage": {…}, "login": {…}}``: the ``auth`` objects that a body brought, secrets and all."""


class SystemAccess:
    def __init__(self, *, store: Store, clocks: Clocks, ids: Ids, journal: Journal) -> None:
        self.store = store
        self.clocks = clocks
        self.ids = ids
        self._journal = journal

    def role(self, tx: Transaction, caller: Caller, system: System) -> Role:
        """The effective role: owner, tenant admin, explicit entry, what public systems give to all."""
        if caller.username == system.owner:
            return Role.OWNER
        if caller.admin:
            return Role.ADMIN
        explicit = tx.systems.role(system, caller.username)
        if explicit is not None:
            return explicit
        if not system.public:
            return Role.NONE
        read_only = system.type is SystemType.STORAGE and tx.systems.role(system, WORLD_USER) is not None
        return Role.GUEST if read_only else Role.USER

    def visible(self, tx: Transaction, caller: Caller, system_id: str) -> System | None:
        """The system of an id if it is available and the caller has any role on it, else None."""
        system = self.known(tx, caller, system_id)
        return system if system is not None and system.available else None

    def known(self, tx: Transaction, caller: Caller, system_id: str) -> System | None:
        """The system of an id, also one that is switched off, if the caller has any role on it, else None."""
        system = tx.systems.get(caller.world, system_id)
        if system is None or self.role(tx, caller, system) is Role.NONE:
            return None
        return system

    def default(self, tx: Transaction, caller: Caller, kind: SystemType) -> System | None:
        """The caller's own choice while it can be used, else the tenant's default of the type, if any."""
        chosen = tx.systems.user_default(caller.world, caller.username, kind)
        system = tx.systems.get(caller.world, chosen) if chosen else None
        if system is not None and system.available and self.role(tx, caller, system).can_use:
            return system
        return tx.systems.global_default(caller.world, kind)

    def default_ids(self, caller: Caller) -> frozenset[str]:
        """Ids of the caller's effective default systems of both types: at most two."""
        with self.store.read() as tx:
            return frozenset(system.id for system in self.effective_defaults(tx, caller))

    def effective_defaults(self, tx: Transaction, caller: Caller) -> list[System]:
        defaults = (self.default(tx, caller, kind) for kind in SystemType)
        return [system for system in defaults if system is not None]

    def existing(self, tx: Transaction, caller: Caller, system_id: str) -> System:
        """The system of an id, whatever its state. Raises NotFound [systems §5]."""
        system = tx.systems.get(caller.world, system_id)
        if system is None:
            raise NotFound(f"No system found matching {system_id}")
        return system

    def may_manage(self, tx: Transaction, caller: Caller, system: System) -> bool:
        """Switching systems off and on: an admin of the system; of a public one, of the tenant."""
        return caller.admin if system.public else self.role(tx, caller, system).can_admin

    def save(
        self,
        tx: Transaction,
        caller: Caller,
        system: System,
        event: str,
        description: str,
        credentials: Credentials | None = None,
    ) -> System:
        """Store a changed record as of now, with its event; None keeps the credentials."""
        changed = replace(system, last_updated=self.clocks.of(system.world).now())
        tx.systems.save(changed, credentials)
        self.note(tx, caller, changed, event, description)
        return changed

    def note(self, tx: Transaction, caller: Caller, system: System, event: str, description: str) -> None:
        """Write an event of a system down."""
        self._journal.record(
            tx,
            world=system.world,
            subject=system.uuid,
            kind="system",
            status=event,
            description=description,
            created_by=caller.username,
            resource=system,
        )

    def add(self, tx: Transaction, caller: Caller, system: System, credentials: Credentials) -> None:
        """Store a new record with its CREATED event."""
        tx.systems.add(system, credentials)
        self.note(tx, caller, system, "CREATED", "This system was created")

    def identified(self, world: str, queues: Iterable[Queue], old: Iterable[Queue]) -> tuple[Queue, ...]:
        """Queues with uuids; one keeps its uuid as long as its name stays."""
        known, ids = {queue.name: queue.uuid for queue in old}, self.ids.of(world)
        return tuple(replace(q, uuid=known.get(q.name) or ids.legacy(QUEUE_UUID)) for q in queues)
