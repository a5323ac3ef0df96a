"""Systems: who may do what on them, registering, finding and removing them [systems]."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from emulator.domain.errors import Forbidden, Invalid, NotFound
from emulator.domain.event import Event
from emulator.domain.identity import Caller
from emulator.domain.ports import Clocks, Ids
from emulator.domain.search import Condition, Operator, Page
from emulator.domain.system import System, SystemDefinition, SystemType
from emulator.engine.journal import Journal
from emulator.services.system_access import SYSTEM_UUID, Credentials, SystemAccess
from emulator.services.system_actions import SystemActions
from emulator.services.system_credentials import SystemCredentials
from emulator.services.system_queues import SystemQueues
from emulator.store import Store, Transaction


class SystemService(SystemAccess):
    """``actions`` holds the PUT actions, ``queues`` and ``credentials`` the routes of these."""

    def __init__(self, *, store: Store, clocks: Clocks, ids: Ids, journal: Journal) -> None:
        super().__init__(store=store, clocks=clocks, ids=ids, journal=journal)
        self.actions = SystemActions(self)
        self.queues = SystemQueues(self)
        self.credentials = SystemCredentials(self)

    # reading

    def show(self, caller: Caller, system_id: str) -> System:
        """Raises NotFound for unknown ones and (without a USER role) disabled ones, else Forbidden."""
        with self.store.read() as tx:
            system = self.existing(tx, caller, system_id)
            role = self.role(tx, caller, system)
        if not system.available and not role.can_use:
            raise NotFound("This system has been removed by the administrator.")
        if not role.can_read:
            raise Forbidden("Permission denied. You do not have permission to view this system")
        return system

    def listing(
        self,
        caller: Caller,
        conditions: Iterable[Condition] = (),
        page: Page | None = None,
    ) -> list[System]:
        """The systems a caller sees [systems §6].

        A condition on ``default`` is about the caller's default systems. Disabled systems are left out unless
        a condition is about ``available``.
        """
        wanted = list(conditions)
        if not any(condition.field == "available" for condition in wanted):
            wanted.append(Condition("available", Operator.EQ, True))
        with self.store.read() as tx:
            if any(condition.field == "default" for condition in wanted):
                uuids = sorted(system.uuid for system in self.effective_defaults(tx, caller))
                wanted = [_about_defaults(one, uuids) if one.field == "default" else one for one in wanted]
            visible_to = None if caller.admin else caller.username
            return tx.systems.find(caller.world, visible_to, wanted, page)

    def history(self, caller: Caller, system_id: str, page: Page | None = None) -> list[Event]:
        """Events, oldest first [systems §11]."""
        with self.store.read() as tx:
            system = self._with_history(tx, caller, system_id)
            limit, offset = (page.limit, page.offset) if page else (None, 0)
            return tx.events.of(caller.world, system.uuid, limit=limit, offset=offset)

    def event(self, caller: Caller, system_id: str, event_uuid: str) -> Event:
        """One entry of the history. Raises NotFound."""
        with self.store.read() as tx:
            system = self._with_history(tx, caller, system_id)
            wanted = [Condition("uuid", Operator.EQ, event_uuid)]
            found = tx.events.of(caller.world, system.uuid, wanted, limit=1)
        if not found:
            raise NotFound(f"No event found matching {event_uuid} for system {system_id}")
        return found[0]

    def _with_history(self, tx: Transaction, caller: Caller, system_id: str) -> System:
        system = self.existing(tx, caller, system_id)
        if not self.role(tx, caller, system).can_read:
            raise Forbidden("User does not have the necessary role to view this system history.")
        return system

    # registering, updating, removing [systems §5]

    def register(self, caller: Caller, definition: SystemDefinition, credentials: Credentials) -> System:
        """A new system, or a new revision of the caller's own one with this id."""
        with self.store.write() as tx:
            old = tx.systems.get(caller.world, definition.id)
            if old is None:
                return self._create(tx, caller, definition, credentials)
            if not old.available:
                raise Invalid(
                    f"The id {old.id} is already taken. Please select a different identifier for this system."
                )
            if not self.role(tx, caller, old).can_admin:
                raise Forbidden(
                    f"System {old.id} already exists and you do not have the necessary role to update it."
                )
            return self._replace(tx, caller, old, definition, credentials)

    def update(
        self, caller: Caller, system_id: str, definition: SystemDefinition, credentials: Credentials, url: str
    ) -> System:
        """A new revision. ``url`` is the URL of the systems service, for the message about another id."""
        with self.store.write() as tx:
            old = self.existing(tx, caller, system_id)
            if not old.available:
                raise Invalid(
                    "System has been disabled by the administrator. The system must be re-enabled before "
                    "updating its description."
                )
            if not self.role(tx, caller, old).can_admin:
                raise Forbidden("Permission denied. You do not have permission to update this system")
            if definition.id.lower() != old.id.lower():
                raise Invalid(
                    "Uploaded system description does not match target uri. You uploaded an system "
                    f"description for {definition.id} to the uri for {old.id}. Please either register a new "
                    f"system or post your update to {url}{definition.id} to update that system."
                )
            return self._replace(tx, caller, old, replace(definition, id=old.id), credentials)

    def remove(self, caller: Caller, system_id: str) -> None:
        """Disable for good: the id stays taken, ``enable`` brings it back."""
        with self.store.write() as tx:
            system = self.existing(tx, caller, system_id)
            if not self.may_manage(tx, caller, system):
                raise Forbidden("User does not have permission to delete this system", service_status=401)
            self.save(tx, caller, replace(system, available=False), "DELETED", "This system was deleted")

    def _create(
        self, tx: Transaction, caller: Caller, definition: SystemDefinition, credentials: Credentials
    ) -> System:
        _check_auth(definition)
        now = self.clocks.of(caller.world).now()
        system = System(
            **definition.definition() | {"queues": self.identified(caller.world, definition.queues, ())},
            world=caller.world,
            uuid=self.ids.of(caller.world).legacy(SYSTEM_UUID),
            owner=caller.username,
            created=now,
            last_updated=now,
        )
        self.add(tx, caller, system, credentials)
        return system

    def _replace(
        self,
        tx: Transaction,
        caller: Caller,
        old: System,
        definition: SystemDefinition,
        credentials: Credentials,
    ) -> System:
        if old.public:
            raise Forbidden(
                "Permission denied. Public systems cannot be updated. The system must be re-enabled before "
                "updating its description."
            )
        if definition.type is not old.type:
            raise Invalid(
                f"System {old.id} already exists as {_a_system(old.type)}. Once declared, systems cannot be "
                "redefined as a different type."
            )
        kept = _with_kept_auth(definition, old)
        _check_auth(kept)
        queues = self.identified(old.world, definition.queues, old.queues)
        kept_credentials = tx.credentials.own(old)
        tx.credentials.note_own(old, credentials, self.clocks.of(old.world).now())
        changed = self.save(
            tx,
            caller,
            replace(old, **kept.definition() | {"queues": queues}, revision=old.revision + 1),
            "UPDATED",
            "This system was updated",
            kept_credentials | credentials,
        )
        if changed.status is not old.status:
            self.note(tx, caller, changed, "STATUS_UPDATE", "The status of this system was changed")
        return changed


