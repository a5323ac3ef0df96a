"""``/_emulator/worlds/<w>/simulations``: apps that are simulated instead of run."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, request

from emulator.api import json_text
from emulator.api.control.access import check_control, check_sight
from emulator.api.control.answers import answer
from emulator.api.edge import services
from emulator.domain.errors import Invalid
from emulator.domain.simulation import Simulation

_CHANGED = "Simulations are declared and taken back"


def list_simulations(world: str) -> Response:
    check_sight(world)
    return answer([_document(one) for one in services().simulations.all(world)])


def show_simulation(world: str, app: str) -> Response:
    check_sight(world)
    return answer(_document(services().simulations.one(world, app)))


def put_simulation(world: str, app: str) -> Response:
    """Declare what stands in for an app, or for all that a pattern fits (``*``: the whole world).

    The body is the simulation: ``{"duration": "10s", "exit_code": 3, "outputs": {"a.txt": "text"}}``.
    """
    check_control(_CHANGED)
    simulation, new = services().simulations.put(world, app, _body())
    response = answer(_document(simulation), 201 if new else 200)
    response.headers["Location"] = f"/_emulator/worlds/{quote(world)}/simulations/{quote(app, safe='')}"
    return response


def remove_simulation(world: str, app: str) -> Response:
    check_control(_CHANGED)
    services().simulations.remove(world, app)
    return answer({"removed": [app]})


def remove_simulations(world: str) -> Response:
    """All of them: every app is run again."""
    check_control(_CHANGED)
    return answer({"removed": services().simulations.remove_all(world)})


def _body() -> Any:
    """No body at all is the empty simulation: ends at once, and well."""
    try:
        return json_text.parse(request.get_data().decode("utf-8-sig") or "{}")
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The body is no JSON: {error}") from error


def _document(simulation: Simulation) -> dict[str, Any]:
    return {"app": simulation.app, "simulation": simulation.document}
