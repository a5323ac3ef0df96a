"""Listings [files §4]."""

from __future__ import annotations

import os
import re
from datetime import datetime

import pytest

from emulator.domain.system import Role
from tests.contract.files.conftest import ADMIN, OTHER, OWNER, Bench

NO_VIEW = "User does not have access to view the requested resource"


def test_a_directory_lists_itself_then_its_children(bench: Bench, private: str) -> None:
    for name in ("b.txt", "A.txt", "a", ".hidden", "C", "ü", "_x"):
        bench.put(private, f"/home/{name}")
    bench.make(private, "/home/B")
    assert bench.names(f"system/{private}/") == [
        ".",
        ".hidden",
        "_x",
        "a",
        "A.txt",
        "B",
        "b.txt",
        "C",
        "ü",
    ]


def test_every_field_of_a_listing(bench: Bench, private: str) -> None:
    file = bench.put(private, "/home/dir name/data.json", b"12345")
    os.utime(file, (0, 1473176802.621))
    os.utime(file.parent, (0, 1483228800))
    answer = bench.request("GET", f"listings/system/{private}/dir%20name", headers={"Host": "here:1"})
    directory, child = answer.json["result"]
    uuid = re.search(r"%22(\d+-[0-9a-f]+-0001-002)%22", directory["_links"]["metadata"]["href"])
    assert uuid
    assert directory == {
        "name": ".",
        "path": "/home/dir name",
        "lastModified": "2016-12-31T18:00:00.000-06:00",
        "length": 4096,
        "permissions": "ALL",
        "format": "folder",
        "mimeType": "text/directory",
        "type": "dir",
        "system": private,
        "_links": {
            "self": {"href": f"http://here:1/files/v2/media/system/{private}//home/dir%20name"},
            "system": {"href": f"http://here:1/systems/v2/{private}"},
            "metadata": {
                "href": f"http://here:1/meta/v2/data?q=%7B%22associationIds%22%3A%22{uuid[1]}%22%7D"
            },
            "history": {"href": f"http://here:1/files/v2/history/system/{private}//home/dir%20name"},
        },
    }
    assert child == {
        "name": "data.json",
        "path": "/home/dir name/data.json",
        "lastModified": "2016-09-06T10:46:42.621-05:00",
        "length": 5,
        "permissions": "READ_WRITE",
        "format": "raw",
        "mimeType": "application/json",
        "type": "file",
        "system": private,
        "_links": {
            "self": {"href": f"http://here:1/files/v2/media/system/{private}//home/dir%20name/data.json"},
            "system": {"href": f"http://here:1/systems/v2/{private}"},
        },
    }


def test_a_file_lists_only_itself(bench: Bench, private: str) -> None:
    bench.put(private, "/home/data.bin")
    (line,) = bench.call("GET", f"listings/system/{private}/data.bin")
    assert (line["name"], line["path"], line["type"]) == ("data.bin", "/home/data.bin", "file")
    assert set(line["_links"]) == {"self", "system", "metadata", "history"}
    assert bench.call("GET", f"listings/system/{private}/data.bin?offset=1") == []


def test_the_root_lists_as_a_directory(bench: Bench, private: str) -> None:
    first, *rest = bench.call("GET", f"listings/system/{private}//")
    assert (first["name"], first["path"], first["_links"]["self"]["href"][-2:]) == (".", "/", "//")
    assert [line["name"] for line in rest] == ["home"]


def test_pages_join_without_gap_or_overlap(bench: Bench, private: str) -> None:
    for number in range(25):
        bench.put(private, f"/home/{number:02}")
    whole = bench.names(f"system/{private}/?limit=1000")
    assert whole == [".", *(f"{number:02}" for number in range(25))]
    for limit in (1, 7, 10, 26, 30):
        pages: list[str] = []
        for offset in range(0, 60, limit):
            page = bench.names(f"system/{private}/?limit={limit}&offset={offset}")
            assert len(page) == max(0, min(limit, 26 - offset))
            pages += page
        assert pages == whole


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 100),
        ("limit=3", 3),
        ("limit=0", 0),
        ("limit=-3", 100),
        ("limit=x", 100),
        ("limit=1e3", 100),
        ("limit=300", 151),
        ("offset=x", 100),
        ("offset=-2", 100),
        ("limit=300&offset=1", 150),
        ("limit=300&offset=151", 0),
        ("limit=99999999999999999999&offset=149", 2),
    ],
)
def test_bad_pages_fall_back(bench: Bench, private: str, query: str, count: int) -> None:
    for number in range(150):
        bench.put(private, f"/home/{number}")
    assert len(bench.call("GET", f"listings/system/{private}/?{query}")) == count


