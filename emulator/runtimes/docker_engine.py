"""The Docker engine's API, with its failures as OSErrors, and its stream of events.

The SDK is imported on first use: it takes a quarter of a second that nobody without containers should pay.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.domain.ports import Clock

if TYPE_CHECKING:
    from docker import APIClient
    from docker.types import CancellableStream

log = logging.getLogger(__name__)

NOT_FOUND, CONFLICT = 404, 409

_TIMEOUT_SECONDS = 60
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_OVERLAP = timedelta(seconds=10)


class EngineRefusal(OSError):
    """The engine's answer was an error; ``status`` is its HTTP status."""

    def __init__(self, status: int, explanation: str) -> None:
        super().__init__(f"the Docker engine refused: {explanation}")
        self.status = status


class DockerEngine:
    """The engine that ``DOCKER_HOST`` names, or one at a usual socket; podman's compatible API is as good."""

    def __init__(self) -> None:
        self._client: APIClient | None = None
        self._nature: EngineNature | None = None
        self._lock = threading.Lock()

    @contextmanager
    def client(self) -> Iterator[APIClient]:
        """The low-level client; inside the block the SDK's errors become ConnectionError and EngineRefusal."""
        import requests
        import urllib3
        from docker.errors import APIError, DockerException

        try:
            yield self._connected()
        except APIError as error:
            raise EngineRefusal(error.status_code or 500, str(error.explanation or error)) from error
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            DockerException,
        ) as error:
            raise ConnectionError(f"no connection to the Docker engine: {error}") from error

    def has(self, image: str) -> bool:
        """Whether the engine holds an image. Raises ConnectionError, EngineRefusal."""
        try:
            with self.client() as client:
                client.inspect_image(image)  # type: ignore[no-untyped-call]
        except EngineRefusal as refusal:
            if refusal.status == NOT_FOUND:
                return False
            raise
        return True

    def nature(self) -> EngineNature:
        """Asked once. Raises ConnectionError, EngineRefusal."""
        if self._nature is None:
            with self.client() as client:
                self._nature = EngineNature.of(client.info())
        return self._nature

    def _connected(self) -> APIClient:
        with self._lock:
            if self._client is None:
                import docker
                from docker.utils import kwargs_from_env

                options = kwargs_from_env()
                if "base_url" not in options and (found := usual_socket()):
                    options["base_url"] = f"unix://{found}"
                self._client = docker.APIClient(version="auto", timeout=_TIMEOUT_SECONDS, **options)
            return self._client


@dataclass(frozen=True, slots=True)
class EngineNature:
    """What of an engine decides about containers.

    ``rootless``: it runs as an ordinary user, who is root inside its containers. ``remapped``: users inside are
    others outside, unless a container asks to be left out of that.
    """

    rootless: bool
    remapped: bool
    processors: int

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> EngineNature:
        """From the engine's ``/info``."""
        options = [option.split(",")[0] for option in info.get("SecurityOptions") or ()]
        rootless = "name=rootless" in options or bool(info.get("Rootless"))  # the latter is podman's word
        return cls(rootless, "name=userns" in options, int(info.get("NCPU") or 0))


def usual_socket() -> Path | None:
    """Where engines listen whom no ``DOCKER_HOST`` names: Docker, rootless Docker, and podman in their place."""
    own = Path(f"/run/user/{os.getuid()}")
    places = [
        Path("/var/run/docker.sock"),
        own / "docker.sock",
        Path.home() / ".docker/run/docker.sock",
        own / "podman/podman.sock",
        Path("/run/podman/podman.sock"),
    ]
    return next((place for place in places if os.access(place, os.W_OK) and place.is_socket()), None)


class ImageStream:
    """What the engine says while it pulls an image; over a connection of its own."""

    def __init__(self, image: str) -> None:
        self._image = image
        self._lock = threading.Lock()
        self._stream: Any = None
        self._closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The engine's own messages; a registry's refusal is one of them, with ``error``.

        Ends early when it is closed. Raises EngineRefusal, ConnectionError.
        """
        from docker.types import CancellableStream
        from docker.utils import parse_repository_tag

        repository, tag = parse_repository_tag(self._image)
        answers: list[Any] = []
        engine = DockerEngine()
        try:
            with engine.client() as client:
                client.hooks["response"].append(lambda answer, **_: answers.append(answer))
                messages = client.pull(repository, tag or "latest", stream=True, decode=True)
                with self._lock:
                    self._stream = CancellableStream(messages, answers[-1])
                    if self._closed:  # meanwhile
                        _hang_up(self._stream)
                        return
                yield from self._stream
        except ConnectionError:
            if not self._closed:
                raise
        finally:
            if engine._client is not None:
                engine._client.close()

    def close(self) -> None:
        """Hang up, from any thread: the engine gives the pull up then."""
        with self._lock:
            self._closed = True
            stream = self._stream
        if stream is not None:
            _hang_up(stream)


def _hang_up(stream: CancellableStream[dict[str, Any]]) -> None:
    from docker.errors import DockerException

    try:
        stream.close()
    except (OSError, AttributeError):  # it has ended this very moment
        return
    except DockerException as error:  # over ssh
        log.info("a pull goes on, though nobody waits for it: %s", error)


class ContainerEvents:
    """Ends of containers that carry a label, from one thread, across restarts of the engine.

    ``on_connect`` is called each time the stream has been opened, before its first event: what happened
    while nobody listened is to be looked up then. ``on_event`` gets the engine's own event documents;
    some may come twice.
    """

    def __init__(
        self,
        engine: DockerEngine,
        clock: Clock,
        label: str,
        on_connect: Callable[[], None],
        on_event: Callable[[dict[str, Any]], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        # podman tells of a "die" as Docker does, but only who asks for "died" hears it
        self._filters = {"type": "container", "label": label, "event": ["die", "died", "oom"]}
        self._on_connect = on_connect
        self._on_event = on_event
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stream: Any = None
        self._stopping = threading.Event()
        self._open = threading.Event()

    @property
    def are_heard(self) -> bool:
        return self._open.is_set()

    def start(self) -> None:
        """Again: nothing."""
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="docker-events", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        with self._lock:
            self._stopping.set()
            thread, stream = self._thread, self._stream
        if stream is not None:
            stream.close()
        if thread is not None:
            thread.join(timeout=_LONGEST_PAUSE)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                self._listen()
                pause = _FIRST_PAUSE
            except OSError as error:
                log.log(logging.DEBUG if pause > _FIRST_PAUSE else logging.WARNING, "%s", error)
                pause = min(2 * pause, _LONGEST_PAUSE)
            except Exception:
                log.exception("reading the Docker engine's events failed")
                pause = _LONGEST_PAUSE
            finally:
                self._open.clear()
            self._stopping.wait(pause)  # the engine has no way to tell that it is back

    def _listen(self) -> None:
        # the engine answers before it has subscribed us: ask for the last moments too
        since = int((self._clock.now() - _OVERLAP).timestamp())
        with self._engine.client() as client:
            stream = client.events(since=since, decode=True, filters=self._filters)
        with self._lock:
            self._stream = stream
            if self._stopping.is_set():
                stream.close()
        self._open.set()
        self._on_connect()
        for event in stream:
            self._on_event(event)
