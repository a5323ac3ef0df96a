"""mkdir, rename, copy, move and delete [files §7, §8]."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from emulator.domain.system import Role
from tests.contract.files.conftest import ADMIN, OTHER, OWNER, Answer, Bench

NO_SUCH_FILE = "No such file or directory"
SAME = "Source and destination locations cannot be the same."
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def act(bench: Bench, where: str, user: str = OWNER, **body: Any) -> Answer:
    return bench.request("PUT", f"media/system/{where}", user, body=body)


def tree(directory: Path) -> dict[str, str]:
    """Files with their content, directories with "/"."""
    return {
        str(path.relative_to(directory)): "/" if path.is_dir() else path.read_text()
        for path in sorted(directory.rglob("*"))
    }


# the request


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (
            b"",
            {},
            "No content found. application/json should be sent in the raw as the  content of the request body.",
        ),
        (
            b"{}",
            {},
            "No content found. Please send your content as a multipart/form-data file upload or as "
            "application/json with valid JSON content in the request body.",
        ),
        (b"{", {}, "Invalid JSON found. "),
        (b"[1]", {}, "Invalid JSON found. "),
        (b'{"path": "x"}', {}, "Please provide a file action to perform"),
        (b'{"action": null}', {}, "Please provide a file action to perform"),
        (b"path=x", FORM, "Please provide a file action to perform"),
        (b'{"action": "explode"}', {}, "Action null not supported"),
        (b'{"action": true}', {}, "Action null not supported"),
        (b'{"action": {"a": 1}}', {}, "Invalid value for the 'action' field. Please specify a string."),
        (
            b'{"action": "mkdir", "path": ["x"]}',
            {},
            "Invalid value for the 'path' field. Please specify a string.",
        ),
    ],
)
def test_bodies_that_are_no_action(
    bench: Bench, private: str, body: bytes, headers: dict[str, str], message: str
) -> None:
    status, said = bench.request("PUT", f"media/system/{private}", body=body, headers=headers).refusal
    assert status == 400
    assert said.startswith(message)


@pytest.mark.parametrize("action", ["touch", "LIST", "index", "remove", "CkSum"])
def test_actions_that_the_service_only_names(bench: Bench, private: str, action: str) -> None:
    assert act(bench, private, action=action).refusal == (501, f"Action {action.upper()} not supported")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"action": "MkDir", "path": "new"}', {"Content-Type": "application/json"}),
        (b'{"action": "mkdir", "path": "new"}', {"Content-Type": "application/octet-stream"}),
        (b'{"action": "mkdir", "path": "new"}', FORM),
        (b"action=mkdir&path=new", FORM),
        (b"action=mkdir&path=new/", FORM),
        (b"action=mkdir&path=/new", FORM),
        (urlencode({"action": "mkdir", "path": "new"}).encode(), FORM),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_forms_of_an_action(
    bench: Bench, private: str, body: bytes, headers: dict[str, str], slash: str
) -> None:
    answer = bench.request("PUT", f"media/system/{private}{slash}", body=body, headers=headers)
    assert answer.status == 201
    assert bench.names(f"system/{private}") == [".", "new"]


# mkdir


def test_mkdir(bench: Bench, private: str) -> None:
    answer = act(bench, f"{private}/", action="mkdir", path="a/b")
    assert (answer.status, answer.json["message"]) == (201, None)
    made = answer.json["result"]
    expected = {
        "name": "b",
        "path": "/home/a/b",
        "owner": OWNER,
        "source": None,
        "systemId": private,
        "nativeFormat": "dir",
        "status": "STAGING_COMPLETED",
        "internalUsername": None,
    }
    assert {key: made[key] for key in expected} == expected
    assert set(made["_links"]) == {"self", "system", "profile", "history"}
    assert bench.real(private, "/home/a/b").is_dir()
    answer = act(bench, f"{private}//home", action="mkdir", path="/a/b/")
    assert (answer.status, answer.json["message"]) == (200, "Directory /home/a/b already exists")
    assert answer.json["result"]["uuid"] == made["uuid"]
    link = f"http://127.0.0.1:{bench.port}/files/v2/media/system/{private}//home/a/b"
    assert bench.history(f"system/{private}/a/b") == [
        ("CREATED", f"New directory created at {link}"),
        ("CREATED", f"Directory recreated at {link}"),
    ]
    assert bench.history(f"system/{private}/a") == [("CONTENT_CHANGE", "Content of file/folder has changed")]


def test_mkdir_refused(bench: Bench, private: str) -> None:
    bench.put(private, "/home/file")
    assert act(bench, private, action="mkdir").refusal == (
        400,
        "No path value provided. Please provide the path of the new directory to create. Paths may be absolute "
        "or relative to the path given in the url.",
    )
    assert act(bench, private, action="mkdir", path="file").refusal == (
        400,
        "A file already exists at /home/file",
    )
    refused = act(bench, private, action="mkdir", path="file/x").refusal
    assert refused == (400, "Failed to create directory /home/file/x")
    assert act(bench, f"{private}/nope", action="mkdir", path="x").refusal == (404, NO_SUCH_FILE)
    assert act(bench, private, action="mkdir", path="../../x").status == 404
    assert act(bench, private, action="mkdir", path="x" * 256).refusal == (400, f"Invalid name {'x' * 256}")
    assert bench.names(f"system/{private}") == [".", "file"]


# rename


def test_rename(bench: Bench, private: str) -> None:
    home = bench.put(private, "/home/old/file", b"1").parent.parent
    uuid = bench.upload(f"system/{private}/old", b"2", "known").json["result"]["uuid"]
    answer = act(bench, f"{private}/old", action="rename", path="new name")
    assert (answer.status, answer.json["message"]) == (200, "Rename success")
    assert (answer.json["result"]["name"], answer.json["result"]["path"]) == ("new name", "/home/new name")
    assert answer.json["result"]["nativeFormat"] == "dir"
    assert tree(home) == {"new name": "/", "new name/file": "1", "new name/known": "2"}
    # what was known of it and of all below it is known of the new path
    assert bench.upload(f"system/{private}/new%20name", b"3", "known").json["result"]["uuid"] == uuid
    assert bench.history(f"system/{private}/new%20name")[-2] == (
        "RENAME",
        f"Renamed by {OWNER} from /home/old to /home/new name",
    )
    assert bench.request("GET", f"history/system/{private}/old").status == 404


def test_rename_refused(bench: Bench, private: str) -> None:
    home = bench.put(private, "/home/file", b"1").parent
    bench.put(private, "/home/other", b"2")
    before = tree(home)
    missing = (
        "No 'path' value provided. Please provide the new name of the file or folder in the 'path' attribute."
    )
    assert act(bench, f"{private}/file", action="rename").refusal == (400, missing)
    assert act(bench, f"{private}/file", action="rename", path="").refusal == (400, missing)
    for place in ("", "/", "//", "//home"):
        assert act(bench, private + place, action="rename", path="x").refusal == (400, "No path specified.")
    exists = "A File or folder at /home/other already exists"
    assert act(bench, f"{private}/file", action="rename", path="other").refusal == (400, exists)
    assert act(bench, f"{private}/nope", action="rename", path="x").refusal == (404, NO_SUCH_FILE)
    for name in ("a/b", "..", ".", "../x", "x" * 256):
        assert act(bench, f"{private}/file", action="rename", path=name).refusal == (
            400,
            f"Invalid name {name}",
        )
    assert tree(home) == before


# copy


def test_copy_a_file(bench: Bench, private: str) -> None:
    home = bench.put(private, "/home/a", b"1").parent
    (home / "a").chmod(0o755)
    uuid = bench.upload(f"system/{private}", b"1", "a").json["result"]["uuid"]
    answer = act(bench, f"{private}/a", action="copy", path="b")
    assert (answer.status, answer.json["message"]) == (200, "Copy success")
    made = answer.json["result"]
    link = f"http://127.0.0.1:{bench.port}/files/v2/media/system/{private}//home/a"
    assert (made["name"], made["path"], made["source"]) == ("b", "/home/b", link)
    assert made["uuid"] != uuid
    assert tree(home) == {"a": "1", "b": "1"}
    assert (home / "b").stat().st_mode & 0o777 == 0o755
    assert bench.history(f"system/{private}/b") == [("CREATED", f"File item copied from {link}")]


@pytest.mark.parametrize(
    ("source", "destination", "result"),
    [
        ("/file", "new", {"new": "1"}),
        ("/file", "/home/new", {"new": "1"}),
        ("/file", "other", {"other": "1"}),
        ("/file", "dir", {"dir/file": "1"}),
        ("/file", "dir/other", {"dir/other": "1"}),
        ("/file", "dir/new", {"dir/new": "1"}),
        ("/dir", "new", {"new": "/", "new/other": "3", "new/sub": "/", "new/sub/x": "4"}),
        (
            "/dir/",
            "second",
            {"second/other": "3", "second/sub": "/", "second/sub/x": "4", "second/mine": "5"},
        ),
        (
            "/dir",
            "second/new",
            {"second/new": "/", "second/new/other": "3", "second/new/sub": "/", "second/new/sub/x": "4"},
        ),
        ("/dir/sub", "", {"x": "4"}),
    ],
)
def test_copies_land_where_cp_puts_them(
    bench: Bench, private: str, source: str, destination: str, result: dict[str, str]
) -> None:
    home = bench.put(private, "/home/file", b"1").parent
    bench.put(private, "/home/other", b"2")
    bench.put(private, "/home/dir/other", b"3")
    bench.put(private, "/home/dir/sub/x", b"4")
    bench.put(private, "/home/second/mine", b"5")
    bench.put(private, "/home/second/other", b"6")
    before = tree(home)
    answer = act(bench, private + source, action="copy", path=destination or "/home")
    assert answer.status == 200, answer.body
    assert tree(home) == before | result


def test_copy_refused(bench: Bench, private: str) -> None:
    home = bench.put(private, "/home/file", b"1").parent
    bench.put(private, "/home/dir/file/x", b"2")
    bench.put(private, "/home/other/dir", b"3")
    bench.put(private, "/home/mixed/a", b"4")
    bench.put(private, "/home/mixed/file", b"5")
    before = tree(home)
    for path, destination, status, message in [
        ("file", None, 400, "Please specify a destination location"),
        ("file", "", 400, "Please specify a destination location"),
        ("file", "file", 400, SAME),
        ("file", "/home/FILE", 400, SAME),
        ("file", "/home", 400, SAME),
        ("file", "nope/x", 404, NO_SUCH_FILE),
        ("file", "file/x", 404, NO_SUCH_FILE),
        ("nope", "x", 404, NO_SUCH_FILE),
        ("dir", "file", 400, "File at /home/file already exists"),
        ("file", "dir", 400, "Folder at /home/dir/file already exists"),
        ("mixed", "dir", 400, "Folder at /home/dir/file already exists"),
        ("dir", "mixed", 400, "File at /home/mixed/file already exists"),
        ("dir", "dir/new", 400, "/home/dir cannot be copied into itself"),
        ("file", "x" * 256, 400, f"Invalid name {'x' * 256}"),
    ]:
        body = {"action": "copy"} if destination is None else {"action": "copy", "path": destination}
        assert act(bench, f"{private}/{path}", **body).refusal == (status, message), (path, destination)
    assert tree(home) == before


def test_append(bench: Bench, private: str) -> None:
    home = bench.put(private, "/home/a", b"1").parent
    for append in (True, "true", "1"):
        assert act(bench, f"{private}/a", action="copy", path="b", append=append).status == 200
    assert act(bench, f"{private}/a", action="copy", path="b", append=False).status == 200
    assert act(bench, f"{private}/a", action="copy", path="b", append=True).status == 200
    assert tree(home) == {"a": "1", "b": "11"}


def test_copying_follows_links_and_ends(bench: Bench, private: str) -> None:
    home = bench.put(private, "/home/dir/file", b"1").parent.parent
    (home / "dir" / "link").symlink_to("file")
    (home / "dir" / "loop").symlink_to("..")
    (home / "dir" / "out").symlink_to("/etc/passwd")
    assert act(bench, f"{private}/dir", action="copy", path="/copy").status == 200
    copy = bench.real(private, "/copy")
    assert (copy / "link").read_text() == "1"
    assert not (copy / "link").is_symlink()
    assert not (copy / "out").exists()


# move


def test_move(bench: Bench, private: str) -> None:
    home = bench.put(private, "/home/dir/file", b"1").parent.parent
    bench.make(private, "/home/target")
    uuid = bench.upload(f"system/{private}/dir", b"2", "known").json["result"]["uuid"]
    answer = act(bench, f"{private}/dir", action="move", path="/home/target/new")
    assert (answer.status, answer.json["message"]) == (200, "Move success")
    assert (answer.json["result"]["name"], answer.json["result"]["path"]) == ("new", "/home/target/new")
    assert tree(home) == {
        "target": "/",
        "target/new": "/",
        "target/new/file": "1",
        "target/new/known": "2",
    }
    base = f"http://127.0.0.1:{bench.port}/files/v2/media/system/{private}//home"
    assert ("MOVED", f"Moved from {base}/dir to {base}/target/new") in bench.history(
        f"system/{private}/target/new"
    )
    again = bench.upload(f"system/{private}/target/new", b"3", "known").json["result"]
    assert again["uuid"] == uuid
    for directory in ("", "/target"):
        assert bench.history(f"system/{private}{directory}")[-1][0] == "CONTENT_CHANGE"


def test_move_refused(bench: Bench, private: str) -> None:
    home = bench.put(private, "/home/file", b"1").parent
    bench.put(private, "/home/other", b"2")
    bench.put(private, "/home/dir/x", b"3")
    bench.make(private, "/home/empty")
    before = tree(home)
    for path, destination, status, message in [
        ("file", "", 400, "Please specify a destination location"),
        ("file", "file", 400, SAME),
        ("file", "other", 400, "Destination already exists: /home/other"),
        ("dir", "empty", 400, "Destination already exists: /home/empty"),
        ("dir", "file", 400, "File at /home/file already exists"),
        ("file", "dir", 400, "Folder at /home/dir already exists"),
        ("dir", "dir/new", 400, "/home/dir cannot be moved into itself"),
        ("file", "nope/x", 404, NO_SUCH_FILE),
        ("nope", "x", 404, NO_SUCH_FILE),
        ("", "/x", 400, "No path specified."),
        ("/", "/x", 400, "No path specified."),
    ]:
        answer = act(bench, f"{private}/{path}", action="move", path=destination)
        assert answer.refusal == (status, message), (path, destination)
    assert tree(home) == before


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
