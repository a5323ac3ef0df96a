"""Cloning: a private copy of an app with its files, for the caller, on systems of the caller's [apps §6.2]."""

from __future__ import annotations

from dataclasses import replace

from emulator.domain import paths
from emulator.domain.app import App, CopyRequest
from emulator.domain.errors import EmulatorError, Forbidden, Invalid
from emulator.domain.identity import Caller
from emulator.domain.system import System, SystemType
from emulator.services.app_access import APP_UUID, NO_DEFAULT_STORAGE, NOT_ALLOWED, AppAccess
from emulator.services.app_assets import AppAssets, check_up
from emulator.services.app_rules import check_deployment, fitted, suitable
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Place
from emulator.services.files import FileService
from emulator.store import Transaction


class AppCloning:
    def __init__(
        self,
        access: AppAccess,
        assets: AppAssets,
        files: FileService,
        permissions: FilePermissionService,
    ) -> None:
        self._access = access
        self._assets = assets
        self._files = files
        self._permissions = permissions

    def clone(self, caller: Caller, app_id: str, request: CopyRequest) -> App:
        """A new private app of the caller's.

        Raises Forbidden, Invalid, Unavailable when a system does not work. The request waits for the files, and
        only their putting in place happens under the database's lock.
        """
        with self._access.store.read() as tx:
            app = self._access.seen(tx, caller, app_id)
        try:
            return self._clone(caller, app, request)
        except EmulatorError as error:
            with self._access.store.write() as tx:
                text = f"App could not be cloned by {caller.username}: {error.message}"
                self._access.note(tx, caller, app, "CLONING_FAILED", text)
            raise

    def recover(self) -> None:
        """Take away what clones left unfinished when the program was killed. Called once, before any request."""
        for copy in self._assets.clear_unfinished():
            caller = Caller(world=copy.world, username=copy.username, tenant_id="")
            with self._access.store.write() as tx:
                app = tx.apps.by_uuid(copy.world, copy.app_uuid)
                if app is not None:
                    text = f"App could not be cloned by {copy.username}: the emulator was stopped meanwhile"
                    self._access.note(tx, caller, app, "CLONING_FAILED", text)

    def _clone(self, caller: Caller, app: App, request: CopyRequest) -> App:
        with self._access.store.read() as tx:
            execution = self._execution_system(tx, caller, app, request)
            deployment = self._deployment_system(tx, caller, request)
            draft = replace(
                fitted(app, execution),
                name=request.name or app.name,
                version=request.version or app.version,
                public=False,
            )
            _check_free(tx, draft)
        check_up(execution, deployment)
        path = (request.deployment_path or f"{caller.username}/applications/{draft.id}").rstrip("/")
        target = self._target(caller, deployment, path)
        uuid = self._access.ids.of(caller.world).legacy(APP_UUID)
        with self._assets.copied(caller, app, target, uuid) as copied:
            with self._access.store.write() as tx:
                source = self._access.existing(tx, caller, app.uuid)
                _check_free(tx, draft)
                now = self._access.clocks.of(caller.world).now()
                clone = replace(
                    draft,
                    uuid=uuid,
                    revision=1,
                    available=True,
                    owner=caller.username,
                    created=now,
                    last_updated=now,
                    deployment_system=deployment.id,
                    deployment_path=path,
                    checksum=None,
                )
                copied.put(tx)
                tx.apps.add(clone)
                self._access.note(
                    tx, caller, source, "CLONED", f"App was cloned as {clone.id} by {caller.username}"
                )
                self._access.note(
                    tx, caller, clone, "CREATED", f"App was cloned from {app.id} by {caller.username}"
                )
        return clone

    def _execution_system(self, tx: Transaction, caller: Caller, app: App, request: CopyRequest) -> System:
        """What is asked for, else the caller's default, else the app's own where the caller may publish."""
        systems = self._access.systems
        if request.execution_system:
            wanted = tx.systems.get(caller.world, request.execution_system)
            system: System | None = suitable(request.execution_system, wanted)
        else:
            system = systems.default(tx, caller, SystemType.EXECUTION)
        if system is None:
            own = tx.systems.get(caller.world, app.execution_system)
            if own is None or not own.available or not systems.role(tx, caller, own).can_publish:
                raise Invalid(
                    "No target execution system was specified, and the user has no default execution system. Please "
                    "specify a target execution system on which to run the cloned app or define a default execution "
                    "system."
                )
            return own
        if not systems.role(tx, caller, system).can_publish:
            raise Forbidden(NOT_ALLOWED)
        return system

    def _deployment_system(self, tx: Transaction, caller: Caller, request: CopyRequest) -> System:
        systems = self._access.systems
        if request.deployment_system:
            wanted = request.deployment_system
            system = check_deployment(wanted, tx.systems.get(caller.world, wanted))
        else:
            default = systems.default(tx, caller, SystemType.STORAGE)
            if default is None:
                raise Invalid(NO_DEFAULT_STORAGE)
            system = default
        if not systems.role(tx, caller, system).can_use:
            raise Forbidden(NOT_ALLOWED)
        return system

    def _target(self, caller: Caller, system: System, path: str) -> Place:
        place = self._files.locate(caller, system.id, path)
        if place.path in ("/", paths.home_path(system.storage)):
            raise Invalid("Invalid deploymentPath value. The home directory of a system cannot hold an app.")
        with self._access.store.read() as tx:
            if not self._permissions.effective(tx, caller, place.system, place.path).write:
                raise Forbidden(NOT_ALLOWED)
        return place


def _check_free(tx: Transaction, draft: App) -> None:
    if tx.apps.get(draft.world, draft.private_id) is not None:
        raise Invalid(
            f"Failed to publish app. An app identified by {draft.private_id} already exists. Please select a new "
            "name or version to create a unique app id."
        )
