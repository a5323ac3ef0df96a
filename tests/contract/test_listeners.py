"""``/_emulator/listeners``: ports with a user and a world of their own, asked for while the emulator runs."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from emulator.app import Emulator
from emulator.resources import fixtures
from emulator.settings import BadSetting
from tests.real.free_ports import free_ports
from tests.real.waiting import wait_until
from tests.real.webhook_sink import WebhookSink
from tests.served import Api, served

pytestmark = pytest.mark.sample(2)

JOB = {"name": "night", "appId": "classifier-1.0.0", "parameters": {"imagefile": "pictures/night-sky.png"}}


def control(url: str, method: str, path: str = "", expect: int = 200, **options: Any) -> Any:
    """What ``/_emulator/listeners<path>`` answers."""
    answer = requests.request(method, f"{url}/_emulator/listeners{path}", timeout=60, **options)
    assert answer.status_code == expect, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def add(url: str, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = control(url, "POST", expect=201, json=body)
    return found


def me(url: str) -> str:
    return str(Api(url).call("GET", "profiles/v2/me")["username"])


@pytest.fixture(autouse=True)
def tidy(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests that share the emulator leave no listener behind."""
    yield
    if "emulator" in request.fixturenames:
        url = request.getfixturevalue("emulator").url
        for listener in control(url, "GET"):
            if listener["kept"]:
                control(url, "DELETE", f"/{listener['name']}")


class TestUsers:
    def test_each_listener_acts_as_its_user(self, emulator: Emulator) -> None:
        first, second = add(emulator.url, user="student01"), add(emulator.url, user="student02")
        assert (me(emulator.url), me(first["url"]), me(second["url"])) == (
            "testuser",
            "student01",
            "student02",
        )

    def test_a_token_decides_before_the_listener(self, emulator: Emulator) -> None:
        url = add(emulator.url, user="student01")["url"]
        assert Api(url, "student02").call("GET", "profiles/v2/me")["username"] == "student02"

    def test_links_lead_back_to_the_listener_by_which_the_request_came(self, emulator: Emulator) -> None:
        url = add(emulator.url, user="student01")["url"]
        assert Api(url).call("GET", "tenants")[0]["baseUrl"] == f"{url}/"
        system = Api(url).call("GET", "systems/v2/tacc.corral")
        assert system["_links"]["self"]["href"].startswith(f"{url}/systems/v2/")
        secure = url.replace("http:", "https:")
        tenants = requests.get(f"{secure}/tenants", verify=False, timeout=60).json()["result"]
        assert tenants[0]["baseUrl"] == f"{secure}/"

    def test_one_may_want_tokens_while_others_do_not(self, emulator: Emulator) -> None:
        strict = add(emulator.url, user="student01", anonymous=False)
        assert requests.get(f"{strict['url']}/systems/v2", timeout=60).status_code == 401
        assert requests.get(f"{strict['url']}/clients/v2", timeout=60).status_code == 401
        assert me(emulator.url) == "testuser"
        assert Api(strict["url"], "student03").call("GET", "profiles/v2/me")["username"] == "student03"

    def test_and_the_other_way_round(self, tmp_path: Path) -> None:
        with served(tmp_path, anonymous=False) as emulator:
            assert requests.get(f"{emulator.url}/systems/v2", timeout=60).status_code == 401
            assert me(add(emulator.url, user="student01", anonymous=True)["url"]) == "student01"

    def test_tls_alone(self, emulator: Emulator) -> None:
        made = add(emulator.url, user="student01", tls=True)
        assert made["url"] == f"https://localhost:{made['port']}"
        wait_until(emulator.authority.exists, what="the authority")
        answer = requests.get(f"{made['url']}/profiles/v2/me", verify=str(emulator.authority), timeout=60)
        assert answer.json()["result"]["username"] == "student01"
        plain = requests.get(f"http://localhost:{made['port']}/profiles/v2/me", timeout=60)
        assert (plain.status_code, plain.json()["status"]) == (400, "error")


class TestMessagesAndScripts:
    def test_messages_lead_to_the_listener_of_the_owner(
        self, emulator: Emulator, webhook_sink: WebhookSink
    ) -> None:
        url = add(emulator.url, user="student01")["url"]
        api = Api(url)
        hook = {"url": f"{webhook_sink.url}?link=${{JOB_URL}}", "event": "FINISHED"}
        job = api.call("POST", "jobs/v2", json=JOB | {"notifications": [hook]})
        assert api.wait_for_job(job["id"]) == "FINISHED"
        assert f"{url}/jobs/v2/{job['id']}" in unquote(webhook_sink.wait_for(1)[0].path)

    def test_of_others_to_the_ordinary_one(self, emulator: Emulator, webhook_sink: WebhookSink) -> None:
        url = add(emulator.url, user="student01")["url"]
        api = Api(url, "student02")
        hook = {"url": f"{webhook_sink.url}?link=${{JOB_URL}}", "event": "FINISHED"}
        job = api.call("POST", "jobs/v2", json=JOB | {"notifications": [hook]})
        assert api.wait_for_job(job["id"]) == "FINISHED"
        assert f"{emulator.url}/jobs/v2/" in unquote(webhook_sink.wait_for(1)[0].path)


