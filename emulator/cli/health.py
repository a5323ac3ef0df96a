"""``tapis-emulator health``: for people, scripts and Docker's HEALTHCHECK."""

from __future__ import annotations

import time

import click

from emulator.cli.control import NoAnswer, ask
from emulator.cli.env import announced_url
from emulator.cli.options import with_settings
from emulator.settings import Settings

_PAUSE_SECONDS = 0.1


@click.command("health")
@click.option("--url", help="of an emulator elsewhere; default: the one that serves the data directory")
@click.option("--wait", type=float, default=0.0, help="seconds to wait for it to come up")
@with_settings
def command(settings: Settings, url: str | None, wait: float) -> None:
    """Exit 0 when the emulator answers, 1 when it does not."""
    deadline = time.monotonic() + wait
    while True:
        try:
            answer = ask(announced_url(settings, url), "health")
            break
        except NoAnswer as error:
            # another process's start has no event to wait for
            if time.monotonic() >= deadline:
                raise click.ClickException(str(error)) from error
            time.sleep(_PAUSE_SECONDS)
    click.echo(" ".join(f"{key}={value}" for key, value in answer.items()))
