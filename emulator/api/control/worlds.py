"""``/_emulator/worlds``: made, shown, reset, pictured, restored, removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from flask import Response, request

from emulator.api.control.access import check_control, check_sight
from emulator.api.control.answers import answer
from emulator.api.control.bodies import Kinds, body
from emulator.api.edge import scope, services
from emulator.domain.clock_words import read_clock
from emulator.domain.errors import Invalid
from emulator.domain.listener import Listener
from emulator.domain.moments import utc_text
from emulator.domain.world import NewWorld, WorldState

_WHAT = "Worlds are made and changed"
_RESTORED: Kinds = {
    "seed": (
        (str,),
        "the name of a built-in seed, or the path of a folder or file on the emulator's machine",
    ),
    "chance_seed": ((int, type(None)), "a whole number"),
    "clock": ((str, int, float, dict, type(None)), "real, frozen, x60, or {mode, factor, start}"),
    "simulated": ((bool, dict, type(None)), "true, or a mapping of app ids to simulations"),
}
_CREATED: Kinds = {
    "name": ((str,), "a string"),
    **_RESTORED,
    "listener": ((bool, int), "true, or a port"),
    "replace": ((bool,), "true or false"),
}
_PICTURED: Kinds = {"folder": ((str,), "the path of a new folder on the emulator's machine")}
_JSON = ("", "application/json", "text/plain", "application/x-www-form-urlencoded")
_LARGEST_NUMBER = 2**63


def list_worlds() -> Response:
    """All of them; through a listener that was handed to somebody, its own."""
    states = services().worlds.all()
    return answer(
        [_document(each) for each in states if scope().controls or each.world.name == scope().world]
    )


def show_world(world: str) -> Response:
    check_sight(world)
    return answer(_document(services().worlds.one(world)))


def create_world() -> Response:
    """``{"name", "seed", "chance_seed", "clock", "simulated", "listener", "replace"}``, all of which may be left out.

    Or the tar of a seed as the body, with the same fields in the query. 201 with the world and its URL.
    """
    check_control(_WHAT)
    with _wanted(_CREATED, "") as (wanted, fields):
        state = services().worlds.create(
            wanted, _listener(fields.get("listener", False)), instead=fields.get("replace", False)
        )
    response = answer(_document(state), 201)
    response.headers["Location"] = f"/_emulator/worlds/{quote(state.world.name)}"
    return response


def delete_world(world: str) -> Response:
    check_control(_WHAT)
    services().worlds.delete(world)
    return answer({"removed": world})


def reset_world(world: str) -> Response:
    """Back to what it was made from."""
    check_control(_WHAT)
    body({})
    return answer(_document(services().worlds.reset(world)))


def restore_world(world: str) -> Response:
    """Another seed in its place: fields as for a new one, or a tar; from now on a reset goes back to that."""
    check_control(_WHAT)
    services().worlds.one(world)
    with _wanted(_RESTORED, world) as (wanted, _):
        return answer(_document(services().worlds.restore(wanted)))


def snapshot_world(world: str) -> Response:
    """The world as a seed: a tar as the answer, or ``{"folder": "<path>"}`` written on the emulator's machine."""
    check_control(_WHAT)
    folder = body(_PICTURED).get("folder")
    if folder is not None:
        services().worlds.snapshot(world, Path(folder))
        return answer({"folder": folder})
    path = services().worlds.snapshot_tar(world)
    size = path.stat().st_size
    response = Response(_sent(path), content_type="application/gzip")
    response.headers["Content-Length"] = str(size)
    response.headers["Content-Disposition"] = f'attachment; filename="{world}.tar.gz"'
    return response


def _sent(path: Path) -> Iterator[bytes]:
    """Once it is open nobody need remove it."""
    file = path.open("rb")
    path.unlink()

    def pieces() -> Iterator[bytes]:
        with file:
            while piece := file.read(256 * 1024):
                yield piece

    return pieces()


@contextmanager
def _wanted(kinds: Kinds, name: str) -> Iterator[tuple[NewWorld, dict[str, Any]]]:
    """What the request asks for, with the seed it brings; that is there for the block only. Raises Invalid."""
    if request.mimetype in _JSON and request.headers.get("Transfer-Encoding") is None:
        fields = body(kinds)
        yield _new_world(fields, name), fields
        return
    fields = _query(kinds)
    wanted = _new_world(fields, name)
    if wanted.seed is not None:
        raise Invalid("seed: the body is the seed")
    with services().worlds.uploaded(cast(BinaryIO, request.stream)) as folder:
        yield replace(wanted, folder=folder), fields


def _new_world(fields: dict[str, Any], name: str) -> NewWorld:
    seed, chance, clock = fields.get("seed"), fields.get("chance_seed"), fields.get("clock")
    if chance is not None and not -_LARGEST_NUMBER <= chance < _LARGEST_NUMBER:
        raise Invalid("chance_seed must have at most 63 bits")
    if seed is not None and (not seed or "\0" in seed):
        raise Invalid(f"seed must be {_RESTORED['seed'][1]}")
    return NewWorld(
        name=name or fields.get("name", ""),
        seed=seed,
        chance_seed=chance,
        clock=None if clock is None else read_clock(clock),
        simulated=fields.get("simulated"),
    )


def _query(kinds: Kinds) -> dict[str, Any]:
    """The fields of the query, as the kinds want them."""
    fields: dict[str, Any] = {}
    for name, text in request.args.items():
        if name not in kinds:
            raise Invalid(f"There is no field {name[:60]!a}; there are {', '.join(kinds)}")
        types, meant = kinds[name]
        value: Any = text
        if bool in types and text in ("true", "false"):
            value = text == "true"
        elif int in types and text.removeprefix("-").isdecimal() and len(text) < 20:
            value = int(text)
        if type(value) not in types:
            raise Invalid(f"{name} must be {meant}")
        fields[name] = value
    return fields


def _listener(wanted: bool | int) -> Listener | None:
    if wanted is False:
        return None
    return Listener(name="", port=0 if wanted is True else wanted, world="", user="")


def _document(state: WorldState) -> dict[str, Any]:
    world = state.world
    urls = [url for url in state.listeners.values() if url]
    return {
        "name": world.name,
        "url": urls[0] if urls else None,
        "listeners": dict(state.listeners),
        "tenant": world.tenant_id,
        "user": world.default_user,
        "origin": world.origin or "the built-in seed",
        "generation": world.generation,
        "chance_seed": world.chance_seed,
        "clock": {
            "mode": state.clock.mode.value,
            "factor": state.clock.factor,
            "now": utc_text(state.now),
        },
        **state.counts,
        "active": state.active,
    }
