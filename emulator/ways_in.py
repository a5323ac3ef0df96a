"""The ways in: the server's open listeners, what each stands for, and where each answers."""

from __future__ import annotations

import errno
import itertools
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from wsgiref.types import WSGIApplication

from emulator.api.edge import ListenerScope
from emulator.domain.errors import PreconditionFailed
from emulator.domain.listener import DEFAULT_LISTENER, TLS_LISTENER, Listener, ListenerState
from emulator.server import Server, StandIn, TlsIdentity
from emulator.settings import BadSetting, Settings, flag

_HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class _Way:
    key: str
    host: str
    listener: Listener
    kept: bool


class WaysIn:
    """Answers the port `Ports`; `scopes` is what the HTTP edge looks the listener of a request up in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ports = range(0)
        self._scopes: dict[str, ListenerScope] = {}
        self._ways: dict[str, _Way] = {}
        self._serial = itertools.count(1)
        self._lock = threading.Lock()
        self._server: Server | None = None

    @property
    def scopes(self) -> Mapping[str, ListenerScope]:
        """By the key that the server gives each request: a view."""
        return self._scopes

    def serve(self, app: WSGIApplication, tls: TlsIdentity) -> None:
        """What every listener serves, from now on. Raises BadSetting."""
        self._ports = port_range(self._settings.listener_ports)
        self._server = Server(
            app, version=self._settings.service_version, tls=tls, stand_in=stood_in(self._settings)
        )

    def open_ordinary(self, world: str, user: str) -> None:
        """The ordinary port, and the one for TLS alone where it is wanted. Raises OSError, BadSetting."""
        ordinary = Listener(name=DEFAULT_LISTENER, port=self._settings.port, world=world, user=user)
        self._open(ordinary, kept=False, controls=True)
        if self._settings.tls_port:
            tls = replace(ordinary, name=TLS_LISTENER, port=self._settings.tls_port, tls=True)
            try:
                self._open(tls, kept=False, controls=True)
            except OSError as error:
                raise BadSetting(f"{flag('server.tls_port')}: {self._refusal(tls, error)}") from error

    def open(self, listener: Listener, *, kept: bool) -> int:
        """Answers `Ports.open`."""
        if listener.port == 0 and self._ports:
            return self._open_one_of(listener, kept)
        try:
            return self._open(listener, kept=kept, controls=False)
        except OSError as error:
            raise PreconditionFailed(self._refusal(listener, error)) from error

    def _open_one_of(self, listener: Listener, kept: bool) -> int:
        """On the first port that is free of those that are meant for it."""
        for port in self._ports:
            try:
                return self._open(replace(listener, port=port), kept=kept, controls=False)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise PreconditionFailed(self._refusal(listener, error)) from error
        first, last = self._ports[0], self._ports[-1]
        raise PreconditionFailed(
            f"The ports {first}-{last} are all in use: {flag('server.listener_ports')} gives listeners no others"
        )

    def close(self, name: str) -> None:
        """Answers `Ports.close`."""
        with self._lock:
            way = self._ways.pop(name)
        assert self._server is not None, "nothing was opened"
        self._server.retire(way.key)

    def listeners(self) -> list[ListenerState]:
        """Answers `Ports.listeners`."""
        with self._lock:
            ways = list(self._ways.values())
        return [ListenerState(listener=way.listener, url=_url(way), kept=way.kept) for way in ways]

    def stop(self) -> None:
        """Close all, requests under way after a short grace."""
        if self._server is not None:
            self._server.stop()

    def url(self, name: str = DEFAULT_LISTENER) -> str | None:
        """Where a listener answers; None when there is none of that name."""
        with self._lock:
            way = self._ways.get(name)
        return None if way is None else _url(way)

    def base_url(self, world: str, user: str) -> str:
        """Where the API answers a user without credentials, for what is written outside any request.

        The listener that acts as the user, the ordinary one where it does; else one of the world, else
        the ordinary one. In place of the ordinary one's own address stands the configured base URL.
        """
        with self._lock:
            ways = list(self._ways.values())
        chosen = min(
            ways,
            key=lambda way: (
                way.listener.world != world,
                way.listener.user != user,
                way.listener.name != DEFAULT_LISTENER,
                way.listener.tls,
            ),
        )
        ordinary = chosen.listener.name in (DEFAULT_LISTENER, TLS_LISTENER)
        return (self._settings.base_url if ordinary else "") or _url(chosen)

    def _open(self, listener: Listener, *, kept: bool, controls: bool) -> int:
        assert self._server is not None, "there is nothing to serve yet"
        # Each has a key of its own, never used again: requests that outlive their listener, when another of
        # the same name is open already, still belong to what they came by.
        key = f"{listener.name}#{next(self._serial)}"
        anonymous = self._settings.anonymous if listener.anonymous is None else listener.anonymous
        self._scopes[key] = ListenerScope(
            listener.world,
            listener.user,
            anonymous=anonymous,
            base_url=self._settings.base_url if controls else "",
            controls=controls,
        )
        try:
            opened = self._server.open(key, self._settings.host, listener.port, tls_only=listener.tls)
        except BaseException:
            del self._scopes[key]
            raise
        with self._lock:
            self._ways[listener.name] = _Way(key, opened.host, replace(listener, port=opened.port), kept)
        return opened.port

    def _refusal(self, listener: Listener, error: OSError) -> str:
        where = f"{self._settings.host}:{listener.port}"
        text = f"cannot serve on {where}: {os.strerror(error.errno) if error.errno else error}"
        if error.errno == errno.EACCES:
            text += (
                " (ports below 1024 want root or the capability net_bind_service; in a container: serve on the"
                " ordinary port and publish it as this one)"
            )
        return text


def stood_in(settings: Settings) -> StandIn | None:
    """Whose proxy the server is; None for nobody's. Raises BadSetting."""
    hosts = [host.strip() for host in settings.stand_in_for.split(",") if host.strip()]
    try:
        return StandIn(hosts) if hosts else None
    except ValueError as error:
        raise BadSetting(f"{flag('server.stand_in_for')}: {error}") from error


def port_range(text: str) -> range:
    """What ``8001-8020`` means; nothing for "". Raises BadSetting."""
    if not text.strip():
        return range(0)
    first, mark, last = (part.strip() for part in text.partition("-"))
    last = last if mark else first
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last) <= 65535):
        raise BadSetting(f"{flag('server.listener_ports')}: {text!r} is not FIRST-LAST, as in 8001-8020")
    return range(int(first), int(last) + 1)


def configured(text: str) -> Listener:
    """What ``PORT=USER`` or ``PORT=USER@WORLD`` asks for; no user means the world's. Raises BadSetting."""
    port, mark, who = text.partition("=")
    user, _, world = who.partition("@")
    if not (mark and port.strip().isdecimal() and int(port) <= 65535):
        raise BadSetting(f"{flag('server.listener')}: {text!r} is not PORT=USER or PORT=USER@WORLD")
    return Listener(name="", port=int(port), world=world.strip() or "default", user=user.strip())


def _url(way: _Way) -> str:
    scheme, port = ("https", _HTTPS_PORT) if way.listener.tls else ("http", 80)
    host = "localhost" if way.host in ("127.0.0.1", "0.0.0.0") else way.host
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + ("" if way.listener.port == port else f":{way.listener.port}")
