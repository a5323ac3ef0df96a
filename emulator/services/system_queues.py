"""The batch queues of execution systems, one by one [systems §4.2]."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from emulator.domain.errors import Forbidden, Invalid, NotFound, NotProvided
from emulator.domain.identity import Caller
from emulator.domain.states import JobState
from emulator.domain.system import Queue, System, SystemType
from emulator.services.system_access import SystemAccess
from emulator.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLoad:
    """A queue and how many jobs that have not ended stand in each state."""

    queue: Queue
    jobs: dict[JobState, int] = field(default_factory=dict)


class SystemQueues:
    def __init__(self, access: SystemAccess) -> None:
        self._access = access

    def all(self, caller: Caller, system_id: str) -> list[QueueLoad]:
        """All queues in the order they were defined."""
        with self._access.store.read() as tx:
            system = self._readable(tx, caller, system_id)
            return [_loaded(tx, system, queue) for queue in system.queues]

    def one(self, caller: Caller, system_id: str, name: str) -> QueueLoad:
        with self._access.store.read() as tx:
            system = self._readable(tx, caller, system_id)
            return _loaded(tx, system, _named(system, name))

    def put(self, caller: Caller, system_id: str, queue: Queue) -> QueueLoad:
        """Add a queue, or replace the one of its name. A new default takes the mark from the others."""
        with self._access.store.write() as tx:
            system = self._editable(tx, caller, system_id)
            old = system.queue(queue.name)
            (new,) = self._access.identified(system.world, [queue], system.queues)
            others = [replace(q, default=False) if new.default else q for q in system.queues]
            replaced = tuple(new if q.name == new.name else q for q in others)
            queues = (*others, new) if old is None else replaced
            event, did = ("QUEUE_CREATE", "created") if old is None else ("QUEUE_UPDATE", "updated")
            changed = replace(system, queues=queues)
            self._access.save(tx, caller, changed, event, f"The queue {queue.name} was {did}")
            return _loaded(tx, changed, new)

    def remove(self, caller: Caller, system_id: str, name: str) -> None:
        with self._access.store.write() as tx:
            system = self._editable(tx, caller, system_id)
            gone = _named(system, name)
            changed = replace(system, queues=tuple(q for q in system.queues if q is not gone))
            self._access.save(tx, caller, changed, "QUEUE_DELETE", f"The queue {gone.name} was deleted")

    def _readable(self, tx: Transaction, caller: Caller, system_id: str) -> System:
        system = self._access.existing(tx, caller, system_id)
        if not self._access.role(tx, caller, system).can_read:
            raise Forbidden("User does not have the necessary role to view this system.")
        if system.type is not SystemType.EXECUTION:
            raise Invalid(
                f"Invalid system id. {system.id} is a storage system. Only execution systems have batch queues."
            )
        return system

    def _editable(self, tx: Transaction, caller: Caller, system_id: str) -> System:
        system = self._readable(tx, caller, system_id)
        if not self._access.role(tx, caller, system).can_admin:
            raise Forbidden("User does not have the necessary role to edit this system.")
        if system.public:
            raise NotProvided(
                "Public system queues cannot be updated. Please unpublish this system before updating its "
                "queues."
            )
        return system


def _named(system: System, name: str) -> Queue:
    queue = system.queue(name)
    if queue is None:
        raise NotFound(f"No queue found matching {name} on system {system.id}")
    return queue


def _loaded(tx: Transaction, system: System, queue: Queue) -> QueueLoad:
    return QueueLoad(queue=queue, jobs=tx.jobs.active_by_state(system.world, system.id, queue.name))
