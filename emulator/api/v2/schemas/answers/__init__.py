"""What each operation answers: exact keys, types and what may be null; a module per service.

They describe (OpenAPI) and they judge (the tests fuzz the server and hold its answers against them). No request
loads them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from emulator.api.v2.schemas.answers.parts import Answer

_MODULES = (
    "identity",
    "systems",
    "apps",
    "files",
    "jobs",
    "notifications",
    "postits",
    "meta",
    "uuids",
)


@cache
def answers() -> dict[str, Answer]:
    """The answer of every operation that is described, by the operation's name in the coverage table."""
    found: dict[str, Answer] = {}
    for module in _MODULES:
        found |= import_module(f"{__name__}.{module}").ANSWERS
    return found
