"""Rules of the map of URLs, and what their holes take."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import BaseConverter, Rule


class TailConverter(BaseConverter):
    """The rest of the path, slashes, doubled ones too, newlines and all."""

    regex = "(?s:.*)"
    part_isolating = False


class BelowConverter(BaseConverter):
    """Nothing at all, or a slash and the rest of the path."""

    regex = "(?:/(?s:.*))?"
    part_isolating = False


class MatchedRule(Rule):
    """A rule that paths are held against, and never built from: compiling what would build them costs a start dear."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        return _never_built


def _never_built(self: Rule, **_values: object) -> tuple[str, str]:
    raise NotImplementedError(f"{self.rule}: links are made in the dialects' records, not from endpoints")
