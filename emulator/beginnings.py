"""What the settings ask to be there from the start: who is meant by default, listeners, armed scenarios."""

from __future__ import annotations

from pathlib import Path

from emulator.domain.errors import EmulatorError
from emulator.domain.listener import WORLD_NAME
from emulator.domain.world import DEFAULT_WORLD
from emulator.services import Services
from emulator.services.listeners import ListenerService
from emulator.settings import BadSetting, Settings, flag
from emulator.store import Store
from emulator.ways_in import configured
from emulator.world_parts import make_unless


def default_user(store: Store, settings: Settings) -> str:
    """Of the setting, else of the default world's seed. Raises BadSetting when there is no such user."""
    with store.read() as tx:
        world = tx.accounts.world(DEFAULT_WORLD)
        name = settings.default_user or (world.default_user if world else "")
        if tx.accounts.user(DEFAULT_WORLD, name) is None:
            raise BadSetting(f"{flag('auth.default_user')}: there is no user {name!r}")
    return name


def open_listeners(listeners: ListenerService, settings: Settings) -> None:
    """Those of the settings, then those that an earlier start was asked for. Raises BadSetting."""
    for listener in [configured(text) for text in settings.listener]:
        try:
            listeners.add(listener, kept=False, create=True)
        except EmulatorError as error:
            raise BadSetting(f"{flag('server.listener')}: {error.message}") from error
    listeners.open_kept()


def arm_scenarios(services: Services, settings: Settings) -> None:
    """Those of the settings, ``NAME[@WORLD]``; what an earlier start has armed goes on.

    Raises BadSetting; none is armed then.
    """
    scenarios = services.scenarios
    wanted = []
    for named in settings.scenarios:
        name, mark, world = named.rpartition("@")
        if not mark or not WORLD_NAME.fullmatch(world) or Path(named).exists():
            name, world = named, DEFAULT_WORLD
        try:
            text, source = scenarios.find(name)
            scenarios.read(text, source)
        except EmulatorError as error:
            raise BadSetting(f"{flag('scenarios')} {named}: nothing is armed\n{error.message}") from error
        wanted.append((world, text, source))
    for world, text, source in wanted:
        make_unless(services, world)
        scenarios.arm_unless(world, text, source)
