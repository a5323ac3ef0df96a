"""An emulator that ends, as by kill -9, at a named point of what is done to a world. Called by test_worlds_killed.

``python -m tests.live.world_victim <data directory> <point> <what is done>``
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator.app import Emulator
from emulator.data_directory import DataDirectory
from emulator.domain.world import NewWorld
from emulator.hosts.sandbox import SandboxHosts
from emulator.seeds import origins
from emulator.seeds.renewal import Renewal
from emulator.settings import Settings
from emulator.store.worlds import WorldRows

DIED = 9
VICTIM = "victim"


def main() -> None:
    data, point, deed = sys.argv[1:]
    emulator = Emulator(Settings(port=0, data_dir=data), DataDirectory(Path(data)))
    emulator.start()
    worlds = emulator.services.worlds
    if VICTIM not in {state.world.name for state in worlds.all()} and deed != "create":
        worlds.create(NewWorld(name=VICTIM))
    _arm(point)
    if deed == "create":
        worlds.create(NewWorld(name=VICTIM))
    elif deed == "reset":
        worlds.reset(VICTIM)
    elif deed == "restore":
        worlds.restore(NewWorld(name=VICTIM, seed="tacc.prod"))
    else:
        worlds.delete(VICTIM)
    emulator.stop()
    sys.exit("it was to die")


def _arm(point: str) -> None:
    """From now on the process dies there."""
    owner, name, when = {
        "grown": (origins.KeptOrigins, "keep", "before"),
        "kept": (origins.KeptOrigins, "keep", "after"),
        "laid out": (origins.KeptOrigins, "grow", "after"),
        "renewed": (Renewal, "prepare", "after"),
        "not moved": (Renewal, "finish", "before"),
        "moved": (Renewal, "finish", "after"),
        "cleared": (WorldRows, "clear", "after"),
        "rows put back": (WorldRows, "put_back", "after"),
        "saved": (SandboxHosts, "move", "before"),
        "removed": (WorldRows, "remove", "after"),
        "files gone": (origins.KeptOrigins, "clear", "after"),
    }[point]
    meant: Callable[..., Any] = getattr(owner, name)

    def deadly(*arguments: Any, **named: Any) -> Any:
        if when == "after":
            meant(*arguments, **named)
        os._exit(DIED)

    setattr(owner, name, deadly)


if __name__ == "__main__":
    main()
