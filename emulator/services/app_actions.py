"""Removing apps, and switching them off and on [apps §6]."""

from __future__ import annotations

from dataclasses import replace

from emulator.domain.app import App
from emulator.domain.errors import Forbidden, Invalid
from emulator.domain.identity import Caller
from emulator.services.app_access import NOT_ALLOWED, AppAccess
from emulator.store import Transaction

ACTIONS = "PUBLISH,ENABLE,DISABLE,CLONE,ERASE"


def check_action(action: str) -> str:
    """The lower-case name of an action. Raises Invalid for none and for an unknown one."""
    name = action.strip().lower()
    if not name:
        raise Invalid(f"Please provide a valid action to perform on the app. Valid actions are: {ACTIONS}")
    if name not in ACTIONS.lower().split(","):
        raise Invalid(f"Invalid action, {action}, on software entry. Valid actions are: {ACTIONS}")
    return name


class AppActions:
    def __init__(self, access: AppAccess) -> None:
        self._access = access

    def remove(self, caller: Caller, app_id: str) -> None:
        """A private app goes for good, with its permissions, and its jobs are hidden; a public one is disabled."""
        with self._access.store.write() as tx:
            app = self._access.existing(tx, caller, app_id)
            if not self._access.permission(tx, caller, app).write:
                raise Forbidden("User does not have permission to delete this app", service_status=401)
            if not app.public:
                self._erase(tx, caller, app)
            elif app.available:
                text = f"App was deleted by user {caller.username}"
                self._access.save(tx, caller, replace(app, available=False), "DELETED", text)

    def switch(self, caller: Caller, app_id: str, available: bool) -> App:
        """Enable or disable; what is so already stays as it is."""
        with self._access.store.write() as tx:
            app = self._access.seen(tx, caller, app_id, write=True)
            if app.available == available:
                return app
            event, did = ("RESTORED", "restored") if available else ("DISABLED", "disabled")
            text = f"App was {did} by user {caller.username}"
            return self._access.save(tx, caller, replace(app, available=available), event, text)

    def erase(self, caller: Caller, app_id: str) -> None:
        """Gone for good, public or private; the zip file of a public one stays for jobs that need it still."""
        with self._access.store.write() as tx:
            app = self._access.seen(tx, caller, app_id, write=True)
            if not caller.admin:
                raise Forbidden(NOT_ALLOWED)
            self._erase(tx, caller, app)

    def _erase(self, tx: Transaction, caller: Caller, app: App) -> None:
        self._access.note(tx, caller, app, "DELETED", f"App was deleted by user {caller.username}")
        tx.jobs.hide_jobs_of_app(app.uuid)
        tx.subscriptions.end_of(app.world, app.uuid)
        tx.apps.erase(app)
