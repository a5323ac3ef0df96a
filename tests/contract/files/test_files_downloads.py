"""Downloads: whole, by range, and what they say of themselves [files §5]."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from emulator.domain.system import Role
from tests.contract.files.conftest import ADMIN, OTHER, Bench

CONTENT = bytes(range(256)) * 40
LOWER = "Specified Range lower bound outside bounds of file"
UPPER = "Specified Range upper bound outside bounds of file"
CROSSED = "Specified Range upper bound less than lower bound"


@pytest.fixture
def url(bench: Bench, private: str) -> str:
    os.utime(bench.put(private, "/home/data.bin", CONTENT), (0, 1473176802.621))
    return f"media/system/{private}/data.bin"


def test_a_whole_file(bench: Bench, url: str) -> None:
    answer = bench.request("GET", url)
    assert (answer.status, answer.body) == (200, CONTENT)
    headers = dict(answer.headers)
    assert headers["Content-Length"] == "10240"
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Last-Modified"] == "Tue, 06 Sep 2016 15:46:42 GMT"
    assert headers["Content-Disposition"] == (
        'inline; filename="data.bin"; modification-date="Tue, 06 Sep 2016 15:46:42 GMT"'
    )
    assert "Content-Range" not in headers


def test_force_makes_it_an_attachment(bench: Bench, url: str) -> None:
    answer = bench.request("GET", f"{url}?force=true&naked=true&filter=x&pretty=true")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="data.bin"; ')
    assert answer.body == CONTENT
    answer = bench.request("GET", f"{url}?force=false")
    assert answer.headers["Content-Disposition"].startswith("inline; ")


def test_head_tells_the_same_without_the_bytes(bench: Bench, url: str) -> None:
    whole, head = bench.request("GET", url), bench.request("HEAD", url)
    assert head.status == 200
    assert head.body == b""
    assert {k: v for k, v in head.headers.items() if k != "Date"} == {
        k: v for k, v in whole.headers.items() if k != "Date"
    }
    part = bench.request("HEAD", url, headers={"Range": "bytes=5-9"})
    assert (part.status, part.headers["Content-Length"]) == (206, "5")
    assert bench.request("HEAD", f"{url}x").status == 404


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-10239", 0, 10239),
        ("bytes=100-199", 100, 199),
        ("bytes=10239-", 10239, 10239),
        ("bytes=0-", 0, 10239),
        ("bytes=-1", 10239, 10239),
        ("bytes=-10240", 0, 10239),
        ("bytes=-99999999999999999999999", 0, 10239),
        ("bytes=5-9,20-29", 5, 9),
        ("bytes=5-,20-", 5, 10239),
        ("BYTES = 5 - 9", 5, 9),
    ],
)
def test_a_range(bench: Bench, url: str, asked: str, first: int, last: int) -> None:
    answer = bench.request("GET", url, headers={"Range": asked})
    assert (answer.status, answer.body) == (206, CONTENT[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/10240"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("bytes=9-5", CROSSED),
        ("bytes=99999-5", CROSSED),
        ("bytes=10240-", LOWER),
        ("bytes=10241-", LOWER),
        ("bytes=99999-100000", LOWER),
        ("bytes=-0", LOWER),
        ("bytes=0-10240", UPPER),
        ("bytes=5-99999999999999999999999", UPPER),
        ("bytes=" + "9" * 5000 + "-", LOWER),
    ],
)
def test_a_range_outside_the_file(bench: Bench, url: str, asked: str, message: str) -> None:
    assert bench.request("GET", url, headers={"Range": asked}).refusal == (416, message)


@pytest.mark.parametrize("asked", ["bytes=", "bytes=x-y", "lines=0-5", "bytes=-", "0-5", "bytes=٣-٤"])
def test_what_is_no_range_is_ignored(bench: Bench, url: str, asked: str) -> None:
    answer = bench.request("GET", url, headers={"Range": asked.encode().decode("latin-1")})
    assert (answer.status, answer.body) == (200, CONTENT)


def test_an_empty_file(bench: Bench, private: str) -> None:
    bench.put(private, "/home/empty.txt", b"")
    answer = bench.request("GET", f"media/system/{private}/empty.txt")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")
    for asked in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        answer = bench.request("GET", f"media/system/{private}/empty.txt", headers={"Range": asked})
        assert answer.refusal == (416, LOWER)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("Tue, 06 Sep 2016 15:46:42 GMT", 206),
        ("Tue, 06 Sep 2016 15:46:41 GMT", 200),
        ('"some-etag"', 200),
    ],
)
def test_a_part_only_of_the_file_that_the_rest_is_of(
    bench: Bench, url: str, condition: str, status: int
) -> None:
    answer = bench.request("GET", url, headers={"Range": "bytes=5-9", "If-Range": condition})
    assert answer.status == status
    assert answer.body == (CONTENT[5:10] if status == 206 else CONTENT)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("predictions.txt", "text/plain"),
        ("x.LOG", "text/plain"),
        ("app.conf", "text/plain"),
        ("job.json", "application/json"),
        ("wrapper.sh", "application/x-sh"),
        ("picture.png", "image/png"),
        ("page.html", "text/html"),
        ("data.tar.gz", "application/gzip"),
        ("no-extension", "application/octet-stream"),
        (".bashrc", "application/octet-stream"),
        ("x.unheard-of", "application/octet-stream"),
    ],
)
def test_the_type_is_told_by_the_extension(bench: Bench, private: str, name: str, kind: str) -> None:
    bench.put(private, f"/home/{name}")
    answer = bench.request("GET", f"media/system/{private}/{name}", headers={"Accept": "application/json"})
    assert answer.headers["Content-Type"] == kind
    assert bench.call("GET", f"listings/system/{private}/{name}")[0]["mimeType"] == kind


@pytest.mark.parametrize(
    ("name", "plain", "encoded"),
    [
        ("with space", "with space", None),
        ('qu"ote', "qu_ote", "qu%22ote"),
        ("new\r\nX-Evil: 1", "new__X-Evil: 1", "new%0D%0AX-Evil%3A%201"),
        ("naïve €", "na_ve _", "na%C3%AFve%20%E2%82%AC"),
    ],
)
def test_any_name_can_be_said(bench: Bench, private: str, name: str, plain: str, encoded: str | None) -> None:
    from urllib.parse import quote

    bench.put(private, f"/home/{name}")
    answer = bench.request("GET", f"media/system/{private}/{quote(name)}")
    assert answer.body == b"content"
    assert "X-Evil" not in answer.headers
    said = answer.headers["Content-Disposition"]
    assert f'filename="{plain}"' in said
    assert said.endswith(f"; filename*=UTF-8''{encoded}") == (encoded is not None)


def test_what_cannot_be_downloaded(bench: Bench, private: str, public: str) -> None:
    bench.make(private, "/home/dir")
    refused = bench.request("GET", f"media/system/{private}/dir").refusal
    assert refused == (501, "Directory downloads not supported")
    assert bench.request("GET", f"media/system/{private}//").status == 501
    assert bench.request("GET", f"media/system/{private}/nope").refusal == (404, "File/folder does not exist")
    bench.put(public, "/other/file")
    assert bench.request("GET", f"media/system/{public}//other/file", OTHER).refusal == (
        403,
        "User does not have access to view the requested resource",
    )


def test_guests_may_read(bench: Bench) -> None:
    system = bench.system(roles={OTHER: Role.GUEST})
    bench.put(system, "/home/file")
    assert bench.request("GET", f"media/system/{system}/file", OTHER).body == b"content"


def test_downloads_are_remembered_but_not_by_whom(bench: Bench, private: str) -> None:
    bench.put(private, "/home/file")
    assert bench.request("HEAD", f"media/system/{private}/file").status == 200
    assert bench.request("GET", f"history/system/{private}/file").status == 404
    bench.request("GET", f"media/system/{private}/file")
    (line,) = bench.call("GET", f"history/system/{private}/file")
    assert (line["status"], line["description"], line["createdBy"]) == (
        "DOWNLOAD",
        "File was downloaded",
        "public",
    )


def test_a_download_is_of_one_version(bench: Bench, private: str) -> None:
    """A file that is replaced while it is sent arrives as it was."""
    old, new = b"a" * 8_000_000, b"b" * 4_000_000
    bench.put(private, "/home/file", old)
    with socket.create_connection(("127.0.0.1", bench.port), timeout=60) as client:
        request = (
            f"GET /files/v2/media/system/{private}/file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        client.sendall(request.encode())
        head = client.recv(100)
        assert bench.upload(f"system/{private}", new, "file").status == 202
        rest = b"".join(iter(lambda: client.recv(65536), b""))
    assert (head + rest).partition(b"\r\n\r\n")[2] == old
    assert bench.request("GET", f"media/system/{private}/file").body == new


def test_a_file_cut_short_while_it_is_sent_is_not_passed_off_as_whole(bench: Bench, private: str) -> None:
    path = bench.put(private, "/home/file", b"a" * 50_000_000)
    with socket.create_connection(("127.0.0.1", bench.port), timeout=60) as client:
        request = f"GET /files/v2/media/system/{private}/file HTTP/1.1\r\nHost: x\r\n\r\n"
        client.sendall(request.encode())
        received = len(client.recv(100))
        os.truncate(path, 1000)
        while piece := client.recv(65536):  # until the server gives up on this connection
            received += len(piece)
    assert received < 50_000_000


def test_many_read_at_once(bench: Bench, private: str) -> None:
    bench.put(private, "/home/file", CONTENT)
    found: list[bool] = []

    def read() -> None:
        for first in range(0, 10_000, 1000):
            wanted = {"Range": f"bytes={first}-{first + 99}"}
            answer = bench.request("GET", f"media/system/{private}/file", ADMIN, headers=wanted)
            found.append(answer.body == CONTENT[first : first + 100])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80
