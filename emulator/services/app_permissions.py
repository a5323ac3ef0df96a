"""Permissions on apps: who has which, and giving and taking them [apps §7]."""

from __future__ import annotations

from emulator.domain.app import App
from emulator.domain.errors import Forbidden, Invalid, NotFound, NotProvided
from emulator.domain.file import ALL_PERMISSIONS, NO_PERMISSION, Permission, permission_from_word
from emulator.domain.identity import Caller
from emulator.domain.search import Page
from emulator.services.accounts import AccountService
from emulator.services.apps import AppService
from emulator.store import Store, Transaction

_LONGEST_USERNAME = 64


class AppPermissionService:
    def __init__(self, *, store: Store, apps: AppService, accounts: AccountService) -> None:
        self._store = store
        self._apps = apps
        self._accounts = accounts

    def all(self, caller: Caller, app_id: str, page: Page) -> tuple[App, list[tuple[str, Permission]]]:
        """The owner's first, then the grants, and the caller's own if it is an admin."""
        with self._store.read() as tx:
            app = self._readable(tx, caller, app_id, at_user=False)
            entries = {app.owner: ALL_PERMISSIONS}
            entries |= {name: grant for name, grant in tx.apps.grants(app).items() if name != app.owner}
            if caller.admin:
                entries[caller.username] = ALL_PERMISSIONS
        end = None if page.limit is None else page.offset + page.limit
        return app, list(entries.items())[page.offset : end]

    def of_user(self, caller: Caller, app_id: str, username: str) -> tuple[App, Permission]:
        """What one user was given; owner and tenant admins have all. Raises NotFound where there is nothing."""
        with self._store.read() as tx:
            app = self._readable(tx, caller, app_id, at_user=True)
            grant = tx.apps.grants(app).get(username)
            known = self._accounts.known_user(tx, caller.world, username)
            if username == app.owner or self._accounts.caller(caller.world, username).admin:
                grant = ALL_PERMISSIONS
        if grant is None or not known:
            raise NotFound(f"No permissions found for user {username}")
        return app, grant

    def grant(
        self, caller: Caller, app_id: str, username: str, word: str, *, at_user: bool = False
    ) -> tuple[App, Permission]:
        """Give a user what ``word`` names, in place of what it had; NONE or an empty word takes it away.

        ``at_user``: the user was named by the URL, for which a public app has another refusal [apps §7].
        """
        with self._store.write() as tx:
            app = self._apps.existing(tx, caller, app_id)
            if app.public:
                raise _not_of_public_apps(at_user)
            if not self._apps.permission(tx, caller, app).write:
                raise Forbidden(f"User does not have permission to set permissions for app {app.id}")
            if not self._apps.may_publish_on(tx, caller, app.execution_system):
                raise Forbidden(f"User does not have permission to publish apps to {app.execution_system}")
            permission = permission_from_word(word.strip()) if word.strip() else NO_PERMISSION
            if permission is None:
                raise Invalid(
                    "Invalid permission value. Valid values are: ALL, READ, WRITE, READ_WRITE, EXECUTE, "
                    "READ_EXECUTE, WRITE_EXECUTE, NONE"
                )
            if len(username) > _LONGEST_USERNAME or not username.isprintable():
                raise Invalid(f"Invalid username. A username has at most {_LONGEST_USERNAME} characters.")
            tx.apps.set_grant(app, username, permission)
            if permission:
                text = f"User {username} was granted {permission.word} permission by {caller.username}"
                self._apps.note(tx, caller, app, "PERMISSION_GRANT", text)
            else:
                self._note_revoked(tx, caller, app, username)
        return app, permission

    def revoke(self, caller: Caller, app_id: str, username: str | None = None) -> None:
        """Take away what one user was given, or all grants with None."""
        with self._store.write() as tx:
            app = self._apps.existing(tx, caller, app_id)
            if app.public:
                raise _not_of_public_apps(at_user=username is not None)
            if not self._apps.permission(tx, caller, app).write:
                verb = "clear this app permissions" if username is None else "update this app permissions"
                raise Forbidden(f"User does not have permission to {verb}")
            for name in tx.apps.grants(app):
                if username in (None, name):
                    tx.apps.drop_grants(app, name)
                    self._note_revoked(tx, caller, app, name)

    def _note_revoked(self, tx: Transaction, caller: Caller, app: App, username: str) -> None:
        text = f"User {username} had their permissions revoked by {caller.username}"
        self._apps.note(tx, caller, app, "PERMISSION_REVOKE", text)

    def _readable(self, tx: Transaction, caller: Caller, app_id: str, *, at_user: bool) -> App:
        app = self._apps.existing(tx, caller, app_id)
        if app.public:
            raise _not_of_public_apps(at_user)
        if not self._apps.permission(tx, caller, app).read:
            raise Forbidden("User does not have permission to view permissions on this resource")
        return app


def _not_of_public_apps(at_user: bool) -> NotProvided:
    return NotProvided(
        "Share permissions are not suported on public applications."
        if at_user
        else "App permissions are not suported on public apps."
    )
