"""What a seed says of the world as a whole: clock, seed of chance, what is simulated; and where seeds are."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from emulator.domain.clock import ClockSetting
from emulator.domain.clock_words import read_clock
from emulator.domain.errors import Invalid
from emulator.domain.simulation import Simulation
from emulator.domain.world import NewWorld
from emulator.resources import fixtures
from emulator.scenario.simulation import BadSimulation, check, check_app
from emulator.seeds.source import WORLD_FILE, BadSeed, Source

_BUILT_IN = "tacc.prod"


def seed_path(seed: str | None, seed_file: str) -> Path:
    """Where the seed of a name or path is; ``seed_file`` (the emulator's own setting) where none is named.

    Raises Invalid, with the names there are.
    """
    named = seed or seed_file or _BUILT_IN
    library = fixtures() / "seeds"
    with suppress(OSError, RuntimeError):  # a name that no file can have, or the home of nobody
        for path in (library / named, library / f"{named}.yaml"):
            if path.parent == library and (path.is_file() or (path / WORLD_FILE).is_file()):
                return path
        path = Path(named).expanduser()
        if seed is None or path.is_file() or (path / WORLD_FILE).is_file():
            return path
        if path.is_dir():
            raise Invalid(f"seed: there is no {WORLD_FILE} in {named}")
    raise Invalid(
        f"seed: {named[:200]!r} is neither a built-in seed ({', '.join(built_in())}) nor a folder or file on the"
        " emulator's machine"
    )


def built_in() -> list[str]:
    """The names of the seeds that come with the program."""
    found = {path.stem for path in (fixtures() / "seeds").glob("*.yaml")}
    return sorted(found | {path.parent.name for path in (fixtures() / "seeds").glob(f"*/{WORLD_FILE}")})


def chance_seed_of(source: Source) -> int | None:
    """Raises BadSeed."""
    return _number(source, "chance_seed", None)


def begins_at(source: Source) -> int:
    """Behind what the seed's own ids were drawn from; what is written by hand was drawn from nothing."""
    return (_number(source, "chance_generation", 0) or 0) + 1


def clock_of(source: Source) -> ClockSetting | None:
    """None where the seed says nothing of it. Raises BadSeed."""
    given = source.document.get("clock")
    if given is None:
        return None
    try:
        return read_clock(given)
    except Invalid as error:
        raise BadSeed(f"{source.file}: {error.message}") from error


def simulations_of(wanted: NewWorld, source: Source) -> list[Simulation]:
    """What is simulated in a new world: as it is wanted, else as the seed says. Raises Invalid."""
    given, at = wanted.simulated, "simulated"
    if given is None:
        given, at = source.document.get("simulated"), f"{source.file}: simulated"
    if given in (None, False):
        return []
    if given is True:
        given = {"*": {}}
    if not isinstance(given, dict):
        raise Invalid(
            f"{at}: must be true, or a mapping of app ids (or patterns) to what stands in for the app"
        )
    try:
        return [
            Simulation(world=wanted.name, app=check_app(str(app)), document=check(document or {}))
            for app, document in given.items()
        ]
    except BadSimulation as error:
        raise Invalid(f"{at}: {error}") from error


def _number(source: Source, name: str, default: int | None) -> int | None:
    found = source.document.get(name, default)
    if found is not None and (type(found) is not int or not -(2**63) <= found < 2**63):
        raise BadSeed(f"{source.file}: {name}: must be a whole number of at most 63 bits")
    return found
