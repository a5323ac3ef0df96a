"""Which Docker image a job runs in, if any."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

PROCESS, DOCKER = "process", "docker"


def image_for(app_id: str, system_id: str, images: Mapping[str, str], runtime: str, default: str) -> str:
    """The image for an app on a system; empty for a process of this machine.

    ``images`` has app ids or system ids, as globs. What fits the app wins over what fits the system, a name
    written out over a glob, and among globs the first. ``runtime`` and ``default`` (image) hold where none fits.

    Raises OSError when the runtime is ``docker`` and no image is configured.
    """
    for name in (app_id, system_id):
        if name in images:
            return images[name]
        for pattern, image in images.items():
            if fnmatchcase(name, pattern):
                return image
    if runtime != DOCKER:
        return ""
    if not default:
        raise OSError(
            f"no Docker image is configured for app {app_id} or system {system_id}, and engine.docker_image is empty"
        )
    return default
