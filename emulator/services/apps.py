"""Apps: registering, finding, showing, removing them [apps]."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from emulator.domain.app import App, AppDefinition
from emulator.domain.errors import Forbidden, Invalid, NotFound
from emulator.domain.event import Event
from emulator.domain.identity import Caller
from emulator.domain.paths import OutsideRoot
from emulator.domain.ports import Clocks, Ids
from emulator.domain.search import Condition, Operator, Page
from emulator.domain.system import SystemType
from emulator.engine.journal import Journal
from emulator.services.app_access import APP_UUID, NO_DEFAULT_STORAGE, AppAccess
from emulator.services.app_actions import AppActions
from emulator.services.app_assets import AppAssets
from emulator.services.app_cloning import AppCloning
from emulator.services.app_publishing import AppPublishing
from emulator.services.app_rules import check_deployment, check_execution
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Route
from emulator.services.files import FileService
from emulator.services.systems import SystemService
from emulator.store import Store, Transaction

_NO_HISTORY = "This app has been removed by the administrator."
_NOT_FOR_EXECUTION = "App is not available for execution"


class AppService(AppAccess):
    """``actions`` removes, and switches off and on; ``publishing`` and ``cloning`` make copies."""

    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        ids: Ids,
        journal: Journal,
        systems: SystemService,
        files: FileService,
        file_permissions: FilePermissionService,
        on_named: Callable[[str, str], None] = lambda _world, _app_id: None,
    ) -> None:
        """``on_named`` is told the world and id of an app before it is looked up for a user, and may register it."""
        super().__init__(store=store, clocks=clocks, ids=ids, journal=journal, systems=systems)
        self._files = files
        self._file_permissions = file_permissions
        self.on_named = on_named
        assets = AppAssets(store=store, files=files)
        self.actions = AppActions(self)
        self.publishing = AppPublishing(self, assets)
        self.cloning = AppCloning(self, assets, files, file_permissions)

    # reading

    def get(self, caller: Caller, app_id: str) -> App:
        """The app, when the caller may see it. Raises NotFound, Forbidden [apps §6]."""
        self.on_named(caller.world, app_id)
        with self.store.read() as tx:
            return self.readable(tx, caller, app_id)

    def listing(
        self, caller: Caller, conditions: Iterable[Condition] = (), page: Page | None = None
    ) -> list[App]:
        """The apps a caller sees; disabled ones only where a condition is about ``available`` [apps §8]."""
        wanted = list(conditions)
        if not any(condition.field == "available" for condition in wanted):
            wanted.append(Condition("available", Operator.EQ, True))
        with self.store.read() as tx:
            return tx.apps.find(caller.world, None if caller.admin else caller.username, wanted, page)

    def history(self, caller: Caller, app_id: str, page: Page | None = None) -> tuple[App, list[Event]]:
        """Events, oldest first [apps §9]."""
        with self.store.read() as tx:
            app = self.readable(tx, caller, app_id, _NO_HISTORY)
            limit, offset = (page.limit, page.offset) if page else (None, 0)
            return app, tx.events.of(caller.world, app.uuid, limit=limit, offset=offset)

    def event(self, caller: Caller, app_id: str, event_uuid: str) -> tuple[App, Event]:
        """One entry of the history. Raises NotFound."""
        with self.store.read() as tx:
            app = self.readable(tx, caller, app_id, _NO_HISTORY)
            wanted = [Condition("uuid", Operator.EQ, event_uuid)]
            found = tx.events.of(caller.world, app.uuid, wanted, limit=1)
        if not found:
            raise NotFound(f"No event found matching {event_uuid} for app {app.id}")
        return app, found[0]

    def invokable(self, tx: Transaction, caller: Caller, app_id: str) -> App:
        """The app for a job of the caller's [jobs §3.1, §3.2]; ``tx`` must be a reading one.

        Raises Invalid for an unknown or unavailable app and Forbidden without EXECUTE. An app whose wrapper
        template is gone is disabled [apps §6.3].
        """
        app = tx.apps.get(caller.world, app_id)
        if app is None:
            raise Invalid(f"No app found matching {app_id} for {caller.username}")
        if not self.permission(tx, caller, app).execute:
            raise Forbidden(
                f"Permission denied. You do not have permission to use the requeste app, {app_id}"
            )
        deployment = tx.systems.get(app.world, app.deployment_system)
        if not app.available or deployment is None:
            raise Invalid(_NOT_FOR_EXECUTION)
        if not self._has_template(app):
            self._retire(caller, app)
            raise Invalid(_NOT_FOR_EXECUTION)
        return app

    def _has_template(self, app: App) -> bool:
        """Looked up with all rights: who may run an app need not be able to read its files."""
        looker = Caller(world=app.world, username=app.owner, tenant_id="", admin=True)
        # a public app is an archive that is unpacked later: it stands for what is in it
        path = app.deployment_path if app.public else f"{app.deployment_path}/{app.template_path}"
        place = self._files.locate(looker, app.deployment_system, path, Route.AWAITED)
        return self._files.exists(place)

    def _retire(self, caller: Caller, app: App) -> None:
        with self.store.write() as tx:
            current = tx.apps.get(app.world, app.uuid)
            if current is not None and current.available:
                text = f"App was disabled by user {caller.username}"
                self.save(tx, caller, replace(current, available=False), "DISABLED", text)

    # registering and updating [apps §4]

    def check_replaceable(self, caller: Caller, name: str, version: str) -> None:
        """Raise Forbidden when an app of this name and version is not the caller's to update.

        The service looks at this before anything else in the body.
        """
        with self.store.read() as tx:
            old = tx.apps.get(caller.world, f"{name}-{version}")
            if old is not None:
                self._check_may_update(tx, caller, old)

    def register(self, caller: Caller, definition: AppDefinition) -> App:
        """A new app, or a new revision of the one with its name and version (then ``revision`` is above 1)."""
        with self.store.read() as tx:
            resolved = self._resolve(tx, caller, definition)
        self._check_files(caller, resolved)
        with self.store.write() as tx:
            old = tx.apps.get(caller.world, definition.private_id)
            if old is not None:
                return self._replace(tx, caller, old, resolved)
            return self._create(tx, caller, resolved)

    def update(self, caller: Caller, app_id: str, definition: AppDefinition, url: str) -> App:
        """A new revision. ``url`` is the URL of the apps service, for the message about another id."""
        with self.store.read() as tx:
            old = self.existing(tx, caller, app_id)
            self._check_may_update(tx, caller, old)
            resolved = self._resolve(tx, caller, definition)
            if definition.private_id.lower() != old.id.lower():
                raise Invalid(self._mismatch(tx, old, definition.private_id, url))
        self._check_files(caller, resolved)
        with self.store.write() as tx:
            return self._replace(tx, caller, self.existing(tx, caller, old.uuid), resolved)

    def _check_may_update(self, tx: Transaction, caller: Caller, old: App) -> None:
        if old.public:
            raise Forbidden("Permission denied. Public applications cannot be updated.")
        if not self.permission(tx, caller, old).write:
            newest = max(tx.apps.versions(old.world, old.name), key=_version_key, default=old.version)
            raise Forbidden(
                "Permission denied. An application with this unique id already exists and you do not have "
                "permission to update this application. Please either change your application name or update "
                f"the version number past {newest}"
            )

    def _mismatch(self, tx: Transaction, old: App, new_id: str, url: str) -> str:
        text = (
            "Uploaded application description does not match target uri. You uploaded an application "
            f'description for "{new_id}" to the uri for "{old.id}". Please '
        )
        if tx.apps.get(old.world, new_id) is None:
            return f"{text}post your application description to {url} to create a new app."
        return f"{text}either register a new application or post your update to {url}/{new_id} to update that app."

    def _resolve(self, tx: Transaction, caller: Caller, definition: AppDefinition) -> AppDefinition:
        """The definition with its deployment system filled in, once it fits the systems it names."""
        world = caller.world
        execution = check_execution(definition, tx.systems.get(world, definition.execution_system))
        if definition.deployment_system is None:
            default = self.systems.default(tx, caller, SystemType.STORAGE)
            if default is None:
                raise Invalid(NO_DEFAULT_STORAGE)
            deployment = default
        else:
            wanted = definition.deployment_system
            deployment = check_deployment(wanted, tx.systems.get(world, wanted))
        if not self.systems.role(tx, caller, execution).can_publish:
            raise Forbidden(
                f'User does not have permission to publish applications on execution system "{execution.id}"'
            )
        return replace(definition, deployment_system=deployment.id)

    def _check_files(self, caller: Caller, definition: AppDefinition) -> None:
        folder, system_id = definition.deployment_path, str(definition.deployment_system)
        template, test = f"{folder}/{definition.template_path}", f"{folder}/{definition.test_path}"
        for name, on, path, what in (
            ("deploymentPath", "deploymentSystem", folder, "deployment path"),
            ("templatePath", "the deploymentSystem", template, "wrapper script"),
            ("testPath", "the deploymentSystem", test, "test script"),
        ):
            missing = Invalid(
                f"Invalid {name} value. {path} does not exist on {on} {system_id}. Please specify a valid {name}."
            )
            self._check_file(caller, system_id, path, what, missing)

    def _check_file(self, caller: Caller, system_id: str, path: str, what: str, missing: Invalid) -> None:
        refused = Forbidden(f"Permission denied. You do not have permission to access the {what} {path}")
        with self.store.read() as tx:
            system = self.systems.visible(tx, caller, system_id)
        if system is None:
            raise refused
        try:
            place = self._files.locate(caller, system_id, path)
        except OutsideRoot as error:
            raise missing from error
        if ".." in path.split("/") or not self._files.exists(place):
            raise missing
        with self.store.read() as tx:
            if not self._file_permissions.effective(tx, caller, system, place.path).read:
                raise refused

    def _create(self, tx: Transaction, caller: Caller, definition: AppDefinition) -> App:
        now = self.clocks.of(caller.world).now()
        app = App(
            **definition.definition(),
            world=caller.world,
            uuid=self.ids.of(caller.world).legacy(APP_UUID),
            owner=caller.username,
            created=now,
            last_updated=now,
        )
        tx.apps.add(app)
        self.note(tx, caller, app, "CREATED", f"App was registered by {caller.username}")
        return app

    def _replace(self, tx: Transaction, caller: Caller, old: App, definition: AppDefinition) -> App:
        self._check_may_update(tx, caller, old)
        new = definition.definition() | {"name": old.name, "revision": old.revision + 1}
        return self.save(tx, caller, replace(old, **new), "UPDATED", f"App was updated by {caller.username}")


def _version_key(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part]
