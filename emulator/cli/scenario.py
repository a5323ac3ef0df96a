"""``tapis-emulator scenario``: let things fail on cue, and see what did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import click

from emulator.cli.control import NoAnswer, ask, receive
from emulator.cli.env import announced_url
from emulator.cli.options import with_settings
from emulator.domain.errors import EmulatorError
from emulator.resources import scenarios
from emulator.settings import Settings

if TYPE_CHECKING:
    from emulator.scenario.library import Library
    from emulator.scenario.points import Points

_with_settings = partial(with_settings, without="scenarios")
_URL = click.option("--url", help="of an emulator elsewhere; default: the one that serves the data directory")
_WORLD = click.option("--world", default="default", help="the world meant")


def _to_server(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that ask a running emulator."""
    return _URL(_WORLD(_with_settings(command)))


@click.group("scenario")
def command() -> None:
    """Let things fail on cue: a scenario is a file of rules, or one of the library (docs/scenarios.md)."""


@command.command("list")
@click.option(
    "--library", is_flag=True, help="those that come with the program, instead of those that are armed"
)
@_to_server
def show_all(settings: Settings, url: str | None, world: str, library: bool) -> None:
    """The armed scenarios of a world: name, state, strikes."""
    if library:
        for entry in _library().entries(_points()):
            click.echo(f"{entry.name}\n{_indented(entry.problem or entry.description)}")
        return
    for state in _ask(settings, url, _path(world)):
        struck = sum(rule["struck"] for rule in state["rules"])
        held = sum(len(rule["holding"]) for rule in state["rules"])
        words = [
            state["name"],
            state["state"],
            f"struck {struck}",
            f"holds {held}" if held else "",
            state["problem"],
        ]
        click.echo("  ".join(word for word in words if word))


@command.command("show")
@click.argument("name")
@_to_server
def show(settings: Settings, url: str | None, world: str, name: str) -> None:
    """An armed scenario: its rules, what they have done and what they hold."""
    state = _ask(settings, url, _path(world, name))
    click.echo(f"{state['name']}  {state['state']}, armed {state['since']}, seed {state['seed']}")
    for rule in state["rules"]:
        met = "" if rule["met"] is None else f" of {rule['met']}"
        points = ", ".join(rule["at"])
        click.echo(
            f"  {rule['name']}: {rule['do']['action']} at {points}: {rule['state']}, struck {rule['struck']}{met}"
        )
        if rule["passed"]:
            click.echo(f"    said nothing {rule['passed']} times, the last time because {rule['silence']}")
        for held in rule["holding"]:
            until = f" until {held['until']}" if held["until"] else ""
            click.echo(f"    holds{until}: {_facts(held['facts'])}")


@command.command("check")
@click.argument("what", metavar="FILE_OR_NAME", nargs=-1, required=True)
def check(what: tuple[str, ...]) -> None:
    """Read scenarios and say all that is wrong with them; needs no emulator that runs."""
    from emulator.scenario.load import read_scenario

    wrong = []
    for each in what:
        try:
            scenario = read_scenario(*_library().find(each), _points())
            click.echo(f"{each}: {scenario.name}, {_rules(scenario.rules)}, no mistakes")
        except EmulatorError as error:
            wrong.append(error.message)
    if wrong:
        raise click.ClickException("\n".join(wrong))


@command.command("arm")
@click.argument("what", metavar="FILE_OR_NAME")
@click.option("--again", is_flag=True, help="in the place of an armed one of its name, its counts begin anew")
@click.option(
    "--dry-run", is_flag=True, help="arm nothing; tell what it would do (needs no emulator that runs)"
)
@_to_server
def arm(settings: Settings, url: str | None, world: str, what: str, again: bool, dry_run: bool) -> None:
    """Arm the scenario in a file, or one of the library."""
    try:
        text, source = _library().find(what)
        if dry_run:
            click.echo(_timeline(text, source))
            return
    except EmulatorError as error:
        raise click.ClickException(error.message) from error
    query = urlencode({"source": source, "again": "true" if again else "false"})
    state = _ask(settings, url, f"{_path(world)}?{query}", "POST", text)
    click.echo(
        f"{state['name']} is {state['state']} in world {state['world']}: {_rules(state['rules'])},"
        f" seed {state['seed']}"
    )


