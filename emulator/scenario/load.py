"""From a scenario's text to its rules; every mistake in it is reported at once, and then nothing is loaded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from emulator.domain.fault import Action
from emulator.domain.scenario import Match, Moment, Rule, Scenario, Turns
from emulator.scenario import quantities
from emulator.scenario.actions import read_action
from emulator.scenario.mistakes import listed, quoted, unknown
from emulator.scenario.points import VALUES, PointKind, Points, facts_at
from emulator.scenario.reader import LONGEST_NAME, Reader
from emulator.scenario.yaml_text import Fields, Listed, Scalar, Tree, parse

SCENARIO_KEYS = ("name", "description", "seed", "expires", "rules")
RULE_KEYS = (
    "name",
    "at",
    "when",
    "do",
    "times",
    "per",
    "chance",
    "after",
    "from",
    "until",
    "flap",
    "expires",
)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
MOST_RULES = 500
_LARGEST_SEED = 2**63 - 1

Located = Mapping[str, tuple[int, Tree]]


def read_scenario(text: str | bytes, source: str, points: Points) -> Scenario:
    """Understand a scenario; ``source`` is what it is called in messages: its file. Raises BadScenario."""
    tree = parse(text, source)
    reader = Reader(source)
    found = reader.fields(tree, "a scenario", SCENARIO_KEYS, required=("name", "rules"))
    expires = _value(reader, found, "expires", quantities.end, None)
    rules = _rules(reader, found["rules"][1], points, expires) if "rules" in found else ()
    scenario = Scenario(
        name=_scenario_name(reader, found),
        description=reader.text(found["description"][1], "`description`") if "description" in found else "",
        seed=_value(reader, found, "seed", _seed, None),
        expires=expires,
        rules=rules,
    )
    reader.check()
    return scenario


def named_only(text: str | bytes, source: str) -> str | None:
    """The name, where a text has nothing else: a scenario of the library is meant. Raises BadScenario."""
    tree = parse(text, source)
    if not isinstance(tree, Fields) or [key.text for key, _ in tree.entries] != ["name"]:
        return None
    value = tree.entries[0][1]
    return value.text if isinstance(value, Scalar) and not value.empty else None


def _scenario_name(reader: Reader, found: Located) -> str:
    if "name" not in found:
        return ""
    line, tree = found["name"]
    name = reader.text(tree, "`name`")
    if name and not NAME.fullmatch(name):
        reader.note(
            line,
            f"`name` cannot be {quoted(name)}: it is letters, digits, `-`, `_` and `.`, {LONGEST_NAME} at most",
        )
    return name


def _rules(reader: Reader, tree: Tree, points: Points, end: Moment | None) -> tuple[Rule, ...]:
    if not isinstance(tree, Listed) or not tree.items:
        reader.note(tree.line, "`rules` is a list of at least one rule, each with `at` and `do`")
        return ()
    if len(tree.items) > MOST_RULES:
        reader.note(tree.items[MOST_RULES].line, f"a scenario has at most {MOST_RULES} rules")
        return ()
    read = [_RuleReader(reader, item, number, points, end) for number, item in enumerate(tree.items, 1)]
    _check_names(reader, read)
    return tuple(rule for each in read if (rule := each.rule()) is not None)


def _check_names(reader: Reader, rules: Sequence[_RuleReader]) -> None:
    lines: dict[str, int] = {}
    for each in rules:
        if each.name in lines:
            reader.note(
                each.line,
                f"the name {quoted(each.name)} has been given to the rule in line {lines[each.name]}",
            )
        lines.setdefault(each.name, each.line)
    after = {each.name: each.after for each in reversed(rules)}  # of two with one name, the first
    for each in rules:
        if not each.after:
            continue
        line = each.line_of("after")
        if each.after == each.name:
            reader.note(line, "`after` names the rule itself: it would never strike")
        elif each.after not in after:
            reader.note(line, unknown("rule", each.after, [name for name in after if name != each.name]))
        elif _round(each.name, after):
            reader.note(
                line, f"`after` {quoted(each.after)} leads back to this rule: neither would ever strike"
            )


def _round(name: str, after: Mapping[str, str]) -> bool:
    """Whether following ``after`` leads back to the rule."""
    at, seen = after[name], set()
    while at and at not in seen:
        if at == name:
            return True
        seen.add(at)
        at = after.get(at, "")
    return False


class _RuleReader:
    """One rule; its name and ``after`` first, the rest in :meth:`rule`. ``end`` is that of its scenario."""

    def __init__(self, reader: Reader, tree: Tree, number: int, points: Points, end: Moment | None) -> None:
        self._reader = reader
        self._points = points
        self._end = end
        self.line = tree.line
        self._found = reader.fields(tree, "a rule", RULE_KEYS, required=("at", "do"))
        self.name = self._named("name") or f"rule {number}"
        self.after = self._named("after")

    def line_of(self, key: str) -> int:
        return self._found[key][0]

    def rule(self) -> Rule | None:
        """None where it has no points or no action; the mistakes are noted."""
        patterns, points = self._at()
        facts, turns = self._when(points)
        action = self._do(points)
        start, until = self._moment("from", quantities.moment), self._moment("until", quantities.end)
        expires = self._moment("expires", quantities.end)
        for key, end in (("until", until), ("expires", expires)):
            if _not_later(end, start):
                self._reader.note(
                    self.line_of(key), f"`{key}` is not later than `from`: it would never strike"
                )
        if _not_later(self._end, start):
            self._reader.note(
                self.line_of("from"), "`from` is when the scenario has expired: it would never strike"
            )
        rule = Rule(
            name=self.name,
            points=patterns,
            action=action or Action(""),
            facts=facts,
            turns=turns,
            times=self._value("times", quantities.times, None),
            per=self._per(points),
            chance=self._value("chance", quantities.share, 1.0),
            after=self.after,
            start=start,
            until=until,
            flap=self._value("flap", quantities.flap, None),
            expires=expires,
            line=self.line,
        )
        return rule if action is not None and patterns else None

    def _named(self, key: str) -> str:
        return self._reader.name(self._found[key][1], quoted(key)) if key in self._found else ""

    def _value(self, key: str, parse: Callable[[str], Any], otherwise: Any) -> Any:
        return _value(self._reader, self._found, key, parse, otherwise)

    def _moment(self, key: str, parse: Callable[[str], Moment]) -> Moment | None:
        found: Moment | None = self._value(key, parse, None)
        return found

    def _at(self) -> tuple[tuple[str, ...], tuple[PointKind, ...]]:
        """The patterns as the gate compares them, and the points that they mean."""
        if "at" not in self._found:
            return (), ()
        line, tree = self._found["at"]
        patterns: list[str] = []
        points: dict[str, PointKind] = {}
        for text in self._reader.texts(tree, "`at`"):
            named = self._points.named(text)
            if text and not named:
                self._reader.note(line, unknown("point", text, self._points.names()))
            patterns.append(text if "." in text or "*" in text else f"{text}.*")
            points |= {point.name: point for point in named}
        return tuple(patterns), tuple(points.values())

    def _do(self, points: tuple[PointKind, ...]) -> Action | None:
        if "do" not in self._found:
            return None
        return read_action(self._reader, self._found["do"][1], points)

    def _when(self, points: tuple[PointKind, ...]) -> tuple[dict[str, Match], Turns | None]:
        if "when" not in self._found:
            return {}, None
        known = (*facts_at(points), "nth")
        every = (*facts_at(self._points.all()), "nth")
        found = self._reader.fields(self._found["when"][1], "`when`", every)
        facts: dict[str, Match] = {}
        turns: Turns | None = None
        for key, (line, tree) in found.items():
            if key == "nth":
                turns = self._turns(tree)
            elif points and key not in known:
                self._reader.note(line, self._no_such_fact(key, points))
            else:
                facts[key] = self._match(key, tree)
        return facts, turns

    def _match(self, key: str, tree: Tree) -> Match:
        texts = self._reader.texts(tree, quoted(key))
        for pattern in (text.removeprefix("!") for text in texts):
            if not pattern:
                self._reader.note(tree.line, f"{quoted(key)} is empty: nothing would fit")
            elif key in VALUES and not any(fnmatchcase(value, pattern) for value in VALUES[key]):
                self._reader.note(tree.line, unknown(key, pattern, VALUES[key]))
        return Match(
            tuple(text for text in texts if not text.startswith("!")),
            tuple(text[1:] for text in texts if text.startswith("!")),
        )

    def _turns(self, tree: Tree) -> Turns | None:
        texts = self._reader.texts(tree, "`nth`")
        try:
            return quantities.turns(texts)
        except ValueError as error:
            self._reader.note(tree.line, f"`nth` cannot be {quoted(', '.join(texts))}: it is {error}")
            return None

    def _per(self, points: tuple[PointKind, ...]) -> str:
        if "per" not in self._found:
            return ""
        line, tree = self._found["per"]
        text = self._reader.text(tree, "`per`")
        if text and text not in facts_at(self._points.all()):
            self._reader.note(line, unknown("fact", text, facts_at(points or self._points.all())))
        elif text and points and text not in facts_at(points):
            self._reader.note(line, self._no_such_fact(text, points))
        elif text and not {"times", "when"} & set(self._found):
            self._reader.note(line, "`per` says for what `times` or `nth` count apart: neither is there")
        return text

    @staticmethod
    def _no_such_fact(name: str, points: tuple[PointKind, ...]) -> str:
        where = quoted(points[0].name) if len(points) == 1 else "these points"
        return f"nothing is known of {quoted(name)} at {where}; what can be asked there: {listed(facts_at(points))}"


def _not_later(end: Moment | None, start: Moment | None) -> bool:
    """Whether the one is not behind the other; a time and a while after arming cannot be compared."""
    if isinstance(end, datetime):
        return isinstance(start, datetime) and end <= start
    return isinstance(end, timedelta) and isinstance(start, timedelta) and end <= start


def _seed(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST_SEED:
        return int(text)
    raise ValueError(f"a whole number from 0 to {_LARGEST_SEED}")


def _value(reader: Reader, found: Located, key: str, parse: Callable[[str], Any], otherwise: Any) -> Any:
    return reader.read(found[key][1], quoted(key), parse, otherwise) if key in found else otherwise
