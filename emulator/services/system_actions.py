"""What PUT does to a system: publishing, defaults, switching off and on, cloning, erasing [systems §9]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from emulator.domain.errors import Forbidden, Invalid
from emulator.domain.identity import Caller
from emulator.domain.system import System, check_system_id
from emulator.services.system_access import SYSTEM_UUID, SystemAccess
from emulator.store import Transaction

_Action = Callable[[Transaction, Caller, System], System | None]


class SystemActions:
    def __init__(self, access: SystemAccess) -> None:
        self._access = access
        self._actions: dict[str, _Action] = {
            "publish": self._publish,
            "unpublish": self._unpublish,
            "setdefault": self._set_default,
            "unsetdefault": self._unset_default,
            "setglobaldefault": self._set_global_default,
            "unsetglobaldefault": self._unset_global_default,
            "enable": self._enable,
            "disable": self._disable,
            "erase": self._erase,
        }

    @property
    def names(self) -> frozenset[str]:
        """All actions, in lower case."""
        return frozenset({*self._actions, "clone"})

    def perform(self, caller: Caller, system_id: str, action: str, new_id: str = "") -> System | None:
        """Do the action of a name (in any case). The answer is the system it made or changed; None: erased.

        ``new_id`` is what a clone shall be called.
        """
        with self._access.store.write() as tx:
            system = self._access.existing(tx, caller, system_id)
            name = action.lower()
            if name == "clone":
                return self._clone(tx, caller, system, new_id.strip())
            if name not in self._actions:
                raise Invalid(
                    "Unrecognized action. Valid actions are: publish, setDefault, unsetDefault, "
                    "setGlobalDefault, unsetGlobalDefault, enable, disable, and clone."
                )
            return self._actions[name](tx, caller, system)

    def _publish(self, tx: Transaction, caller: Caller, system: System) -> System:
        _require_admin(caller, "publish this system")
        if system.public:
            raise Invalid("Cannot republish a public system.")
        changed = replace(system, public=True, revision=system.revision + 1)
        return self._access.save(
            tx, caller, changed, "PUBLISH", "This system was published into the public scope"
        )

    def _unpublish(self, tx: Transaction, caller: Caller, system: System) -> System:
        _require_admin(caller, "publish this system")
        if not system.public:
            raise Invalid("System is not currently published.")
        changed = replace(system, public=False, global_default=False)
        return self._access.save(
            tx, caller, changed, "UNPUBLISH", "This system was removed from the public scope"
        )

    def _set_default(self, tx: Transaction, caller: Caller, system: System) -> System:
        if not self._access.role(tx, caller, system).can_use:
            raise Forbidden("User does not have permission to use this system.", service_status=500)
        if not system.available:
            raise Invalid("System has been disabled by the administrator. It cannot be a default system.")
        old_id = tx.systems.user_default(caller.world, caller.username, system.type)
        old = tx.systems.get(caller.world, old_id) if old_id else None
        if old is not None and old.id != system.id:
            self._unset_note(tx, caller, old)
        tx.systems.set_user_default(caller.world, caller.username, system.type, system.id)
        self._access.note(
            tx, caller, system, "SET_USER_DEFAULT", f"This system was set as the default of {caller.username}"
        )
        return system

    def _unset_default(self, tx: Transaction, caller: Caller, system: System) -> System:
        current = self._access.default(tx, caller, system.type)
        if current is None or current.id != system.id:
            raise Invalid(
                f"Unexpected error processing the request. Cannot change user default status of {system.id}. "
                "The system is not the default system of the user.",
                service_status=500,
            )
        tx.systems.set_user_default(caller.world, caller.username, system.type, None)
        self._unset_note(tx, caller, system)
        return system

    def _unset_note(self, tx: Transaction, caller: Caller, system: System) -> None:
        self._access.note(
            tx,
            caller,
            system,
            "UNSET_USER_DEFAULT",
            f"This system is no longer the default of {caller.username}",
        )

    def _set_global_default(self, tx: Transaction, caller: Caller, system: System) -> System:
        _require_admin(caller, "globally publish this system")
        if not system.public:
            raise Invalid(
                "Cannot set a private system as a global default. Please make the system public before "
                "assigning it as a default."
            )
        if not system.available:
            raise Invalid("System has been disabled by the administrator. It cannot be a default system.")
        old = tx.systems.global_default(caller.world, system.type)
        if old is not None and old.id != system.id:
            self._drop_global_default(tx, caller, old)
        return self._access.save(
            tx,
            caller,
            replace(system, global_default=True),
            "SET_PUBLIC_DEFAULT",
            "This system was set as a public default",
        )

    def _unset_global_default(self, tx: Transaction, caller: Caller, system: System) -> System:
        _require_admin(caller, "globally publish this system")
        if not system.global_default:
            raise Invalid(
                f"System {system.id} is not currently the global default {system.type} system.",
                service_status=500,
            )
        return self._drop_global_default(tx, caller, system)

    def _drop_global_default(self, tx: Transaction, caller: Caller, system: System) -> System:
        return self._access.save(
            tx,
            caller,
            replace(system, global_default=False),
            "UNSET_PUBLIC_DEFAULT",
            "This system is no longer a public default",
        )

    def _clone(self, tx: Transaction, caller: Caller, system: System, new_id: str) -> System:
        """A private copy without roles and credentials, owned by the caller."""
        if not self._access.role(tx, caller, system).can_read:
            raise Forbidden(
                "Permission denied. Only public systems and systems you on which you have been granted a "
                "role may be cloned."
            )
        if not new_id:
            raise Invalid(
                "No new system id provided. Please supply a unique id for the new system.", service_status=500
            )
        check_system_id(new_id)
        if tx.systems.get(caller.world, new_id) is not None:
            raise Invalid(
                "Cloned system id is already assigned to another system. Please supply a unique id for the "
                "new system.",
                service_status=500,
            )
        now = self._access.clocks.of(caller.world).now()
        clone = replace(
            system,
            id=new_id,
            uuid=self._access.ids.of(caller.world).legacy(SYSTEM_UUID),
            owner=caller.username,
            created=now,
            last_updated=now,
            revision=1,
            public=False,
            global_default=False,
            available=True,
            storage=replace(system.storage, auth=None),
            login=replace(system.login, auth=None) if system.login else None,
            queues=self._access.identified(caller.world, system.queues, ()),
        )
        self._access.add(tx, caller, clone, {})
        return clone

    def _enable(self, tx: Transaction, caller: Caller, system: System) -> System:
        self._require_manager(tx, caller, system, "enable")
        changed = replace(system, available=True)
        return self._access.save(tx, caller, changed, "ENABLED", "This system was enabled")

    def _disable(self, tx: Transaction, caller: Caller, system: System) -> System:
        self._require_manager(tx, caller, system, "disable")
        if not system.available:
            raise Invalid(f"{system.id} is already disabled.", service_status=500)
        changed = replace(system, available=False)
        return self._access.save(tx, caller, changed, "DISABLED", "This system was disabled")

    def _require_manager(self, tx: Transaction, caller: Caller, system: System, verb: str) -> None:
        if self._access.may_manage(tx, caller, system):
            return
        if system.public:
            raise Forbidden(f"Permission denied. Only tenant administrators may {verb} public systems.")
        raise Forbidden(f"Permission denied. Only users with the ADMIN role may {verb} this system.")

    def _erase(self, tx: Transaction, caller: Caller, system: System) -> None:
        if not caller.admin:
            raise Forbidden("Permission denied. Only tenant administrators may erase systems.")
        if system.public:
            raise Invalid(
                f"System {system.id} is currently a public system. Please remove from public scope before "
                "erasing."
            )
        self._access.note(tx, caller, system, "ERASED", "This system was erased")
        tx.subscriptions.end_of(system.world, system.uuid)
        tx.files.remove_below(system.world, system.id, "/")  # who gets the id next owes its guests nothing
        tx.systems.erase(system)


def _require_admin(caller: Caller, what: str) -> None:
    if not caller.admin:
        raise Forbidden(f"Permission denied. You do not have permission to {what}")
