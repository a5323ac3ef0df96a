"""Paths over HTTP: what reaches which file, and that nothing reaches more [files §2]."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.files.conftest import Bench

pytestmark = pytest.mark.sample(6)

GONE = "File/folder does not exist"


@pytest.mark.parametrize(
    ("tail", "path"),
    [
        ("", "/home"),
        ("/", "/home"),
        ("//", "/"),
        ("/%20", "/"),
        ("/foo", "/home/foo"),
        ("/foo/", "/home/foo"),
        ("/foo/bar", "/home/foo/bar"),
        ("/foo//bar//", "/home/foo/bar"),
        ("//foo/bar", "/foo/bar"),
        ("///foo", "/foo"),
        ("/%20/foo", "/foo"),
        ("/foo/%20/bar", "/home/foo/bar"),
        ("/foo%2Fbar", "/home/foo/bar"),
        ("/%2Ffoo", "/foo"),
        ("/foo/./bar/../bar", "/home/foo/bar"),
        ("/foo/%2e%2e/foo", "/home/foo"),
        ("/a+b", "/home/a+b"),
        ("/a%2Bb", "/home/a+b"),
        ("/a%20b", "/home/a b"),
        ("/100%25", "/home/100%"),
        ("/%2520", "/home/%20"),
        ("/na%C3%AFve", "/home/naïve"),
        ("/foo%5Cbar", "/home/foo/bar"),
        ("/C:/foo", "/foo"),
        ("/C:foo", "/home/foo"),
        ("/foo%20%20", "/home/foo"),
        ("/line%0Abreak", "/home/line\nbreak"),
        ("/q%3Fx%23y;z=1", "/home/q?x#y;z=1"),
        ("/system/foo", "/home/system/foo"),
    ],
)
def test_which_file_a_url_names(bench: Bench, private: str, tail: str, path: str) -> None:
    for virtual in ("/foo/bar/x", "/home/foo/bar/x", "/home/system/foo/x"):
        bench.put(private, virtual)
    for name in ("a+b", "a b", "100%", "%20", "naïve", "line\nbreak", "q?x#y;z=1"):
        bench.put(private, f"/home/{name}")
    line = bench.call("GET", f"listings/system/{private}{tail}")[0]
    assert line["path"] == path
    # and the link of what was found names the same again
    _, _, link = line["_links"]["self"]["href"].partition("/files/v2/media/")
    assert bench.call("GET", f"listings/{link}")[0]["path"] == path


@pytest.mark.parametrize(
    "tail",
    [
        "/..%2f..",
        "//..",
        "/../..",
        "/../../etc/passwd",
        "/..%5C..%5C..",
        "//..%20",
        "/foo/%2e%2e/../..",
        "/C:/..",
    ],
)
def test_climbing_out_is_not_found(bench: Bench, private: str, tail: str) -> None:
    for method, route in (("GET", "listings"), ("GET", "media"), ("DELETE", "media"), ("GET", "pems")):
        status, message = bench.request(method, f"{route}/system/{private}{tail}").refusal
        assert status == 404
        assert message.startswith("The specified path ")
        assert message.endswith(" does not exist or the user does not have permission to view it.")
    answer = bench.request("PUT", f"media/system/{private}{tail}", body={"action": "mkdir", "path": "x"})
    assert answer.status == 404
    assert bench.upload(f"system/{private}{tail}", b"x").status == 404


@pytest.mark.parametrize("tail", ["/a%00b", "/%ff", "/caf%E9", "/%ed%a0%80", "/%C3"])
def test_what_is_no_path(bench: Bench, private: str, tail: str) -> None:
    for method, route in (("GET", "listings"), ("GET", "media"), ("DELETE", "media"), ("GET", "history")):
        assert bench.request(method, f"{route}/system/{private}{tail}").refusal == (400, "Invalid file path")
    assert bench.upload(f"system/{private}{tail}", b"x").refusal == (400, "Invalid file path")


@pytest.mark.parametrize("path", ["../..", "/..", "a/../../..", "/../etc"])
def test_destinations_cannot_leave_the_root(bench: Bench, private: str, path: str) -> None:
    real = bench.put(private, "/home/x")
    for action in ("copy", "move"):
        answer = bench.request("PUT", f"media/system/{private}/x", body={"action": action, "path": path})
        assert answer.status in (400, 404), answer.body
    assert bench.request(
        "PUT", f"media/system/{private}/x", body={"action": "rename", "path": path}
    ).status in (400, 404)
    assert real.read_bytes() == b"content"
    assert [entry.name for entry in real.parent.parent.parent.iterdir()] == ["data"]


@pytest.mark.parametrize("path", ["\x00", "a\ud800", "\udcff"])
def test_destinations_that_are_no_path(bench: Bench, private: str, path: str) -> None:
    bench.put(private, "/home/x")
    for action in ("mkdir", "copy", "move", "rename"):
        answer = bench.request("PUT", f"media/system/{private}/x", body={"action": action, "path": path})
        assert answer.status == 400
        assert answer.message.startswith("Invalid ")


ODD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00/\\"), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ODD.filter(lambda name: name.strip(" ") == name and name not in (".", "..") and name[1:2] != ":"))
def test_a_name_makes_the_round_trip(bench: Bench, private: str, name: str) -> None:
    """Uploaded, listed, downloaded, renamed and deleted, whatever a file is called."""
    content = name.encode()
    made = bench.upload(f"system/{private}", content, filename=None, fileName=name)
    if name.count("&") and made.status != 202:
        return  # the bash client's way of gluing fields
    record = made.json["result"]
    assert record["name"] in (name, name.split("&")[0])
    _, _, link = record["_links"]["self"]["href"].partition("/files/v2/")
    assert bench.request("GET", link).body == content
    (line,) = bench.call("GET", link.replace("media", "listings", 1))
    assert line["name"] == record["name"]
    assert line["path"] == record["path"] == f"/home/{record['name']}"
    bench.call("PUT", link, body={"action": "rename", "path": "plain name"})
    bench.call("PUT", f"media/system/{private}/plain%20name", body={"action": "move", "path": record["path"]})
    assert bench.names(f"system/{private}") == [".", record["name"]]
    bench.call("DELETE", link)
    assert bench.names(f"system/{private}") == ["."]


_SPELLED = (
    ".. . %2e%2e %2E. ..%2f %5c %252e%252e %20 ..%20 out home C: %c0%ae%c0%ae %00 %ff ..; + * ~ etc passwd secret "
    "%0a %2f%2f .... system"
)
PIECES = st.sampled_from(["", *_SPELLED.split()]) | st.text(max_size=3).map(
    lambda text: quote(text, errors="replace")
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=9).map("/".join), st.sampled_from(["listings", "media", "history", "pems"]))
def test_no_url_reaches_outside(bench: Bench, path: str, route: str) -> None:
    system = "confined"
    if system not in vars(bench):
        setattr(bench, system, bench.system())
        here = getattr(bench, system)
        bench.put(here, "/home/file", b"inside")
        outside = bench.real(here, "/").parent
        (outside / "secret").write_bytes(b"outside")
        (bench.real(here, "/home") / "out").symlink_to(outside)
        (bench.real(here, "/") / "out").symlink_to("/")
    here = getattr(bench, system)
    answer = bench.request("GET", f"{route}/system/{here}/{path}")
    assert answer.status < 500 or answer.status == 501, answer.body
    assert b"outside" not in answer.body
    assert b"root:" not in answer.body
    assert "html" not in answer.headers["Content-Type"]
    if route == "listings" and answer.status == 200:
        for line in answer.json["result"]:
            assert line["path"].startswith("/")
            assert line["name"] in (".", "home", "file")
