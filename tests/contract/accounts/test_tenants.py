"""Tenants, as clients meet them [auth §1]."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.app import Emulator
from emulator.resources import fixtures
from tests.served import Api, served


def test_the_tenant_says_where_it_answers(api: Api, emulator: Emulator) -> None:
    tenant = api.call("GET", "tenants")[0]
    assert (tenant["code"], tenant["baseUrl"]) == ("tacc.prod", f"{emulator.url}/")
    assert tenant["id"].endswith("-016")
    assert set(tenant["contact"][0]) == {"name", "email", "url", "type", "primary"}
    assert tenant["_links"] == {
        "self": {"href": f"{emulator.url}/tenants/tacc.prod"},
        "publickey": {"href": f"{emulator.url}/apim/v2/publickey"},
    }
    assert api.call("GET", "tenants/TACC.prod/") == [tenant]
    assert api.call("GET", f"tenants/{tenant['id']}") == [tenant]
    assert api.request("GET", "tenants").json()["message"] == ""


def test_the_base_url_follows_the_way_the_request_came(api: Api) -> None:
    def base(**headers: str) -> str:
        return str(api.request("GET", "tenants", headers=headers).json()["result"][0]["baseUrl"])

    assert base(Host="some.name:1234") == "http://some.name:1234/"
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "tapis.example.org"}
    assert base(**forwarded) == "https://tapis.example.org/"


@pytest.mark.parametrize("tenant", ["nowhere", "tacc", "%00", "x" * 300, "é"])
def test_an_unknown_tenant_is_not_found(api: Api, tenant: str) -> None:
    assert api.refused("GET", f"tenants/{tenant}", 404).startswith("No tenant found with id ")


def test_the_view_of_a_tenant_can_be_shaped(api: Api) -> None:
    assert api.call("GET", "tenants?filter=code,name") == [{"code": "tacc.prod", "name": "TACC"}]
    assert api.request("GET", "tenants?naked=true").json()[0]["code"] == "tacc.prod"
    assert '"code" : "tacc.prod"' in api.request("GET", "tenants?pretty=true").text


@pytest.mark.parametrize("path", ["tenants", "tenants/tacc.prod"])
@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE"])
def test_tenants_are_only_read(api: Api, verb: str, path: str) -> None:
    assert api.refused(verb, path, 405) == f"{verb} is not supported"


def test_the_services_own_word_for_other_verbs(tmp_path: Path) -> None:
    with served(tmp_path, faithful_5xx=True) as emulator:
        assert Api(emulator.url).refused("PUT", "tenants", 501) == "PUT is not supported"


def test_only_a_live_tenant_is_listed(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for file in (fixtures() / "seeds").iterdir():
        (seeds / file.name).write_bytes(file.read_bytes())
    (tmp_path / "course").symlink_to(fixtures() / "course")
    seed = seeds / "tacc.prod.yaml"
    text = seed.read_text(encoding="utf-8")
    assert "status: LIVE" in text
    seed.write_text(text.replace("status: LIVE", "status: disabled"), encoding="utf-8")
    with served(tmp_path / "data", seed_file=str(seed)) as emulator:
        api = Api(emulator.url)
        assert api.call("GET", "tenants") == []
        assert api.refused("GET", "tenants/tacc.prod", 404)


def test_the_public_key_checks_the_assertions_that_are_shown(api: Api, student: Api, tmp_path: Path) -> None:
    import json
    from base64 import urlsafe_b64decode

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    def decoded(part: str) -> bytes:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))

    key = serialization.load_pem_public_key(api.request("GET", "apim/v2/publickey").content)
    assert isinstance(key, rsa.RSAPublicKey)
    shown = student.request("GET", "headers/v0.1").json()["headers"]["X-JWT-Assertion-tacc-prod"]
    head, claims, signature = shown.split(".")
    key.verify(decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(decoded(claims))["http://wso2.org/claims/enduser"] == "student01@carbon.super"
