"""Worlds as wholes: what is asked of a new one, and what is told of those there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from emulator.domain.clock import ClockSetting
from emulator.domain.identity import World

DEFAULT_WORLD = "default"
"""The world of the ordinary port. It is always there."""

Rows = Mapping[str, list[dict[str, Any]]]
"""Rows by table, as the store keeps and gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorld:
    """What somebody wants of a world. None: as the seed has it, else as the emulator has it by default.

    ``seed``: the name of a built-in one, or the path of a folder or file on this machine; ``folder`` is an
    unpacked upload, which wins. ``simulated``: True for all apps, or a mapping of app ids and patterns to what
    stands in for them.
    """

    name: str
    seed: str | None = None
    folder: Path | None = None
    chance_seed: int | None = None
    clock: ClockSetting | None = None
    simulated: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """A world that was made out of sight and is ready to be put in place; ``world.kept`` names the place of it.

    ``scenarios`` are texts to be armed, by the name of their file. ``laid_out``: its files are where its machines
    will be.
    """

    world: World
    rows: Rows
    clock: ClockSetting | None
    scenarios: Mapping[str, str]
    laid_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything of a world at one moment, but its files. ``chance`` is seed and generation.

    ``records`` are entries by shelf (see store/world_records.py), ``simulations`` documents by app id or pattern,
    ``scenarios`` the texts of those that are armed, by name.
    """

    world: World
    records: Mapping[str, list[dict[str, Any]]]
    clock: ClockSetting
    chance: tuple[int, int] | None
    simulations: Mapping[str, dict[str, Any]]
    scenarios: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldState:
    """A world, as it is shown. ``counts`` are its users, systems, apps and jobs; ``active`` jobs have not ended.

    ``listeners``: the URL of each by name, "" while it is not open. ``now``: what its clock says.
    """

    world: World
    now: datetime
    clock: ClockSetting
    listeners: Mapping[str, str]
    counts: Mapping[str, int]
    active: int


class Origins(Protocol):
    """What worlds are made from and go back to, and where they are written to."""

    def grow(self, wanted: NewWorld, generation: int) -> Grown:
        """Make a world out of sight. Raises Invalid, which names file and entry; nothing is left then."""

    def kept(self, world: World) -> Grown | None:
        """What a world was made from, as it was kept; None where that is not there."""

    def lay_out(self, kept: str, world: str, generation: int) -> None:
        """Copy the files that were kept to where the machines of that generation will be. Raises Unavailable."""

    def note(self, world: str, generation: int) -> None:
        """Remember how files were laid out, before anybody is let in."""

    def can_renew(self, world: World) -> bool:
        """Whether it can be told what has become of a world's files since they were laid out."""

    def renew(self, world: World) -> Callable[[], None]:
        """Prepare the files of the world's next generation, while nobody is in the world.

        What is answered is to be called once that generation is the world's: it moves there what nobody has
        touched in this one. Both raise Unavailable.
        """

    def complete(self, world: World) -> None:
        """Lay out files whose renewal a kill has cut off, before anybody asks for them. Raises Unavailable."""

    def clear(self, world: str, generation: int) -> None:
        """Remove the files of machines that are nobody's any more."""

    def drop(self, kept: str) -> None:
        """Remove what nobody goes back to any more."""

    def sweep(self, worlds: Mapping[str, World]) -> None:
        """Remove what belongs to none of these worlds as they are now."""

    def draft(self) -> Path:
        """A new directory for what is on its way in or out; whoever asks for it removes it. Raises Unavailable."""

    def copy_files(self, world: str, draft: Path) -> None:
        """Put the files of a world's machines, as they are now, into a draft. Raises Unavailable."""

    def write(self, picture: Picture, draft: Path) -> None:
        """Write all else of a seed beside them. Raises Unavailable."""

    def unfold(self, draft: Path, folder: Path) -> None:
        """A seed as a folder, which may be there already, and empty. Raises OSError."""

    def as_tar(self, draft: Path) -> Path:
        """A seed as a compressed tar, beside its draft. Raises Unavailable."""

    def unpack(self, stream: BinaryIO, folder: Path) -> Path:
        """The seed that a tar holds, below a folder. Raises Invalid, Unavailable."""


class Machines(Protocol):
    """The sandboxes of worlds."""

    def move(self, world: str, generation: int) -> None:
        """From now on the world's machines are those of that generation."""

    def home(self, world: str, generation: int | None = None) -> Path:
        """The directory of a world's machines, as they are now or in a generation."""


class Runner(Protocol):
    """What may be working for a world."""

    def let_go(self, world: str, jobs: list[str]) -> None:
        """Returns when nothing is done for the world any more; ``jobs`` are those that have not ended.

        Raises Unavailable when that does not come to pass in some seconds.
        """

    def go_on(self, world: str, jobs: list[str]) -> None:
        """The world has begun anew; or all is as it was, and the jobs are to be taken up again."""