class TestWorlds:
    def test_a_new_world_begins_as_the_first_one_did_and_shares_nothing(self, emulator: Emulator) -> None:
        url = add(emulator.url, world="second", create=True)["url"]
        api, first = Api(url), Api(emulator.url)
        assert {system["id"] for system in api.call("GET", "systems/v2")} == {
            system["id"] for system in first.call("GET", "systems/v2")
        }
        job = api.call("POST", "jobs/v2", json=JOB)
        assert api.wait_for_job(job["id"]) == "FINISHED"
        assert [found["id"] for found in api.call("GET", "jobs/v2")] == [job["id"]]
        assert job["id"] not in [found["id"] for found in first.call("GET", "jobs/v2")]
        assert first.refused("GET", f"jobs/v2/{job['id']}", 404)

    def test_a_world_that_is_there_is_not_made_again(self, emulator: Emulator) -> None:
        one = add(emulator.url, world="third", create=True, user="student01")
        body = {"clientName": "mine"}
        Api(one["url"]).call("POST", "clients/v2", json=body)
        two = add(emulator.url, world="third", create=True, user="student01")
        names = [client["name"] for client in Api(two["url"]).call("GET", "clients/v2")]
        assert "mine" in names

    def test_a_token_belongs_to_its_world(self, emulator: Emulator) -> None:
        url = add(emulator.url, world="fourth", create=True)["url"]
        there = Api(url, "student01")
        job = there.call("POST", "jobs/v2", json=JOB)
        by_the_other_door = Api(emulator.url)
        by_the_other_door.session.headers["Authorization"] = there.session.headers["Authorization"]
        assert [found["id"] for found in by_the_other_door.call("GET", "jobs/v2")] == [job["id"]]


class TestListing:
    def test_what_is_told_of_one(self, emulator: Emulator) -> None:
        made = add(emulator.url, user="student01")
        assert made == {
            "name": "student01",
            "url": f"http://localhost:{made['port']}",
            "port": made["port"],
            "world": "default",
            "user": "student01",
            "tls": False,
            "anonymous": None,
            "kept": True,
            "open": True,
            "problem": "",
        }
        assert control(emulator.url, "GET", "/student01") == made
        assert made in control(emulator.url, "GET")
        ordinary = control(emulator.url, "GET")[0]
        assert (ordinary["name"], ordinary["url"], ordinary["kept"]) == ("default", emulator.url, False)

    def test_names_are_made_where_none_is_given(self, emulator: Emulator) -> None:
        names = [add(emulator.url, user="student01")["name"] for _ in range(3)]
        assert names == ["student01", "student01-2", "student01-3"]

    def test_an_empty_wish_is_the_default_user_on_a_free_port(self, emulator: Emulator) -> None:
        answer = requests.post(f"{emulator.url}/_emulator/listeners", timeout=60)
        assert answer.status_code == 201
        assert answer.headers["Location"] == "/_emulator/listeners/testuser"
        assert me(answer.json()["url"]) == "testuser"


