"""Profiles [auth §6]."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from emulator.api.edge import caller, services
from emulator.api.v2 import bodies
from emulator.api.v2.wire import link, reply
from emulator.domain.errors import Invalid
from emulator.domain.identity import User

# the first of these that a query holds decides, in this order [auth §6]
_TERMS = {
    "username": "username",
    "email": "email",
    "name": "full_name",
    "first_name": "first_name",
    "firstName": "first_name",
    "last_name": "last_name",
    "lastName": "last_name",
    "full_name": "full_name",
    "fullName": "full_name",
}
_PATH_TERMS = ("username", "email", "name")
# what a body may tell of an account, by both schemas' names
_FIELDS = {
    "username": "username",
    "password": "password",
    "email": "email",
    "firstName": "first_name",
    "lastName": "last_name",
    "phone": "phone",
    "mobilePhone": "mobile_phone",
    "fax": "fax",
    "position": "position",
    "institution": "institution",
    "department": "department",
    "researchArea": "research_area",
    "city": "city",
    "state": "state",
    "country": "country",
    "gender": "gender",
}
_FIELDS |= {name: name for name in _FIELDS.values()}


def list_profiles() -> Response:
    """Everybody, or those whom the first known parameter finds; by name."""
    asked = next((name for name in _TERMS if request.args.get(name)), None)
    term = _TERMS[asked] if asked else None
    found = services().profiles.find(
        caller(), bodies.page(), term, request.args.get(asked, "") if asked else ""
    )
    return reply([profile_record(user) for user in found])


def show_profile(username: str) -> Response:
    return reply(profile_record(services().profiles.get(caller(), username)))


def search_profiles(term: str, value: str) -> Response:
    if term.lower() not in _PATH_TERMS:
        text = "Invalid search term. Valid search terms are: username, email, and name."
        raise Invalid(text, service_status=500)
    found = services().profiles.find(caller(), bodies.page(), _TERMS[term.lower()], value)
    return reply([profile_record(user) for user in found])


def create_profile() -> Response:
    user = services().profiles.create(caller(), _given())
    return reply(profile_record(user), 201, "User created successfully.")


def update_profile(username: str) -> Response:
    user = services().profiles.update(caller(), username, _given())
    return reply(profile_record(user), message="User updated successfully.")


def delete_profile(username: str) -> Response:
    services().profiles.delete(caller(), username)
    return reply(message="User deleted successfully.")


def list_internal_users(username: str) -> Response:
    """Nobody: internal users were given up by the service itself."""
    services().profiles.get(caller(), username)
    return reply([])


def _given() -> dict[str, str]:
    body = bodies.fields()
    texts = {name: bodies.text(body, name) for name in body if name in _FIELDS}
    return {_FIELDS[name]: text for name, text in texts.items() if text is not None}


def profile_record(user: User) -> dict[str, Any]:
    """Both shapes that the service has had: snake_case and camelCase [auth §6]."""
    return {
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "full_name": user.full_name,
        "phone": user.phone,
        "mobile_phone": user.mobile_phone,
        "status": "Active",
        "uid": None,
        "create_time": user.created.strftime("%Y%m%d%H%M%SZ") if user.created else None,
        "fullName": user.full_name,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "position": user.position,
        "institution": user.institution,
        "fax": user.fax,
        "researchArea": user.research_area,
        "department": user.department,
        "city": user.city,
        "state": user.state,
        "country": user.country,
        "gender": user.gender,
        "uuid": user.uuid,
        "_links": {
            "self": link(f"profiles/v2/{user.username}"),
            "users": link(f"profiles/v2/{user.username}/users"),
        },
    }
