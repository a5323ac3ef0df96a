"""``/_emulator/worlds/<w>/scenarios`` and ``…/journal``; the library, the points and the actions of the language."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, request

from emulator.api.control.access import check_control, check_sight
from emulator.api.control.answers import answer
from emulator.api.control.bodies import Kinds, body
from emulator.api.control.waiting import as_soon_as, whole
from emulator.api.edge import services
from emulator.domain.errors import Invalid
from emulator.domain.fault import Strike
from emulator.domain.moments import utc_text
from emulator.domain.scenario import Match, Moment, Rule
from emulator.engine.armed import ArmedState, RuleState
from emulator.scenario import timeline as words
from emulator.scenario.catalog.kind import REQUIRED, ActionKind
from emulator.services.scenarios import PAGE

LONGEST_SOURCE = 1000
_RELEASE: Kinds = {"rule": ((str,), "the name of a rule")}
_CHANGED = "Scenarios are armed, disarmed and released"


def list_armed(world: str) -> Response:
    """The scenarios of a world in the order of arming, with their counts; the expired ones too."""
    check_sight(world)
    return answer([_document(state) for state in services().scenarios.all(world)])


def arm(world: str) -> Response:
    """Arm the scenario of the body: YAML or JSON; one of the library as ``{"name": "<its name>"}``.

    ``?again=true`` puts it in the place of an armed one of its name. ``?source=<file>`` is what messages call it.
    ``?dry-run=true`` arms nothing and tells what it would do. 201 with the scenario, and ``after``: its strikes are
    in the journal behind that number.
    """
    check_control(_CHANGED)
    text, source = request.get_data(), _source()
    if _flag("dry-run"):
        services().scenarios.all(world)
        return answer({"timeline": services().scenarios.timeline(text, source)})
    after = services().scenarios.end_of_journal(world)
    state = services().scenarios.arm(world, text, source, again=_flag("again"))
    response = answer(_document(state) | {"after": after}, 201)
    response.headers["Location"] = f"/_emulator/worlds/{quote(world)}/scenarios/{quote(state.name)}"
    return response


def show_armed(world: str, name: str) -> Response:
    """One, with its text."""
    check_sight(world)
    state = services().scenarios.one(world, name)
    return answer(_document(state) | {"text": state.text})


def disarm_all(world: str) -> Response:
    """All of a world; what they hold goes on."""
    check_control(_CHANGED)
    return answer({"disarmed": services().scenarios.disarm(world)})


def disarm(world: str, name: str) -> Response:
    """One; what it holds goes on."""
    check_control(_CHANGED)
    services().scenarios.disarm(world, name)
    return answer({"disarmed": name})


def release_all(world: str) -> Response:
    """Let go on whatever is held in a world."""
    check_control(_CHANGED)
    body({})
    return _released(services().scenarios.release(world))


def release(world: str, name: str) -> Response:
    """Let go on what a scenario holds; ``{"rule": "<name>"}`` for one of its rules."""
    check_control(_CHANGED)
    return _released(services().scenarios.release(world, name, body(_RELEASE).get("rule")))


def show_journal(world: str) -> Response:
    """What the rules did, oldest first, after ``?after=<seq>``, at most ``?limit=``.

    With ``?wait=<seconds>`` the answer comes as soon as there is something. ``next`` is the number to go on after.
    ``?form=lines`` is all of it as JSON lines that are the same in every run with the same seed; ``&times=false``
    leaves the times out, which are not the same by a clock that runs.
    """
    check_sight(world)
    form = request.args.get("form", "json")
    if form == "lines":
        lines = services().scenarios.journal_lines(world, times=_flag("times", otherwise=True))
        return Response(lines, content_type="application/x-ndjson")
    if form != "json":
        raise Invalid(f"form must be json or lines, not {form[:60]!a}")
    after, limit = whole("after", 0), whole("limit", PAGE, PAGE)
    found = as_soon_as(world, bool, lambda: services().scenarios.journal(world, after, limit))
    entries = [
        {
            "seq": each.seq,
            "at": utc_text(each.at),
            "scenario": each.scenario,
            "rule": each.rule,
            "number": each.number,
            "point": each.point,
            "action": each.action,
            "args": each.args,
            "facts": each.facts,
        }
        for each in found
    ]
    return answer({"strikes": entries, "next": found[-1].seq if found else after})


def empty_journal(world: str) -> Response:
    """Forget what the rules did; their counts stay."""
    check_control("The journal is emptied")
    return answer({"removed": services().scenarios.forget_journal(world)})


def list_library() -> Response:
    """The scenarios that come with the program."""
    found = services().scenarios.library()
    return answer([{"name": e.name, "description": e.description, "problem": e.problem} for e in found])


def list_points() -> Response:
    """Where scenarios can speak up, what can be asked there, and what can be done."""
    from emulator.scenario.actions import at_point

    return answer(
        [
            {
                "name": point.name,
                "text": point.text,
                "facts": list(point.facts),
                "actions": [kind.name for kind in at_point(point.name)],
            }
            for point in services().scenarios.points()
        ]
    )


def list_actions() -> Response:
    """What rules can do."""
    return answer([_action(kind) for kind in services().scenarios.actions()])


def _source() -> str:
    """Raises Invalid: it stands before each mistake, on a line of its own."""
    source = request.args.get("source", "")
    if len(source) > LONGEST_SOURCE or not source.isprintable():
        raise Invalid(
            f"source must be the name of a file, on one line, of at most {LONGEST_SOURCE} characters"
        )
    return source


def _flag(name: str, *, otherwise: bool = False) -> bool:
    text = request.args.get(name)
    if text is None:
        return otherwise
    if text not in ("true", "false"):
        raise Invalid(f"{name} must be true or false")
    return text == "true"


def _released(strikes: list[Strike]) -> Response:
    return answer({"released": len(strikes), "strikes": [_held(strike) for strike in strikes]})


def _document(state: ArmedState) -> dict[str, Any]:
    return {
        "name": state.name,
        "description": state.description,
        "world": state.world,
        "source": state.source,
        "state": state.standing.value,
        "since": utc_text(state.since),
        "expires": None if state.expires is None else utc_text(state.expires),
        "seed": state.seed,
        "problem": state.problem,
        "rules": [_rule(each) for each in state.rules],
    }


def _rule(state: RuleState) -> dict[str, Any]:
    rule = state.rule
    return {
        "name": rule.name,
        "at": list(rule.points),
        "when": {name: _patterns(match) for name, match in rule.facts.items()},
        "do": {"action": rule.action.kind, "args": dict(rule.action.args)},
        "which": words.often_words(rule),
        "times": rule.times,
        "per": rule.per,
        "chance": rule.chance,
        "after": rule.after,
        "from": _moment(rule.start),
        "until": _moment(rule.until),
        "state": state.standing.value,
        "struck": state.struck,
        "met": state.met if _counts_met(rule) else None,
        "passed": state.passed,
        "silence": state.silence,
        "holding": [_held(strike) for strike in state.holding],
    }


def _counts_met(rule: Rule) -> bool:
    return rule.turns is not None or rule.chance < 1


def _patterns(match: Match) -> list[str]:
    return [*match.wanted, *(f"!{pattern}" for pattern in match.unwanted)]


def _moment(moment: Moment | None) -> str | None:
    return None if moment is None else words.moment_words(moment)


def _held(strike: Strike) -> dict[str, Any]:
    return {
        "scenario": strike.scenario,
        "rule": strike.rule,
        "number": strike.number,
        "until": None if strike.until is None else utc_text(strike.until),
        "facts": strike.occasion.facts(),
    }


def _action(kind: ActionKind) -> dict[str, Any]:
    return {
        "name": kind.name,
        "points": list(kind.points),
        "text": kind.text,
        "main": kind.main,
        "args": {
            name: {
                "unit": argument.unit.value,
                "required": argument.default is REQUIRED,
                "text": argument.text,
            }
            | ({} if argument.default is REQUIRED else {"default": argument.default})
            | ({"choices": list(argument.choices)} if argument.choices else {})
            for name, argument in kind.args.items()
        },
    }
