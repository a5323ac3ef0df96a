"""The command ``tapis-emulator``. Each command's module is loaded only when it is called: start-up counts."""

from __future__ import annotations

import importlib

import click

from emulator import __version__

_COMMANDS = {
    "serve": "run the emulator",
    "env": "print the lines that point the clients at it",
    "health": "say whether it answers",
    "scenario": "let things fail on cue",
    "clock": "let time go faster, stand still or pass at once",
    "listener": "give users and tests ports of their own",
    "simulate": "let apps be simulated instead of run",
    "world": "give tests and students worlds of their own",
    "mailbox": "show the e-mails it has kept",
    "hpc": "run a cluster in a container behind the execution systems",
    "coverage": "list the operations of the v2 services and how far each is there",
    "openapi": "print the OpenAPI description of what is there",
    "demo": "run the course's job through a real client",
}


class _Lazy(click.Group):
    """Knows its commands by name and loads the one that is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"emulator.cli.{name}").command
        return command


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tapis-emulator")
def main() -> None:
    """A local emulator of the Tapis v2 (Agave/Aloe) Jobs and Files APIs that really runs the jobs."""
