"""Webhooks that the emulator receives itself, and what it answers to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

KEPT = 1000
"""Of each world the newest so many are kept,"""
KEPT_BYTES = 64 * 1024 * 1024
"""and of these the newest whose bodies take no more room than this; the very newest in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedHook:
    """One request as it came. ``path`` is what follows the receiver's own address; header names are lower-case."""

    world: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    received: datetime
    answered: int = 200
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """What requests to paths of a glob get: this status, ``left`` times (None: always), then what comes next."""

    world: str
    path: str
    status: int
    left: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    seq: int = 0

    def fits(self, path: str) -> bool:
        return fnmatchcase(path, self.path)
