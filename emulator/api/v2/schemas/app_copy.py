"""What a PUT says of the copy that publishing or cloning an app makes [apps §6.1, §6.2]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import post_load

from emulator.api.v2.schemas.app import app_name, app_version
from emulator.api.v2.schemas.fields import Text, WordedSchema, parse
from emulator.domain.app import CopyRequest


def parse_app_copy(body: Mapping[str, Any]) -> CopyRequest:
    """Raises Invalid. What is blank counts as left out: forms send all their fields."""
    given = {key: value for key, value in body.items() if not (isinstance(value, str) and not value.strip())}
    request: CopyRequest = parse(AppCopySchema(), given)
    return request


def _system(name: str, kind: str) -> Text:
    text = f"Invalid {name} value. Please specify the id of {kind} system."
    return Text(text, data_key=name, longest=64)


class AppCopySchema(WordedSchema):
    name = app_name()
    version = app_version()
    execution_system = _system("executionSystem", "an execution")
    deployment_system = _system("deploymentSystem", "a storage")
    deployment_path = Text(
        "Invalid deploymentPath value. Please specify a path on the deploymentSystem.",
        data_key="deploymentPath",
        longest=255,
        too_long="'app.deploymentPath' must be less than 255 characters.",
    )

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> CopyRequest:
        return CopyRequest(**data)
