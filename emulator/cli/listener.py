"""``tapis-emulator listener``: more ports of a running emulator, each with its own user and world."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

import click

from emulator.cli.control import NoAnswer, ask
from emulator.cli.env import announced_url
from emulator.cli.options import with_settings
from emulator.settings import Settings

_URL = click.option("--url", help="of an emulator elsewhere; default: the one that serves the data directory")


@click.group("listener")
def command() -> None:
    """Give a user or a test a port of its own, so that unmodified clients need no token to be told apart."""


@command.command("add")
@click.argument("user", default="")
@click.option("--name", default="", help="what it is called; default: as the user")
@click.option("--at", type=click.IntRange(0, 65535), default=0, help="its port; 0: a free one")
@click.option("--world", default="default", help="the world that it shows")
@click.option("--new-world", is_flag=True, help="make the world, from the seed, when it is not there")
@click.option("--tls", is_flag=True, help="speak TLS alone")
@click.option(
    "--anonymous/--no-anonymous", "nameless", default=None, help="whether a request may come without a token"
)
@_URL
@partial(with_settings, without="listener")
def add(
    settings: Settings,
    user: str,
    name: str,
    at: int,
    world: str,
    new_world: bool,
    tls: bool,
    nameless: bool | None,
    url: str | None,
) -> None:
    """Open a listener that acts as USER (default: the world's) and print its URL.

    It is opened again by every later start, until it is removed.
    """
    body = {"name": name, "port": at, "world": world, "user": user, "tls": tls, "create": new_world}
    click.echo(_ask(settings, url, "listeners", "POST", body | {"anonymous": nameless})["url"])


@command.command("list")
@_URL
@partial(with_settings, without="listener")
def show(settings: Settings, url: str | None) -> None:
    """All listeners: name, user, world, URL."""
    for listener in _ask(settings, url, "listeners"):
        where = listener["url"] or f"not open: {listener['problem']}"
        click.echo("  ".join((listener["name"], listener["user"], listener["world"], where)))


@command.command("remove")
@click.argument("name")
@_URL
@partial(with_settings, without="listener")
def remove(settings: Settings, name: str, url: str | None) -> None:
    """Close a listener and forget it; requests under way are answered."""
    _ask(settings, url, f"listeners/{quote(name, safe='')}", "DELETE")


def _ask(settings: Settings, url: str | None, path: str, method: str = "GET", body: Any = None) -> Any:
    try:
        # a new world takes as long as a first start
        return ask(announced_url(settings, url), path, method, timeout=60, body=body)
    except NoAnswer as error:
        raise click.ClickException(str(error)) from error
