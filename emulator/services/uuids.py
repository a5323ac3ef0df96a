"""What uuids stand for: finding the resource behind one, whoever asks, and making new ones [postits §C]."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.domain.errors import Invalid
from emulator.domain.identity import Caller
from emulator.domain.ports import Ids
from emulator.domain.uuids import CODES, attempt_path, event_path, resource_path, type_of
from emulator.services.resources import Resource, Resources
from emulator.store import Store, Transaction

_EVENT = "_EVENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """``kind`` in upper case; ``path`` of the resource's URL below the base URL, escaped."""

    uuid: str
    kind: str
    path: str


class UuidService:
    def __init__(self, *, store: Store, ids: Ids, resources: Resources) -> None:
        self._store = store
        self._ids = ids
        self._resources = resources

    def resolve(self, caller: Caller, uuid: str) -> Resolved:
        """Where the resource is, whether the caller may see it or not; it must exist. Raises Invalid."""
        kind = type_of(uuid)
        if kind is None:
            raise Invalid(f"No resource found matching {uuid}")
        with self._store.read() as tx:
            path = self._path(tx, caller, kind, uuid)
        if path is None:
            raise Invalid(f"Unable to resolve uuid {uuid}")
        return Resolved(uuid=uuid, kind=kind, path=path)

    def draw(self, world: str, word: str) -> Resolved:
        """A new uuid of the type of this name; nothing stands behind it, and it has no path. Raises Invalid."""
        kind = word.strip().upper()
        if not kind:
            raise Invalid(
                "No resource type provided. Please provide a valid resource type for which to generate a UUID."
            )
        if kind not in CODES:
            raise Invalid(f"Invalid resource type. Valid types are: {', '.join(CODES)}")
        ids = self._ids.of(world)
        drawn = {"JOB": ids.job, "POSTIT": ids.postit}.get(kind)
        uuid = ids.legacy(CODES[kind]) if drawn is None else drawn()
        return Resolved(uuid=uuid, kind=kind, path="")

    def _path(self, tx: Transaction, caller: Caller, kind: str, uuid: str) -> str | None:
        """None where nothing is behind it. Raises Invalid for types that are nothing one can look at."""
        if kind.endswith(_EVENT):
            return self._event_path(tx, caller, uuid)
        if kind == "NOTIFICATION_DELIVERY":
            attempt = tx.attempts.get(caller.world, uuid)
            return None if attempt is None else attempt_path(attempt.notification_id, uuid)
        if resource_path(kind, uuid) is None:
            raise Invalid(f"Unable to resolve {kind} identifier to a known resource for uuid: {uuid}")
        found = self._resources.find(tx, caller, uuid)
        return None if found is None else resource_path(found.kind, found.key)

    def _event_path(self, tx: Transaction, caller: Caller, uuid: str) -> str | None:
        event = tx.events.by_uuid(caller.world, uuid)
        found = None if event is None else self._resources.find(tx, caller, event.subject)
        parent = None if found is None else resource_path(found.kind, found.key)
        return None if parent is None else event_path(parent, uuid)


def find_postit(tx: Transaction, caller: Caller, uuid: str) -> Resource | None:
    """A finder for :class:`emulator.services.resources.Resources`: everybody in a tenant may look at postits."""
    postit = tx.postits.get(uuid)
    if postit is None or postit.world != caller.world:
        return None
    return Resource(kind="POSTIT", uuid=uuid, key=uuid, record=postit, readable=True)


def find_tenant(tx: Transaction, caller: Caller, uuid: str) -> Resource | None:
    """The same for tenants; a caller knows its own only."""
    world = tx.accounts.world(caller.world)
    if world is None or world.tenant_uuid != uuid:
        return None
    return Resource(kind="TENANT", uuid=uuid, key=uuid, record=world, readable=True)
