"""What stands behind a uuid, of whatever type, and whether somebody may see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from emulator.domain.identity import Caller, profile_uuid
from emulator.domain.job_access import rights
from emulator.domain.uuids import resource_path, type_of
from emulator.services.app_access import AppAccess
from emulator.services.file_permissions import FilePermissionService
from emulator.services.systems import SystemService
from emulator.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """``kind`` is the type's name in upper case, ``key`` what its URLs name it by (see ``resource_path``).

    ``record`` is the domain's object; ``readable`` whether the caller who asked may see it.
    """

    kind: str
    uuid: str
    key: str
    record: Any
    readable: bool


class Finder(Protocol):
    """Finds the resources of one type."""

    def __call__(self, tx: Transaction, caller: Caller, uuid: str) -> Resource | None: ...


class Resources:
    """Finds resources in the caller's world by their uuids."""

    def __init__(
        self,
        *,
        systems: SystemService,
        apps: AppAccess,
        file_permissions: FilePermissionService,
        more: Mapping[str, Finder] | None = None,
    ) -> None:
        """``more``: finders of further types, by their names in upper case."""
        self._systems = systems
        self._apps = apps
        self._file_permissions = file_permissions
        self._finders: dict[str, Finder] = {
            "JOB": _job,
            "SYSTEM": self._system,
            "APP": self._app,
            "FILE": self._file,
            "NOTIFICATION": _notification,
            "PROFILE": _profile,
            **(more or {}),
        }

    def find(self, tx: Transaction, caller: Caller, uuid: str) -> Resource | None:
        """None where there is no such resource, or the type is none that is kept here."""
        finder = self._finders.get(type_of(uuid) or "")
        return None if finder is None else finder(tx, caller, uuid)

    def paths(self, tx: Transaction, world: str, uuids: Iterable[str]) -> dict[str, str]:
        """Paths of the resources' URLs below the base URL, by uuid; those that cannot be told are left out.

        Whether a resource whose URL holds its uuid exists is not looked up.
        """
        wanted = list(uuids)
        keys = tx.keys.of(world, wanted)
        found = {}
        for uuid in wanted:
            kind = type_of(uuid) or ""
            key = keys.get(uuid) or (_username(uuid) if kind == "PROFILE" else uuid)
            path = resource_path(kind, key)
            if path is not None and (uuid in keys or kind not in ("SYSTEM", "APP", "FILE")):
                found[uuid] = path
        return found

    def _system(self, tx: Transaction, caller: Caller, uuid: str) -> Resource | None:
        system = tx.systems.by_uuid(uuid)
        if system is None or system.world != caller.world:
            return None
        readable = self._systems.role(tx, caller, system).can_read
        return Resource(kind="SYSTEM", uuid=system.uuid, key=system.id, record=system, readable=readable)

    def _app(self, tx: Transaction, caller: Caller, uuid: str) -> Resource | None:
        app = tx.apps.get(caller.world, uuid)
        if app is None:
            return None
        readable = self._apps.permission(tx, caller, app).read
        return Resource(kind="APP", uuid=app.uuid, key=app.id, record=app, readable=readable)

    def _file(self, tx: Transaction, caller: Caller, uuid: str) -> Resource | None:
        record = tx.files.by_uuid(uuid)
        if record is None or record.world != caller.world:
            return None
        system = self._systems.visible(tx, caller, record.system_id)
        return Resource(
            kind="FILE",
            uuid=record.uuid,
            key=f"{record.system_id}/{record.path}",
            record=record,
            readable=system is not None
            and self._file_permissions.effective(tx, caller, system, record.path).read,
        )


def _job(tx: Transaction, caller: Caller, uuid: str) -> Resource | None:
    job = tx.jobs.get(caller.world, uuid)
    if job is None:
        return None
    readable = rights(job, caller, tx.jobs.grants(job.id)).read
    return Resource(kind="JOB", uuid=job.id, key=job.id, record=job, readable=readable)


def _notification(tx: Transaction, caller: Caller, uuid: str) -> Resource | None:
    found = tx.subscriptions.get(caller.world, uuid)
    if found is None or not found.visible:
        return None
    readable = caller.admin or found.owner == caller.username
    return Resource(kind="NOTIFICATION", uuid=found.id, key=found.id, record=found, readable=readable)


def _profile(tx: Transaction, caller: Caller, uuid: str) -> Resource | None:
    """Everybody in a tenant may see everybody's profile [auth §6]."""
    world = tx.accounts.world(caller.world)
    name = _username(uuid)
    user = tx.accounts.user(caller.world, name) if world is not None else None
    if world is None or user is None or uuid not in (user.uuid, profile_uuid(world.tenant_uuid, name)):
        return None
    return Resource(kind="PROFILE", uuid=uuid, key=name, record=user, readable=True)


def _username(uuid: str) -> str:
    """Of a profile's uuid: between the tenant's part and the sequence; it may hold dashes itself."""
    return uuid.partition("-")[2].removesuffix("-0001-001")
