"""Which Docker image a job runs in, if any, and in which network."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

PROCESS, DOCKER = "process", "docker"


def image_for(app_id: str, system_id: str, images: Mapping[str, str], runtime: str, default: str) -> str:
    """The image for an app on a system; empty for a process of this machine.

    ``runtime`` and ``default`` (image) hold where nothing in ``images`` fits, see :func:`fitting`.

    Raises OSError when the runtime is ``docker`` and no image is configured.
    """
    image = fitting(app_id, system_id, images)
    if image is not None:
        return image
    if runtime != DOCKER:
        return ""
    if not default:
        raise OSError(
            f"no Docker image is configured for app {app_id} or system {system_id}, and engine.docker_image is empty"
        )
    return default


def fitting(app_id: str, system_id: str, table: Mapping[str, str]) -> str | None:
    """The value for an app on a system, from a table with app ids or system ids, as globs, for its keys.

    What fits the app wins over what fits the system, a name written out over a glob, and among globs the first.
    """
    for name in (app_id, system_id):
        if name in table:
            return table[name]
        for pattern, value in table.items():
            if fnmatchcase(name, pattern):
                return value
    return None
