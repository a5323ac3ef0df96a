"""Uploads [files §6]."""

from __future__ import annotations

import pytest

from emulator.domain.system import Role
from tests.contract.files.conftest import ADMIN, OTHER, OWNER, Bench

UNREADABLE = "Failed to parse request form"


def test_an_upload_into_a_directory(bench: Bench, private: str) -> None:
    answer = bench.upload(f"system/{private}/", b"hello", "a.txt", headers={"Host": "here:1"})
    assert answer.status == 202
    record = answer.json["result"]
    base = "http://here:1"
    uuid, modified = record.pop("uuid"), record.pop("lastModified")
    assert uuid.endswith("-0001-002")
    assert modified[10] == "T" and modified[-6:] in ("-05:00", "-06:00")
    assert record == {
        "name": "a.txt",
        "owner": OWNER,
        "internalUsername": None,
        "source": "http://127.0.0.1/a.txt",
        "path": "/home/a.txt",
        "status": "STAGING_QUEUED",
        "systemId": private,
        "nativeFormat": "raw",
        "_links": {
            "self": {"href": f"{base}/files/v2/media/system/{private}//home/a.txt"},
            "system": {"href": f"{base}/systems/v2/{private}"},
            "profile": {"href": f"{base}/profiles/v2/{OWNER}"},
            "history": {"href": f"{base}/files/v2/history/system/{private}//home/a.txt"},
            "notification": [],
        },
    }
    assert bench.real(private, "/home/a.txt").read_bytes() == b"hello"
    assert bench.real(private, "/home/a.txt").stat().st_mode & 0o777 == 0o644
    assert bench.history(f"system/{private}/a.txt") == [
        ("STAGING_QUEUED", "File/folder queued for staging"),
        ("UPLOAD", "File upload has completed"),
        (
            "STAGING_COMPLETED",
            "Your scheduled transfer of http://127.0.0.1/a.txt completed staging. You can access the raw file "
            f"on {bench.record(private).name} at /data/home/a.txt or via the API at "
            f"{base}/files/v2/media/system/{private}//home/a.txt.",
        ),
    ]
    assert bench.history(f"system/{private}") == [("CONTENT_CHANGE", "Content of file/folder has changed")]


@pytest.mark.parametrize(
    ("target", "filename"),
    [
        ("", "x.txt"),
        ("/", "x.txt"),
        ("/dir", "dir/x.txt"),
        ("/dir/", "/abs/x.txt"),
        ("/dir", "C:\\\\users\\\\x.txt"),
        ("/dir/x.txt", "x.txt"),
        ("/dir/x.txt", "dir/x.txt"),
        ("//home/dir/x.txt", "dir/x.txt"),
        ("/dir/x.txt/", "x.txt"),
    ],
)
def test_where_it_goes(bench: Bench, private: str, target: str, filename: str) -> None:
    """Into a directory that exists; also, as the course's client does it, to the file's own future path."""
    directory = bench.make(private, "/home/dir").parent
    path = bench.upload(f"system/{private}{target}", b"1", filename).json["result"]["path"]
    assert path == ("/home/dir/x.txt" if "dir" in target else "/home/x.txt")
    written = directory.parent / path.lstrip("/")
    assert written.read_bytes() == b"1"
    assert bench.upload(f"system/{private}{target}", b"again", filename).status == 202
    assert written.read_bytes() == b"again"


