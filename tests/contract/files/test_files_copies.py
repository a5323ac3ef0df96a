"""Copies and moves within a system [files §7]."""

from __future__ import annotations

import pytest

from tests.contract.files.conftest import Bench, act, tree

NO_SUCH_FILE = "No such file or directory"
SAME = "Source and destination locations cannot be the same."


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
