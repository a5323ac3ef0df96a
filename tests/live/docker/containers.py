"""What the tests of containers look at."""

from emulator.domain.ports import RemoteState
from emulator.runtimes.docker import LABEL
from tests.real.waiting import wait_until

HOLD = 'while [ ! -e "$HOME/go" ]; do sleep 0.05; done\n'


def running(report):
    return report.state is RemoteState.RUNNING


def containers(engine_api, machine):
    """Containers of this machine's jobs, ended ones too."""
    listed = engine_api.containers(all=True, filters={"label": f"{LABEL}.job"})
    instance = machine.launcher._runs.containers.instance
    return [found["Names"][0] for found in listed if found["Labels"][f"{LABEL}.instance"] == instance]


def nothing_is_left(engine_api, machine):
    wait_until(lambda: not containers(engine_api, machine), what="the engine to have removed the containers")
