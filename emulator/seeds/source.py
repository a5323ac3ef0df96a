"""A seed as its author wrote it: a folder with world.yaml in it, or one YAML file alone.

::

    world.yaml            tenant, default_user, users, clients, clock, chance_seed, simulated
    systems/*.json        as a client would register it, or a record of a snapshot
    apps/*.json           the same; ``bundle`` names a folder with the app's files
    files/<host>/…        what lies on each machine
    jobs/*.json  metadata/*.json  notifications/*.json  postits/*.json     records
    files.json            what is known of files beyond their bytes
    history.json          what happened to things that have no file of their own
    scenarios/*.yaml      armed when the world begins
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.domain.errors import Invalid
from emulator.seeds.checking import Mistake, unknown

WORLD_FILE = "world.yaml"
FILES = "files"
SCENARIOS = "scenarios"
FORMAT = 1
"""What ``snapshot`` says in the world.yaml of a snapshot."""
_KNOWN = (
    "snapshot",
    "name",
    "tenant",
    "default_user",
    "user_defaults",
    "users",
    "clients",
    "systems",
    "apps",
    "clock",
    "chance_seed",
    "chance_generation",
    "simulated",
)
_SHAPES: tuple[tuple[str, type, str], ...] = (
    ("tenant", dict, "a mapping"),
    ("user_defaults", dict, "a mapping"),
    ("users", list, "a list"),
    ("clients", list, "a list"),
    ("systems", list, "a list"),
    ("apps", list, "a list"),
)
_LARGEST_FILE = 64 * 1024 * 1024
_DEEPEST = 100


class BadSeed(Invalid):
    """A seed that cannot be read or says something impossible; the text names file and entry."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a seed is read from. ``file`` is its world.yaml, or the one file that it is."""

    file: Path
    document: Mapping[str, Any]
    closed: bool = False
    """It came from elsewhere: nothing outside its folder belongs to it."""

    @property
    def folder(self) -> Path | None:
        """The folder whose files belong to it; None for a file alone."""
        return self.file.parent if self.file.name == WORLD_FILE else None

    @property
    def is_snapshot(self) -> bool:
        return "snapshot" in self.document

    def path(self, name: str, entry: str) -> Path:
        """A file that an entry names, relative to the seed."""
        if not isinstance(name, str) or not name:
            raise BadSeed(f"{self.file}: {entry}: must be the name of a file")
        path = self.file.parent / name
        if self.closed and not path.resolve().is_relative_to(self.file.parent.resolve()):
            raise BadSeed(f"{self.file}: {entry}: {name[:200]!a} lies outside the seed")
        return path

    def entries(self, shelf: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The JSON files of a folder of the seed, by name."""
        if self.folder is None:
            return
        for path in sorted((self.folder / shelf).glob("*.json")):
            yield path, json_object(path)

    def list_file(self, name: str) -> list[Any]:
        """The entries of a JSON file that holds a list; none where there is no such file."""
        path = None if self.folder is None else self.folder / name
        if path is None or not path.exists():
            return []
        found = _json(path)
        if not isinstance(found, list):
            raise BadSeed(f"{path}: expected a JSON list")
        return found

    def texts(self, shelf: str) -> dict[str, str]:
        """The YAML files of a folder of the seed: their texts by name."""
        if self.folder is None:
            return {}
        paths = sorted(p for p in (self.folder / shelf).glob("*") if p.suffix in (".yaml", ".yml"))
        return {path.name: _text(path) for path in paths}


def read_source(path: Path, closed: bool = False) -> Source:
    """The seed at a path: a folder, its world.yaml, or another YAML file. Raises BadSeed."""
    file = path / WORLD_FILE if path.is_dir() else path
    document = _yaml(file)
    if not isinstance(document, dict):
        raise BadSeed(f"{file}: expected a mapping with tenant, users, systems and apps")
    for name in document:
        if name not in _KNOWN:
            raise BadSeed(f"{file}: {name}: {unknown(str(name), _KNOWN)}")
    if document.get("snapshot", FORMAT) != FORMAT:
        raise BadSeed(f"{file}: snapshot: this program reads format {FORMAT}, not {document['snapshot']!r}")
    if "tenant" not in document:
        raise BadSeed(f"{file}: tenant: is missing")
    for name, kind, word in _SHAPES:
        if not isinstance(document.get(name, kind()), kind):
            raise BadSeed(f"{file}: {name}: must be {word}")
    return Source(file, document, closed)


def json_object(path: Path) -> dict[str, Any]:
    """Raises BadSeed."""
    document = _json(path)
    if not isinstance(document, dict):
        raise BadSeed(f"{path}: expected a JSON object")
    return document


def told(path: Path, entry: str, mistake: Mistake) -> BadSeed:
    """A mistake, with the file and the entry that it is in."""
    return BadSeed(f"{path}: {entry}: {mistake}" if entry else f"{path}: {mistake}")


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise BadSeed(f"{path}: this is no JSON: {error}") from error


def _yaml(path: Path) -> Any:
    import yaml

    text = _text(path)
    try:
        # the C loader is ten times as quick, where the library has it
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        _refuse_abuse(path, yaml.parse(text, Loader=loader), yaml)
        return yaml.load(text, Loader=loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadSeed(f"{path}: {error}") from error


def _refuse_abuse(path: Path, events: Any, yaml: Any) -> None:
    """Anchors could make a small file a huge document, and depth a broken program."""
    depth = 0
    for event in events:
        if isinstance(event, yaml.events.AliasEvent):
            raise BadSeed(f"{path}: line {event.start_mark.line + 1}: aliases (*{event.anchor}) are not read")
        depth += isinstance(event, yaml.events.CollectionStartEvent)
        depth -= isinstance(event, yaml.events.CollectionEndEvent)
        if depth > _DEEPEST:
            raise BadSeed(f"{path}: line {event.start_mark.line + 1}: nested too deeply")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise BadSeed(f"{path}: is larger than {_LARGEST_FILE // 1024 // 1024} MiB")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadSeed(f"{path}: is not UTF-8: {error.reason} at byte {error.start}") from error
    except (OSError, ValueError) as error:
        raise BadSeed(f"{path}: {getattr(error, 'strerror', None) or error}") from error
