"""``tapis-emulator mailbox``: read the e-mails that the emulator has kept."""

from __future__ import annotations

from urllib.parse import quote

import click

from emulator.cli.control import NoAnswer, ask
from emulator.cli.env import announced_url
from emulator.cli.options import with_settings
from emulator.settings import Settings


@click.command("mailbox")
@click.option("--url", help="of an emulator elsewhere; default: the one that serves the data directory")
@click.option("--to", "to", help="only those to this address")
@click.option("--full", is_flag=True, help="with their text")
@click.option("--empty", is_flag=True, help="throw them all away")
@with_settings
def command(settings: Settings, url: str | None, to: str | None, full: bool, empty: bool) -> None:
    """Show the e-mails kept in the built-in mailbox, oldest first."""
    where = announced_url(settings, url)
    try:
        if empty:
            click.echo(f"removed {ask(where, 'mailbox', 'DELETE')['removed']}")
            return
        mails = ask(where, f"mailbox?to={quote(to)}" if to else "mailbox")
    except NoAnswer as error:
        raise click.ClickException(str(error)) from error
    for mail in mails:
        click.echo(f"{mail['received']}  {mail['to']}  {mail['subject']}")
        if full:
            click.echo("\n".join(f"    {line}" for line in mail["text"].splitlines()) + "\n")