def _about_defaults(condition: Condition, uuids: list[str]) -> Condition:
    """``default`` is nobody's field, but a matter of who asks; it is never null."""
    if condition.value is None:
        return Condition("uuid", condition.operator, None)
    wanted = condition.value is (condition.operator is Operator.EQ)
    return Condition("uuid", Operator.IN if wanted else Operator.NIN, uuids)


def _a_system(kind: SystemType) -> str:
    return "a storage system" if kind is SystemType.STORAGE else "an execution system"


def _with_kept_auth(definition: SystemDefinition, old: System) -> SystemDefinition:
    """``auth`` left out of an update keeps the stored credentials [systems §2]."""
    storage, login = definition.storage, definition.login
    if storage.auth is None:
        storage = replace(storage, auth=old.storage.auth)
    if login is not None and login.auth is None:
        login = replace(login, auth=old.login.auth if old.login else None)
    return replace(definition, storage=storage, login=login)


def _check_auth(definition: SystemDefinition) -> None:
    for name, part in (("storage", definition.storage), ("login", definition.login)):
        if part is not None and part.auth is None:
            raise Invalid(
                f"Failed to parse '{name}' object: No '{name}.auth' value specified. Please specify a JSON "
                f"object representing a valid '{name}.auth' configuration."
            )
