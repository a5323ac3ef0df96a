"""What a snapshot shows of a world, and where it may be written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emulator.domain.clock import ClockSetting
from emulator.domain.identity import World
from emulator.domain.still import as_ended
from emulator.domain.world import Picture
from emulator.engine.armed import Standing

if TYPE_CHECKING:
    from emulator.services.world_exchange import WorldParts


def picture_of(parts: WorldParts, world: World) -> Picture:
    """Everything of a world in which nobody is just now, but its files."""
    clock, ids = parts.clocks.of(world.name), parts.ids
    with parts.store.read() as tx:
        records = tx.records(world.name).read()
        simulations = {one.app: one.document for one in tx.simulations.of(world.name)}
    return Picture(
        world=world,
        records=as_ended(records, clock.now(), lambda: ids.of(world.name).legacy("028")),
        clock=ClockSetting(mode=clock.state.mode, factor=clock.state.factor, start=clock.now()),
        chance=ids.seed_of(world.name),
        simulations=simulations,
        # not what can strike no more, nor what is not understood any more
        scenarios={
            each.name: each.text
            for each in parts.scenarios().all(world.name)
            if each.standing is Standing.ARMED
        },
    )


def is_new(folder: Path) -> bool:
    """Whether a snapshot may be written there: an absolute path where nothing is, or an empty folder."""
    try:
        there = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError:  # no name that a folder can have, or one that nobody may look into
        return False
    return folder.is_absolute() and "\0" not in str(folder) and not there
