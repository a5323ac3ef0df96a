"""The cluster's image: built once from ``fixtures/hpc``, and again when a file there has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.cluster.base_image import TRIXIE, ImageUnavailable, base_image
from emulator.cluster.cache import cache_directory, locked
from emulator.resources import fixtures

if TYPE_CHECKING:
    from docker import DockerClient

REPOSITORY = "tapis-emulator-hpc"
_LAST_LINES = 15
_IN_USE = 409


def image_name() -> str:
    """The name of the image that the files of this installation make: its tag is their digest."""
    return f"{REPOSITORY}:{digest(_context())}"


def cluster_image(
    client: DockerClient, rebuild: bool = False, say: Callable[[str], object] = lambda _line: None
) -> str:
    """Make sure that the engine has the image, and return its name. ``say`` hears of each step of a build.

    One builds, others who ask meanwhile wait for it. Raises :class:`ImageUnavailable`.
    """
    name = image_name()
    with locked(cache_directory() / "hpc-image.lock"):
        if rebuild or not has(client, name):
            say(f"building the image {name}, once; this takes a minute or so")
            base_image(client, TRIXIE)
            _build(client, name, rebuild, say)
            _forget_others(client, name)
    return name


def has(client: DockerClient, name: str) -> bool:
    """Whether the engine holds an image of this name."""
    from docker.errors import ImageNotFound

    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def digest(directory: Path) -> str:
    """What tells one state of a directory's files from another, by names and contents."""
    found = hashlib.sha256()
    for path in _files(directory):
        content = path.read_bytes()
        found.update(f"{path.relative_to(directory).as_posix()} {len(content)}\n".encode() + content)
    return found.hexdigest()[:12]


def _context() -> Path:
    return fixtures() / "hpc" / "image"


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in sorted(directory.rglob("*")) if path.is_file())


def _build(client: DockerClient, name: str, fresh: bool, say: Callable[[str], object]) -> None:
    from docker.errors import APIError

    lines: list[str] = []
    try:
        # the classic builder: it needs nothing that would have to be fetched first
        for message in client.api.build(
            path=str(_context()),
            tag=name,
            nocache=fresh,
            rm=True,
            forcerm=True,
            use_config_proxy=True,
            decode=True,
        ):
            _note(message, lines, say)
    except APIError as refusal:
        raise ImageUnavailable(f"{name} cannot be built: {refusal.explanation or refusal}") from refusal


def _forget_others(client: DockerClient, name: str) -> None:
    """Earlier makes of the image go, unless a container still stands on one."""
    from docker.errors import APIError, ImageNotFound

    for image in client.images.list(REPOSITORY):
        for tag in set(image.tags) - {name}:
            try:
                client.images.remove(tag)
            except ImageNotFound:
                continue  # somebody else was quicker
            except APIError as refusal:
                if refusal.status_code != _IN_USE:
                    raise ImageUnavailable(f"{tag} cannot be removed: {refusal.explanation}") from refusal


def _note(message: dict[str, Any], lines: list[str], say: Callable[[str], object]) -> None:
    if "error" in message:
        said = "\n".join(lines[-_LAST_LINES:])
        raise ImageUnavailable(f"the cluster's image cannot be built: {message['error']}\n{said}")
    for line in str(message.get("stream", "")).splitlines():
        if line.startswith("Step "):
            say(line)
        if line.strip():
            lines.append(line)
