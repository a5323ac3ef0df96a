"""Uploads as they come over the wire: odd content, odd forms, cut off, at once, on a full disk [files §6]."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.files.conftest import Bench
from tests.real.waiting import wait_until


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
