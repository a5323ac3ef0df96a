"""The index: a listing that gives everything in it an identity [files §11]."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from emulator.domain.system import Role
from tests.contract.files.conftest import ADMIN, OTHER, OWNER, Bench


@pytest.fixture
def shared(bench: Bench) -> str:
    """OWNER's private system where OTHER is GUEST, with /home/dir/{a,B,sub}."""
    system = bench.system(roles={OTHER: Role.GUEST})
    for name in ("a", "B"):
        bench.put(system, f"/home/dir/{name}")
    bench.make(system, "/home/dir/sub")
    return system


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_entry_has_a_uuid_and_an_owner(bench: Bench, shared: str, method: str) -> None:
    lines = bench.call(method, f"index/system/{shared}/dir")
    listed = bench.call("GET", f"listings/system/{shared}/dir")
    base = f"http://127.0.0.1:{bench.port}"
    assert [line["name"] for line in lines] == [".", "a", "B", "sub"]
    for line, plain in zip(lines, listed, strict=True):
        assert re.fullmatch(r"\d{19}-[0-9a-f]{8}-0001-002", line["uuid"])
        assert line["_links"].pop("profile") == {"href": f"{base}/profiles/v2/{OWNER}"}
        del line["uuid"]
        changed = {"path": "dir"} if plain["name"] == "." else {"permissions": "ALL"}
        assert line == plain | changed
    (entry,) = bench.call("GET", f"history/system/{shared}/dir")
    assert entry["status"] == "INDEX_COMPLETE"
    assert re.fullmatch(r"Indexing completed in \d+ms", entry["description"])


def test_uuids_stay(bench: Bench, shared: str) -> None:
    known = bench.upload(f"system/{shared}/dir", b"1", "a").json["result"]["uuid"]
    first = bench.call("GET", f"index/system/{shared}/dir")
    again = bench.call("POST", f"index/system/{shared}//home/dir/")
    assert [line["uuid"] for line in first] == [line["uuid"] for line in again]
    assert first[1]["uuid"] == known
    assert bench.call("GET", f"index/system/{shared}/dir/a")[0]["uuid"] == known


def test_children_show_what_the_caller_may_do(bench: Bench, shared: str) -> None:
    body = {"username": OTHER, "permission": "WRITE"}
    bench.call("POST", f"pems/system/{shared}/dir/a", expect=201, body=body)
    lines = bench.call("GET", f"index/system/{shared}/dir", OTHER)
    assert [line["permissions"] for line in lines] == ["ALL", "READ_WRITE", "READ", "READ"]
    body = {"username": OTHER, "permission": "READ_EXECUTE", "recursive": True}
    bench.call("POST", f"pems/system/{shared}/dir", expect=201, body=body)
    lines = bench.call("GET", f"index/system/{shared}/dir", OTHER)
    # the very same as is asked for one by one
    for line in lines[1:]:
        (pem,) = bench.call("GET", f"pems/system/{shared}/dir/{line['name']}?username={OTHER}")
        word = {"READ_WRITE": (True, True, False), "READ_EXECUTE": (True, False, True)}[line["permissions"]]
        assert tuple(pem["permission"].values()) == word


def test_pages(bench: Bench, shared: str) -> None:
    names = [
        [line["name"] for line in bench.call("GET", f"index/system/{shared}/dir?limit=2&offset={offset}")]
        for offset in (0, 2, 4)
    ]
    assert names == [[".", "a"], ["B", "sub"], []]
    assert bench.call("GET", f"index/system/{shared}/dir/a?offset=1") == []


def test_what_is_shown_as_the_first_path_is_what_was_asked(bench: Bench, shared: str) -> None:
    for tail, path in (("/dir", "dir"), ("//home/dir", "/home/dir"), ("/dir/", "dir/"), ("", "")):
        assert bench.call("GET", f"index/system/{shared}{tail}")[0]["path"] == path


def test_refused(bench: Bench, shared: str) -> None:
    missing = bench.request("GET", f"index/system/{shared}/nope")
    assert missing.refusal == (404, "File/folder does not exist")
    stranger = bench.request("POST", f"index/system/{shared}/dir", "student02")
    assert stranger.refusal == (404, f"No resource found for user with system id '{shared}'")
    public = bench.system(public=True, owner=ADMIN)
    bench.put(public, "/home/elsewhere/x")
    refused = bench.request("GET", f"index/system/{public}/elsewhere", OTHER)
    assert refused.refusal == (403, "User does not have access to view the requested resource")
    with bench.store.read() as tx:
        assert tx.files.below(bench.record(public).world, public, "/home/elsewhere") == []


def test_names_that_are_no_utf8(bench: Bench, shared: str) -> None:
    (bench.real(shared, "/home/dir") / b"\xff".decode("utf-8", "surrogateescape")).write_bytes(b"")
    last = bench.call("GET", f"index/system/{shared}/dir")[-1]
    assert (last["name"], last["uuid"]) == ("\ufffd", None)


def test_a_file_that_is_still_to_come_is_not_called_complete(bench: Bench, shared: str) -> None:
    """Clients take any history entry with COMPLETE in it for the end of staging."""
    uuid = bench.upload(f"system/{shared}/dir", b"1", "a").json["result"]["uuid"]
    with bench.store.write() as tx:
        record = tx.files.by_uuid(uuid)
        assert record is not None
        tx.files.save(replace(record, status="STAGING"))
    bench.call("GET", f"index/system/{shared}/dir/a")
    assert "INDEX_COMPLETE" not in dict(bench.history(f"system/{shared}/dir/a"))
