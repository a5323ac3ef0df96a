"""Signing in, tokens, profiles and API clients through the unmodified clients [clients §1.4, §3]."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import Page
from tests.contract.accounts.signing_in import clock_of
from tests.served import Api, served

pytestmark = [pytest.mark.xdist_group("course-page"), pytest.mark.sample(6, of="module")]


def session(page: Page) -> dict[str, Any]:
    """What tapis-cli keeps of its session."""
    found: dict[str, Any] = json.loads((page.folder / ".agave" / "current").read_text(encoding="utf-8"))
    return found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# tapis auth


def test_the_session_names_the_tenant_and_the_client_that_the_server_holds(page: Page) -> None:
    shown = page.tapis_json("auth", "show")
    assert (shown["tenant_id"], shown["username"]) == ("tacc.prod", "testuser")
    current = session(page)
    keys = {client["consumerKey"] for client in page.api.call("GET", "clients/v2")}
    assert current["apikey"] in keys and current["baseurl"].rstrip("/") == page.emulator.url


def test_a_token_is_created_and_opens_the_services(page: Page) -> None:
    made = page.tapis_json("auth", "tokens", "create", "--password", "emulator")
    answer = page.api.call("GET", "profiles/v2/me", headers=bearer(made["access_token"]))
    assert answer["username"] == "testuser"
    assert session(page)["access_token"] == made["access_token"]


def test_a_token_is_refreshed(page: Page) -> None:
    before = session(page)
    made = page.tapis_json("auth", "tokens", "refresh")
    after = session(page)
    assert made["access_token"] == after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]
    assert page.api.call("GET", "profiles/v2/me", headers=bearer(after["access_token"]))


def test_a_wrong_password_is_told(page: Page) -> None:
    done = page.clients.tapis(["auth", "tokens", "create", "--password", "wrong"], page.environment)
    assert done.returncode != 0 and "400" in done.stdout + done.stderr


def test_an_administrator_gets_a_token_for_somebody_else(page: Page, tmp_path: Path) -> None:
    environment = page.clients.environment(page.emulator.url, tmp_path)
    login = ["--tenant-id", "tacc.prod", "--username", "admin", "--password", "emulator", "--no-dockerhub"]
    done = page.clients.tapis(["auth", "init", *login], environment)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = ["auth", "tokens", "create", "--password", "emulator", "--token-username", "student04"]
    done = page.clients.tapis([*wanted, "-f", "json"], environment)
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads(done.stdout)
    assert made["username"] == "student04"
    answer = page.api.call("GET", "profiles/v2/me", headers=bearer(made["access_token"]))
    assert answer["username"] == "student04"


# tapis profiles


def test_profiles_are_shown_and_searched(page: Page) -> None:
    own = page.tapis_json("profiles", "show", "self")
    held = page.api.call("GET", "profiles/v2/me")
    shown = ("username", "email", "first_name", "last_name")
    assert [own[name] for name in shown] == [held[name] for name in shown]
    assert page.tapis_json("profiles", "show", "student12")["email"] == "student12@example.org"
    for option, value in (
        ("--username", "student12"),
        ("--email", "student12@"),
        ("--first-name", "Ada"),
        ("--last-name", "Ursell"),
    ):
        key = option.removeprefix("--").replace("-", "_")
        found = page.tapis_json("profiles", "search", option, "eq", value)
        held = page.api.call("GET", "profiles/v2", params={key: value})
        assert [row["username"] for row in found] == [row["username"] for row in held] != []
    unknown = page.clients.tapis(["profiles", "show", "nobody"], page.environment)
    assert unknown.returncode != 0 and "No user found matching nobody" in unknown.stdout + unknown.stderr


# agavepy


def test_clients_and_their_subscriptions_by_agavepy(page: Page) -> None:
    code = """
ag.clients.create(body={'clientName': 'second', 'description': 'two', 'tier': 'Gold'})
names = [client['name'] for client in ag.clients.list()]
everything = [entry['apiName'] for entry in ag.clients.listSubscriptionsForClient(clientName='second')]
ag.clients.deleteSubscriptionsForClient(clientName='second')
none = ag.clients.listSubscriptionsForClient(clientName='second')
wanted = {'apiName': 'Jobs', 'apiVersion': 'v2', 'apiProvider': 'admin', 'tier': 'GOLD'}
ag.clients.addSubscriptionForClient(clientName='second', body=wanted)
one = [entry['apiName'] for entry in ag.clients.listSubscriptionsForClient(clientName='second')]
gone = ag.clients.delete(clientName='second')
answer = {'names': names, 'everything': everything, 'none': none, 'one': one, 'gone': gone,
          'left': [client['name'] for client in ag.clients.list()]}
"""
    answer = page.agavepy(code)
    assert "second" in answer["names"] and "second" not in answer["left"]
    assert len(answer["everything"]) > 5
    assert (answer["none"], answer["one"], answer["gone"]) == ([], ["Jobs"], None)


def test_profiles_by_agavepy(page: Page) -> None:
    code = """
own = ag.profiles.get()
other = ag.profiles.listByUsername(username='student02')
found = ag.profiles.list(email='student03@')
answer = [own['username'], other['full_name'], [user['username'] for user in found]]
"""
    own, other, found = page.agavepy(code)
    assert (own, found) == ("testuser", ["student03"])
    assert other == page.api.call("GET", "profiles/v2/student02")["full_name"]


def test_tenants_by_agavepy(page: Page) -> None:
    code = """
from agavepy.tenants import api_server_by_id, id_by_api_server, list_tenants
url = ag.api_server.rstrip('/') + '/tenants'
base = api_server_by_id('TACC.prod', url=url)
answer = [[tenant['code'] for tenant in list_tenants(url=url)], base, id_by_api_server(base, url=url)]
"""
    assert page.agavepy(code) == [["tacc.prod"], f"{page.emulator.url}/", "tacc.prod"]


@pytest.mark.parametrize("fault_format", ["json", "xml"])
def test_an_expired_token_is_refreshed_by_agavepy_and_the_call_repeated(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault_format: str
) -> None:
    """By the call that carries its token whatever the URL; the others do where the URL has no port."""
    with served(tmp_path / "data", fault_format=fault_format) as emulator:
        home = tmp_path / "home"
        home.mkdir()
        other = Page(emulator, Api(emulator.url), page.clients, home)
        stale = other.agavepy("answer = ag._token")
        clock_of(emulator, monkeypatch)(timedelta(hours=5))
        refused = other.api.request("GET", "profiles/v2/me", headers=bearer(stale))
        assert refused.status_code == 401
        assert refused.text.startswith("<" if fault_format == "xml" else "{")
        code = f"""
from agavepy.util import with_refresh
import requests
ag._token = {stale!r}
url = ag.api_server.rstrip('/') + '/profiles/v2/me'
sent = []
def call():
    sent.append(ag._token)
    response = requests.get(url, headers={{'Authorization': 'Bearer ' + ag._token}})
    response.raise_for_status()
    return response
answer = [with_refresh(ag, call).json()['result']['username'], sent, ag._token]
"""
        username, sent, token = other.agavepy(code)
        assert username == "testuser"
        assert sent == [stale, token] and token != stale