class TestClosing:
    def test_nobody_reaches_it_and_the_rest_goes_on(self, emulator: Emulator) -> None:
        gone, left = add(emulator.url, user="student01"), add(emulator.url, user="student02")
        assert control(emulator.url, "DELETE", "/student01") == {"removed": "student01"}
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{gone['url']}/tenants", timeout=60)
        assert me(left["url"]) == "student02"
        control(emulator.url, "GET", "/student01", expect=404)
        control(emulator.url, "DELETE", "/student01", expect=404)

    def test_idle_connections_end(self, emulator: Emulator) -> None:
        made = add(emulator.url, user="student01")
        with socket.create_connection(("localhost", made["port"]), timeout=60) as silent:
            control(emulator.url, "DELETE", "/student01")
            assert silent.recv(1) == b""

    def test_a_request_under_way_is_answered_as_its_listener_would(self, emulator: Emulator) -> None:
        """Its head is in, its body is not; meanwhile another listener takes the name and the port."""
        made = add(emulator.url, user="student01", anonymous=True)
        body = json.dumps({"clientName": "late"}).encode()
        head = (
            f"POST /clients/v2 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )
        with socket.create_connection(("localhost", made["port"]), timeout=60) as sock:
            sock.sendall(head.encode())
            assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # the application is reading
            control(emulator.url, "DELETE", "/student01")
            again = add(emulator.url, user="student02", name="student01", port=made["port"])
            sock.sendall(body)
            assert sock.makefile("rb").readline().startswith(b"HTTP/1.1 201")
        made_by = {
            user: [c["name"] for c in Api(emulator.url).call("GET", "clients/v2", auth=(user, "emulator"))]
            for user in ("student01", "student02")
        }
        assert "late" in made_by["student01"]
        assert "late" not in made_by["student02"]
        assert me(again["url"]) == "student02"

    def test_the_ordinary_one_stays(self, emulator: Emulator) -> None:
        error = control(emulator.url, "DELETE", "/default", expect=403)["error"]
        assert "default" in error
        assert me(emulator.url) == "testuser"


@pytest.mark.parametrize(
    "body, status, word",
    [
        ({"user": "nobody"}, 404, "nobody"),
        ({"world": "nowhere"}, 404, "nowhere"),
        ({"world": "../etc", "create": True}, 400, "world"),
        ({"world": "a/b", "create": True}, 400, "world"),
        ({"world": "", "create": True}, 400, "world"),
        ({"world": "a" * 64, "create": True}, 400, "world"),
        ({"world": "a\0b", "create": True}, 400, "world"),
        ({"name": "default"}, 400, "name"),
        ({"name": "tls"}, 400, "name"),
        ({"name": "a/b"}, 400, "name"),
        ({"name": "\ud800"}, 400, "name"),
        ({"name": "é"}, 400, "name"),
        ({"name": "a\n"}, 400, "name"),
        ({"name": "a" * 65}, 400, "name"),
        ({"user": "\0"}, 400, "user"),
        ({"user": "\ud800"}, 400, "user"),
        ({"port": -1}, 400, "port"),
        ({"port": 65536}, 400, "port"),
        ({"port": 10**30}, 400, "port"),
        ({"port": "8001"}, 400, "port"),
        ({"port": True}, 400, "port"),
        ({"port": 80.5}, 400, "port"),
        ({"port": None}, 400, "port"),
        ({"tls": "yes"}, 400, "tls"),
        ({"anonymous": 1}, 400, "anonymous"),
        ({"host": "0.0.0.0"}, 400, "host"),
        ({"\ud800": 1}, 400, "field"),
        ({"x" * 1000: 1}, 400, "field"),
        ([], 400, "object"),
        ("text", 400, "object"),
        (None, 400, "object"),
    ],
)
def test_what_cannot_be(emulator: Emulator, body: Any, status: int, word: str) -> None:
    before = control(emulator.url, "GET")
    error = control(emulator.url, "POST", expect=status, data=json.dumps(body))["error"]
    assert word in error
    assert len(error) < 300
    assert control(emulator.url, "GET") == before


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 100_000, b"{}{}", b"port=1", b"9" * 5000])
def test_what_is_no_json(emulator: Emulator, data: bytes) -> None:
    assert control(emulator.url, "POST", expect=400, data=data)["error"]


def test_a_body_beyond_bounds(emulator: Emulator) -> None:
    control(emulator.url, "POST", expect=413, data=b" " * (11 * 1024 * 1024))


def test_a_name_or_a_port_that_is_taken(emulator: Emulator) -> None:
    made = add(emulator.url, user="student01")
    error = control(emulator.url, "POST", expect=409, json={"name": "student01"})["error"]
    assert "student01" in error
    error = control(emulator.url, "POST", expect=409, json={"port": made["port"]})["error"]
    assert str(made["port"]) in error
    assert "in use" in error


def test_the_same_name_wanted_by_many_at_once(emulator: Emulator) -> None:
    codes: list[int] = []
    together = threading.Barrier(16)

    def ask() -> None:
        together.wait(60)
        body = {"name": "contended", "user": "student01"}
        codes.append(requests.post(f"{emulator.url}/_emulator/listeners", json=body, timeout=60).status_code)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [201] + [409] * 15