@pytest.mark.parametrize(
    ("target", "filename", "status", "message"),
    [
        ("/nope", "x.txt", 404, "Destination path /home/nope does not exist."),
        ("/nope/x.txt", "x.txt", 404, "Destination path /home/nope/x.txt does not exist."),
        ("/file", "x.txt", 400, "Destination path /home/file is not a directory"),
        ("/file/x.txt", "x.txt", 404, "Destination path /home/file/x.txt does not exist."),
        ("", "dir", 400, "A directory already exists at /home/dir"),
        ("/", "", 400, "No file uploaded"),
        ("/", "dir/", 400, "No file uploaded"),
        ("/", "..", 400, "Invalid name .."),
        ("/", "a/..", 400, "Invalid name .."),
        ("/", ".", 400, "Invalid name ."),
        ("/", " ", 400, "Invalid name  "),
        ("/", "x" * 256, 400, f"Invalid name {'x' * 256}"),
        ("/", "\u00e9" * 128, 400, f"Invalid name {chr(0xE9) * 128}"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    bench: Bench, private: str, target: str, filename: str, status: int, message: str
) -> None:
    bench.put(private, "/home/file", b"as it was")
    home = bench.make(private, "/home/dir").parent
    answer = bench.upload(f"system/{private}{target}", b"new", filename)
    assert answer.refusal == (status, message)
    assert sorted(path.name for path in home.iterdir()) == ["dir", "file"]
    assert (home / "file").read_bytes() == b"as it was"
    assert bench.unfinished() == []


def test_fields_beside_the_file(bench: Bench, private: str) -> None:
    into = f"system/{private}"
    assert bench.upload(into, b"1", "a", fileName="b").json["result"]["name"] == "b"
    assert bench.upload(into, b"1", "a", FILENAME="c", fileType="raw").json["result"]["name"] == "c"
    assert bench.upload(into, b"1", "a", fileName="d&fileType=raw").json["result"]["name"] == "d"
    assert bench.upload(into, b"1", "a", fileType="raw&fileName=e").json["result"]["name"] == "e"
    assert bench.upload(into, b"1", "a", fileName="dir/f").json["result"]["name"] == "f"
    assert bench.upload(into, b"1", "-", fileName="g").json["result"]["name"] == "g"
    assert bench.upload(into, b"1", None, fileName="h").json["result"]["name"] == "h"
    assert bench.upload(into, b"1", "i", notifications="", urlToIngest="").json["result"]["name"] == "i"
    assert bench.names(into) == [".", *"bcdefghi"]


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"", "multipart/form-data; boundary=x", "No post entity"),
        (b"", "application/json", "No post entity"),
        (b"{}", "application/json", "No valid URL specified"),
        (b'{"urlToIngest": ""}', "application/json", "No valid URL specified"),
        (b"fileName=x", "application/x-www-form-urlencoded", "No valid URL specified"),
        (b"some bytes", "application/octet-stream", "Unsupported content type. "),
        (b"{", "application/json", "Invalid JSON found. "),
        (b"x", "multipart/form-data", UNREADABLE),
        (b"x", "multipart/form-data; boundary=b", UNREADABLE),
        (b"--b\r\n", "multipart/form-data; boundary=b", UNREADABLE),
        (b"--b\r\nX: y\r\n\r\ndata\r\n--b--\r\n", "multipart/form-data; boundary=b", UNREADABLE),
        (
            b'--b\r\nContent-Disposition: form-data; name="fileToUpload"; filename="x"\r\n\r\ndata',
            "multipart/form-data; boundary=b",
            UNREADABLE,
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="fileName"\r\n\r\n\xff\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            UNREADABLE,
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="filetoupload"; filename="x"\r\n\r\n\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            "No file uploaded",
        ),
        (b"--b--\r\n", "multipart/form-data; boundary=b", "No file uploaded"),
        (b"--b\r\nA: " + b"x" * 2_000_000, "multipart/form-data; boundary=b", UNREADABLE),
        (b"x" * 2_000_000, "multipart/form-data; boundary=b", UNREADABLE),
    ],
)
def test_bodies_that_are_no_upload(
    bench: Bench, private: str, body: bytes, content_type: str, message: str
) -> None:
    answer = bench.request(
        "POST", f"media/system/{private}", body=body, headers={"Content-Type": content_type}
    )
    assert answer.status == 400
    assert answer.message.startswith(message)
    assert bench.names(f"system/{private}") == ["."]
    assert bench.unfinished() == []


