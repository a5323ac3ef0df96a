"""What is wrong with a scenario: all of it at once, each with its line and, where it can be guessed, what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from emulator.domain.errors import Invalid

_LIKE = 0.6
_AS_LIKE = 0.06
_MOST_GUESSES = 3
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """``line`` counts from 1."""

    line: int
    text: str


class BadScenario(Invalid):
    """A scenario that cannot be understood; the message has a line ``<source>:<line>: <text>`` for each mistake."""

    def __init__(self, source: str, mistakes: Iterable[Mistake]) -> None:
        self.source = source
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(f"{source}:{each.line}: {each.text}" for each in self.mistakes))


def unknown(what: str, word: str, known: Sequence[str]) -> str:
    """``unknown point `job.stagng`; did you mean `job.staging_inputs`?``"""
    guessed = guesses(word, known)
    if guessed:
        return f"unknown {what} {quoted(word)}; did you mean {either(guessed)}?"
    return f"unknown {what} {quoted(word)}" + (f"; there are {listed(known)}" if len(known) <= 20 else "")


def guesses(word: str, known: Sequence[str]) -> list[str]:
    """Those that are most like the word, best first; words that begin like it are like it."""
    word = word[:_LONGEST_SHOWN]
    ranked = sorted(((_likeness(word.lower(), each), each) for each in known), key=lambda pair: -pair[0])
    if not ranked or ranked[0][0] < _LIKE:
        return []
    return [each for likeness, each in ranked if likeness > ranked[0][0] - _AS_LIKE][:_MOST_GUESSES]


def _likeness(word: str, known: str) -> float:
    lowered = known.lower().replace("_", "-") if "-" in word else known.lower()
    lengths = {len(known), len(word), len(word) + 1} if len(word) >= 4 else {len(known)}
    # the whole word weighs a little more than its beginning
    return max(
        SequenceMatcher(None, word, lowered[:length]).ratio() - (0.03 if length < len(known) else 0)
        for length in lengths
    )


def quoted(word: str) -> str:
    shown = word if len(word) <= _LONGEST_SHOWN else f"{word[:_LONGEST_SHOWN]}…"
    return f"`{''.join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)}`"


def either(words: Sequence[str]) -> str:
    """```a`, `b` or `c```"""
    shown = [quoted(word) for word in words]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def listed(words: Sequence[str]) -> str:
    return ", ".join(quoted(word) for word in words)