class TestWhoMay:
    def test_not_through_a_listener_that_was_handed_out(self, emulator: Emulator) -> None:
        made = add(emulator.url, user="student01")
        assert "ordinary port" in control(made["url"], "POST", expect=403, json={})["error"]
        assert "ordinary port" in control(made["url"], "DELETE", "/student01", expect=403)["error"]
        assert me(made["url"]) == "student01"

    def test_not_for_a_page_of_another_site(self, emulator: Emulator) -> None:
        for origin in ("http://evil.example", "null", "http://localhost:1"):
            headers = {"Origin": origin, "Content-Type": "text/plain"}
            control(emulator.url, "POST", expect=403, data=b"{}", headers=headers)
        made = control(emulator.url, "POST", expect=201, json={}, headers={"Origin": emulator.url})
        control(
            emulator.url, "DELETE", f"/{made['name']}", expect=403, headers={"Origin": "http://evil.example"}
        )


class TestRestarts:
    def test_what_was_asked_for_is_there_again(self, tmp_path: Path) -> None:
        with served(tmp_path) as emulator:
            one = add(emulator.url, user="student01", anonymous=False)
            two = add(emulator.url, world="second", create=True, user="student02")
            control(emulator.url, "DELETE", f"/{add(emulator.url, user='student03')['name']}")
        with served(tmp_path) as emulator:
            found = {listener["name"]: listener for listener in control(emulator.url, "GET")}
            assert found.keys() == {"default", "student01", "student02"}
            assert found["student01"] == one
            assert found["student02"] == two
            assert requests.get(f"{one['url']}/systems/v2", timeout=60).status_code == 401
            assert me(two["url"]) == "student02"

    def test_a_port_that_is_taken_meanwhile_stops_nobody(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with served(tmp_path) as emulator:
            taken, free = add(emulator.url, user="student01"), add(emulator.url, user="student02")
        with socket.create_server(("127.0.0.1", taken["port"])), served(tmp_path) as emulator:
            shown = control(emulator.url, "GET", "/student01")
            assert (shown["open"], shown["url"]) == (False, "")
            assert str(taken["port"]) in shown["problem"]
            assert "student01" in caplog.text
            assert me(free["url"]) == "student02"
            control(emulator.url, "POST", expect=409, json={"name": "student01"})
        with served(tmp_path) as emulator:
            assert me(taken["url"]) == "student01"
        with socket.create_server(("127.0.0.1", taken["port"])), served(tmp_path) as emulator:
            control(emulator.url, "DELETE", "/student01")
        with served(tmp_path) as emulator:
            control(emulator.url, "GET", "/student01", expect=404)

    def test_a_world_half_made_is_no_world(self, tmp_path: Path) -> None:
        """A request for a port that is taken makes the world, but no listener."""
        with served(tmp_path) as emulator:
            port = int(emulator.url.rpartition(":")[2])
            control(emulator.url, "POST", expect=409, json={"world": "new", "create": True, "port": port})
            assert me(add(emulator.url, world="new")["url"]) == "testuser"


class TestConfiguration:
    def test_listeners_of_the_configuration(self, tmp_path: Path) -> None:
        with served(tmp_path, listener=("0=student01", "0=student02@elsewhere", "0=@third")) as emulator:
            found = {listener["name"]: listener for listener in control(emulator.url, "GET")}
            assert found.keys() == {"default", "student01", "student02", "testuser"}
            assert [found[name]["kept"] for name in found] == [False] * 4
            assert me(found["student01"]["url"]) == "student01"
            assert found["student02"]["world"] == "elsewhere"
        with served(tmp_path) as emulator:
            assert len(control(emulator.url, "GET")) == 1

    @pytest.mark.parametrize(
        "text",
        ["", "8001", "student01", "x=student01", "-1=student01", "70000=student01", "0=nobody", "0=a@../b"],
    )
    def test_what_makes_no_sense_is_refused_at_the_start(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(BadSetting, match="--listener"), served(tmp_path, listener=(text,)):
            pass

    @pytest.mark.parametrize("hosts", ["*", "api.tacc.utexas.edu:443", "https://x", "127.0.0.1"])
    def test_a_host_that_is_none_is_refused_at_the_start(self, tmp_path: Path, hosts: str) -> None:
        with pytest.raises(BadSetting, match="--stand-in-for"), served(tmp_path, stand_in_for=hosts):
            pass

    def test_a_port_for_tls_alone(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
            with pytest.raises(BadSetting, match=f"--tls-port: cannot serve on 127.0.0.1:{port}"):
                with served(tmp_path, tls_port=port):
                    pass
        with served(tmp_path, tls_port=port) as emulator:
            found = control(emulator.url, "GET", "/tls")
            assert (found["url"], found["tls"]) == (f"https://localhost:{port}", True)
            answer = requests.get(f"{found['url']}/tenants", verify=False, timeout=60).json()["result"]
            assert answer[0]["baseUrl"] == f"https://localhost:{port}/"
            # what the ordinary port may, this one may too
            made = requests.post(f"{found['url']}/_emulator/listeners", json={}, verify=False, timeout=60)
            assert made.status_code == 201
            control(emulator.url, "DELETE", "/tls", expect=403)

    def test_the_base_url_is_that_of_the_ordinary_listener(self, tmp_path: Path) -> None:
        with served(tmp_path, base_url="https://tapis.example") as emulator:
            assert Api(emulator.url).call("GET", "tenants")[0]["baseUrl"] == "https://tapis.example/"
            url = add(emulator.url, user="student01")["url"]
            assert Api(url).call("GET", "tenants")[0]["baseUrl"] == f"{url}/"


class TestStandIn:
    def test_links_begin_with_the_host_that_is_stood_in_for(self, emulator: Emulator) -> None:
        through = {"https": emulator.url, "http": emulator.url}
        wait_until(emulator.authority.exists, what="the authority")
        for scheme in through:
            answer = requests.get(
                f"{scheme}://api.tacc.utexas.edu/tenants",
                proxies=through,
                verify=str(emulator.authority),
                timeout=60,
            )
            assert answer.json()["result"][0]["baseUrl"] == f"{scheme}://api.tacc.utexas.edu/"

    def test_nobody_else_is_reached(self, emulator: Emulator) -> None:
        through = {"https": emulator.url, "http": emulator.url}
        with pytest.raises(requests.exceptions.ProxyError, match="403"):
            requests.get("https://api.ipify.org/", proxies=through, timeout=60)
        answer = requests.get("http://www.google-analytics.com/collect", proxies=through, timeout=60)
        assert answer.status_code == 403

    def test_a_listener_stands_in_as_its_user(self, emulator: Emulator) -> None:
        url = add(emulator.url, user="student01")["url"]
        answer = requests.get(
            "https://api.tacc.utexas.edu/profiles/v2/me", proxies={"https": url}, verify=False, timeout=60
        )
        assert answer.json()["result"]["username"] == "student01"

    def test_another_host_is_certified_by_the_authority_that_is_known(self, tmp_path: Path) -> None:
        with served(tmp_path) as emulator:
            wait_until(emulator.authority.exists, what="the authority")
            known = tmp_path / "known.pem"
            known.write_bytes(emulator.authority.read_bytes())
        hosts = "agave.designsafe-ci.org, api.example.org"
        with served(tmp_path, stand_in_for=hosts) as emulator:
            for host in hosts.split(", "):
                through = {"https": emulator.url}
                answer = requests.get(
                    f"https://{host}/tenants", proxies=through, verify=str(known), timeout=60
                )
                assert answer.json()["result"][0]["baseUrl"] == f"https://{host}/"


class TestSeeds:
    def test_a_world_that_cannot_be_made_is_told_and_is_finished_once_it_can(self, tmp_path: Path) -> None:
        """The seed goes bad after the start: its accounts can be read, its systems cannot."""
        seeds = fixtures() / "seeds"
        good = (seeds / "tacc.prod.yaml").read_text(encoding="utf-8")
        good = good.replace("- file: ", f"- file: {seeds}/").replace("bundle: ../", f"bundle: {seeds}/../")
        seed = tmp_path / "seed.yaml"
        seed.write_text(good)
        with served(tmp_path / "data", seed_file=str(seed)) as emulator:
            seed.write_text(good.replace("tacc.stampede2.json", "gone.json"))
            wish = {"world": "second", "create": True}
            assert "gone.json" in control(emulator.url, "POST", expect=503, json=wish)["error"]
            assert len(control(emulator.url, "GET")) == 1
            seed.write_text(good)
            url = control(emulator.url, "POST", expect=201, json=wish)["url"]
            found = {system["id"] for system in Api(url).call("GET", "systems/v2")}
            assert found == {"tacc.corral", "tacc.stampede2"}


def test_ports_of_a_range_are_given_out_and_come_back(tmp_path: Path) -> None:
    """As a container has them: published when it starts."""
    first = free_ports(2)
    with served(tmp_path, listener_ports=f"{first}-{first + 1}") as emulator:
        given = [add(emulator.url, user=user) for user in ("student01", "student02")]
        assert [each["port"] for each in given] == [first, first + 1]
        refusal = control(emulator.url, "POST", expect=409, json={"user": "student03"})
        assert f"The ports {first}-{first + 1} are all in use" in refusal["error"]
        control(emulator.url, "DELETE", f"/{given[0]['name']}")
        assert add(emulator.url, user="student03")["port"] == first
        asked = add(emulator.url, user="student04", port=free_ports(1))
        assert asked["port"] not in (first, first + 1), "who asks for a port gets that"
