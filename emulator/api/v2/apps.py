"""Apps over HTTP [apps §2]."""

from __future__ import annotations

from flask import Response, request

from emulator.api.edge import base_url, caller, services
from emulator.api.v2 import app_form, app_record, bodies
from emulator.api.v2.schemas import read_app, read_app_copy
from emulator.api.v2.search import BOOLEAN, DATE, DECIMAL, INTEGER, TEXT, Terms, Words, conditions
from emulator.api.v2.wire import reply, wants_full
from emulator.domain.app import PARALLELISM, PARAMETER_TYPES
from emulator.domain.errors import Invalid
from emulator.domain.search import Condition, Operator
from emulator.domain.system import EXECUTION_TYPES
from emulator.services.app_actions import check_action

TERMS: Terms = {
    "available": ("available", BOOLEAN),
    "checkpointable": ("checkpointable", BOOLEAN),
    "checksum": ("checksum", TEXT),
    "created": ("created", DATE),
    "defaultmaxruntime": ("default_max_run_time", TEXT),
    "defaultmemorypernode": ("default_memory_per_node", DECIMAL),
    "defaultnodes": ("default_node_count", INTEGER),
    "defaultnodecount": ("default_node_count", INTEGER),
    "defaultprocessorspernode": ("default_processors_per_node", INTEGER),
    "defaultqueue": ("default_queue", TEXT),
    "deploymentpath": ("deployment_path", TEXT),
    "deploymentsystem": ("deployment_system", TEXT),
    "templatepath": ("template_path", TEXT),
    "executionsystem": ("execution_system", TEXT),
    "executiontype": ("execution_type", Words("execution type", EXECUTION_TYPES)),
    "helpuri": ("help_uri", TEXT),
    "icon": ("icon", TEXT),
    "id": ("id", TEXT),
    "inputs.id": ("inputs.id", TEXT),
    "label": ("label", TEXT),
    "lastupdated": ("last_updated", DATE),
    "lastmodified": ("last_updated", DATE),
    "longdescription": ("long_description", TEXT),
    "name": ("name", TEXT),
    "ontology": ("ontology", TEXT),
    "outputs.id": ("outputs.id", TEXT),
    "owner": ("owner", TEXT),
    "parallelism": ("parallelism", Words("parallelism type", PARALLELISM)),
    "parameters.id": ("parameters.id", TEXT),
    "parameters.type": ("parameters.type", Words("parameter type", PARAMETER_TYPES)),
    "public": ("public", BOOLEAN),
    "revision": ("revision", INTEGER),
    "shortdescription": ("short_description", TEXT),
    "tags": ("tags", TEXT),
    "testpath": ("test_path", TEXT),
    "uuid": ("uuid", TEXT),
    "version": ("version", TEXT),
}
# path searches: how the value is compared with which field [apps §8]
_PATH_SEARCHES = {
    "name": ("id", Operator.LIKE),
    "tag": ("tags", Operator.LIKE),
    "ontology": ("ontology", Operator.LIKE),
    "system": ("execution_system", Operator.LIKE),
}


def list_apps() -> Response:
    return _list([])


def search_apps(term: str, value: str) -> Response:
    """``/apps/v2/name/<v>`` and its like; wildcards only where the value brings them."""
    field, operator = _PATH_SEARCHES[term]
    return _list([Condition(field, operator, value)])


def register_app() -> Response:
    body = bodies.json_object(bodies.FILES_EMPTY)
    services().apps.check_replaceable(caller(), str(body.get("name")), str(body.get("version")))
    app = services().apps.register(caller(), read_app(body))
    return reply(app_record.full(app), 201 if app.revision == 1 else 200)


def show_app(app: str) -> Response:
    return reply(app_record.full(services().apps.get(caller(), app)))


def update_app(app: str) -> Response:
    definition = read_app(bodies.json_object(bodies.FILES_EMPTY))
    return reply(app_record.full(services().apps.update(caller(), app, definition, f"{base_url()}apps/v2")))


def act_on_app(app: str) -> Response:
    """202 with the new app for copies, made by then; 200 with the app; nothing for what is erased."""
    body = bodies.given_fields(bodies.FILES_EMPTY)
    action = check_action(bodies.text(body, "action") or "")
    apps = services().apps
    if action == "publish":
        return reply(app_record.full(apps.publishing.publish(caller(), app, read_app_copy(body))), 202)
    if action == "clone":
        return reply(app_record.full(apps.cloning.clone(caller(), app, read_app_copy(body))), 202)
    if action == "erase":
        apps.actions.erase(caller(), app)
        return reply()
    return reply(app_record.full(apps.actions.switch(caller(), app, action == "enable")))


def delete_app(app: str) -> Response:
    services().apps.actions.remove(caller(), app)
    return reply()


def show_app_form(app: str) -> Response:
    return reply({"submitForm": app_form.render(services().apps.get(caller(), app), f"{base_url()}jobs/v2")})


def list_app_history(app: str) -> Response:
    found, events = services().apps.history(caller(), app, bodies.page())
    return reply([app_record.event(found, event) for event in events])


def show_app_event(app: str, event: str) -> Response:
    return reply(app_record.event(*services().apps.event(caller(), app, event)))


# permissions [apps §7]


def list_app_pems(app: str) -> Response:
    found, entries = services().app_permissions.all(caller(), app, bodies.page())
    return reply([app_record.permission(found, *entry) for entry in entries])


def show_app_pem(app: str, username: str) -> Response:
    found, granted = services().app_permissions.of_user(caller(), app, username)
    return reply(app_record.permission(found, username, granted))


def grant_app_pem(app: str, username: str = "") -> Response:
    """201 with what the user now has; 200 for an empty permission, which takes all away."""
    body = bodies.given_fields(bodies.FILES_EMPTY)
    named = bodies.text(body, "username") or ""
    if username and named and named != username:
        raise Invalid(
            f"Username provided in request body, {named}, does not match the username in the URL, {username}"
        )
    if not (username or named):
        raise Invalid("Missing username. Please provide a username for whom the permission will be granted.")
    word = bodies.text(body, "permission")
    if word is None:
        raise Invalid("Missing permission field.")
    found, granted = services().app_permissions.grant(
        caller(), app, username or named, word, at_user=bool(username)
    )
    return reply(app_record.permission(found, username or named, granted), 201 if word.strip() else 200)


def revoke_app_pem(app: str, username: str) -> Response:
    services().app_permissions.revoke(caller(), app, username)
    return reply()


def clear_app_pems(app: str) -> Response:
    services().app_permissions.revoke(caller(), app)
    return reply()


def _list(conditions_of_path: list[Condition]) -> Response:
    wanted = [*conditions_of_path, *conditions(TERMS)]
    # these two count by being there, whatever their value [apps §8]
    names = {name.lower() for name in request.args}
    wanted += [
        Condition("public", Operator.EQ, public)
        for name, public in (("publiconly", True), ("privateonly", False))
        if name in names
    ]
    show = app_record.full if wants_full() else app_record.summary
    return reply([show(app) for app in services().apps.listing(caller(), wanted, bodies.page())])
