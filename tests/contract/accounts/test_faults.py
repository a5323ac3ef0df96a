"""The gateway's own answers, in JSON and in XML [conventions §9.2]."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from tests.contract.accounts.signing_in import LOGIN, Keys, Later, bearer, password_token, register
from tests.served import Api, served

REALM = 'OAuth2 realm="WSO2 API Manager"'
SECURITY = "{http://wso2.org/apimanager/security}"
MANAGER = "{http://wso2.org/apimanager}"


@pytest.fixture
def bad(api: Api, keys: Keys, later: Later) -> dict[str, str]:
    """Authorization headers by what is wrong with them."""
    revoked, expired = password_token(api, keys), password_token(api, keys)
    api.request("POST", "revoke", data={"token": revoked["access_token"]}, auth=keys)
    later(timedelta(seconds=14400))
    left = register(api, "left")
    unsubscribed = password_token(api, left)
    api.call("DELETE", "clients/v2/left/subscriptions", auth=LOGIN)
    return {
        "missing": "Basic dGVzdDp0ZXN0",
        "empty": "Bearer ",
        "unknown": "Bearer nonsense",
        "revoked": bearer(revoked)["Authorization"],
        "expired": bearer(expired)["Authorization"],
        "unsubscribed": bearer(unsubscribed)["Authorization"],
    }


@pytest.mark.parametrize(
    ("what", "status", "in_json", "in_xml"),
    [
        ("missing", 401, (900902, "Missing Credentials"), ("900902", "Missing Credentials")),
        ("empty", 401, (900902, "Missing Credentials"), ("900902", "Missing Credentials")),
        ("unknown", 401, (900901, "Invalid Credentials"), ("900904", "Access Token Inactive")),
        ("revoked", 401, (900901, "Invalid Credentials"), ("900904", "Access Token Inactive")),
        ("expired", 401, (900901, "Invalid Credentials"), ("900903", "Access Token Expired")),
        ("unsubscribed", 403, (900908, "Resource forbidden"), ("900908", "Resource forbidden")),
    ],
)
def test_what_is_wrong_with_a_token(
    api: Api,
    bad: dict[str, str],
    what: str,
    status: int,
    in_json: tuple[int, str],
    in_xml: tuple[str, str],
) -> None:
    headers = {"Authorization": bad[what]}
    # the views of an answer are no matter of faults
    answer = api.request("GET", "systems/v2?naked=true&pretty=true&filter=id", headers=headers)
    assert answer.status_code == status
    assert answer.text.startswith('{"fault":{"code":')
    fault = answer.json()["fault"]
    assert (fault["code"], fault["message"]) == in_json and fault["description"]
    assert answer.headers.get("WWW-Authenticate") == (REALM if status == 401 else None)
    for accepted in ("application/xml", "text/xml", "text/xml, application/json;q=0.5"):
        answer = api.request("GET", "systems/v2", headers=headers | {"Accept": accepted})
        assert answer.headers["Content-Type"].startswith("application/xml")
        root = ElementTree.fromstring(answer.text)
        assert root.tag == f"{SECURITY}fault"
        assert (root[0].tag, root[0].text) == (f"{SECURITY}code", in_xml[0])
        assert (root[1].tag, root[1].text) == (f"{SECURITY}message", in_xml[1])


@pytest.mark.parametrize(
    "header", ["Bearer ", "Bearer", "Basic dGVzdDp0ZXN0", "nonsense", "", "Bearer \u00e9", "Bearer a b"]
)
def test_headers_that_hold_no_token(api: Api, header: str) -> None:
    answer = api.request("GET", "jobs/v2", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.json()["fault"]["code"] in (900901, 900902)
    assert answer.headers["WWW-Authenticate"] == REALM


def test_an_api_or_a_resource_that_is_not_there(api: Api) -> None:
    answer = api.request("GET", "nothing/v2/x")
    assert answer.status_code == 404
    assert answer.json()["fault"] == {
        "code": 404,
        "message": "Not Found",
        "description": "The requested resource (/nothing) is not available.",
    }
    answer = api.request("GET", "jobs/v7")
    assert (answer.status_code, answer.json()["fault"]["code"]) == (404, 900906)
    root = ElementTree.fromstring(
        api.request("GET", "no<thing/v2", headers={"Accept": "application/xml"}).text
    )
    assert [child.tag for child in root] == [
        f"{MANAGER}code",
        f"{MANAGER}type",
        f"{MANAGER}message",
        f"{MANAGER}description",
    ]
    assert root[3].text == "The requested resource (/no<thing) is not available."


@pytest.fixture(scope="module")
def xml_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with served(tmp_path_factory.mktemp("xml"), fault_format="xml") as emulator:
        yield Api(emulator.url)


@pytest.mark.parametrize("accepted", ["*/*", "application/json"])
def test_faults_are_xml_by_the_switch(xml_only: Api, accepted: str) -> None:
    headers = bearer("nonsense") | {"Accept": accepted}
    answer = xml_only.request("GET", "jobs/v2", headers=headers)
    assert answer.text.startswith(
        '<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900904</ams:code>'
    )


def test_errors_of_services_stay_json_whatever_is_accepted(xml_only: Api) -> None:
    answer = xml_only.request("GET", "jobs/v2/nothing", headers={"Accept": "application/xml"})
    assert answer.json()["status"] == "error"
