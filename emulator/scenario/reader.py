"""Reading the fields of a scenario's tree: whatever is wrong is noted, with its line, and reading goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from emulator.scenario.mistakes import BadScenario, Mistake, listed, quoted, unknown
from emulator.scenario.yaml_text import Fields, Listed, Scalar, Tree

VALUE = TypeVar("VALUE")
LONGEST_NAME = 128


class Reader:
    """Collects the mistakes of one scenario."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._mistakes: list[Mistake] = []

    @property
    def noted(self) -> int:
        """How many mistakes there are so far."""
        return len(self._mistakes)

    def note(self, line: int, text: str) -> None:
        self._mistakes.append(Mistake(line, text))

    def check(self) -> None:
        """Raises BadScenario if anything was noted."""
        if self._mistakes:
            raise BadScenario(self.source, self._mistakes)

    def fields(
        self, tree: Tree, what: str, known: Sequence[str], required: Sequence[str] = ()
    ) -> dict[str, tuple[int, Tree]]:
        """The fields of a mapping, each with the line of its key; empty ones are left out."""
        if not isinstance(tree, Fields):
            self.note(tree.line, f"{what} is a mapping with {listed(known)}")
            return {}
        found: dict[str, tuple[int, Tree]] = {}
        for key, value in tree.entries:
            if key.text not in known:
                self.note(key.line, unknown(f"key of {what}", key.text, known))
            elif key.text in found:
                self.note(key.line, f"{quoted(key.text)} stands in {what} twice")
            elif not (isinstance(value, Scalar) and value.empty):
                found[key.text] = key.line, value
        given = {key.text for key, _ in tree.entries}
        for name in required:
            if name not in found:
                lacks = "is empty in" if name in given else "is missing in"
                self.note(tree.line, f"{quoted(name)} {lacks} {what}")
        return found

    def text(self, tree: Tree, what: str) -> str:
        """A plain value as it was written; "" and a note for anything else."""
        if isinstance(tree, Scalar) and not tree.empty:
            return tree.text
        self.note(tree.line, f"{what} is a plain value")
        return ""

    def texts(self, tree: Tree, what: str) -> list[str]:
        """A plain value, or several."""
        if isinstance(tree, Listed):
            if not tree.items:
                self.note(tree.line, f"{what} is an empty list")
            return [self.text(item, what) for item in tree.items]
        return [self.text(tree, what)]

    def name(self, tree: Tree, what: str) -> str:
        found = self.text(tree, what)
        if len(found) > LONGEST_NAME or not found.isprintable() or found != found.strip():
            self.note(tree.line, f"{what} has at most {LONGEST_NAME} characters and is on one line")
            return ""
        return found

    def read(self, tree: Tree, what: str, parse: Callable[[str], VALUE], otherwise: VALUE) -> VALUE:
        """A value that ``parse`` understands; it raises ValueError with what it expects."""
        if not isinstance(tree, Scalar) or tree.empty:
            self.text(tree, what)
            return otherwise
        try:
            return parse(tree.text)
        except ValueError as error:
            self.note(tree.line, f"{what} cannot be {quoted(tree.text)}: it is {error}")
            return otherwise
