"""A scenario in plain words: what happens, where, when and how often."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from emulator.domain.fault import Action
from emulator.domain.scenario import Flap, Moment, Rule, Scenario, Turns
from emulator.domain.silence import words
from emulator.scenario.actions import at_point
from emulator.scenario.catalog.kind import ActionKind, Unit
from emulator.scenario.points import Points

_ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}


def timeline(scenario: Scenario, points: Points) -> str:
    """The whole scenario, a paragraph for each rule, in the order in which they are asked."""
    return "\n\n".join(
        "\n".join(part)
        for part in (
            list(_head(scenario)),
            *(list(_rule(number, rule, points)) for number, rule in enumerate(scenario.rules, 1)),
        )
    )


def _head(scenario: Scenario) -> Iterator[str]:
    yield scenario.name
    if scenario.description:
        yield scenario.description.rstrip()
    if scenario.expires is not None:
        yield f"Disarms itself {moment_words(scenario.expires)}."
    if any(rule.chance < 1 for rule in scenario.rules):
        yield (
            "Chances are drawn from a seed of the world's."
            if scenario.seed is None
            else f"Chances are drawn from the seed {scenario.seed}."
        )


def _rule(number: int, rule: Rule, points: Points) -> Iterator[str]:
    yield f"{number}. {rule.name}"
    window = window_words(rule)
    if window:
        yield f"   when:  {window}"
    yield f"   at:    {', '.join(rule.points)}{_told(rule, points)}"
    for name, match in rule.facts.items():
        yield f"   where: {name} is {words(match)}"
    often = often_words(rule)
    if often:
        yield f"   which: {often}"
    kind = _kind(rule, points)
    yield f"   does:  {action_words(rule.action, kind)}"
    if kind is not None:
        yield f"          {kind.text}"
    yield f"   times: {times_words(rule)}"


def _told(rule: Rule, points: Points) -> str:
    """What a single point is about."""
    found = [point for pattern in rule.points for point in points.named(pattern)]
    return f" ({found[0].text})" if len(found) == 1 else ""


def _kind(rule: Rule, points: Points) -> ActionKind | None:
    """The rule's action, as it is at its points; None where these are not known any more."""
    here = (
        kind for pattern in rule.points for point in points.named(pattern) for kind in at_point(point.name)
    )
    return next((kind for kind in here if kind.name == rule.action.kind), None)


def window_words(rule: Rule) -> str:
    """``from 10 m after arming; for 30 s, then not for 10 s, and so on; once `x` has struck``"""
    words = []
    if rule.start is not None:
        words.append(f"from {moment_words(rule.start)} on")
    if rule.until is not None:
        words.append(f"until {moment_words(rule.until)}")
    if rule.expires is not None:
        words.append(f"expires {moment_words(rule.expires)}")
    if rule.flap is not None:
        words.append(_flap_words(rule.flap))
    if rule.after:
        words.append(f"once `{rule.after}` has struck")
    return "; ".join(words)


def often_words(rule: Rule) -> str:
    """Which of the matching occasions: ``the 2nd, of each job; by chance, 30 %``."""
    words = []
    if rule.turns is not None:
        words.append(turns_words(rule.turns) + (f" of each {rule.per}" if rule.per else ""))
    if rule.chance < 1:
        words.append(f"by chance, {rule.chance * 100:g} % of them")
    return "; ".join(words)


def times_words(rule: Rule) -> str:
    if rule.times is None:
        return "for ever"
    often = {1: "once", 2: "twice"}.get(rule.times, f"{rule.times} times")
    return often + (f" for each {rule.per}" if rule.per else "")


def action_words(action: Action, kind: ActionKind | None) -> str:
    """The action with those of its arguments that say something."""
    units = {} if kind is None else {name: argument.unit for name, argument in kind.args.items()}
    told = [
        f"{name}: {_value_words(value, units.get(name))}"
        for name, value in action.args.items()
        if value not in (None, "", False)
    ]
    return f"{action.kind} ({', '.join(told)})" if told else action.kind


def _value_words(value: Any, unit: Unit | None) -> Any:
    """On one line."""
    if unit is Unit.DURATION:
        return span_words(timedelta(seconds=value))
    if unit is Unit.SIZE:
        return f"{value} bytes"
    if unit is Unit.RATE:
        return f"{value} bytes a second"
    return (
        value if not isinstance(value, str) or value.isprintable() else json.dumps(value, ensure_ascii=False)
    )


def turns_words(turns: Turns) -> str:
    if turns.every:
        return f"every {_ordinal(turns.every)}"
    return "the " + ", ".join(_range_words(first, last) for first, last in turns.ranges)


def _range_words(first: int, last: int | None) -> str:
    if last is None:
        return f"{_ordinal(first)} and all later"
    return _ordinal(first) if first == last else f"{_ordinal(first)} to {_ordinal(last)}"


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return str(number)[:-1] + _ORDINALS.get(number % 10, f"{number % 10}th")


def _flap_words(flap: Flap) -> str:
    return f"for {span_words(flap.on)}, then not for {span_words(flap.off)}, and so on"


def moment_words(moment: Moment) -> str:
    if isinstance(moment, datetime):
        return moment.isoformat()
    return f"{span_words(moment)} after arming"


def span_words(span: timedelta) -> str:
    """``48 h``, ``1 h 30 m``, ``1.5 s``"""
    seconds = span.total_seconds()
    parts = []
    for unit, length in (("h", 3600), ("m", 60)):
        whole, seconds = divmod(seconds, length)
        if whole:
            parts.append(f"{whole:g} {unit}")
    if seconds or not parts:
        parts.append(f"{seconds:g} s")
    return " ".join(parts)
