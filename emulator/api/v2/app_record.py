"""How an app looks to clients: full object, summary, permission, event [apps §2, §3, §5, §7, §9]."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from emulator.api.v2.wire import chicago, link, metadata_link
from emulator.domain.app import App, AppArgument, AppInput, AppOutput, AppParameter
from emulator.domain.event import Event
from emulator.domain.file import Permission
from emulator.domain.resources import number_text


def full(app: App) -> dict[str, Any]:
    memory = app.default_memory_per_node
    return {
        "id": app.id,
        "name": app.name,
        "icon": app.icon,
        "uuid": app.uuid,
        "parallelism": app.parallelism,
        "defaultProcessorsPerNode": app.default_processors_per_node,
        "defaultMemoryPerNode": None if memory is None else number_text(memory),
        "defaultNodeCount": app.default_node_count,
        "defaultMaxRunTime": app.default_max_run_time,
        "defaultQueue": app.default_queue,
        "version": app.version,
        "revision": app.revision,
        "isPublic": app.public,
        "helpURI": app.help_uri,
        "label": app.label,
        "owner": app.owner,
        "shortDescription": app.short_description,
        "longDescription": app.long_description,
        "tags": list(app.tags),
        "ontology": list(app.ontology),
        "executionType": app.execution_type,
        "executionSystem": app.execution_system,
        "deploymentPath": app.deployment_path,
        "deploymentSystem": app.deployment_system,
        "templatePath": app.template_path,
        "testPath": app.test_path,
        "checkpointable": app.checkpointable,
        "lastModified": chicago(app.last_updated),
        "modules": list(app.modules),
        "available": app.available,
        "inputs": [_input(one) for one in app.inputs],
        "parameters": [_parameter(one) for one in app.parameters],
        "outputs": [_output(one) for one in app.outputs],
        "_links": _links(app),
    }


def summary(app: App) -> dict[str, Any]:
    """One line of a listing."""
    return {
        "id": app.id,
        "name": app.name,
        "version": app.version,
        "revision": app.revision,
        "executionSystem": app.execution_system,
        "shortDescription": app.short_description,
        "isPublic": app.public,
        "label": app.label,
        "lastModified": chicago(app.last_updated),
        "_links": {"self": _self(app)},
    }


def permission(app: App, username: str, granted: Permission) -> dict[str, Any]:
    user = quote(username, safe="")
    return {
        "username": username,
        "permission": {"read": granted.read, "write": granted.write, "execute": granted.execute},
        "_links": {
            "self": link(f"{_path(app)}/pems/{user}"),
            "app": _self(app),
            "profile": link(f"profiles/v2/{user}"),
        },
    }


def event(app: App, entry: Event) -> dict[str, Any]:
    return {
        "status": entry.status,
        "createdBy": entry.created_by,
        "description": entry.description,
        "created": chicago(entry.created),
        "id": entry.uuid,
        "_links": {
            "self": link(f"{_path(app)}/history/{entry.uuid}"),
            "app": _self(app),
            "profile": link(f"profiles/v2/{quote(entry.created_by, safe='')}"),
        },
    }


def _input(one: AppInput) -> dict[str, Any]:
    # the service keeps arrays as such unless there can be one value only
    default = one.default
    if default is not None and one.max_cardinality != 1 and not isinstance(default, list):
        default = [default]
    return {
        "id": one.id,
        "value": {"validator": one.validator, **_value(one), "default": default},
        "details": _details(one),
        "semantics": {**_semantics(one), "fileTypes": list(one.file_types)},
    }


def _parameter(one: AppParameter) -> dict[str, Any]:
    if one.type == "enumeration":
        choice: dict[str, Any] = {"enum_values": [{key: label} for key, label in one.enum_values]}
    else:
        choice = {"validator": one.validator}
    default = one.default
    if default is None and one.type in ("bool", "flag"):
        default = False
    return {
        "id": one.id,
        "value": {"type": one.type, **choice, **_value(one), "default": default},
        "details": _details(one),
        "semantics": _semantics(one),
    }


def _output(one: AppOutput) -> dict[str, Any]:
    default = one.default
    if default is not None and one.min_cardinality >= 2 and not isinstance(default, list):
        default = [default]
    return {
        "id": one.id,
        "value": {"validator": one.validator, "order": one.order, "default": default},
        "details": {"label": one.label, "description": one.description},
        "semantics": {**_semantics(one), "fileTypes": list(one.file_types)},
    }


def _value(one: AppArgument) -> dict[str, Any]:
    return {
        "visible": one.visible,
        "required": one.required,
        "order": one.order,
        "enquote": one.enquote,
    }


def _details(one: AppArgument) -> dict[str, Any]:
    return {
        "label": one.label or one.id,
        "description": one.description,
        "argument": one.argument,
        "showArgument": one.show_argument,
        "repeatArgument": one.repeat_argument,
    }


def _semantics(one: AppArgument | AppOutput) -> dict[str, Any]:
    return {
        "minCardinality": one.min_cardinality,
        "maxCardinality": one.max_cardinality,
        "ontology": list(one.ontology),
    }


def _path(app: App) -> str:
    return f"apps/v2/{quote(app.id, safe='')}"


def _self(app: App) -> dict[str, str]:
    return link(_path(app))


def _links(app: App) -> dict[str, Any]:
    return {
        "self": _self(app),
        "executionSystem": link(f"systems/v2/{app.execution_system}"),
        "storageSystem": link(f"systems/v2/{app.deployment_system}"),
        "history": link(f"{_path(app)}/history"),
        "metadata": metadata_link(app.uuid),
        "owner": link(f"profiles/v2/{quote(app.owner, safe='')}"),
        "permissions": link(f"{_path(app)}/pems"),
    }
