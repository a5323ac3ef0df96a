"""Apps that are simulated instead of run: declared, shown and taken back, world by world."""

from __future__ import annotations

from typing import Any

from emulator.domain.errors import Invalid, NotFound
from emulator.domain.simulation import Simulation
from emulator.scenario.simulation import BadSimulation, check, check_app
from emulator.services.accounts import AccountService
from emulator.store import Store


class SimulationService:
    """What is declared holds for jobs that have not been handed over yet; others go on as they began."""

    def __init__(self, *, store: Store, accounts: AccountService) -> None:
        self._store = store
        self._accounts = accounts

    def all(self, world: str) -> list[Simulation]:
        """Of a world, by app. Raises NotFound for a world that is not there."""
        self._accounts.world(world)
        with self._store.read() as tx:
            return tx.simulations.of(world)

    def one(self, world: str, app: str) -> Simulation:
        """What is declared under exactly this id or pattern. Raises NotFound."""
        found = next((one for one in self.all(world) if one.app == app), None)
        if found is None:
            raise NotFound(f"No simulation of {app[:80]} found")
        return found

    def put(self, world: str, app: str, document: Any) -> tuple[Simulation, bool]:
        """Declare one, in the place of an earlier one; whether it is new. Raises Invalid, which names the field."""
        self._accounts.world(world)
        try:
            simulation = Simulation(world=world, app=check_app(app), document=check(document))
        except BadSimulation as error:
            raise Invalid(str(error)) from error
        with self._store.write() as tx:
            new = not tx.simulations.remove(world, app)
            tx.simulations.put(simulation)
        return simulation, new

    def remove(self, world: str, app: str) -> None:
        """Such apps are run again. Raises NotFound."""
        self._accounts.world(world)
        with self._store.write() as tx:
            if not tx.simulations.remove(world, app):
                raise NotFound(f"No simulation of {app[:80]} found")

    def remove_all(self, world: str) -> list[str]:
        """All of a world; the answer: their apps."""
        removed = [one.app for one in self.all(world)]
        with self._store.write() as tx:
            for app in removed:
                tx.simulations.remove(world, app)
        return removed
