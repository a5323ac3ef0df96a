"""An operation as a request calls it."""

from __future__ import annotations

from dataclasses import dataclass, field

UNKNOWN = "unknown"
"""Stands for the name of the operation where a request asks for none."""
FILE_PATHS = ("filePath", "sourcefilePath", "path")
"""Variables of paths that are those of files."""


@dataclass(frozen=True, slots=True)
class Called:
    """``name`` as in the coverage table, ``variables`` by the names in its path."""

    name: str = UNKNOWN
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def service(self) -> str:
        return self.name.partition(".")[0]

    def named(self, *variables: str) -> str:
        """What the URL has for the first of the variables that it has; "" for none."""
        return next((self.variables[each] for each in variables if each in self.variables), "")

    @property
    def file(self) -> str:
        """The path of the file it is about, with one slash before it; "" where it is about none."""
        path = self.named(*FILE_PATHS)
        return f"/{path.lstrip('/')}" if path else ""
