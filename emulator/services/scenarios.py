"""Scenarios: read, armed in worlds, disarmed, released; the library of them, and the journal of what they did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from emulator.domain.errors import NotFound
from emulator.domain.fault import Strike
from emulator.domain.moments import utc_text
from emulator.domain.scenario import Scenario
from emulator.engine.armed import ArmedState
from emulator.engine.armory import Armory
from emulator.scenario.actions import kinds
from emulator.scenario.catalog.kind import ActionKind
from emulator.scenario.library import Entry, Library
from emulator.scenario.load import named_only, read_scenario
from emulator.scenario.points import PointKind, Points
from emulator.scenario.timeline import timeline
from emulator.services.accounts import AccountService
from emulator.store import Store
from emulator.store.scenarios import JournalEntry

PAGE = 1000
"""Most entries of the journal at once."""


class ScenarioService:
    """``operations`` gives the names of the v2 services' operations, and what they do; asked when first needed."""

    def __init__(
        self,
        *,
        store: Store,
        armory: Armory,
        accounts: AccountService,
        library: Path,
        operations: Callable[[], Mapping[str, str]],
    ) -> None:
        self._store = store
        self._armory = armory
        self._accounts = accounts
        self._library = Library(library)
        self._operations = operations

    @cached_property
    def _points(self) -> Points:
        return Points(self._operations())

    def read(self, text: str | bytes, source: str) -> Scenario:
        """Understand a scenario without arming it. Raises BadScenario with all that is wrong."""
        return read_scenario(text, source, self._points)

    def timeline(self, text: str | bytes, source: str = "") -> str:
        """What a scenario does, in plain words. Raises BadScenario, NotFound."""
        content, source = self._meant(text, source)
        return timeline(self.read(content, source), self._points)

    def arm(self, world: str, text: str | bytes, source: str = "", *, again: bool = False) -> ArmedState:
        """Arm a scenario: its text (YAML or JSON), or one of the library, as ``{name: <its name>}``.

        ``source`` is what it is called in messages. Raises BadScenario, NotFound (no such world, none of that name
        in the library), PreconditionFailed (one of its name is armed; not with ``again``). Nothing is armed then.
        """
        self._check_world(world)
        content, source = self._meant(text, source)
        scenario = self.read(content, source)
        kept = content if isinstance(content, str) else content.decode("utf-8")
        return self._armory.arm(world, scenario, kept, source, again=again)

    def arm_unless(self, world: str, text: bytes, source: str) -> ArmedState:
        """As :meth:`arm`, but leave it as it is where this very text was armed before: for what each start asks."""
        for state in self._armory.states(world):
            if state.text.encode() == text:
                return state
        return self.arm(world, text, source, again=True)

    def find(self, named: str) -> tuple[bytes, str]:
        """What is in a file, or in the library under a name; and what messages call it. Raises NotFound."""
        return self._library.find(named)

    def disarm(self, world: str, name: str | None = None) -> int:
        """One, or all; the answer is how many. Raises NotFound."""
        self._check_world(world)
        return self._armory.disarm(world, name)

    def release(self, world: str, name: str | None = None, rule: str | None = None) -> list[Strike]:
        """Let go on what is held; the answer is what was. Raises NotFound."""
        self._check_world(world)
        return self._armory.release(world, name, rule)

    def all(self, world: str) -> list[ArmedState]:
        """In the order of arming. Raises NotFound."""
        self._check_world(world)
        return self._armory.states(world)

    def one(self, world: str, name: str) -> ArmedState:
        """Raises NotFound."""
        self._check_world(world)
        (state,) = self._armory.states(world, name)
        return state

    def journal(self, world: str, after: int = 0, limit: int = PAGE) -> list[JournalEntry]:
        """The strikes behind a sequence number, oldest first. Raises NotFound."""
        self._check_world(world)
        with self._store.read() as tx:
            return tx.scenarios.journal(world, after, min(limit, PAGE))

    def end_of_journal(self, world: str) -> int:
        """The sequence number behind which all that is yet to strike comes. Raises NotFound."""
        self._check_world(world)
        with self._store.read() as tx:
            return tx.scenarios.last_of_journal(world)

    def journal_lines(self, world: str, *, times: bool = True) -> Iterator[str]:
        """The whole journal as JSON lines that are the same in every run with the same seed, some at a time.

        Strikes of one moment are sorted by what they touched: which thread came first must not show. ``times``
        are by the world's clock, and the same only where that stands still. What is struck after the first lines
        is not among them. Raises NotFound, before the first.
        """
        self._check_world(world)
        with self._store.read() as tx:
            numbers = tx.scenarios.journal_in_order(world)

        def pages() -> Iterator[str]:
            for start in range(0, len(numbers), PAGE):
                with self._store.read() as tx:
                    entries = tx.scenarios.journal_of(numbers[start : start + PAGE])
                yield "".join(f"{_line(each, times)}\n" for each in entries)

        return pages()

    def forget_journal(self, world: str) -> int:
        """Empty it; the answer is how many strikes it had. Raises NotFound."""
        self._check_world(world)
        with self._store.write() as tx:
            return tx.scenarios.forget_journal(world)

    def library(self) -> list[Entry]:
        """The scenarios that come with the program, by name."""
        return self._library.entries(self._points)

    def points(self) -> tuple[PointKind, ...]:
        """Where scenarios can speak up."""
        return self._points.all()

    @staticmethod
    def actions() -> tuple[ActionKind, ...]:
        """What rules can do."""
        return kinds()

    def _meant(self, text: str | bytes, source: str) -> tuple[str | bytes, str]:
        """The text itself, or that of the scenario of the library that it names."""
        source = source or "scenario"
        name = named_only(text, source)
        return (text, source) if name is None else (self._library.text(name), self._library.source(name))

    def _check_world(self, world: str) -> None:
        with self._store.read() as tx:
            if tx.accounts.world(world) is None:
                raise NotFound(f"There is no world {world[:80]!r}")


def _line(entry: JournalEntry, times: bool) -> str:
    document = {
        "at": utc_text(entry.at),
        "scenario": entry.scenario,
        "rule": entry.rule,
        "point": entry.point,
        "action": entry.action,
        "args": entry.args,
        "facts": entry.facts,
    }
    if not times:
        del document["at"]
    return json.dumps(document, ensure_ascii=False, sort_keys=True)
