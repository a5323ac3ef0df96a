"""Which operation of the table a request asks for, and what it names in its URL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from emulator.api.called import FILE_PATHS, Called
from emulator.api.url_rules import TailConverter
from emulator.api.v2.coverage import operations

_PATHS = (*FILE_PATHS, "terms")
"""Variables that hold slashes, at the end of a path only."""

_TAIL = re.compile(rf"/\{{({'|'.join(_PATHS)})\}}$")


@lru_cache(maxsize=4096)
def called(verb: str, path: str) -> Called:
    """What a request asks for; ``path`` is unescaped, without doubled slashes outside the paths of files."""
    try:
        name, variables = _all().bind("").match(path, verb)
    except HTTPException:
        return Called()
    return Called(name, dict(variables))


@cache
def _all() -> Map:
    rules = [
        Rule(rule, endpoint=operation.name, methods=operation.verbs.split())
        for operation in operations()
        for path in operation.paths
        for rule in _rules(path)
    ]
    return Map(rules, converters={"tail": TailConverter}, merge_slashes=False, strict_slashes=False)


def _rules(path: str) -> Iterator[str]:
    """A path of the table in werkzeug's words."""
    plain = re.sub(r"\{(\w+)\}", r"<\1>", _TAIL.sub("", path))
    found = _TAIL.search(path)
    if found is None or found[1] not in ("path", "terms"):  # a system's home directory needs no path
        yield plain
    if found is not None:
        yield f"{plain}/<tail:{found[1]}>"
