"""Scenarios that are armed in a world, and the journal of what they did."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.testing.errors import speaks_for_itself
from emulator.testing.wire import PATIENCE, segment, until

if TYPE_CHECKING:
    from emulator.testing.world import World

__tracebackhide__ = speaks_for_itself


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One strike of a rule: ``number`` counts those of the rule, ``facts`` say what it struck at."""

    seq: int
    at: str
    scenario: str
    rule: str
    number: int
    point: str
    action: str
    args: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        did = f"{self.action} {_pairs(self.args)}".rstrip()
        return f"{self.at}  {self.scenario}: {self.rule} #{self.number} at {self.point}: {did}; {_pairs(self.facts)}"


class Armed:
    """A scenario in a world. Disarmed when its block ends, or with the world."""

    def __init__(self, world: World, name: str, after: int = 0) -> None:
        """``after``: its strikes are in the journal behind that number; those before are of another of its name."""
        self._world = world
        self.name = name
        self._after = after

    def __repr__(self) -> str:
        return f"<Armed {self.name!r} in {self._world.name}>"

    @property
    def state(self) -> str:
        """``armed``, ``spent`` or ``expired``. Raises Refused once it is disarmed."""
        return str(self._world.control("GET", self._path)["state"])

    @property
    def rules(self) -> dict[str, dict[str, Any]]:
        """Its rules by name, as they stand: ``state``, how often it has ``struck``, what it is ``holding``."""
        found = self._world.control("GET", self._path)
        return {rule["name"]: rule for rule in found["rules"]}

    @property
    def struck(self) -> int:
        """How often its rules have spoken up."""
        return sum(rule["struck"] for rule in self.rules.values())

    @property
    def journal(self) -> list[JournalEntry]:
        """What it did, oldest first."""
        return [each for each in self._world.journal if each.scenario == self.name and each.seq > self._after]

    def wait_for(
        self, predicate: Callable[[JournalEntry], object] = lambda _entry: True, timeout: float = PATIENCE
    ) -> JournalEntry:
        """The first of its strikes that is as wanted, done before or yet to come. Raises WaitedInVain."""
        after, seen = self._after, list[JournalEntry]()

        def ask(seconds: float) -> JournalEntry | None:
            nonlocal after
            query = {"after": after, "wait": f"{seconds:.3f}"}
            found = self._world.control("GET", "journal", query=query, seconds=seconds + 60)
            after = found["next"]
            fresh = [entry for entry in entries(found) if entry.scenario == self.name]
            seen.extend(fresh)
            return next((entry for entry in fresh if predicate(entry)), None)

        def told(_: JournalEntry | None) -> str:
            return f"a strike of {self.name!r}; there were " + ("; ".join(map(str, seen)) or "none")

        found = until(ask, lambda entry: entry is not None, timeout, told)
        assert found is not None
        return found

    def release(self, rule: str | None = None) -> int:
        """Let go on what it (or one of its rules) holds; how much that was."""
        document = {} if rule is None else {"rule": rule}
        return int(self._world.control("POST", f"{self._path}/release", document)["released"])

    def disarm(self) -> None:
        """It speaks up no more; what it holds goes on."""
        self._world.control("DELETE", self._path)

    def __enter__(self) -> Armed:
        return self

    def __exit__(self, *_: object) -> None:
        self.disarm()

    @property
    def _path(self) -> str:
        return f"scenarios/{segment(self.name)}"


def arm(world: World, what: str | Path | Mapping[str, Any], beside: Path | None, again: bool) -> Armed:
    """See World.scenario."""
    body, source = _source(what, beside or Path.cwd())
    query = {"source": source, "again": "true" if again else "false"}
    found = world.control("POST", "scenarios", body=body, query=query)
    return Armed(world, found["name"], found["after"])


def _source(what: str | Path | Mapping[str, Any], beside: Path) -> tuple[bytes, str]:
    """The body of the request, and what the mistakes in it are told of."""
    if isinstance(what, Mapping):
        return json.dumps(what).encode(), ""
    if isinstance(what, str) and "\n" in what:
        return what.encode(), ""
    path = beside / what
    if path.suffix in (".yaml", ".yml", ".json") or isinstance(what, Path):
        return path.read_bytes(), str(what)
    return json.dumps({"name": what}).encode(), ""


def entries(found: Mapping[str, Any]) -> list[JournalEntry]:
    """The journal as the control API answers it."""
    return [JournalEntry(**each) for each in found["strikes"]]


def _pairs(values: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())
