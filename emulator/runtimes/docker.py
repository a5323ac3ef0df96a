"""Scripts in containers, below the same supervisor as processes: its files say who runs and how it ended.

A container is called ``tapis-<job id>``, so that there is never a second one for a job; the engine removes
it when it ends. The sandbox and the job's spool are mounted at their real paths, so that every path means
the same inside and outside. The end is heard from the engine's events, not asked for.

A restart finds a container by its name. Killed between creating and starting it: the next start starts it.
Killed after starting it, before the supervisor's claim: it is running, or it has gone without a claim and
the script, which did not run, is started again.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from emulator.domain.ports import Clock
from emulator.runtimes.docker_container import LABEL, ContainerPlan
from emulator.runtimes.docker_engine import CONFLICT, NOT_FOUND, ContainerEvents, DockerEngine, EngineRefusal
from emulator.runtimes.image_pulls import ImagePulls
from emulator.runtimes.runtime import Command, OnEnd
from emulator.runtimes.spool import Exit, JobSpool, Spool
from emulator.settings import Settings

log = logging.getLogger(__name__)

_REMOVAL_SECONDS = 20
_ALIVE = ("running", "paused", "restarting")


class DockerRuntime:
    """See ``runtime.Runtime``.

    ``on_back``: the engine answers, perhaps after a time in which it did not. ``on_progress`` is called with
    the id of a job whose image comes nearer. Raises BadSetting for a user of containers that cannot be.
    """

    def __init__(
        self,
        *,
        spool: Spool,
        clock: Clock,
        settings: Settings,
        on_end: OnEnd,
        on_back: Callable[[], None],
        on_progress: Callable[[str], None],
    ) -> None:
        self.instance = hashlib.sha256(str(spool.directory).encode()).hexdigest()[:16]
        self._spool = spool
        self._on_end = on_end
        self._on_back = on_back
        self._engine = DockerEngine()
        mine = f"{LABEL}.instance={self.instance}"
        self._events = ContainerEvents(self._engine, clock, mine, self._look_around, self._hear)
        self._filter = {"label": mine}
        self._pulls = ImagePulls(self._engine, clock, on_progress)
        self._plan = ContainerPlan(settings, self.instance, spool.tools)
        self._watched: dict[str, str] = {}
        """Job id to container id, from its creation to its end."""
        self._going: set[str] = set()
        """Jobs whose container has ended, hence is being removed by the engine."""
        self._out_of_memory: set[str] = set()
        self._lock = threading.Lock()

    def connect(self) -> None:
        """Listen to the engine, now or as soon as it answers; then remove what was left behind."""
        self._events.start()

    def check(self, image: str, job_id: str = "") -> None:
        """See ``Runtime``. An image that is not there is pulled: Preparing meanwhile."""
        self.connect()
        if not self._events.are_heard:
            with self._engine.client() as client:
                client.ping()
        if image:
            self._pulls.require(image, job_id)

    def leave(self, job_id: str) -> None:
        """The job waits for no image any more."""
        self._pulls.leave(job_id)

    def start(self, command: Command) -> str:
        """See ``Runtime``."""
        self.connect()
        job = command.job
        container = self._container(command)
        with self._lock:
            self._watched[job.job_id] = container
            self._going.discard(job.job_id)
        try:
            with self._engine.client() as client:
                client.start(container)  # again: nothing
        except OSError as error:
            with self._lock:
                self._watched.pop(job.job_id, None)
            if not isinstance(error, ConnectionError):
                self._remove(job)
            raise
        return ""

    def adopt(self, job: JobSpool) -> bool:
        """See ``Runtime``."""
        self.connect()
        container = self._alive(_name(job))
        if container is None:
            return False
        with self._lock:
            self._watched[job.job_id] = container
        if self._alive(container) is not None:  # asked again now that its end would be heard
            return True
        with self._lock:
            return self._watched.pop(job.job_id, None) is None

    def terminate(self, job: JobSpool) -> None:
        """TERM to all but the supervisor, which is the first process of the container."""
        with _gone_is_fine(), self._engine.client() as client:
            call = client.exec_create(_name(job), ["/bin/sh", "-c", "kill -TERM -1"])
            client.exec_start(call["Id"], detach=True)

    def kill(self, job: JobSpool) -> None:
        with _gone_is_fine(), self._engine.client() as client:
            client.kill(_name(job), "SIGKILL")

    def discard(self, job: JobSpool) -> None:
        """See ``Runtime``. Raises ConnectionError."""
        with self._lock:
            if job.job_id in self._going:
                self._going.remove(job.job_id)
                return
        self._remove(job)

    def stop(self) -> None:
        self._pulls.stop()
        self._events.stop()

    # containers

    def _container(self, command: Command) -> str:
        """The id of the job's container, created or found."""
        try:
            return self._create(command)
        except EngineRefusal as refusal:
            if refusal.status == NOT_FOUND:  # the image was removed since we saw it
                self._pulls.bring(command.image)
                return self._create(command)
            if refusal.status != CONFLICT:
                raise
        found = self._inspect(_name(command.job))
        if found is None:
            return self._create(command)
        if found["Config"]["Labels"].get(f"{LABEL}.instance") != self.instance:
            raise OSError(f"a container {_name(command.job)} exists that is not of this emulator")
        if found["State"]["Status"] in (*_ALIVE, "created"):
            return str(found["Id"])
        self._remove(command.job)
        with _gone_is_fine(), self._engine.client() as client:
            client.wait(found["Id"], timeout=_REMOVAL_SECONDS, condition="removed")
        return self._create(command)

    def _create(self, command: Command) -> str:
        nature = self._engine.nature()
        with self._engine.client() as client:
            return self._plan.create(client, _name(command.job), command, nature)

    def _remove(self, job: JobSpool) -> None:
        with _gone_is_fine(), self._engine.client() as client:
            client.remove_container(_name(job), force=True)

    def _alive(self, name_or_id: str) -> str | None:
        """The container's id, if it runs."""
        found = self._inspect(name_or_id)
        return str(found["Id"]) if found and found["State"]["Status"] in _ALIVE else None

    def _inspect(self, name_or_id: str) -> dict[str, Any] | None:
        try:
            with self._engine.client() as client:
                found: dict[str, Any] = client.inspect_container(name_or_id)
        except EngineRefusal as refusal:
            if refusal.status == NOT_FOUND:
                return None
            raise
        return found

    # what the engine says

    def _hear(self, event: dict[str, Any]) -> None:
        attributes = event["Actor"]["Attributes"]
        container = event["Actor"]["ID"]
        if event["Action"] == "oom":
            self._out_of_memory.add(container)
        elif event["Action"] == "die":
            self._gone(attributes[f"{LABEL}.job"], container, int(attributes["exitCode"]))

    def _gone(self, job_id: str, container: str, code: int | None) -> None:
        with self._lock:
            if self._watched.get(job_id) != container:
                return  # heard before, or an older container of the job
            del self._watched[job_id]
            self._going.add(job_id)
        killed_for_memory = container in self._out_of_memory
        self._out_of_memory.discard(container)
        self._on_end(job_id, None if code is None else Exit(code, killed_for_memory))

    def _look_around(self) -> None:
        """After connecting: what has ended unheard, and what nobody wants any more."""
        with self._lock:
            watched = dict(self._watched)
        with self._engine.client() as client:
            listed = client.containers(all=True, filters=self._filter)
        here = {found["Id"] for found in listed if found["State"] in (*_ALIVE, "created")}
        for job_id, container in watched.items():
            if container not in here:
                self._gone(job_id, container, None)
        for found in listed:
            job = self._spool.job(found["Labels"][f"{LABEL}.job"])
            if not (job.path / "intent.json").exists():
                log.warning("removing container %s: its job is over", _name(job))
                self._remove(job)
        self._on_back()


def _name(job: JobSpool) -> str:
    return f"tapis-{job.job_id}"


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """A container that does not exist, does not run any more, or is being removed needs no more doing."""
    try:
        yield
    except EngineRefusal as refusal:
        if refusal.status not in (NOT_FOUND, CONFLICT):
            raise
