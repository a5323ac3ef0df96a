"""What holds for all actions; mkdir and rename [files §7]."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.contract.files.conftest import OWNER, Bench, act, tree

NO_SUCH_FILE = "No such file or directory"
SAME = "Source and destination locations cannot be the same."
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


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
    assert act(bench, private, action="mkdir", path="x/" * 4000).refusal == (400, "Invalid file path")
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
