"""The one source of time: the machine's clock, and the clocks of the worlds that go by it or not."""

from __future__ import annotations

import threading

from emulator.domain.clock import ClockSetting, ClockState
from emulator.domain.ports import Clock
from emulator.engine.activity import Activity
from emulator.engine.clock import RealClock
from emulator.engine.world_clock import WorldClock
from emulator.store import Store


class WorldClocks:
    """See ports.Clocks."""

    def __init__(
        self, machine: Clock | None = None, store: Store | None = None, activity: Activity | None = None
    ) -> None:
        """With a store the clocks go on as they were saved. ``activity`` is told of the timers that go off."""
        self._machine = machine or RealClock()
        self._store = store
        self.activity = activity or Activity(self.one_at_a_time)
        self._lock = threading.Lock()
        self._clocks: dict[str, WorldClock] = {}
        if store is not None:
            with store.read() as tx:
                saved = tx.clocks.all()
            for world, state in saved.items():
                self._clocks[world] = self._made(world, state)

    @property
    def machine(self) -> Clock:
        """See ports.Clocks."""
        return self._machine

    def of(self, world: str) -> WorldClock:
        """See ports.Clocks."""
        found = self._clocks.get(world)
        if found is None:
            with self._lock:
                found = self._clocks.setdefault(world, self._made(world, None))
        return found

    def one_at_a_time(self, world: str) -> bool:
        """Whether a world does one thing after the other: while its clock stands still."""
        clock = self._clocks.get(world)
        return clock is not None and clock.frozen

    def begin(self, world: str, setting: ClockSetting) -> None:
        """A world begins, or begins anew. What waited for its old time is forgotten."""
        self.of(world).begin(setting)

    def resume(self, world: str, state: ClockState) -> None:
        """A world begins as a copy of one that was at this time."""
        self.of(world).resume(state)

    def forget(self, world: str) -> None:
        """The world is gone: nothing that waited for its time goes off any more."""
        with self._lock:
            clock = self._clocks.pop(world, None)
        if clock is not None:
            clock.clear()
        if self._store is not None:
            with self._store.write() as tx:
                tx.clocks.remove(world)

    def stop(self) -> None:
        """No timer goes off after this."""
        if isinstance(self._machine, RealClock):
            self._machine.stop()

    def _made(self, world: str, state: ClockState | None) -> WorldClock:
        stamp = object if self._store is None else self._store.stamp
        return WorldClock(
            world, self._machine, self.activity, state, lambda new: self._save(world, new), stamp
        )

    def _save(self, world: str, state: ClockState) -> None:
        if self._store is not None:
            with self._store.write(noted=False) as tx:
                tx.clocks.save(world, state)
