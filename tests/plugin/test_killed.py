"""A test process that is killed: the next emulator of the machine tidies up after it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from emulator.data_directory import DataDirectory
from emulator.launch_parts import tidy_up_after_the_killed
from emulator.runtimes import processes
from tests.real.waiting import wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
KILLED = """
import os, signal
from emulator.testing import OwnServer
from tests.real.waiting import wait_until

server = OwnServer()
world = server.world("killed")
world.scenario({"name": "hangs", "rules": [{"at": "app.run", "do": "hang"}]})
job = world.submit(appId="classifier-1.0.0", parameters={"imagefile": "pictures/night-sky.png"})
job.wait("RUNNING")
data = server._emulator.directory.path
pid = data / "spool" / job.id / "pid"
wait_until(lambda: pid.exists() and pid.read_text(), 30, "the script")
print(data, pid.read_text(), world.env()["HOME"], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_its_scripts_and_its_data_go() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    path, pid, home = done.stdout.split()
    left, script = Path(path), processes.identify(int(pid))
    tidy_up_after_the_killed()  # if no emulator of another test has been quicker
    wait_until(lambda: script is None or not script.is_alive(""), 30, "the end of the script")
    wait_until(lambda: not left.exists(), 30, "the removal of its data")
    assert not Path(home).exists()


def test_that_of_a_living_process_stays_even_if_nobody_holds_it() -> None:
    """As between the stop of a server by a scenario and its restart."""
    directory = DataDirectory.temporary()
    directory.acquire()
    try:
        directory.let_go()
        tidy_up_after_the_killed()
        assert directory.path.exists()
        (directory.path / "lock").write_text("", encoding="ascii")  # about to be held for the first time
        tidy_up_after_the_killed()
        assert directory.path.exists()
    finally:
        directory.discard()