@command.command("disarm")
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="all of the world")
@_to_server
def disarm(settings: Settings, url: str | None, world: str, name: str | None, everything: bool) -> None:
    """Disarm a scenario; what it holds goes on."""
    _one_or_all(name, everything)
    _ask(settings, url, _path(world, *([name] if name else [])), "DELETE")


@command.command("release")
@click.argument("name", required=False)
@click.argument("rule", required=False)
@click.option("--all", "everything", is_flag=True, help="whatever is held in the world")
@_to_server
def release(
    settings: Settings, url: str | None, world: str, name: str | None, rule: str | None, everything: bool
) -> None:
    """Let go on what a scenario, or one RULE of it, holds."""
    _one_or_all(name, everything)
    path = _path(world, *([name] if name else []), "release")
    found = _ask(settings, url, path, "POST", {} if rule is None else {"rule": rule})
    click.echo(f"{found['released']} released")
    for each in found["strikes"]:
        click.echo(f"  {_facts(each['facts'])}")


@command.command("journal")
@click.option("--lines", is_flag=True, help="JSON lines, the same in every run with the same seed")
@click.option(
    "--times/--no-times", default=True, help="with or without times, which a clock that runs makes differ"
)
@click.option("--empty", is_flag=True, help="forget what they did, instead of telling it; their counts stay")
@_to_server
def journal(settings: Settings, url: str | None, world: str, lines: bool, times: bool, empty: bool) -> None:
    """What the rules did: time, scenario, rule, action, and what it touched."""
    path = f"worlds/{quote(world, safe='')}/journal"
    if empty:
        click.echo(f"{_ask(settings, url, path, 'DELETE')['removed']} removed")
        return
    if lines:
        query = urlencode({"form": "lines", "times": "true" if times else "false"})
        try:
            for line in receive(announced_url(settings, url), f"{path}?{query}", timeout=60):
                click.echo(line, nl=False)
        except NoAnswer as error:
            raise click.ClickException(str(error)) from error
        return
    after = 0
    while True:
        page = _ask(settings, url, f"{path}?after={after}")
        for each in page["strikes"]:
            when = f"{each['at']}  " if times else ""
            what = f"{each['scenario']}: {each['rule']}  {each['action']} at {each['point']}"
            click.echo(f"{when}{what}  {_facts(each['facts'])}")
        if not page["strikes"]:
            return
        after = page["next"]


@command.command("points")
def points() -> None:
    """Where scenarios can speak up, and what ``when`` can ask there."""
    for point in _points().all():
        click.echo(f"{point.name}\n    {point.text}\n    when: {', '.join(point.facts)}")


@command.command("actions")
@click.argument("point", required=False)
def actions(point: str | None) -> None:
    """What rules can do, everywhere or at a POINT."""
    from emulator.scenario.actions import kinds, of_family, summary
    from emulator.scenario.mistakes import unknown

    found = kinds() if point is None else of_family(_points().named(point))
    if not found:
        raise click.ClickException(unknown("point", point or "", _points().names()))
    for kind in found:
        click.echo(f"{summary(kind)}\n    at {', '.join(kind.points)}\n    {kind.text}")
        for name, argument in kind.args.items():
            click.echo(f"    {name}: {argument.text or argument.unit.value}")


def _one_or_all(name: str | None, everything: bool) -> None:
    if (name is None) is not everything:
        raise click.UsageError("give the NAME of a scenario, or --all")


def _rules(rules: Sized) -> str:
    return "1 rule" if len(rules) == 1 else f"{len(rules)} rules"


def _timeline(text: bytes, source: str) -> str:
    from emulator.scenario.load import read_scenario
    from emulator.scenario.timeline import timeline

    return timeline(read_scenario(text, source, _points()), _points())


def _library() -> Library:
    from emulator.scenario.library import Library

    return Library(scenarios())


def _points() -> Points:
    from emulator.api.v2 import coverage
    from emulator.scenario.points import Points

    return Points(coverage.summaries())


def _path(world: str, *names: str) -> str:
    return "/".join(["worlds", quote(world, safe=""), "scenarios", *(quote(name, safe="") for name in names)])


def _facts(facts: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if name != "world")


def _indented(text: str) -> str:
    lines: Iterable[str] = text.strip().splitlines()
    return "\n".join(f"    {line}" for line in lines)


def _ask(settings: Settings, url: str | None, path: str, method: str = "GET", body: Any = None) -> Any:
    try:
        return ask(announced_url(settings, url), path, method, timeout=60, body=body)
    except NoAnswer as error:
        raise click.ClickException(str(error)) from error
