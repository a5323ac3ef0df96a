"""A world of the emulator from Python: for tests under pytest (see pytest_plugin.py) and under anything else.

::

    from emulator.testing import OwnServer

    with OwnServer() as server, server.world("my-test", seed=7) as world:
        job = world.submit(appId="classifier-1.0.0", parameters={"imagefile": "pictures/night-sky.png"})
        world.wait(job, "FINISHED")

Everything goes over HTTP, whether the server runs in this process or elsewhere. Nothing here needs pytest.
"""

from emulator.testing.desk import Desk
from emulator.testing.errors import (
    ClientMissing,
    EmulatorError,
    JobEndedOtherwise,
    NoEmulator,
    Refused,
    WaitedInVain,
)
from emulator.testing.jobs import Job
from emulator.testing.server import OwnServer, Server, world_name
from emulator.testing.world import World

__all__ = [
    "ClientMissing",
    "Desk",
    "EmulatorError",
    "Job",
    "JobEndedOtherwise",
    "NoEmulator",
    "OwnServer",
    "Refused",
    "Server",
    "WaitedInVain",
    "World",
    "world_name",
]
