"""What every use case of apps leans on: permissions, finding, the record and its events [apps §6, §7]."""

from __future__ import annotations

from dataclasses import replace

from emulator.domain.app import App
from emulator.domain.errors import Forbidden, NotFound
from emulator.domain.file import ALL_PERMISSIONS, NO_PERMISSION, Permission
from emulator.domain.identity import PUBLIC_USER, WORLD_USER, Caller
from emulator.domain.ports import Clocks, Ids
from emulator.engine.journal import Journal
from emulator.services.systems import SystemService
from emulator.store import Store, Transaction

APP_UUID = "005"
NOT_ALLOWED = "Permission denied. You do not have permission to perform this action."
NO_DEFAULT_STORAGE = (
    "Invalid deploymentSystem value. No deploymentSystem was provided and you have no public or private default "
    "storage system configured. Please specify a valid storage system id on which the assets of this application "
    "are stored."
)
# events of apps that stand in the history of their execution system too [systems §11]
_TOLD_TO_SYSTEMS = {"CREATED": "APP_CREATE", "UPDATED": "APP_UPDATE", "DELETED": "APP_DELETE"}
_REMOVED = "This application has been removed by the administrator."
_PUBLIC_PERMISSION = Permission(read=True, execute=True)


class AppAccess:
    def __init__(
        self, *, store: Store, clocks: Clocks, ids: Ids, journal: Journal, systems: SystemService
    ) -> None:
        self.store = store
        self.clocks = clocks
        self.ids = ids
        self.systems = systems
        self._journal = journal

    def permission(self, tx: Transaction, caller: Caller, app: App) -> Permission:
        """What the caller may do: owner and tenant admin all, on public apps only the latter [apps §7]."""
        if caller.admin:
            return ALL_PERMISSIONS
        if app.public:
            return _PUBLIC_PERMISSION
        if caller.username == app.owner:
            return ALL_PERMISSIONS
        grants = tx.apps.grants(app)
        found = NO_PERMISSION
        for username in (caller.username, WORLD_USER, PUBLIC_USER):
            found |= grants.get(username, NO_PERMISSION)
        return found

    def existing(self, tx: Transaction, caller: Caller, app_id: str) -> App:
        """The app of an id (in any case) or uuid, whatever its state. Raises NotFound."""
        app = tx.apps.get(caller.world, app_id)
        if app is None:
            raise NotFound(f"No software found matching {app_id}")
        return app

    def readable(self, tx: Transaction, caller: Caller, app_id: str, removed: str = _REMOVED) -> App:
        """The app, when the caller may see it. Raises NotFound (``removed`` says so), Forbidden [apps §6]."""
        app = self.existing(tx, caller, app_id)
        if app.public and not app.available and not caller.admin:
            raise NotFound(removed)
        if not self.permission(tx, caller, app).read:
            raise Forbidden("Permission denied. You do not have permission to view this application")
        return app

    def seen(self, tx: Transaction, caller: Caller, app_id: str, write: bool = False) -> App:
        """As :meth:`readable`, in the words of the PUT actions; or for those who may write [apps §6]."""
        app = self.existing(tx, caller, app_id)
        if app.public and not app.available and not caller.admin:
            raise NotFound(_REMOVED)
        granted = self.permission(tx, caller, app)
        if not (granted.write if write else granted.read):
            raise Forbidden(NOT_ALLOWED)
        return app

    def may_publish_on(self, tx: Transaction, caller: Caller, system_id: str) -> bool:
        """Whether the caller is PUBLISHER or more on an execution system."""
        system = tx.systems.get(caller.world, system_id)
        return system is not None and self.systems.role(tx, caller, system).can_publish

    def save(self, tx: Transaction, caller: Caller, app: App, event: str, description: str) -> App:
        """Store a changed record as of now, with its event."""
        changed = replace(app, last_updated=self.clocks.of(app.world).now())
        tx.apps.save(changed)
        self.note(tx, caller, changed, event, description)
        return changed

    def note(self, tx: Transaction, caller: Caller, app: App, event: str, description: str) -> None:
        """Write an event of an app down."""
        self._journal.record(
            tx,
            world=app.world,
            subject=app.uuid,
            kind="app",
            status=event,
            description=description,
            created_by=caller.username,
            resource=app,
        )
        told = _TOLD_TO_SYSTEMS.get(event)
        system = tx.systems.get(app.world, app.execution_system) if told else None
        if told and system is not None:
            self.systems.note(tx, caller, system, told, f"App {app.id}: {description}")
