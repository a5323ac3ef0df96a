"""Writing a world as a seed that people can read, change, and compare line by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from emulator.domain.document import to_document
from emulator.domain.world import Picture
from emulator.hosts.sandbox import directory_name
from emulator.seeds.records import FOLDERS, LISTS, called
from emulator.seeds.source import FORMAT, SCENARIOS, WORLD_FILE

_HEAD = """\
# A snapshot of a world of the Tapis emulator: a seed like any other (docs/worlds.md).
# It holds no passwords, but their hashes; keys and secrets of clients and systems it holds as they are.
"""
Entry = dict[str, Any]


def write_seed(picture: Picture, folder: Path) -> None:
    """Everything but the files on the machines. Raises OSError."""
    (folder / WORLD_FILE).write_text(_HEAD + _yaml(_world(picture)), encoding="utf-8")
    for shelf in FOLDERS:
        entries = picture.records.get(shelf, [])
        if entries:
            (folder / shelf).mkdir()
        for entry in entries:
            name = directory_name(called(shelf, entry["record"]))
            _write_json(folder / shelf / f"{name}.json", _tidy(entry))
    for shelf in LISTS:
        entries = picture.records.get(shelf, [])
        if entries:
            _write_json(folder / f"{shelf}.json", [_tidy(entry) for entry in entries])
    if picture.scenarios:
        (folder / SCENARIOS).mkdir()
        for number, (name, text) in enumerate(picture.scenarios.items(), start=1):
            # they are armed in the order of their files
            path = folder / SCENARIOS / f"{number:02d}-{directory_name(name)}.yaml"
            path.write_text(text, encoding="utf-8")


def _world(picture: Picture) -> Entry:
    world = picture.world
    document: Entry = {"snapshot": FORMAT, "name": world.name, "tenant": _tenant(picture)}
    document["default_user"] = world.default_user
    if picture.clock.mode != "real":
        clock = to_document(picture.clock)
        document["clock"] = {
            name: value
            for name, value in clock.items()
            if value is not None and (name != "factor" or picture.clock.mode == "scaled")
        }
    if picture.chance is not None:
        # ids that are drawn from here on are others than those that are here
        document |= {"chance_seed": picture.chance[0], "chance_generation": picture.chance[1] + 1}
    if picture.simulations:
        document["simulated"] = dict(picture.simulations)
    document["users"] = [_flat(entry) for entry in picture.records.get("users", [])]
    clients = [_flat(entry) for entry in picture.records.get("clients", [])]
    if clients:
        document["clients"] = clients
    return document


def _tenant(picture: Picture) -> Entry:
    world = picture.world
    tenant: Entry = {"code": world.tenant_id, "name": world.tenant_name, "uuid": world.tenant_uuid}
    if world.contact_name or world.contact_email:
        tenant["contacts"] = [{"name": world.contact_name, "email": world.contact_email}]
    tenant["status"] = world.status
    if world.base_url is not None:
        tenant["base_url"] = world.base_url
    return tenant


def _flat(entry: Entry) -> Entry:
    """Without what says nothing; a list of roles says something also when it is empty."""
    flat = entry["record"] | {
        name: value for name, value in entry.items() if name not in ("record", "history")
    }
    return {
        name: value
        for name, value in flat.items()
        if name == "roles" or value not in (None, "", False, {}, [])
    }


def _tidy(entry: Entry) -> Entry:
    return {name: value for name, value in entry.items() if name == "record" or value}


def _write_json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _yaml(document: Any) -> str:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
