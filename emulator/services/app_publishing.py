"""Publishing: a public copy of an app, its files kept as a zip file that no one changes [apps §6.1]."""

from __future__ import annotations

from dataclasses import replace

from emulator.domain.app import App, CopyRequest
from emulator.domain.errors import EmulatorError, Forbidden, Invalid, Unavailable
from emulator.domain.identity import Caller
from emulator.domain.system import System, SystemType
from emulator.services.app_access import APP_UUID, NOT_ALLOWED, AppAccess
from emulator.services.app_assets import AppAssets, check_up
from emulator.services.app_rules import fitted
from emulator.store import Transaction


class AppPublishing:
    def __init__(self, access: AppAccess, assets: AppAssets) -> None:
        self._access = access
        self._assets = assets

    def publish(self, caller: Caller, app_id: str, request: CopyRequest) -> App:
        """A new public app; the private one stays as it is.

        Raises Forbidden for all but tenant admins, Invalid, Unavailable when a system does not work. The request
        waits for the zip file, and only its putting in place happens under the database's lock.
        """
        with self._access.store.read() as tx:
            app = self._access.seen(tx, caller, app_id)
            if not caller.admin:
                raise Forbidden(NOT_ALLOWED)
            if app.public:
                raise Invalid("Software is already public")
        try:
            return self._publish(caller, app, request)
        except EmulatorError as error:
            with self._access.store.write() as tx:
                text = f"App could not be published by {caller.username}: {error.message}"
                self._access.note(tx, caller, app, "PUBLISHING_FAILED", text)
            raise

    def _publish(self, caller: Caller, app: App, request: CopyRequest) -> App:
        with self._access.store.read() as tx:
            system = self._execution_system(tx, app, request)
            storage = tx.systems.global_default(app.world, SystemType.STORAGE)
        if storage is None:
            raise Unavailable(
                "No public deployment system is defined for your tenant. Please contact your tenant administrator "
                "to configure your tenant for app publishing."
            )
        check_up(system, storage)
        kept = app if system.id == app.execution_system else fitted(app, system)
        draft = replace(kept, name=request.name or app.name, version=request.version or app.version)
        with self._assets.archived(caller, app, storage) as archive:
            with self._access.store.write() as tx:
                source = self._access.existing(tx, caller, app.uuid)
                now = self._access.clocks.of(app.world).now()
                published = replace(
                    draft,
                    uuid=self._access.ids.of(app.world).legacy(APP_UUID),
                    revision=tx.apps.last_publication(app.world, draft.name, draft.version) + 1,
                    public=True,
                    available=True,
                    created=now,
                    last_updated=now,
                    deployment_system=storage.id,
                    checksum=archive.checksum,
                )
                published = replace(published, deployment_path=archive.put(f"{published.id}.zip"))
                tx.apps.add(published)
                event = "PUBLISHED" if published.revision == 1 else "REPUBLISHED"
                self._access.note(
                    tx, caller, source, event, f"App was published as {published.id} by {caller.username}"
                )
                self._access.note(tx, caller, published, "CREATED", f"App was published by {caller.username}")
        return published

    def _execution_system(self, tx: Transaction, app: App, request: CopyRequest) -> System:
        wanted = request.execution_system or app.execution_system
        system = tx.systems.get(app.world, wanted)
        if system is None or not system.available or system.type is not SystemType.EXECUTION:
            raise Invalid(f"No public execution system found with id {wanted}")
        if system.public:
            return system
        advice = (
            "Please either publish the execution system or specify another execution system on which the published "
            "app should run."
        )
        if request.execution_system:
            raise Invalid(f"The target execution system, {wanted}, is not publicly available. {advice}")
        raise Invalid(
            "No public execution system was specified and the execution system of the original app, "
            f"{wanted}, is not publicly available. {advice}"
        )
