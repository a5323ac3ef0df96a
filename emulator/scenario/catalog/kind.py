"""One action as scenarios name it, with its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Unit(StrEnum):
    """What an argument is; the loader reads it from YAML and hands it on in the unit named here."""

    TEXT = "text"
    NUMBER = "number"
    """A whole number."""
    SHARE = "share"
    """A float from 0 to 1; ``50%`` is understood."""
    DURATION = "duration"
    """Seconds, float; ``90``, ``1.5s``, ``10m``, ``48h``, ``7d`` are understood."""
    SIZE = "size"
    """Bytes; ``64KiB``, ``10MB`` are understood."""
    RATE = "rate"
    """Bytes per second; as a size, ``/s`` may follow."""
    FLAG = "flag"


REQUIRED = object()
"""The default of an argument that must be given."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of an action. ``choices``: the only values, where there are such."""

    unit: Unit
    default: Any = REQUIRED
    text: str = ""
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionKind:
    """What a rule can do, and where that makes sense.

    ``name`` is lower case with hyphens. ``points`` are globs (``http.*``, ``job.archiving``). ``main`` is the
    argument that a plain value stands for: ``{delay: 30s}``. ``text`` says what a client sees, in one sentence.
    ``mistake`` is given all arguments and says what is wrong with them beyond their units; "" for nothing.
    """

    name: str
    points: tuple[str, ...]
    text: str
    args: Mapping[str, Argument] = field(default_factory=dict)
    main: str = ""
    mistake: Callable[[Mapping[str, Any]], str] | None = None
