"""Deleting, who may change what, and what history tells [files §8, §9]."""

from __future__ import annotations

from pathlib import Path

from emulator.domain.system import Role
from tests.contract.files.conftest import ADMIN, OTHER, OWNER, Bench, act, tree

# delete


def test_delete(bench: Bench, private: str) -> None:
    home = bench.put(private, "/home/dir/sub/file").parent.parent.parent
    first = bench.upload(f"system/{private}/dir", b"1", "known").json["result"]["uuid"]
    answer = bench.request("DELETE", f"media/system/{private}/dir")
    assert answer.status == 200
    assert set(answer.json) == {"status", "message", "version"}
    assert tree(home) == {}
    assert bench.request("GET", f"history/system/{private}/dir/known").status == 404
    assert bench.history(f"system/{private}")[-1] == ("CONTENT_CHANGE", "Content of file/folder has changed")
    bench.make(private, "/home/dir")
    assert bench.upload(f"system/{private}/dir", b"1", "known").json["result"]["uuid"] != first


def test_delete_naked(bench: Bench, private: str) -> None:
    bench.put(private, "/home/file")
    answer = bench.request("DELETE", f"media/system/{private}/file?naked=true")
    assert (answer.status, answer.body) == (204, b"")


def test_what_is_gone_but_known_can_be_forgotten(bench: Bench, private: str) -> None:
    bench.upload(f"system/{private}", b"1", "file")
    bench.real(private, "/home/file").unlink()
    assert bench.request("GET", f"history/system/{private}/file").status == 200
    assert bench.request("DELETE", f"media/system/{private}/file").status == 200
    assert bench.request("DELETE", f"media/system/{private}/file").refusal == (
        404,
        "Remote path /home/file does not exist.",
    )


def test_delete_refused(bench: Bench, private: str) -> None:
    bench.put(private, "/home/file")
    refused = bench.request("DELETE", f"media/system/{private}/nope").refusal
    assert refused == (404, "Remote path /home/nope does not exist.")
    assert bench.request("DELETE", f"media/system/{private}//").refusal == (
        400,
        "The root directory of a system cannot be deleted.",
    )
    assert bench.names(f"system/{private}") == [".", "file"]


def test_deleting_a_link_spares_what_it_points_to(bench: Bench, private: str) -> None:
    home = bench.put(private, "/home/dir/file", b"1").parent.parent
    (home / "link").symlink_to("dir")
    (home / "dir" / "out").symlink_to("/etc")
    assert bench.request("DELETE", f"media/system/{private}/link").status == 200
    assert tree(home / "dir")["file"] == "1"
    assert bench.request("DELETE", f"media/system/{private}/dir").status == 200
    assert Path("/etc/passwd").exists()


# who may


def test_guests_may_not_change_anything(bench: Bench) -> None:
    system = bench.system(roles={OTHER: Role.GUEST})
    home = bench.put(system, "/home/file", b"1").parent
    for action in ("mkdir", "rename", "move"):
        assert act(bench, f"{system}/file", OTHER, action=action, path="x").refusal == (
            403,
            "User does not have access to modify the requested path /home/file",
        )
    assert act(bench, f"{system}/file", OTHER, action="copy", path="x").refusal == (
        403,
        "User does not have access to copy data to /home/x",
    )
    assert bench.request("DELETE", f"media/system/{system}/file", OTHER).refusal == (
        403,
        "User does not have permission to delete /home/file",
    )
    assert tree(home) == {"file": "1"}


def test_users_of_public_storage_keep_to_their_homes(bench: Bench, public: str) -> None:
    mine = bench.put(public, f"/home/{OTHER}/file", b"1").parent
    bench.put(public, f"/home/{OWNER}/file", b"2")
    theirs = f"/home/{OWNER}/new"
    for action, text in (("copy", "copy data to"), ("move", "move data to")):
        assert act(bench, f"{public}/{OTHER}/file", OTHER, action=action, path=theirs).refusal == (
            403,
            f"User does not have access to {text} {theirs}",
        )
    assert act(bench, f"{public}/{OWNER}/file", OTHER, action="copy", path=f"{OTHER}/x").refusal == (
        403,
        f"User does not have access to copy the requested path /home/{OWNER}/file",
    )
    assert act(bench, f"{public}/{OTHER}", OTHER, action="mkdir", path=f"../{OWNER}/new").refusal == (
        403,
        f"User does not have access to create the directory {theirs}",
    )
    assert act(bench, f"{public}/{OTHER}", OTHER, action="rename", path="x").refusal == (
        403,
        "User does not have access to rename the requested resource",
    )
    assert act(bench, f"{public}/{OTHER}/file", OTHER, action="copy", path=f"{OTHER}/x").status == 200
    assert tree(mine) == {"file": "1", "x": "1"}
    assert act(bench, f"{public}/{OTHER}/file", ADMIN, action="copy", path=theirs).status == 200


# history


def test_history_says_nothing_of_what_the_api_never_touched(bench: Bench, private: str) -> None:
    bench.put(private, "/home/dir/file")
    assert bench.request("GET", f"history/system/{private}/dir/file").refusal == (
        404,
        f"No history found on system {private} for dir/file",
    )
    assert bench.request("GET", f"history/system/{private}/").refusal == (
        404,
        f"No history found on system {private} for user home",
    )
    bench.names(f"system/{private}/dir/file")
    assert bench.request("GET", f"history/system/{private}/dir/file").status == 404
    assert bench.request("GET", f"history/system/{private}/nope").refusal == (
        404,
        "File/folder does not exist",
    )


def test_history_by_pages(bench: Bench, private: str) -> None:
    for _ in range(3):
        bench.upload(f"system/{private}", b"1", "file")
    where = f"history/system/{private}/file"
    whole = bench.call("GET", where)
    assert [line["status"] for line in whole] == ["STAGING_QUEUED", "UPLOAD", "STAGING_COMPLETED"] * 3
    assert set(whole[0]) == {"status", "created", "createdBy", "description"}
    assert whole[0]["createdBy"] == OWNER
    assert [line["created"] for line in whole] == sorted(line["created"] for line in whole)
    assert bench.call("GET", f"{where}?limit=2&offset=3") == whole[3:5]
    assert bench.call("GET", f"{where}?offset=9") == []


def test_history_is_for_readers(bench: Bench, public: str) -> None:
    bench.make(public, f"/home/{OWNER}")
    bench.upload(f"system/{public}/{OWNER}", b"1", "file")
    assert bench.request("GET", f"history/system/{public}/{OWNER}/file", OTHER).refusal == (
        403,
        "User does not have permission to view this job history",
    )
