"""Images on their way: each is pulled once, for all who wait for it, and nobody's thread is held meanwhile."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from emulator.domain.ports import Clock
from emulator.domain.preparing import Preparing
from emulator.runtimes.docker_engine import DockerEngine, ImageStream

log = logging.getLogger(__name__)

EVERY = timedelta(milliseconds=500)
"""How often those who wait are told how far a pull is."""
_THREAD = "thread "
"""What the names of waiting threads begin with; those of jobs have no spaces."""


class ImagePulls:
    """``on_progress`` is called with the id of each waiting job, from the thread of the pull."""

    def __init__(self, engine: DockerEngine, clock: Clock, on_progress: Callable[[str], None]) -> None:
        self._engine = engine
        self._clock = clock
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._here: set[str] = set()
        self._pulls: dict[str, _Pull] = {}
        self._failures: dict[str, OSError] = {}
        """By job: why the pull that it waited for has failed; told once, the next attempt pulls again."""

    def require(self, image: str, job_id: str) -> None:
        """Returns when the image is there.

        Raises Preparing while it is being pulled, which begins with the first call; OSError with the reason,
        or ConnectionError, when that has failed.
        """
        if image in self._here:
            return
        with self._lock:
            failure = self._failures.pop(job_id, None)
            pull = self._pulls.get(image)
        if failure is not None:
            raise failure
        if pull is None and self._engine.has(image):
            self._here.add(image)
            return
        raise self._join(image, job_id).standing()

    def bring(self, image: str) -> None:
        """Wait in this thread until the image is there. Raises OSError as ``require``."""
        self._here.discard(image)
        if self._engine.has(image):
            self._here.add(image)
            return
        waiter = f"{_THREAD}{threading.get_ident()}"
        self._join(image, waiter).over.wait()
        with self._lock:
            failure = self._failures.pop(waiter, None)
        if failure is not None:
            raise failure

    def leave(self, job_id: str) -> None:
        """The job does not need its image any more; a pull that nobody waits for ends."""
        with self._lock:
            self._failures.pop(job_id, None)
            for pull in self._pulls.values():
                pull.waiting.discard(job_id)
                pull.abandoned |= not pull.waiting
            unwanted = [pull for pull in self._pulls.values() if pull.abandoned]
        for pull in unwanted:
            pull.stream.close()

    def stop(self) -> None:
        """Give all pulls up; nobody is told anything any more."""
        with self._lock:
            unwanted = list(self._pulls.values())
            for pull in unwanted:
                pull.waiting.clear()
                pull.abandoned = True
        for pull in unwanted:
            pull.stream.close()

    def _join(self, image: str, waiter: str) -> _Pull:
        with self._lock:
            pull = self._pulls.get(image)
            begins = pull is None or pull.abandoned
            if pull is None or pull.abandoned:
                pull = self._pulls[image] = _Pull(image)
            pull.waiting.add(waiter)
        if begins:
            threading.Thread(target=self._run, args=(pull,), name=f"pull-{image}", daemon=True).start()
        return pull

    def _run(self, pull: _Pull) -> None:
        failure: OSError | None = None
        try:
            for message in pull.stream:
                pull.hear(message)
                self._tell(pull)
            if not pull.abandoned and not self._engine.has(pull.image):
                failure = OSError(f"there is no image {pull.image}, though the engine says it was pulled")
        except ConnectionError as error:
            failure = error
        except OSError as error:
            failure = OSError(f"there is no image {pull.image} and it cannot be pulled; {error}")
        except Exception as error:
            log.exception("pulling %s", pull.image)
            failure = OSError(f"pulling {pull.image} broke: {error}")
        finally:
            self._end(pull, failure)

    def _tell(self, pull: _Pull) -> None:
        """Those who wait, soon: all that is heard until then is told at once."""
        if not pull.to_be_told:
            pull.to_be_told = True
            self._clock.call_at(self._clock.now() + EVERY, lambda: self._tell_now(pull))

    def _tell_now(self, pull: _Pull) -> None:
        pull.to_be_told = False
        with self._lock:
            waiting = [] if pull.over.is_set() else sorted(pull.waiting)
        self._tell_jobs(waiting)

    def _tell_jobs(self, waiting: list[str]) -> None:
        for waiter in waiting:
            if not waiter.startswith(_THREAD):
                self._on_progress(waiter)

    def _end(self, pull: _Pull, failure: OSError | None) -> None:
        with self._lock:
            if self._pulls.get(pull.image) is pull:
                del self._pulls[pull.image]
            waiting = sorted(pull.waiting)
            if failure is not None:
                self._failures |= dict.fromkeys(waiting, failure)
            elif not pull.abandoned:
                self._here.add(pull.image)
        pull.over.set()
        self._tell_jobs(waiting)


class _Pull:
    """One image; its layers are counted as they come, hence the total grows at first."""

    def __init__(self, image: str) -> None:
        self.image = image
        self.stream = ImageStream(image)
        self.waiting: set[str] = set()
        self.to_be_told = False
        self.abandoned = False
        """Nobody waits any more: whoever comes now begins another one."""
        self.over = threading.Event()
        self._layers: dict[str, tuple[int, int]] = {}
        """Bytes that have come, and all bytes, by layer."""

    def hear(self, message: dict[str, Any]) -> None:
        """One of the engine's messages. Raises OSError for the one that tells of a failure."""
        if "error" in message:
            raise OSError(str(message["error"]))
        layer, detail = message.get("id"), message.get("progressDetail") or {}
        if message.get("status") == "Downloading" and layer and detail.get("total"):
            self._layers[layer] = (int(detail.get("current", 0)), int(detail["total"]))
        elif message.get("status") == "Download complete" and layer in self._layers:
            self._layers[layer] = (self._layers[layer][1], self._layers[layer][1])

    def standing(self) -> Preparing:
        layers = list(self._layers.copy().values())
        return Preparing(
            f"Pulling image {self.image}",
            source=self.image,
            files=len(layers),
            done=sum(done for done, _ in layers),
            total=sum(total for _, total in layers),
        )
