"""Uploads [files §6]."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.domain.system import Role
from tests.contract.files.conftest import ADMIN, OTHER, OWNER, Bench
from tests.real.waiting import wait_until

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


def test_what_this_version_cannot_do_is_said(bench: Bench, private: str) -> None:
    for fields in (
        {"callbackURL": "http://localhost/x"},
        {"callbackUrl": "me@example.org"},
        {"notifications": '[{"url": "http://localhost", "event": "*"}]'},
        {"fileName": "x&notifications=http://localhost"},
        {"urlToIngest": "http://localhost/a?b=1&c=2"},
    ):
        answer = bench.upload(f"system/{private}", b"1", "x", **fields)
        assert answer.status == 501, fields
        assert "not provided" in answer.message
    for body, content_type in (
        (b'{"urlToIngest": "agave://x/y"}', "application/json"),
        (b'{"url": "agave://x/y"}', "application/octet-stream"),
        (b"urlToIngest=agave%3A%2F%2Fx%2Fy&fileName=z", "application/x-www-form-urlencoded"),
    ):
        answer = bench.request(
            "POST", f"media/system/{private}", body=body, headers={"Content-Type": content_type}
        )
        assert answer.status == 501
    assert bench.names(f"system/{private}") == ["."]


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"", "multipart/form-data; boundary=x", "No post entity"),
        (b"", "application/json", "No post entity"),
        (b"{}", "application/json", "No valid URL specified"),
        (b'{"urlToIngest": ""}', "application/json", "No valid URL specified"),
        (b"fileName=x", "application/x-www-form-urlencoded", "No valid URL specified"),
        (b"some bytes", "application/octet-stream", "Invalid JSON found. "),
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


def test_a_large_file_arrives_as_it_was_sent(bench: Bench, private: str) -> None:
    content = b"".join(number.to_bytes(4, "big") + b"\r\n--" for number in range(1_000_000))
    assert bench.upload(f"system/{private}", content, "big").status == 202
    assert bench.real(private, "/home/big").read_bytes() == content


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"\r\n", b"\r", b"\n", b"--", b"b", b"--b", b"\r\n--b", b"\r\n--bb--", b"\x00\xff"])
        | st.binary(max_size=10),
        max_size=30,
    ).map(b"".join),
    st.integers(1, 40),
)
def test_content_that_looks_like_the_form(bench: Bench, content: bytes, size: int) -> None:
    """However it looks and however it is cut into chunks, what is stored is what was sent."""
    if "looks" not in vars(bench):
        vars(bench)["looks"] = bench.system()
    system = vars(bench)["looks"]
    boundary = b"bxb"
    body = (
        b'--bxb\r\nContent-Disposition: form-data; name="fileToUpload"; filename="x"\r\n\r\n'
        + content.replace(b"--" + boundary, b"")
        + b"\r\n--bxb--\r\n"
    )
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    sent = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    head = (
        f"POST /files/v2/media/system/{system} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        "Content-Type: multipart/form-data; boundary=bxb\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", bench.port), timeout=60) as client:
        client.sendall(head.encode() + sent)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 202"), answer
    assert bench.real(system, "/home/x").read_bytes() == content.replace(b"--" + boundary, b"")


FORM_PIECES = (
    b"--b\r\n",
    b"--b",
    b"\r\n",
    b"\n",
    b"--b--",
    b"Content-Disposition: form-data",
    b'; name="fileToUpload"',
    b'; name="fileName"',
    b'; filename="x"',
    b"; filename*=utf-8''%ff",
    b"Content-Type: x",
    b":",
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(FORM_PIECES) | st.binary(max_size=6),
        max_size=15,
    ).map(b"".join)
)
def test_no_form_breaks_the_service(bench: Bench, body: bytes) -> None:
    if "forms" not in vars(bench):
        vars(bench)["forms"] = bench.system()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = bench.request("POST", f"media/system/{vars(bench)['forms']}", body=body, headers=headers)
    assert answer.status in (202, 400), answer.body
    assert answer.json["status"] == ("success" if answer.status == 202 else "error")
    assert bench.unfinished() == []


def _begin(bench: Bench, system: str, length: int = 1_000_000) -> socket.socket:
    """An upload that has sent its head and some of its bytes."""
    client = socket.create_connection(("127.0.0.1", bench.port), timeout=60)
    head = (
        f"POST /files/v2/media/system/{system} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="fileToUpload"; filename="file"\r\n\r\n'
    )
    client.sendall(head.encode() + b"x" * 100_000)
    return client


def test_an_upload_that_is_cut_off_leaves_nothing(bench: Bench, private: str) -> None:
    file = bench.put(private, "/home/file", b"as it was")
    client = _begin(bench, private)
    wait_until(lambda: bool(bench.unfinished()), 30, "bytes arrive")
    assert bench.names(f"system/{private}") == [".", "file"]
    client.close()
    wait_until(lambda: not bench.unfinished(), 30, "they are dropped")
    assert file.read_bytes() == b"as it was"
    assert bench.request("GET", f"history/system/{private}/file").status == 404


def test_an_upload_whose_body_ends_early_is_refused(bench: Bench, private: str) -> None:
    client = _begin(bench, private, 150_000)
    client.shutdown(socket.SHUT_WR)
    answer = b"".join(iter(lambda: client.recv(65536), b""))
    client.close()
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"status":"error"' in answer
    assert bench.names(f"system/{private}") == ["."]
    assert bench.unfinished() == []


def test_uploads_of_one_name_end_with_one_whole_file(bench: Bench, private: str) -> None:
    contents = [bytes([65 + number]) * 2_000_000 for number in range(4)]
    answers: list[int] = []

    def send(content: bytes) -> None:
        answers.append(bench.upload(f"system/{private}", content, "file").status)

    threads = [threading.Thread(target=send, args=[content]) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [202] * 4
    assert bench.real(private, "/home/file").read_bytes() in contents
    statuses = [status for status, _ in bench.history(f"system/{private}/file")]
    assert statuses == ["STAGING_QUEUED", "UPLOAD", "STAGING_COMPLETED"] * 4


def test_refusal_does_not_wait_for_the_body(bench: Bench, private: str) -> None:
    """What can be known beforehand is said before the bytes are sent."""
    client = socket.create_connection(("127.0.0.1", bench.port), timeout=60)
    head = (
        f"POST /files/v2/media/system/{private}/nope/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nExpect: 100-continue\r\n\r\n"
    )
    client.sendall(head.encode())
    answer = client.recv(65536)
    client.close()
    assert answer.startswith(b"HTTP/1.1 404")


@pytest.fixture
def small_disk(bench: Bench, private: str) -> Iterator[Path]:
    """OWNER's homeDir on a file system of 1 MiB."""
    home = bench.make(private, "/home")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", home], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount: {mounted.stderr.decode().strip()}")
    try:
        yield home
    finally:
        subprocess.run(["umount", home], check=True)


def test_a_full_disk(bench: Bench, private: str, small_disk: Path) -> None:
    (small_disk / "file").write_bytes(b"as it was")
    answer = bench.upload(f"system/{private}", b"x" * 3_000_000, "file")
    assert answer.refusal == (503, "Failed to write to /home: no space left on device")
    assert [path.name for path in small_disk.iterdir()] == ["file"]
    assert (small_disk / "file").read_bytes() == b"as it was"
    assert bench.unfinished() == []
    assert bench.upload(f"system/{private}", b"x" * 300_000, "file").status == 202
    assert bench.names(f"system/{private}") == [".", "file"]


def test_a_disk_inside_the_tree_hides_unfinished_files_too(
    bench: Bench, private: str, small_disk: Path
) -> None:
    client = _begin(bench, private)
    wait_until(lambda: any(small_disk.iterdir()), 30, "bytes arrive")
    assert bench.names(f"system/{private}") == ["."]
    client.close()
    wait_until(lambda: not any(small_disk.iterdir()), 30, "they are dropped")
