"""The product's own cluster in a box, for tests: real sshd and Slurm, shared by all workers.

The image is built by the product once and kept as a tar file in the cache directory; an engine that does not have it
loads it from there.

    python -m tests.real.cluster                          builds the image and says how long that took
    python -m tests.real.cluster keep PLACE HOST NODES    is the keeper's own command
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import docker

from emulator.cluster.base_image import ImageUnavailable
from emulator.cluster.container import ACCOUNT, Cluster
from emulator.cluster.image import REPOSITORY, cluster_image, has, image_name
from emulator.cluster.keys import KeyRing
from tests.real.box import Access, SchedulerBox
from tests.real.boxes import Kind, container_name, free_port, held_engine, serve, served_box
from tests.real.cache import cache_directory, locked
from tests.real.docker_engine import Engine, EngineUnavailable, docker_engine
from tests.real.waiting import wait_until

PASSWORD = "not-a-real-password"
"""Of every account, as the systems' definitions have it."""

CANCELLED_SECONDS = 60


class SlurmCluster(SchedulerBox):
    """Login host and compute nodes ``c1``, ``c2``, … in one container.

    The accounts are tapis, testuser and tg-emulator; the times are Chicago's. Without --mem a job has 2 GiB for each
    processor.
    """

    def stop_scheduler(self) -> None:
        """End slurmctld; the compute nodes and running jobs live on."""
        self.exec("cluster", "stop", "slurmctld")

    def start_scheduler(self) -> None:
        self.exec("cluster", "start", "slurmctld")
        wait_until(lambda: self.try_exec("scontrol", "ping")[0] == 0, what="slurmctld to answer")
        self._wait_for_nodes()

    def drain(self, nodes: str = "ALL") -> None:
        self.exec("scontrol", "update", f"NodeName={nodes}", "State=DRAIN", "Reason=test")

    def undrain(self, nodes: str = "ALL") -> None:
        self.exec("scontrol", "update", f"NodeName={nodes}", "State=RESUME")
        wait_until(lambda: "DRAIN" not in self.exec("scontrol", "-o", "show", "nodes"), what="open nodes")
        self._wait_for_nodes()

    def crash_node(self, node: str = "c1", noticed: bool = True) -> None:
        """Kill a compute node's daemon and all that runs on it.

        ``noticed``: the administrator marks the node as down, and its jobs are NODE_FAIL at once. Else slurmctld
        finds out by itself, after about half a minute.
        """
        self.exec("cluster", "crash", node)
        if noticed:
            self.exec("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=crashed")

    def start_nodes(self) -> None:
        """Start those that have crashed; returns when all take jobs again."""
        self.exec("cluster", "start", "slurmd")
        if "DOWN" in self.exec("scontrol", "-o", "show", "nodes"):
            # refused for those that came back by themselves meanwhile
            self.try_exec("scontrol", "update", "NodeName=ALL", "State=RESUME")
        self._wait_for_nodes()

    def expire(self, job: str) -> None:
        """Let a running job's time be over: it is TIMEOUT within half a minute, when Slurm looks again."""
        self.exec("scontrol", "update", f"JobId={job}", "EndTime=now")

    def jobs(self) -> str:
        """What ``squeue`` shows of everybody's jobs; empty when there are none."""
        return self.exec("squeue", "--noheader")

    def end_all_jobs(self) -> None:
        self.exec("scancel", "--full", "--me", user=ACCOUNT)
        for line in self.exec("squeue", "--noheader", "--format=%i").split():
            self.exec("scancel", "--full", line)
        wait_until(lambda: not self.jobs(), CANCELLED_SECONDS, "Slurm to be empty")

    def accounting(self, job: str) -> dict[str, str]:
        """The job's line of the completion log (what ``sacct -c`` reads), by its own names; empty before its end.

        A name with spaces is cut short here; ``sacct -c`` loses the state of such a job.
        """
        for line in self.exec("cat", "/var/log/slurm/jobcomp.log").splitlines():
            pairs = dict(pair.partition("=")[::2] for pair in line.split(" ") if "=" in pair)
            if pairs.get("JobId") == job:
                return pairs
        return {}

    def shown(self, job: str) -> dict[str, str]:
        """What ``scontrol show job`` says, by its own names; empty when Slurm has forgotten it."""
        code, said = self.try_exec("scontrol", "-o", "show", "job", job)
        return {} if code else dict(pair.partition("=")[::2] for pair in said.split(" ") if "=" in pair)

    def _wait_for_nodes(self) -> None:
        self.exec("cluster", "wait", "60")


@contextmanager
def slurm_cluster(engine: Engine, purpose: str = "shared", nodes: int = 2) -> Iterator[SlurmCluster]:
    """The cluster of this purpose, shared by all workers who name it, gone with the last of them.

    Tests that take daemons or nodes away choose a purpose of their own, to be alone with it. Raises
    ImageUnavailable and EngineUnavailable.
    """
    slurm_image(engine)
    place = cache_directory() / "boxes" / container_name(Kind("slurm", ""), purpose)
    command = [sys.executable, "-m", "tests.real.cluster", "keep", str(place), engine.host, str(nodes)]
    with served_box(engine, place, command, SlurmCluster) as cluster:
        yield cluster


def slurm_image(engine: Engine) -> str:
    """Make sure that the engine has the image and return its name. Raises ImageUnavailable."""
    name = image_name()
    tar = cache_directory() / f"{name.replace(':', '-')}.tar"
    with closing(docker.DockerClient(base_url=engine.host)) as client:
        if has(client, name) and tar.exists():
            return name
        with locked(cache_directory() / "slurm-image.lock"):
            if not has(client, name) and tar.exists():
                with tar.open("rb") as stream:
                    client.images.load(stream)
            cluster_image(client)
            if not tar.exists():
                _save(client, name, tar)
    return name


def _save(client: docker.DockerClient, name: str, tar: Path) -> None:
    for outdated in cache_directory().glob(f"{REPOSITORY}-*.tar"):
        outdated.unlink()
    unfinished = tar.with_suffix(".new")
    with unfinished.open("wb") as stream:
        for piece in client.api.get_image(name):
            stream.write(piece)
    unfinished.rename(tar)


def keep(place: Path, engine: Engine, nodes: int) -> None:
    """Run the cluster until SIGTERM comes; then nothing of it is left."""
    awaited = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    with closing(docker.DockerClient(base_url=engine.host)) as client:
        cluster = Cluster(client, place.name)
        cluster.down()  # left by a keeper that was killed
        try:
            cluster.up(image_name(), nodes, free_port())
            keys = KeyRing(place)
            cluster.authorize(keys.public_key())
            reached = cluster.reached()
            access = Access(
                container=place.name,
                host=reached.address,
                port=reached.port,
                user=ACCOUNT,
                password=PASSWORD,
                key_file=str(keys.private),
                host_key=reached.host_key,
            )
            serve(place, access, awaited)
        finally:
            cluster.down()


def main() -> int:
    """Make sure that an engine has the image, or be a keeper."""
    if sys.argv[1:2] == ["keep"]:
        place, host, nodes = sys.argv[2:]
        with held_engine(host) as engine:
            keep(Path(place), engine, int(nodes))
        return 0
    try:
        with docker_engine() as engine:
            begun = time.monotonic()
            print(slurm_image(engine), f"there after {time.monotonic() - begun:.1f} s")
    except (ImageUnavailable, EngineUnavailable) as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
