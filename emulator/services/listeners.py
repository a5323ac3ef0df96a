"""Listeners on demand: several users, worlds or tests share one server, each through a port of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from emulator.domain.errors import EmulatorError, Forbidden, Invalid, NotFound, PreconditionFailed
from emulator.domain.identity import USERNAME
from emulator.domain.listener import (
    DEFAULT_LISTENER,
    LISTENER_NAME,
    TLS_LISTENER,
    WORLD_NAME,
    Listener,
    ListenerState,
    Ports,
    unused_name,
)
from emulator.store import Store

log = logging.getLogger(__name__)

_ORDINARY = (DEFAULT_LISTENER, TLS_LISTENER)


class ListenerService:
    """Opens and closes listeners. Those asked for at run time are kept: the next start opens them again."""

    def __init__(self, *, store: Store, ports: Ports, make_world: Callable[[str], None]) -> None:
        """``make_world`` puts a new world in place, from the same seed as the first one."""
        self._store = store
        self._ports = ports
        self._make_world = make_world
        self._changing = threading.Lock()
        self._problems: dict[str, ListenerState] = {}

    def all(self) -> list[ListenerState]:
        """Those of the configuration first, then by name."""
        found = [*self._open(), *self._problems.values()]
        return sorted(
            found, key=lambda state: (state.kept, state.listener.name not in _ORDINARY, state.listener.name)
        )

    def one(self, name: str) -> ListenerState:
        """Raises NotFound."""
        for state in self.all():
            if state.listener.name == name:
                return state
        raise NotFound(f"No listener found with name {name}")

    def add(self, wanted: Listener, *, kept: bool = True, create: bool = False) -> ListenerState:
        """Open a listener; clients can connect when it returns.

        ``name`` "" is made from the user's, ``user`` "" is the world's default user; with ``create`` a world
        that is not there is made. Raises Invalid (a name that none can have), NotFound (no such world or
        user), PreconditionFailed (name or port taken, a port that is not permitted); nothing is open then.
        """
        with self._changing:
            _check(wanted)
            listener = self._resolved(wanted, create)
            port = self._ports.open(listener, kept=kept)
            listener = replace(listener, port=port)
            if kept:
                try:
                    with self._store.write() as tx:
                        tx.listeners.add(listener)
                except BaseException:
                    self._ports.close(listener.name)
                    raise
        return self.one(listener.name)

    def remove(self, name: str) -> None:
        """Close a listener: nobody can connect when it returns; requests under way are answered.

        Raises NotFound, Forbidden (the ordinary ones).
        """
        with self._changing:
            state = self.one(name)
            if name in _ORDINARY:
                raise Forbidden(f"The listener {name} closes with the emulator")
            with self._store.write() as tx:
                tx.listeners.remove(name)
            if self._problems.pop(name, None) is None:
                self._ports.close(state.listener.name)

    def open_kept(self) -> None:
        """Open those that were asked for before; what stands in the way of one is logged and shown by it."""
        with self._store.read() as tx:
            kept = tx.listeners.all()
        for listener in kept:
            try:
                self._resolved(replace(listener, name=""), create=False)
                self._ports.open(listener, kept=True)
            except EmulatorError as error:
                log.warning("the listener %s is not open: %s", listener.name, error.message)
                self._problems[listener.name] = ListenerState(
                    listener=listener, url="", kept=True, problem=error.message
                )

    def _open(self) -> list[ListenerState]:
        return self._ports.listeners()

    def _resolved(self, wanted: Listener, create: bool) -> Listener:
        """With name, world and user as they will be. Raises NotFound, PreconditionFailed."""
        with self._store.read() as tx:
            world = tx.accounts.world(wanted.world)
        if create and (world is None or not world.seeded):
            self._make_world(wanted.world)
        with self._store.read() as tx:
            world = tx.accounts.world(wanted.world)
            if world is None:
                raise NotFound(f"No world found with name {wanted.world}")
            user = wanted.user or world.default_user
            if tx.accounts.user(world.name, user) is None:
                raise NotFound(f"No user found matching {user}")
            taken = {state.listener.name for state in self.all()} | {kept.name for kept in tx.listeners.all()}
        if wanted.name in taken:
            raise PreconditionFailed(f"There is a listener {wanted.name} already")
        return replace(wanted, user=user, name=wanted.name or unused_name(user, taken | set(_ORDINARY)))


def _check(wanted: Listener) -> None:
    if wanted.name and not LISTENER_NAME.fullmatch(wanted.name):
        raise Invalid(f"name must match {LISTENER_NAME.pattern}")
    if wanted.name in _ORDINARY:
        raise Invalid(f"name must not be {wanted.name}: that is the emulator's own listener")
    if wanted.user and not USERNAME.fullmatch(wanted.user):
        raise Invalid(f"user must match {USERNAME.pattern}")
    if not WORLD_NAME.fullmatch(wanted.world):
        raise Invalid(f"world must match {WORLD_NAME.pattern}")
    if not 0 <= wanted.port <= 65535:
        raise Invalid("port must lie between 0 and 65535")
