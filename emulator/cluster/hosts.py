"""Which host names stand for a cluster by default: those of the execution systems that people meet first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulator.resources import fixtures


class NoHosts(Exception):
    """The seed file cannot be read; the message names it."""


def default_hosts(seed_file: str = "") -> list[str]:
    """The hosts of the seeded execution systems, then that of the course's. Raises :class:`NoHosts`."""
    seeds = Path(seed_file) if seed_file else fixtures() / "seeds" / "tacc.prod.yaml"
    found: dict[str, None] = {}
    for file in (*_systems(seeds), fixtures() / "course" / "execution-system.json"):
        system = _read(file)
        if system.get("type") == "EXECUTION":
            for part in ("login", "storage"):
                host = (system.get(part) or {}).get("host")
                if host:
                    found[str(host).lower()] = None
    return list(found)


def _systems(seeds: Path) -> Iterator[Path]:
    import yaml

    try:
        document = yaml.safe_load(seeds.read_text(encoding="utf-8"))
        for entry in document.get("systems") or ():
            yield seeds.parent / entry["file"]
    except (OSError, UnicodeError, yaml.YAMLError, AttributeError, TypeError, KeyError) as error:
        raise NoHosts(f"{seeds}: {error}") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        system: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoHosts(f"{file}: {error}") from error
    return system
