"""apispec with the fields of our own schemas."""

from __future__ import annotations

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from emulator.api.v2.schemas.fields import Worded

OPENAPI_VERSION = "3.1.0"


def new_spec(title: str, version: str, **rest: Any) -> tuple[APISpec, MarshmallowPlugin]:
    """An empty description, and the plugin that puts schemas into it."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(title=title, version=version, openapi_version=OPENAPI_VERSION, plugins=[plugin], **rest)
    converter = plugin.converter
    assert converter is not None

    def worded(field: fields.Field[Any], ret: dict[str, Any], **_: Any) -> dict[str, Any]:
        """What a field of request bodies says of itself."""
        if not isinstance(field, Worded):
            return {}
        ret.pop("default", None)  # of the domain object, not of the body
        return field.described(converter.resolve_nested_schema)

    converter.attribute_functions.append(worded)
    return spec, plugin


def _name(schema: Schema | type[Schema] | str) -> str:
    if isinstance(schema, str):
        return schema
    kind = schema if isinstance(schema, type) else type(schema)
    name = kind.__name__.lstrip("_")
    if not name.endswith("Schema"):
        return name
    return name.removesuffix("Schema").removesuffix("Request") + "Request"  # schemas that read bodies
