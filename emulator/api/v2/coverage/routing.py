"""Which route answers an operation of the table."""

from __future__ import annotations

import re
from functools import cache

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from emulator.api.dialect import Route
from emulator.api.url_rules import BelowConverter, TailConverter

REFUSES = "refuse_verb"
"""The name of handlers of what is no operation: they word the refusal of a verb as the service words it."""

# variables that are one of a few words
_ONE_OF = {"credentialType": "storage"}


def sample(path: str) -> str:
    """A request that only this path of the table can mean."""
    return re.sub(r"\{(\w+)\}", lambda found: _ONE_OF.get(found[1], f"some-{found[1].lower()}"), path)


def route_of(verb: str, path: str) -> Route | None:
    """The route that a request for a path of the table reaches; None where there is none."""
    try:
        route, _ = _url_map().bind("").match(sample(path), verb)
    except HTTPException:
        return None
    found: Route = route
    return found


@cache
def _url_map() -> Map:
    from emulator.api.v2.routes import routes

    rules = [
        Rule(route.path, endpoint=route, methods=route.methods.split())
        for route in routes()
        if route.handler.__name__ != REFUSES
    ]
    converters = {"tail": TailConverter, "below": BelowConverter}
    return Map(rules, converters=converters, merge_slashes=False, strict_slashes=True)
