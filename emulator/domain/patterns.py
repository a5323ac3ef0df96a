"""Regular expressions that clients write: validators of apps, searches with ``rlike``.

The service's language is Java's. The regex library knows more of it than Python's own does (``\\p{Alpha}``,
possessive quantifiers), and it can be stopped: an expression that would try for ever is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from emulator.domain.errors import Invalid

if TYPE_CHECKING:
    from regex import Pattern

_TRIES = ((0.1, False), (0.5, True), (1.0, True))
"""How long one expression may try on one text, in seconds of the processor, and whether others may work meanwhile."""
LARGEST = 20_000
"""Of an expression with its counted repetitions written out, as the library does: it may fill the memory."""
_PARTS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{([0-9]+)(?:,[0-9]*)?\}|.", re.DOTALL)


class BadPattern(ValueError):
    """What was given is no regular expression; the text says why."""


def check(expression: str) -> None:
    """Raises BadPattern."""
    _compiled(expression)


def matches(expression: str, text: str) -> bool:
    """Whether the whole text matches, as Java's ``matches`` asks. Raises BadPattern, Invalid when it takes too long."""
    return _tried(_compiled(expression).fullmatch, expression, text)


def occurs(expression: str, text: str) -> bool:
    """Whether any part of the text matches. Raises as :func:`matches`."""
    return _tried(_compiled(expression).search, expression, text)


def _tried(compare: Callable[..., object], expression: str, text: str) -> bool:
    """The library counts what all threads of the process work, so that beside busy ones the simplest comparison may
    seem to take too long. The first try lets no other thread work; only what is slow by itself needs the others."""
    for patience, beside_others in _TRIES:
        with suppress(TimeoutError):
            return compare(text, timeout=patience, concurrent=beside_others) is not None
    raise Invalid(f"The regular expression {expression} takes longer than {_TRIES[-1][0]:g} s to compare.")


@lru_cache(maxsize=256)
def _compiled(expression: str) -> Pattern[str]:
    import regex  # not at start: most worlds have no validators

    if len(expression) > LARGEST or _written_out(expression) > LARGEST:
        raise BadPattern("the expression is too large")
    try:
        return regex.compile(expression)
    except (regex.error, RecursionError, OverflowError, MemoryError, ValueError) as error:
        raise BadPattern(str(error)) from error


def _written_out(expression: str) -> int:
    """How many parts an expression has once ``x{3}`` stands there as ``xxx``, repetitions inside others too."""
    totals, last = [0], 0
    for part in _PARTS.finditer(expression):
        text = part[0]
        if part[1] is not None:
            # more digits than any limit has are cut off: the number only has to be too large
            totals[-1] += last * (max(int(part[1][:9]), 1) - 1)
            last *= max(int(part[1][:9]), 1)
        elif text == "(":
            totals.append(0)
        elif text == ")" and len(totals) > 1:
            last = max(totals.pop(), 1)
            totals[-1] += last
        else:
            last = 1
            totals[-1] += 1
    return sum(totals)
