"""``tapis-emulator clock``: how the time of a world goes by, and letting it pass."""

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
_WORLD = click.option("--world", default="default", help="whose clock")
_LONG = 7 * 24 * 3600.0
"""Seconds to wait for an answer: as long as scripts that really run may take."""


@click.group("clock")
def command() -> None:
    """Let a world's time go faster, stand still, or pass at once up to what is waited for."""


@command.command("show")
@_WORLD
@_URL
@partial(with_settings, without="listener")
def show(settings: Settings, world: str, url: str | None) -> None:
    """What the clock says, and how it goes."""
    _print(_ask(settings, url, world))


@command.command("set")
@click.argument("mode")
@click.option("--start", help="from when on, such as 2026-11-23T10:00:00Z; never before the world's own time")
@_WORLD
@_URL
@partial(with_settings, without="listener")
def set_clock(settings: Settings, mode: str, start: str | None, world: str, url: str | None) -> None:
    """Go on in MODE: real, frozen, or a factor such as x60."""
    body: dict[str, Any] = {"mode": mode}
    if mode[:1] in ("x", "×"):
        try:
            body = {"mode": "scaled", "factor": float(mode[1:])}
        except ValueError:
            raise click.BadParameter("a factor looks like x60", param_hint="MODE") from None
    if start is not None:
        body["start"] = start
    _print(_ask(settings, url, world, "PUT", body))


@command.command("advance")
@click.argument("duration")
@_WORLD
@_URL
@partial(with_settings, without="listener")
def advance(settings: Settings, duration: str, world: str, url: str | None) -> None:
    """Let DURATION (90, 10m, 48h, 7d) pass, with all that is to happen meanwhile."""
    _print(_ask(settings, url, world, "POST", {"advance": duration}))


@command.command("run")
@click.argument("job", default="")
@click.option("--until", help="states of the job, such as RUNNING or FINISHED,FAILED; default: its end")
@click.option("--limit", help="at most so long, such as 30d")
@_WORLD
@_URL
@partial(with_settings, without="listener")
def run(
    settings: Settings, job: str, until: str | None, limit: str | None, world: str, url: str | None
) -> None:
    """Let time pass until JOB has ended, or, without one, until nothing is left that somebody waits for.

    Ends with status 1 when that was not reached.
    """
    body = {"run": "job" if job else "idle", "job": job or None, "until": until, "limit": limit}
    document = _ask(settings, url, world, "POST", {name: value for name, value in body.items() if value})
    _print(document)
    if not document["reached"] and (job or document["still"]):
        raise click.ClickException("not reached")


def _ask(settings: Settings, url: str | None, world: str, method: str = "GET", body: Any = None) -> Any:
    path = f"worlds/{quote(world, safe='')}/clock"
    try:
        return ask(announced_url(settings, url), path, method, timeout=_LONG, body=body)
    except NoAnswer as error:
        raise click.ClickException(str(error)) from error


def _print(document: dict[str, Any]) -> None:
    mode = f"x{document['factor']:g}" if document["mode"] == "scaled" else document["mode"]
    click.echo(f"{document['now']}  {mode}")
    if document["nextTimer"]:
        click.echo(f"next: {document['nextTimer']}")
    for each in document["still"]:
        click.echo(f"still: {each}")
