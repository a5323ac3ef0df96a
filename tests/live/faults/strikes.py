"""The faults themselves: how each strikes a site, and how it passes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.live.faults.engine import OwnEngine
from tests.live.faults.site import HOLD, SMALL_DISK, SMALL_MB, Site
from tests.real.box import SSHD_PROCESSES, Box, SchedulerBox
from tests.real.cluster import SlurmCluster
from tests.real.htcondor import HTCondor
from tests.real.waiting import wait_until

ROOM_MB = 2
"""What is left on a disk that is filled: less than the large file."""


@dataclass(frozen=True)
class Fault:
    """``passes_after_the_end``: the job must come to its end under it."""

    strike: Callable[[Site], None]
    lift: Callable[[Site], None]
    passes_after_the_end: bool = False


def _nothing(_site: Site) -> None:
    """It has passed by itself."""


def _box(site: Site) -> Box:
    assert site.box is not None
    return site.box


def _cluster(site: Site) -> SlurmCluster:
    assert isinstance(site.box, SlurmCluster)
    return site.box


def _batch(site: Site) -> SchedulerBox:
    assert isinstance(site.box, SchedulerBox)
    return site.box


def _engine(site: Site) -> OwnEngine:
    assert site.engine is not None
    return site.engine


def _restart_sshd(site: Site) -> None:
    _box(site).stop_sshd()
    _box(site).start_sshd()


def _restart_engine(site: Site) -> None:
    _engine(site).stop()
    _engine(site).start()


def _lose_node(site: Site, noticed: bool = True) -> None:
    box = site.box
    if isinstance(box, HTCondor):
        box.exec("condor_off", "-startd", "-fast")
        wait_until(lambda: box.try_exec("pgrep", "-x", "condor_startd")[0], what="the startd to end")
        return
    (node,) = {line.split()[-1] for line in _cluster(site).jobs().splitlines()}
    _cluster(site).crash_node(node, noticed)


def _bring_node(site: Site) -> None:
    box = site.box
    if isinstance(box, HTCondor):
        box.exec("condor_on", "-startd")
        wait_until(lambda: box.exec("condor_status", "-af", "Name").strip(), 60, "the machine to be back")
        return
    _cluster(site).start_nodes()


def _fill_small(site: Site) -> None:
    site.backend.small_system()
    if site.box is not None:
        free = f"$(df --output=avail -m {SMALL_DISK} | tail -n 1)"
        script = f'head -c "$(({free} - {ROOM_MB}))M" /dev/zero > {SMALL_DISK}/filler'
        site.box.exec("sh", "-c", script, user="tapis")
    else:
        _fill(Path(site.small_disk()))


def tidy_small(site: Site) -> None:
    """Remove what earlier jobs have left on the small disk."""
    if site.box is not None:
        site.box.exec("find", SMALL_DISK, "-mindepth", "1", "-delete")
    else:
        for work in Path(site.small_disk()).glob("scratch/*/*"):
            shutil.rmtree(work)


def _empty_small(site: Site) -> None:
    if site.box is not None:
        site.box.exec("rm", "-f", f"{SMALL_DISK}/filler")
    else:
        _empty(Path(site.small_disk()))


def _fill(place: Path) -> None:
    free = shutil.disk_usage(place).free
    _empty(place)
    with (place / "filler").open("wb") as filler:
        for _ in range(free // 2**20 - ROOM_MB):
            filler.write(bytes(2**20))
    assert shutil.disk_usage(place).free < 2**20 * SMALL_MB // 8


def _empty(place: Path) -> None:
    (place / "filler").unlink(missing_ok=True)


FAULTS = {
    "sshd stopped": Fault(lambda site: _box(site).stop_sshd(), lambda site: _box(site).start_sshd()),
    "sshd restarted": Fault(_restart_sshd, _nothing),
    "sshd paused": Fault(lambda site: _box(site).pause(), lambda site: _box(site).resume()),
    "scheduler stopped": Fault(
        lambda site: _batch(site).stop_scheduler(), lambda site: _batch(site).start_scheduler()
    ),
    "node drained": Fault(lambda site: _batch(site).drain(), lambda site: _batch(site).undrain()),
    "node lost": Fault(_lose_node, _bring_node, True),
    "node lost unannounced": Fault(lambda site: _lose_node(site, noticed=False), _bring_node, True),
    "disk full": Fault(_fill_small, _empty_small, True),
    "archive's disk full": Fault(
        lambda site: _fill(site.archive_disk()), lambda site: _empty(site.archive_disk()), True
    ),
    "Docker engine restarted": Fault(_restart_engine, _nothing),
    "Docker engine stopped": Fault(lambda site: _engine(site).stop(), lambda site: _engine(site).start()),
    "emulator killed": Fault(lambda site: site.kill(), lambda site: site.restart()),
}


def heal(site: Site) -> None:
    """Whatever a test has left broken works again, and no job is under way."""
    if site.wire is not None:
        site.wire.release()
    if site.box is not None:
        site.box.try_exec("rm", "-f", HOLD)
        site.box.try_exec("pkill", "-CONT", SSHD_PROCESSES)
        site.box.start_sshd()
    if isinstance(site.box, SchedulerBox):
        site.box.start_scheduler()
    if isinstance(site.box, SlurmCluster):
        site.box.start_nodes()
        if "DRAIN" in site.box.exec("scontrol", "-o", "show", "nodes"):
            site.box.undrain()  # refused for nodes that are open
    elif isinstance(site.box, SchedulerBox):
        site.box.undrain()
    if isinstance(site.box, HTCondor):
        _bring_node(site)
    if site.engine is not None:
        site.engine.start()
    site.restart()
    site.end_jobs()
