"""What handlers reach of the request that they serve: services, listener, caller, world, and what links begin with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flask import current_app, g, request

from emulator.domain.identity import Caller, World
from emulator.settings import Settings

if TYPE_CHECKING:
    from emulator.api.watch import Watch
    from emulator.services import Services

ACTS_AS = "emulator.acts_as"
"""Key in the environ of a request that we make ourselves: the Caller it is made as. Clients cannot set it."""

_fixed_base: ContextVar[str | None] = ContextVar("fixed_base_url", default=None)


@dataclass(frozen=True, slots=True)
class ListenerScope:
    """What a listener stands for: requests without credentials act as ``default_user`` in ``world``."""

    world: str
    default_user: str
    anonymous: bool = True
    """False: requests without credentials are refused."""
    base_url: str = ""
    """What links begin with; "": as the request came."""
    controls: bool = True
    """Whether listeners may be opened and closed through this one."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What handlers reach through :func:`edge`. ``scopes`` is keyed by listener (see server/)."""

    services: Services
    settings: Settings
    scopes: Mapping[str, ListenerScope]
    watch: Watch | None = None


def edge() -> Edge:
    """The edge of the app that serves the current request."""
    found: Edge = current_app.extensions["emulator"]
    return found


def services() -> Services:
    return edge().services


def caller() -> Caller:
    """The user the current request acts as."""
    found: Caller = g.caller
    return found


def now() -> datetime:
    """What the clock of the caller's world says."""
    return services().clocks.of(caller().world).now()


def scope() -> ListenerScope:
    """The scope of the listener that the current request came in by."""
    scopes = edge().scopes
    return scopes.get(request.environ.get("emulator.listener", "")) or next(iter(scopes.values()))


def only_world() -> str | None:
    """The world that the listener of the current request shows, whatever credentials are for; None: any.

    Through the ordinary port credentials decide; a listener that was handed to somebody knows of its own world only.
    """
    here = scope()
    return None if here.controls else here.world


def world() -> World:
    """The world of the current request: the token's, else the listener's."""
    name = g.caller.world if "caller" in g else scope().world
    return services().accounts.world(name)


def base_url() -> str:
    """What links begin with, ending in one slash: the configured base, else as the request came [conventions §5].

    Worked out once per request: a page of a listing holds hundreds of links.
    """
    fixed = _fixed_base.get()
    if fixed is not None:
        return fixed
    if "base_url" not in g:
        g.base_url = _base_url()
    found: str = g.base_url
    return found


@contextmanager
def links_from(base: str) -> Iterator[None]:
    """Inside the block links begin with ``base``: for what is written outside any request."""
    token = _fixed_base.set(base)
    try:
        yield
    finally:
        _fixed_base.reset(token)


def _base_url() -> str:
    configured = world().base_url or scope().base_url
    if configured:
        return configured.rstrip("/") + "/"
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme).split(",")[0].strip()
    host = request.headers.get("X-Forwarded-Host", request.host).split(",")[0].strip()
    return f"{scheme}://{host}/"


def anonymous_caller() -> Caller | None:
    """The listener's default user, for a request without credentials; None where those are refused."""
    here = scope()
    if not here.anonymous:
        return None
    return services().accounts.caller(here.world, here.default_user, authenticated=False)
