"""What a user may do with a path: the rules of [files §10.1], without knowing where grants are kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from emulator.domain.file import ALL_PERMISSIONS, NO_PERMISSION, READ_ONLY, FileGrant, Permission
from emulator.domain.identity import PUBLIC_USER, WORLD_USER
from emulator.domain.paths import below, home_path, is_below, parent
from emulator.domain.system import Role, System

_WITHOUT_GRANTS = {Role.NONE: NO_PERMISSION, Role.GUEST: READ_ONLY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """Grants on one path that matter to a user: its own, and what everybody has."""

    own: Permission | None = None
    shared: Permission = NO_PERMISSION

    def of(self, role: Role) -> Permission | None:
        """The permission they give; None when there is none of them. Guests can always read."""
        given = self.own if self.own is not None else (self.shared or None)
        return given | READ_ONLY if given is not None and role is Role.GUEST else given


def grantees(username: str) -> tuple[str, ...]:
    """The names whose grants count for a user; ``public`` is nobody of the tenant [files §10]."""
    return (PUBLIC_USER,) if username == PUBLIC_USER else (username, PUBLIC_USER, WORLD_USER)


def grants_for(username: str, grants: Iterable[FileGrant]) -> Grants:
    """Those of ``grants`` that count for a user."""
    own: Permission | None = None
    shared = NO_PERMISSION
    for grant in grants:
        if grant.username == username:
            own = grant.permission
        elif grant.username in grantees(username):
            shared |= grant.permission
    return Grants(own=own, shared=shared)


def home_of(system: System, username: str) -> str | None:
    """The virtual path of a user's home on a public system; None for a name that cannot be a directory."""
    home = home_path(system.storage)
    own = below(home, username)
    return own if own != home and parent(own) == home else None


def owner_of(system: System, path: str, writer: str) -> str:
    """Who owns what ``writer`` puts at a path: in a home of a public system, whoever that belongs to [files §6.3].

    The service takes the first segment of the absolute path for the owner, which is the same where homeDir
    is the root.
    """
    home = home_path(system.storage)
    if not system.public or path == home or not is_below(path, home):
        return writer
    return path[len(home.rstrip("/")) :].strip("/").split("/")[0]


def effective_permission(
    *,
    username: str,
    role: Role,
    system: System,
    path: str,
    owner: str | None,
    item: Grants,
    inherited: Grants,
    inherited_from: str | None,
    public_default_read: bool = False,
) -> Permission:
    """What ``username`` may do at the virtual ``path``.

    ``owner`` is the owner of what is known of the path, ``item`` the grants on it, ``inherited`` the
    recursive ones of ``inherited_from``, the closest directory above that has any for the user.
    """
    if not username:
        return NO_PERMISSION
    if role.can_admin:
        return ALL_PERMISSIONS
    own, above = item.of(role), inherited.of(role)
    if role.can_read and system.public:
        home = home_of(system, username)
        if home is not None and is_below(path, home):
            implied = READ_ONLY if role is Role.GUEST else ALL_PERMISSIONS
            at_home = above if inherited_from is not None and is_below(inherited_from, home) else None
            return implied | (own or at_home or NO_PERMISSION)
        return own or above or (READ_ONLY if role is Role.GUEST or public_default_read else NO_PERMISSION)
    if role.can_read and owner == username:
        return ALL_PERMISSIONS
    if own is not None and above is not None:
        return max(own, above, key=lambda permission: permission.bits)
    return own or above or _WITHOUT_GRANTS.get(role, ALL_PERMISSIONS)
