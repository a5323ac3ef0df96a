"""Regular expressions that clients write: validators of apps, searches with ``rlike``.

The service's language is Java's. The regex library knows more of it than Python's own does (``\\p{Alpha}``,
possessive quantifiers), and it can be stopped: an expression that would try for ever is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from time import thread_time
from typing import TYPE_CHECKING

from emulator.domain.errors import Invalid

if TYPE_CHECKING:
    from regex import Pattern

SECONDS = 0.5
"""Longest that one expression may work on one text, in seconds of the processor."""
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
    """The library's clock goes on while others have the processor, so that on a busy machine the simplest comparison
    may seem to take too long. What this thread has worked itself decides; its next try gets more time."""
    begun, patience = thread_time(), SECONDS
    while True:
        try:
            return compare(text, timeout=patience, concurrent=True) is not None
        except TimeoutError as error:
            if thread_time() - begun >= SECONDS:
                raise Invalid(_too_long(expression)) from error
            patience *= 2


def _too_long(expression: str) -> str:
    return f"The regular expression {expression} takes longer than {SECONDS:g} s to compare."


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