def test_filter_and_naked_and_pretty(bench: Bench, private: str) -> None:
    bench.put(private, "/home/x")
    lines = bench.call("GET", f"listings/system/{private}?filter=name,_links.self.href&offset=1")
    assert lines == [{"name": "x", "_links": {"self": {"href": lines[0]["_links"]["self"]["href"]}}}]
    assert bench.request("GET", f"listings/system/{private}?filter=name&naked=true").json == [
        {"name": "."},
        {"name": "x"},
    ]
    assert b'"name" : "x"' in bench.request("GET", f"listings/system/{private}?pretty=true").body


@pytest.mark.parametrize(
    ("mode", "word"),
    [
        (0o777, "ALL"),
        (0o644, "READ_WRITE"),
        (0o500, "READ_EXECUTE"),
        (0o400, "READ"),
        (0o300, "WRITE_EXECUTE"),
        (0o200, "WRITE"),
        (0o100, "EXECUTE"),
        (0o077, "NONE"),
    ],
)
def test_permissions_are_the_modes_owner_bits(bench: Bench, private: str, mode: int, word: str) -> None:
    bench.put(private, "/home/x").chmod(mode)
    assert bench.call("GET", f"listings/system/{private}/?offset=1")[0]["permissions"] == word


def test_permissions_in_what_is_named_as_ones_own_on_public_systems(bench: Bench) -> None:
    system = bench.system(public=True, owner=ADMIN, home="/")
    bench.put(system, f"/{OTHER}/x")
    spelled = {"absolute": f"/{OTHER}/x", "relative": f"{OTHER}/x"}
    words = {
        how: bench.call("GET", f"listings/system/{system}/{path}", OTHER)[0]["permissions"]
        for how, path in spelled.items()
    }
    assert words == {"absolute": "ALL", "relative": "READ_WRITE"}


def test_what_does_not_exist(bench: Bench, private: str) -> None:
    bench.put(private, "/home/file")
    for path in ("nope", "/nope", "nope/deeper", "file/x", "x" * 300):
        answer = bench.request("GET", f"listings/system/{private}/{path}")
        assert answer.refusal == (404, "File/folder does not exist")


def test_existence_is_looked_at_before_permission(bench: Bench, public: str) -> None:
    bench.put(public, "/other/x")
    assert bench.request("GET", f"listings/system/{public}//other/x").refusal == (403, NO_VIEW)
    assert bench.request("GET", f"listings/system/{public}//other/y").refusal == (
        404,
        "File/folder does not exist",
    )


def test_a_page_reports_no_links_out_of_the_root(bench: Bench, private: str) -> None:
    home = bench.make(private, "/home")
    (home / "out").symlink_to("/etc")
    (home / "up").symlink_to("../..")
    (home / "in").symlink_to("..")
    assert bench.names(f"system/{private}/") == [".", "in"]
    for name in ("out", "out/passwd", "up", "in/../../.."):
        assert bench.request("GET", f"listings/system/{private}/{name}").status == 404
    assert bench.names(f"system/{private}/in/home/in") == [".", "home"]


def test_names_that_are_no_utf8_do_not_hinder_a_listing(bench: Bench, private: str) -> None:
    home = bench.make(private, "/home")
    (home / os.fsdecode(b"caf\xe9")).touch()
    (home / "new\nline").touch()
    (home / "tab\t\x7f\x01").touch()
    _, *lines = bench.call("GET", f"listings/system/{private}")
    assert [line["name"] for line in lines] == ["caf\ufffd", "new\nline", "tab\t\x7f\x01"]
    assert lines[0]["_links"]["self"]["href"].endswith("caf%EF%BF%BD")


def test_a_large_directory_is_looked_at_by_the_page(bench: Bench, private: str) -> None:
    home = bench.make(private, "/home")
    for number in range(10_000):
        (home / f"{number:05}").touch()
    assert bench.names(f"system/{private}?limit=2&offset=9000") == ["08999", "09000"]
    assert len(bench.names(f"system/{private}?limit=10001")) == 10_001


def test_looking_does_not_make_one_the_owner(bench: Bench) -> None:
    system = bench.system(roles={OTHER: Role.GUEST})
    bench.put(system, "/home/file")
    assert bench.names(f"system/{system}/file", OTHER) == ["file"]
    assert bench.request("DELETE", f"media/system/{system}/file", OTHER).status == 403
    assert bench.names(f"system/{system}/file", OWNER) == ["file"]


def test_a_listing_shows_times_with_zone_and_milliseconds(bench: Bench, private: str) -> None:
    bench.put(private, "/home/x")
    for line in bench.call("GET", f"listings/system/{private}"):
        assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.\d{3}-0[56]:00", line["lastModified"])
        assert datetime.fromisoformat(line["lastModified"])