def test_a_field_that_is_a_flood(bench: Bench, private: str) -> None:
    answer = bench.upload(f"system/{private}", b"x", "x", fileName="y" * 11_000_000)
    assert answer.status == 413
    assert "10 MB" in answer.message
    answer = bench.request(
        "POST",
        f"media/system/{private}",
        body=b'{"urlToIngest": "' + b"x" * 11_000_000,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status == 413
    assert bench.names(f"system/{private}") == ["."]


def test_only_who_may_write_may_upload(bench: Bench, public: str) -> None:
    system = bench.system(roles={OTHER: Role.GUEST})
    bench.put(system, "/home/file")
    for target in ("", "/file", "/new"):
        answer = bench.upload(f"system/{system}{target}", b"x", "file" if target == "/file" else "new", OTHER)
        assert answer.refusal == (403, f"User does not have access to modify /home{target}")
    bench.make(public, f"/home/{OWNER}")
    answer = bench.upload(f"system/{public}/{OWNER}", b"x", "x", OTHER)
    assert answer.refusal == (403, f"User does not have access to modify /home/{OWNER}")
    assert bench.upload(f"system/{public}/{OTHER}", b"x", "x", OTHER).status == 202


def test_a_file_that_only_may_be_read_is_not_overwritten(bench: Bench) -> None:
    system = bench.system(roles={OTHER: Role.USER})
    file = bench.put(system, "/home/file")
    bench.call(
        "POST",
        f"pems/system/{system}/file",
        expect=201,
        body={"username": OTHER, "permission": "READ"},
    )
    assert bench.upload(f"system/{system}", b"new", "file", OTHER).refusal == (
        403,
        "User does not have access to modify /home/file",
    )
    assert file.read_bytes() == b"content"
    assert bench.upload(f"system/{system}", b"new", "other", OTHER).status == 202


def test_overwriting_keeps_uuid_owner_and_mode(bench: Bench) -> None:
    system = bench.system(roles={OTHER: Role.USER})
    first = bench.upload(f"system/{system}", b"1", "run.sh").json["result"]
    bench.real(system, "/home/run.sh").chmod(0o755)
    second = bench.upload(f"system/{system}", b"2", "run.sh", OTHER).json["result"]
    assert (second["uuid"], second["owner"]) == (first["uuid"], OWNER)
    assert bench.real(system, "/home/run.sh").stat().st_mode & 0o777 == 0o755
    assert len(bench.history(f"system/{system}/run.sh")) == 6


def test_who_owns_what_is_uploaded(bench: Bench, public: str) -> None:
    bench.make(public, f"/home/{OTHER}")
    record = bench.upload(f"system/{public}/{OTHER}", b"1", "x", ADMIN).json["result"]
    assert record["owner"] == OTHER
    bench.make(public, "/apps")
    assert bench.upload(f"system/{public}//apps", b"1", "x", ADMIN).json["result"]["owner"] == ADMIN


def test_a_range_is_written_into_the_file(bench: Bench, private: str) -> None:
    file = bench.put(private, "/home/data", b"0123456789")
    into = f"system/{private}"
    assert bench.upload(into, b"abc", "data", headers={"Range": "bytes=3-"}).status == 202
    assert file.read_bytes() == b"012abc6789"
    assert bench.upload(into, b"xy", "data", headers={"Range": "bytes=9-10"}).status == 202
    assert file.read_bytes() == b"012abc678xy"
    assert bench.upload(into, b"!", "new", headers={"Range": "bytes=2-"}).status == 202
    assert bench.real(private, "/home/new").read_bytes() == b"\0\0!"
    far = bench.upload(into, b"!", "data", headers={"Range": "bytes=999999999999999999-"})
    assert far.status == 400
    assert file.read_bytes() == b"012abc678xy"
    assert bench.unfinished() == []
