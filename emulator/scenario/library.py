"""The scenarios that come with the program: a file each, named as the scenario."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emulator.domain.errors import NotFound
from emulator.scenario.load import read_scenario
from emulator.scenario.mistakes import BadScenario, unknown
from emulator.scenario.points import Points
from emulator.scenario.yaml_text import MOST_BYTES

_SUFFIX = ".yaml"
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Entry:
    """A scenario of the library. ``problem``: why it cannot be understood."""

    name: str
    description: str
    problem: str = ""


class Library:
    """The folder of scenarios."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        return sorted(path.stem for path in self._folder.glob(f"*{_SUFFIX}"))

    def text(self, name: str) -> bytes:
        """Raises NotFound, with what was meant."""
        if name not in self.names():
            raise NotFound(unknown("scenario", name, self.names()))
        return (self._folder / f"{name}{_SUFFIX}").read_bytes()

    def find(self, named: str) -> tuple[bytes, str]:
        """What is in a file, or in the library under a name; and what messages call it. Raises NotFound."""
        path = Path(named)
        if named in self.names():
            return self.text(named), self.source(named)
        if not path.is_file() and path.name == named and path.suffix not in _SUFFIXES:
            return self.text(named), self.source(named)
        try:
            with path.open("rb") as stream:
                return stream.read(MOST_BYTES), named
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise NotFound(f"{named}: {reason or error}") from error

    def entries(self, points: Points) -> list[Entry]:
        """All, by name."""
        return [self._entry(name, points) for name in self.names()]

    def _entry(self, name: str, points: Points) -> Entry:
        try:
            return Entry(name, read_scenario(self.text(name), self.source(name), points).description)
        except BadScenario as error:
            return Entry(name, "", error.message)

    @staticmethod
    def source(name: str) -> str:
        """What messages call it."""
        return f"{name}{_SUFFIX}"
