"""``tapis-emulator simulate``: apps that are simulated instead of run, in a running emulator."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from emulator.cli.control import NoAnswer, ask
from emulator.cli.env import announced_url
from emulator.cli.options import with_settings
from emulator.settings import Settings

_URL = click.option("--url", help="of an emulator elsewhere; default: the one that serves the data directory")
_WORLD = click.option("--world", default="default", help="the world meant")


@click.group("simulate")
def command() -> None:
    """Let apps be simulated instead of run: they take as long, end and leave behind what you say."""


@command.command("app")
@click.argument("app")
@click.option("--duration", help="how long it runs: 90, 10s, 5m, forever; without it: no time at all")
@click.option("--queue-wait", help="how long it waits in the queue before")
@click.option("--exit-code", help="what it ends with; without it: 0")
@click.option("--signal", help="the number of the signal that kills it")
@click.option("--scheduler-state", help="the scheduler's word for the end: NODE_FAIL, PREEMPTED, LOST …")
@click.option("--stdout", help="what it says, as a text or a size")
@click.option("--stderr", help="what it says on standard error")
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="PATH=TEXT",
    help="a file that it leaves; TEXT may be a size",
)
@click.option("--reject", help="the scheduler does not take it, in these words")
@click.option("--archiving", help="its outputs cannot be archived, for this reason")
@click.option(
    "--from", "file", type=click.Path(path_type=Path, dir_okay=False), help="all of that from a YAML file"
)
@click.option("--run", is_flag=True, help="it is run, whatever a wider pattern says")
@_WORLD
@_URL
@partial(with_settings, without="listener")
def put(settings: Settings, app: str, world: str, url: str | None, file: Path | None, **given: Any) -> None:
    """Declare what stands in for APP: an app id, or a pattern such as 'classifier-*' or '*'."""
    document = {} if file is None else _read(file)
    outputs = dict(_output(text) for text in given.pop("outputs"))
    document |= {name: value for name, value in given.items() if value not in (None, False)}
    if outputs:
        document["outputs"] = {**document.get("outputs", {}), **outputs}
    shown = _ask(settings, url, f"worlds/{quote(world)}/simulations/{quote(app, safe='')}", "PUT", document)
    click.echo(_line(shown))


@command.command("list")
@_WORLD
@_URL
@partial(with_settings, without="listener")
def show(settings: Settings, world: str, url: str | None) -> None:
    """What is simulated in a world."""
    for simulation in _ask(settings, url, f"worlds/{quote(world)}/simulations"):
        click.echo(_line(simulation))


@command.command("remove")
@click.argument("app", required=False)
@click.option("--all", "everything", is_flag=True, help="all that is declared in the world")
@_WORLD
@_URL
@partial(with_settings, without="listener")
def remove(settings: Settings, app: str | None, everything: bool, world: str, url: str | None) -> None:
    """Such apps are run again."""
    if (app is None) is not everything:
        raise click.UsageError("name an app or pattern, or say --all")
    path = f"worlds/{quote(world)}/simulations"
    for removed in _ask(settings, url, path if app is None else f"{path}/{quote(app, safe='')}", "DELETE")[
        "removed"
    ]:
        click.echo(removed)


def _read(file: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise click.ClickException(f"{file}: {error}") from error
    if not isinstance(document, dict):
        raise click.ClickException(f"{file}: expected a mapping with duration, exit_code, outputs, …")
    return document


def _output(text: str) -> tuple[str, str]:
    path, found, content = text.partition("=")
    if not found:
        raise click.UsageError(f"--output {text}: expected PATH=TEXT")
    return path, content


def _line(simulation: dict[str, Any]) -> str:
    return f"{simulation['app']}  {json.dumps(simulation['simulation'], ensure_ascii=False)}"


def _ask(settings: Settings, url: str | None, path: str, method: str = "GET", body: Any = None) -> Any:
    try:
        return ask(announced_url(settings, url), path, method, body=body)
    except (NoAnswer, TypeError) as error:  # a YAML file may hold dates, which JSON does not know
        raise click.ClickException(str(error)) from error
