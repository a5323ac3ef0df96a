"""A listener: a port that stands for a world and for the user of requests without credentials."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

DEFAULT_LISTENER = "default"
"""The name of the listener on the ordinary port."""
TLS_LISTENER = "tls"
"""The name of the listener on the port for TLS alone, beside the ordinary one."""
LISTENER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
WORLD_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
"""Names of worlds are names of directories too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """What a listener is asked to be. ``port`` 0 takes a free one."""

    name: str
    port: int
    world: str
    user: str
    tls: bool = False
    """TLS alone; else plain HTTP and TLS on the same port."""
    anonymous: bool | None = None
    """Whether requests without credentials act as ``user``; None: as ``auth.anonymous`` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerState:
    """A listener and what has become of it."""

    listener: Listener
    url: str
    """Where it answers; "" while it is not open."""
    kept: bool
    """Asked for at run time, and opened again by the next start."""
    problem: str = ""
    """Why it is not open."""


class Ports(Protocol):
    """What opens and closes listeners."""

    def open(self, listener: Listener, *, kept: bool) -> int:
        """Clients can connect when it returns the port. Raises PreconditionFailed, saying why it cannot be had."""

    def close(self, name: str) -> None:
        """Nobody can connect when it returns; requests under way are answered. Raises KeyError."""

    def listeners(self) -> list[ListenerState]:
        """Those that are open."""


def unused_name(wanted: str, taken: set[str]) -> str:
    """The name, with a number behind it where it is taken: ``student01``, ``student01-2``."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted[:58]}-{number}"
    return name
