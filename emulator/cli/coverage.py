"""``tapis-emulator coverage``: the operations of the v2 services and how far each is there."""

from __future__ import annotations

import json

import click

from emulator.api.v2 import coverage
from emulator.api.v2.coverage.operation import Operation, State


@click.command("coverage")
@click.option("--service", type=click.Choice(coverage.SERVICES), help="one service only")
@click.option("--state", type=click.Choice([state.value for state in State]), help="one state only")
@click.option("--json", "as_json", is_flag=True, help="as data")
def command(service: str | None, state: str | None, as_json: bool) -> None:
    """List every operation of the v2 services: what is there, what differs from the service, and why."""
    shown = [
        operation
        for operation in coverage.operations()
        if service in (None, operation.service) and state in (None, operation.state.value)
    ]
    if as_json:
        click.echo(json.dumps([coverage.as_document(operation) for operation in shown], indent=2))
        return
    for operation in shown:
        _print(operation)
    totals = (f"{sum(each.state is state for each in shown)} {state.value}" for state in State)
    click.echo(f"{len(shown)} operations: " + ", ".join(totals))


def _print(operation: Operation) -> None:
    click.echo(f"{operation.state.value:<16}{operation.name:<44}{operation.verbs} {operation.path}")
    for each in operation.differences:
        click.echo(f"{'':<16}- {each.what} {each.why}")
