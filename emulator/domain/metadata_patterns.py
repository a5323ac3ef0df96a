"""Patterns of queries: regular expressions, wildcards and searches for words [postits §B.3]."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from emulator.domain import patterns
from emulator.domain.errors import Invalid

_LONGEST = 4000
_TEXT_OPTIONS = ("$search", "$language", "$caseSensitive", "$diacriticSensitive")
_SEARCHED = re.compile(r'(-?)(?:"([^"]*)"|([^\s"]+))')
_WORD = re.compile(r"\w+")


class Pattern:
    """An expression that is looked for anywhere in a text."""

    def __init__(self, expression: str, flags: str, tick: Callable[[], None]) -> None:
        """``flags``: letters of i, m and s; ``tick`` is called before each use and may end the search.

        Raises Invalid for an expression that is none.
        """
        self._expression = f"(?{flags}){expression}" if flags else expression
        self._tick = tick
        if len(expression) > _LONGEST:
            raise _bad(f"it has more than {_LONGEST} characters")
        try:
            patterns.check(self._expression)
        except patterns.BadPattern as error:
            raise _bad(str(error)) from error

    def found_in(self, text: str) -> bool:
        """Raises Invalid when it takes too long."""
        self._tick()
        return patterns.occurs(self._expression, text)


class Wildcard:
    """``*`` stands for any run of characters; the whole text, in any case."""

    def __init__(self, text: str) -> None:
        self._start, *self._middle, self._end = text.casefold().split("*")

    def found_in(self, text: str) -> bool:
        folded = text.casefold()
        position, end = len(self._start), len(folded) - len(self._end)
        if position > end or not folded.startswith(self._start) or not folded.endswith(self._end):
            return False
        for part in self._middle:
            position = folded.find(part, position, end) + len(part)
            if position < len(part):
                return False
        return True


def read_pattern(expression: Any, options: Any, tick: Callable[[], None]) -> Pattern:
    """``$regex`` with its ``$options``: i (any case), m (lines), s (dot for all), x (spaced), u. Raises Invalid."""
    if not isinstance(expression, str):
        raise _bad("it must be a string")
    if options is not None and (not isinstance(options, str) or set(options) - set("imsxu")):
        raise Invalid("Malformed JSON Query, $options may be made of the letters i, m, s and x")
    return Pattern(expression, "".join(letter for letter in "imsx" if letter in (options or "")), tick)


def read_text_search(value: Any) -> Callable[[str], bool]:
    """``$text``: any of the words, all "phrases", none of the -negated ones; in any case. Raises Invalid."""
    search = value.get("$search") if isinstance(value, Mapping) else None
    if not isinstance(search, str):
        raise Invalid("Malformed JSON Query, $text needs a $search string")
    unknown = next((name for name in value if name not in _TEXT_OPTIONS), None)
    if unknown is not None:
        raise Invalid(f"Malformed JSON Query, unknown operator: {unknown}")
    fold: Callable[[str], str] = str if value.get("$caseSensitive") is True else str.casefold
    words: set[str] = set()
    phrases: list[str] = []
    banned: list[str] = []
    for minus, phrase, word in _SEARCHED.findall(fold(search)):
        if minus:
            banned.append(phrase or word)
        elif phrase:
            phrases.append(phrase)
        else:
            words.update(_WORD.findall(word))

    def holds(text: str) -> bool:
        folded = fold(text)
        there = set(_WORD.findall(folded))
        if any(phrase not in folded for phrase in phrases):
            return False
        if any(one in there if one.isalnum() else one in folded for one in banned):
            return False
        return bool(phrases) or bool(words & there)

    return holds


def _bad(why: str) -> Invalid:
    return Invalid(f"Malformed JSON Query, $regex is not valid: {why}")
