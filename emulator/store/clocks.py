"""Rows of worlds' clocks and seeds."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from emulator.domain.clock import ClockState
from emulator.domain.document import from_document, to_document
from emulator.store.tables import chances, clocks

_GO_ON = update(clocks).where(clocks.c.world == bindparam("name"))


class ClockRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> dict[str, ClockState]:
        """By world; worlds that go by the machine's clock have none."""
        rows = self._connection.execute(select(clocks))
        return {row.world: from_document(ClockState, row.document) for row in rows}

    def save(self, world: str, state: ClockState) -> None:
        document = to_document(state)
        changed = self._connection.execute(_GO_ON, {"name": world, "document": document})
        if not changed.rowcount:
            self._connection.execute(insert(clocks).values(world=world, document=document))

    def remove(self, world: str) -> None:
        self._connection.execute(delete(clocks).where(clocks.c.world == world))


class ChanceRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> dict[str, tuple[int, int]]:
        """Seed and generation by world."""
        return {row.world: (row.seed, row.generation) for row in self._connection.execute(select(chances))}

    def next_generation(self) -> None:
        """Nothing that is drawn from now on comes a second time, in any world."""
        self._connection.execute(update(chances).values(generation=chances.c.generation + 1))

    def save(self, world: str, seed: int, generation: int = 0) -> None:
        self.remove(world)
        self._connection.execute(insert(chances).values(world=world, seed=seed, generation=generation))

    def remove(self, world: str) -> None:
        self._connection.execute(delete(chances).where(chances.c.world == world))
