"""``tapis-emulator openapi``: the OpenAPI description of what is there."""

from __future__ import annotations

import json

import click

from emulator import __version__
from emulator.api.v2.openapi import document


@click.command("openapi")
@click.option("--url", default="http://localhost:8000", show_default=True, help="the server it names")
def command(url: str) -> None:
    """Print OpenAPI 3.1 for the operations of the v2 services that are there, as JSON."""
    click.echo(json.dumps(document(__version__, url), indent=2))
