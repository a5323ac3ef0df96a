"""New ids for a copy of a world: what is a key in the whole store cannot be there twice.

Every id that the records define gets a new one of the same form, and wherever a value *is* such an id, or a
postit's target or a link names it, the new one stands. Paths keep what they are called: an archive folder is
named for the job's first id, also in a copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.domain.identity import profile_uuid
from emulator.domain.ports import Chance
from emulator.store.world_records import Records

Entry = dict[str, Any]
_ID = re.compile(r"[0-9A-Za-z-]{8,}-[0-9]{3}|[A-Za-z0-9_]{28}", re.ASCII)
_LINKS = ("url", "target")
"""Fields in whose texts ids are replaced too."""
_KEYS: Mapping[str, tuple[str, ...]] = {
    "clients": ("key",),
    "systems": ("uuid",),
    "apps": ("uuid",),
    "files": ("uuid",),
    "jobs": ("id",),
    "metadata": ("uuid",),
    "notifications": ("id",),
    "postits": ("id",),
    "history": ("uuid",),
}
_DRAWN = {"jobs": "job", "postits": "postit", "clients": "key"}


def defined_ids(records: Records) -> list[str]:
    """The ids that are keys in the store, each once, in the order in which they stand in the records."""
    return list(dict.fromkeys(name for _, name in _defined(records)))


def with_new_ids(records: Records, chance: Chance, tenant: tuple[str, str]) -> dict[str, list[Entry]]:
    """The same records under new ids. ``tenant`` is the old and the new uuid of the tenant."""
    renamed = {name: _new(shelf, name, chance) for shelf, name in _defined(records)}
    for entry in records.get("users", []):
        old = entry["record"]["uuid"]
        if old == profile_uuid(tenant[0], entry["record"]["username"]):
            renamed[old] = profile_uuid(tenant[1], entry["record"]["username"])
    renamed[tenant[0]] = tenant[1]
    return {shelf: [_renamed(entry, renamed) for entry in entries] for shelf, entries in records.items()}


def _defined(records: Records) -> Iterator[tuple[str, str]]:
    for shelf, keys in _KEYS.items():
        for entry in records.get(shelf, []):
            for key in keys:
                if entry["record"].get(key):
                    yield shelf, entry["record"][key]
            for event in entry.get("history", []):
                if event.get("uuid"):
                    yield "history", event["uuid"]
            for attempt in entry.get("attempts", []):
                yield "notifications", attempt["id"]
            for queue in entry["record"].get("queues") or ():
                if queue.get("uuid"):
                    yield "systems", queue["uuid"]


def _new(shelf: str, old: str, chance: Chance) -> str:
    """Of the same form: what a uuid ends with tells its type."""
    kind = _DRAWN.get(shelf)
    if kind is not None and not (kind != "key" and old.count("-") == 3):
        drawn: str = getattr(chance, kind)()
        return drawn
    return chance.legacy(old.rpartition("-")[2])


def _renamed(value: Any, renamed: Mapping[str, str], field: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _renamed(item, renamed, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, renamed, field) for item in value]
    if not isinstance(value, str):
        return value
    if field in _LINKS:
        return _ID.sub(lambda found: renamed.get(found[0], found[0]), value)
    return renamed.get(value, value)
