"""API clients and their subscriptions, as clients meet them [auth §3]."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.accounts.signing_in import LOGIN, Keys, ask, bearer, password_token, register, works
from tests.served import Api

APIS = {
    "Apps": "apps",
    "Files": "files",
    "Jobs": "jobs",
    "Metadata": "meta",
    "Notifications": "notifications",
    "PostIts": "postits",
    "Profiles": "profiles",
    "Systems": "systems",
    "Transfers": "transfers",
    "UUIDs": "uuid",
}
PATHS = {
    "Apps": "apps/v2",
    "Files": "files/v2/listings",
    "Jobs": "jobs/v2",
    "Notifications": "notifications/v2",
    "PostIts": "postits/v2",
    "Profiles": "profiles/v2",
    "Systems": "systems/v2",
}
SUBSCRIPTIONS = "clients/v2/keys/subscriptions"


def test_a_client_is_made_shown_without_its_secret_and_deleted(api: Api) -> None:
    body = {"clientName": "my client", "description": "for a test", "tier": "gold", "callbackUrl": ""}
    made = api.call("POST", "/clients/v2/", 201, data=body, auth=LOGIN)
    assert re.fullmatch(r"\w{28}", made["consumerKey"]) and re.fullmatch(r"\w{28}", made["consumerSecret"])
    assert (made["name"], made["tier"], made["callbackUrl"]) == ("my client", "Gold", "")
    shown = api.call("GET", "clients/v2/my%20client", auth=LOGIN)
    assert shown == {name: value for name, value in made.items() if name != "consumerSecret"}
    assert shown["_links"]["self"]["href"].endswith("/clients/v2/my%20client")
    assert made["name"] in [client["name"] for client in api.call("GET", "clients/v2", auth=LOGIN)]
    assert api.refused("POST", "clients/v2", 400, json=body, auth=LOGIN) == "Application already exists"
    assert "result" not in api.request("DELETE", "clients/v2/my%20client", auth=LOGIN).json()
    assert api.refused("GET", "clients/v2/my%20client", 404, auth=LOGIN) == "Application not found"
    assert api.refused("DELETE", "clients/v2/my%20client", 404, auth=LOGIN) == "Application not found"


NO_STRING = "Invalid value for the '{}' field. Please specify a string."
NO_SLASH = "clientName must not contain slashes or control characters"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "clientName is required"),
        ({"clientName": ""}, "clientName is required"),
        ({"clientName": " "}, "clientName is required"),
        ({"clientName": None}, "clientName is required"),
        ({"description": "x"}, "clientName is required"),
        ({"clientName": ["a"]}, NO_STRING.format("clientName")),
        ({"clientName": {"a": 1}}, NO_STRING.format("clientName")),
        ({"clientName": "x", "tier": []}, NO_STRING.format("tier")),
        ({"clientName": "a/b"}, NO_SLASH),
        ({"clientName": "a\x00"}, NO_SLASH),
        ({"clientName": "a\nb"}, NO_SLASH),
        ({"clientName": ".."}, "clientName must be more than dots"),
        ({"clientName": "x" * 129}, "clientName must be at most 128 characters"),
        ({"clientName": "x", "description": "x" * 4097}, "description must be at most 4096 characters"),
        (
            {"clientName": "x", "callbackUrl": "https://a\r\nb"},
            "callbackUrl must not contain control characters",
        ),
        (
            {"clientName": "x", "callbackUrl": "h" * 2049},
            "callbackUrl must be at most 2048 characters",
        ),
        (
            {"clientName": "x", "tier": "Platinum"},
            "Invalid tier Platinum. Please specify one of: Unlimited, Gold, Silver, Bronze",
        ),
    ],
)
def test_what_a_client_cannot_be(api: Api, body: dict[str, Any], message: str) -> None:
    before = api.call("GET", "clients/v2", auth=LOGIN)
    assert api.refused("POST", "clients/v2", 400, json=body, auth=LOGIN) == message
    assert api.call("GET", "clients/v2", auth=LOGIN) == before


def test_a_client_goes_by_either_name_of_the_field(api: Api) -> None:
    api.request("DELETE", "clients/v2/other", auth=LOGIN)
    assert api.call("POST", "clients/v2", json={"name": "other"}, auth=LOGIN)["tier"] == "Unlimited"


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "clients/v2"),
        ("POST", "clients/v2"),
        ("GET", "clients/v2/keys"),
        ("DELETE", "clients/v2/keys"),
        ("GET", SUBSCRIPTIONS),
        ("POST", SUBSCRIPTIONS),
        ("DELETE", SUBSCRIPTIONS),
    ],
)
def test_clients_are_for_who_knows_the_password(api: Api, keys: Keys, verb: str, path: str) -> None:
    text = "Login failed.Please recheck the username and password and try again."
    token = password_token(api, keys)
    for options in (
        {"auth": ("testuser", "wrong")},
        {"auth": ("nobody", "emulator")},
        {"auth": ("", "")},
        {"headers": bearer(token)},
        {"headers": {"Authorization": "Basic !"}},
        {"headers": {"Authorization": b"Basic \xff"}},
        {"headers": {"Authorization": "Basic dGVzdHVzZXI="}},  # no colon
    ):
        assert api.refused(verb, path, 401, **options) == text
    assert api.call("GET", "clients/v2/keys", auth=LOGIN)


def test_a_password_may_be_in_either_encoding(api: Api, admin: Api) -> None:
    new = {"username": "accented", "password": "pässwörd", "email": "a@example.org"}
    admin.call("POST", "profiles/v2", json=new)
    for encoding in ("utf-8", "latin-1"):
        login = (b"accented", new["password"].encode(encoding))
        assert api.call("GET", "clients/v2", auth=login) == []
    admin.call("DELETE", "profiles/v2/accented")


def test_without_credentials_clients_are_the_default_users(api: Api, keys: Keys) -> None:
    assert "keys" in [client["name"] for client in api.call("GET", "clients/v2")]


def test_clients_of_others_are_not_seen(api: Api, keys: Keys) -> None:
    other = ("student03", "emulator")
    assert "keys" not in [client["name"] for client in api.call("GET", "clients/v2", auth=other)]
    for verb, path in (("GET", "keys"), ("DELETE", "keys"), ("POST", "keys/subscriptions")):
        options = {"json": {"apiName": "*"}} if verb == "POST" else {}
        assert api.refused(verb, f"clients/v2/{path}", 404, auth=other, **options) == "Application not found"


def test_of_many_at_once_one_client_is_made(api: Api) -> None:
    api.request("DELETE", "clients/v2/race", auth=LOGIN)

    def create(_: int) -> int:
        body = {"clientName": "race"}
        return Api(api.url).request("POST", "clients/v2", json=body, auth=LOGIN).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, range(8))) == [201] + [400] * 7


def test_deleting_a_client_ends_its_tokens(api: Api, keys: Keys) -> None:
    token = password_token(api, keys)
    api.call("DELETE", "clients/v2/keys", auth=LOGIN)
    assert not works(api, token)
    answer = ask(api, keys, grant_type="refresh_token", refresh_token=token["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


# subscriptions


def test_a_client_is_subscribed_to_everything_at_first(api: Api, keys: Keys) -> None:
    shown = api.call("GET", SUBSCRIPTIONS, auth=LOGIN)
    assert {entry["apiName"]: entry["apiContext"] for entry in shown} == {
        name: f"/{context}" for name, context in APIS.items()
    }
    for entry in shown:
        assert (entry["name"], entry["context"]) == (entry["apiName"], entry["apiContext"])
        assert (entry["provider"], entry["version"]) == (entry["apiProvider"], entry["apiVersion"])
        assert (entry["status"], entry["tier"]) == ("PUBLISHED", "Unlimited")
        assert set(entry["_links"]) == {"api", "client", "self"}


@pytest.mark.parametrize(("name", "path"), PATHS.items())
def test_an_api_that_a_client_has_left_is_closed_to_its_tokens(
    api: Api, keys: Keys, name: str, path: str
) -> None:
    token = password_token(api, keys)
    api.call("DELETE", SUBSCRIPTIONS, json={"apiName": name}, auth=LOGIN)
    answer = api.request("GET", path, headers=bearer(token))
    assert answer.status_code == 403
    assert answer.text.startswith('{"fault":{"code":900908,"message":"Resource forbidden"'), answer.text
    elsewhere = "jobs/v2" if name != "Jobs" else "systems/v2"
    assert api.request("GET", elsewhere, headers=bearer(token)).status_code == 200
    # without a token, and with the token of another client, the API is as open as before
    assert api.request("GET", path).status_code == 200
    other = password_token(api, register(api, "still subscribed"))
    assert api.request("GET", path, headers=bearer(other)).status_code == 200


def test_all_subscriptions_end_and_return_by_name_or_star(api: Api, keys: Keys) -> None:
    token = password_token(api, keys)
    answer = api.request("DELETE", SUBSCRIPTIONS, auth=LOGIN)
    assert "result" not in answer.json() and api.call("GET", SUBSCRIPTIONS, auth=LOGIN) == []
    assert not works(api, token)
    again = api.call("POST", SUBSCRIPTIONS, 201, data={"apiName": "jobs", "tier": "GOLD"}, auth=LOGIN)
    assert [(entry["apiName"], entry["tier"]) for entry in again] == [("Jobs", "Gold")]
    assert works(api, token)
    bash = {"apiName": "Files", "tier": "Unlimited", "apiVersion": "", "apiProvider": ""}
    assert len(api.call("POST", SUBSCRIPTIONS, data=bash, auth=LOGIN)) == 2
    everything = api.call("POST", SUBSCRIPTIONS, json={"name": "*"}, auth=LOGIN)
    assert {entry["apiName"] for entry in everything} == set(APIS)
    swagger = {"apiName": "Meta", "apiVersion": "v2", "apiProvider": "admin", "tier": "BRONZE"}
    entries = api.call("POST", SUBSCRIPTIONS, json=swagger, auth=LOGIN)
    assert {entry["apiName"]: entry["tier"] for entry in entries}["Metadata"] == "Bronze"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "apiName is required"),
        ({"apiName": "Actors"}, "No API found with name Actors"),
        ({"apiName": "é\x00"}, "No API found with name é\x00"),
        ({"apiName": "Jobs", "apiVersion": "v3"}, "No API found with name Jobs and apiVersion v3"),
        ({"apiName": ["Jobs"]}, NO_STRING.format("apiName")),
        (
            {"apiName": "Jobs", "tier": "Lead"},
            "Invalid tier Lead. Please specify one of: Unlimited, Gold, Silver, Bronze",
        ),
    ],
)
def test_what_cannot_be_subscribed_to(api: Api, keys: Keys, body: dict[str, Any], message: str) -> None:
    assert api.refused("POST", SUBSCRIPTIONS, 400, json=body, auth=LOGIN) == message
    assert len(api.call("GET", SUBSCRIPTIONS, auth=LOGIN)) == len(APIS)
