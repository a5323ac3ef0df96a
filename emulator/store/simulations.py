"""Rows of what is simulated instead of run."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select

from emulator.domain.simulation import Simulation
from emulator.store.tables import simulations

_OF_WORLD = select(simulations).where(simulations.c.world == bindparam("world")).order_by(simulations.c.app)


class SimulationRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, world: str) -> list[Simulation]:
        """All of a world, by app id or pattern."""
        rows = self._connection.execute(_OF_WORLD, {"world": world})
        return [Simulation(world=row.world, app=row.app, document=row.document) for row in rows]

    def put(self, simulation: Simulation) -> None:
        """In the place of what is declared for the same app or pattern, if anything is."""
        self.remove(simulation.world, simulation.app)
        self._connection.execute(
            insert(simulations).values(
                world=simulation.world, app=simulation.app, document=simulation.document
            )
        )

    def remove(self, world: str, app: str) -> bool:
        """Whether there was one."""
        done = self._connection.execute(
            delete(simulations).where(simulations.c.world == world, simulations.c.app == app)
        )
        return bool(done.rowcount)
