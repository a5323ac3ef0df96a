"""Postits through the unmodified clients [clients §3]; what they make is redeemed by a browser without a token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.client.conftest import Page

pytestmark = [pytest.mark.xdist_group("course-page"), pytest.mark.sample(6, of="module")]

HOME = "files/v2/media/system/tacc.corral//home/testuser"
# the command puts what follows the system into the URL as it is: with one slash it would mean the home directory
URI = "agave://tacc.corral//home/testuser/shared note.txt"
TEXT = b"for whoever has the link"


@pytest.fixture(scope="module", autouse=True)
def note(page: Page) -> Iterator[None]:
    page.api.call("GET", "files/v2/listings/system/tacc.corral//home/testuser")
    page.api.call("POST", HOME, files={"fileToUpload": ("shared note.txt", TEXT)})
    yield
    page.api.call("DELETE", f"{HOME}/shared%20note.txt")


def fetch(url: str) -> requests.Response:
    return requests.get(url, timeout=60)


def test_the_command_makes_a_postit_without_limit(page: Page) -> None:
    made = page.tapis_json("postits", "create", URI)
    assert made["remainingUses"] in (-1, "-1")
    for _ in range(3):
        assert fetch(made["postit_url"]).content == TEXT
    held = page.api.call("GET", f"postits/v2/listing/{made['postit']}")
    assert held["numberUsed"] == 3
    assert held["url"] == f"{page.emulator.url}/{HOME}/shared%20note.txt"


def test_the_command_limits_uses_and_time(page: Page) -> None:
    made = page.tapis_json("postits", "create", "-m", "2", "-L", "86400", URI)
    assert int(made["remainingUses"]) == 2
    assert [fetch(made["postit_url"]).status_code for _ in range(3)] == [200, 200, 403]


def test_the_command_lists_what_can_be_redeemed(page: Page) -> None:
    kept = page.tapis_json("postits", "create", URI)["postit"]
    used = page.tapis_json("postits", "create", "-m", "1", URI)
    fetch(used["postit_url"])
    listed = {row["postit"]: row for row in page.tapis_json("postits", "list")}
    assert kept in listed and used["postit"] not in listed
    held = page.api.call("GET", f"postits/v2/listing/{kept}")
    assert listed[kept]["url"] == held["url"]


def test_the_command_revokes_by_the_32_digits_that_it_accepts(page: Page) -> None:
    made = page.tapis_json("postits", "create", URI)
    whole = page.clients.tapis(["postits", "delete", made["postit"]], page.environment)
    assert whole.returncode != 0 and "not a valid Post-it" in whole.stdout + whole.stderr
    digits = made["postit"].removesuffix("-010").replace("-", "")
    gone = page.tapis_json("postits", "delete", digits)
    assert gone["messages"] in ([], "[]", None, "")
    assert page.api.call("GET", f"postits/v2/listing/{made['postit']}")["status"] == "REVOKED"
    assert fetch(made["postit_url"]).json()["message"] == "Postit has been revoked."


def test_agavepy_makes_lists_and_revokes(page: Page) -> None:
    code = f"""
url = ag.api_server.rstrip('/') + '/{HOME}/shared%20note.txt'
made = ag.postits.create(body={{'url': url, 'maxUses': 5, 'lifetime': 600}})
listed = [postit['postit'] for postit in ag.postits.list(limit=5)]
ag.postits.delete(uuid=made['postit'])
answer = [made['postit'], listed, made['remainingUses'], [p['postit'] for p in ag.postits.list()]]
"""
    key, listed, uses, left = page.agavepy(code)
    assert key in listed and key not in left and uses == 5
    assert page.api.call("GET", f"postits/v2/listing/{key}")["status"] == "REVOKED"


def test_the_shell_clients_form_is_taken(page: Page) -> None:
    """``files-publish`` glues the link's name to its value, and all its numbers are texts."""
    form = {
        "lifetime": "600",
        "maxUses": "10",
        "method": "GET",
        "url": f"href:{page.emulator.url}/{HOME}/shared%20note.txt",
    }
    made = page.api.call("POST", "postits/v2/?pretty=true", data=form)
    assert fetch(made["_links"]["self"]["href"]).content == TEXT
