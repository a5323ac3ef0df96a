"""OpenAPI 3.1 for what of the v2 services is there.

Made from the coverage table, the routes, the schemas that read requests and the schemas of answers.
"""

from __future__ import annotations

from typing import Any


def document(version: str, url: str) -> dict[str, Any]:
    """The whole description, as JSON has it: of the emulator of this version that answers at ``url``."""
    # apispec and all schemas are loaded for those who ask
    from emulator.api.v2.openapi.description import build

    return build(version, url)
