"""``tapis-emulator world``: the worlds of a running emulator, each of which knows nothing of the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from emulator.cli.control import NoAnswer, ask, send
from emulator.cli.env import announced_url
from emulator.cli.options import with_settings
from emulator.settings import Settings

_URL = click.option("--url", help="of an emulator elsewhere; default: the one that serves the data directory")
_SEED = click.option("--seed", help="a built-in seed, a folder, a YAML file, or a tar")
_CHANCE = click.option("--chance-seed", type=int, help="what ids and chance are drawn from")
_CLOCK = click.option("--clock", help="real, frozen, or x60 for sixty times as fast")
_PATIENCE = 600
_TARS = (".tar", ".tgz", ".gz", ".bz2", ".xz")


@click.group("world")
def command() -> None:
    """Make, list, reset, snapshot, restore and delete worlds of a running emulator."""


@command.command("list")
@_URL
@with_settings
def show(settings: Settings, url: str | None) -> None:
    """All worlds: name, URL, what they were made from, users, systems, apps and jobs."""
    for world in _ask(settings, url, ""):
        counts = ", ".join(f"{world[name]} {name}" for name in ("users", "systems", "apps", "jobs"))
        click.echo("  ".join((world["name"], world["url"] or "no listener", world["origin"], counts)))


@command.command("create")
@click.argument("name", required=False, default="")
@_SEED
@_CHANCE
@_CLOCK
@click.option("--simulated", is_flag=True, help="simulate all its apps instead of running them")
@click.option("--at", type=int, default=0, help="port of its listener; default: a free one")
@click.option("--no-listener", is_flag=True, help="open none")
@click.option("--replace", is_flag=True, help="in place of a world that has the name")
@_URL
@with_settings
def create(settings: Settings, name: str, at: int, no_listener: bool, url: str | None, **wanted: Any) -> None:
    """Make a world and print its URL (or, without a listener, its name)."""
    fields = {"name": name, "listener": False if no_listener else at or True} | wanted
    world = _with_seed(settings, url, "", fields)
    click.echo(world["url"] or world["name"])


@command.command("reset")
@click.argument("name")
@_URL
@with_settings
def reset(settings: Settings, name: str, url: str | None) -> None:
    """Back to what the world was made from."""
    _ask(settings, url, f"/{quote(name, safe='')}/reset", "POST")


@command.command("snapshot")
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path))
@_URL
@with_settings
def snapshot(settings: Settings, name: str, target: Path, url: str | None) -> None:
    """Write the world to TARGET: a compressed tar where it ends in .tar.gz or .tgz, else a folder to read and edit."""
    path = f"/{quote(name, safe='')}/snapshot"
    packed = target.name.endswith((".tar.gz", ".tgz"))
    if target.is_file() or (target.is_dir() and (packed or any(target.iterdir()))):
        raise click.ClickException(f"{target} is there already")
    if packed:
        with _open(settings, url, path) as answer, target.open("xb") as file:
            while piece := answer.read(1024 * 1024):
                file.write(piece)
        return
    if url is None:
        _ask(settings, url, path, "POST", {"folder": str(target.expanduser().absolute())})
        return
    from emulator.seeds.archive import unpack

    target.mkdir(parents=True, exist_ok=True)
    with _open(settings, url, path) as answer:
        unpack(answer, target)


@command.command("restore")
@click.argument("name")
@click.argument("seed")
@_CHANCE
@_CLOCK
@_URL
@with_settings
def restore(settings: Settings, name: str, url: str | None, **wanted: Any) -> None:
    """Put what SEED has (a snapshot, or any other) in the place of the world; a reset then goes back to that."""
    _with_seed(settings, url, f"/{quote(name, safe='')}/restore", wanted)


@command.command("delete")
@click.argument("name")
@_URL
@with_settings
def delete(settings: Settings, name: str, url: str | None) -> None:
    """With all that is in it; jobs that run are killed, listeners closed."""
    _ask(settings, url, f"/{quote(name, safe='')}", "DELETE")


def _with_seed(settings: Settings, url: str | None, path: str, fields: dict[str, Any]) -> Any:
    """Seeds that lie here are sent where the emulator may be elsewhere; a tar is always sent."""
    given = {
        name: value for name, value in fields.items() if value not in (None, "", False) or name == "listener"
    }
    seed = Path(given.get("seed", "")).expanduser()
    if "seed" in given and seed.is_file() and seed.suffix in _TARS:
        del given["seed"]
        query = {name: str(value).lower() if value is not None else "" for name, value in given.items()}
        with seed.open("rb") as file:
            pieces: Iterator[bytes] = iter(lambda: file.read(256 * 1024), b"")
            return _sent(settings, url, f"{path}?{urlencode(query)}", pieces)
    if "seed" in given and seed.exists():
        given["seed"] = str(seed.absolute())
    return _ask(settings, url, path, "POST", given)


def _ask(settings: Settings, url: str | None, path: str, method: str = "GET", body: Any = None) -> Any:
    try:
        return ask(announced_url(settings, url), f"worlds{path}", method, timeout=_PATIENCE, body=body)
    except NoAnswer as error:
        raise click.ClickException(str(error)) from error


def _sent(settings: Settings, url: str | None, path: str, pieces: Iterator[bytes]) -> Any:
    try:
        with send(announced_url(settings, url), f"worlds{path}", pieces, timeout=_PATIENCE) as answer:
            return json.load(answer)
    except NoAnswer as error:
        raise click.ClickException(str(error)) from error


def _open(settings: Settings, url: str | None, path: str) -> Any:
    try:
        return send(announced_url(settings, url), f"worlds{path}", None, timeout=_PATIENCE)
    except NoAnswer as error:
        raise click.ClickException(str(error)) from error
