"""Imports by urlToIngest from systems of the tenant and from this server's own URLs [files §6.2]."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from urllib3 import encode_multipart_formdata

from emulator.domain.system import Role, SystemStatus
from tests.contract.files.conftest import ADMIN, OTHER, OWNER, Bench, ended, reason, start_import, tree
from tests.real.waiting import wait_until

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PROGRESS = {
    "uuid",
    "source",
    "totalActiveTransfers",
    "totalFiles",
    "totalBytesTransferred",
    "totalBytes",
    "averageRate",
}


@pytest.fixture
def source(bench: Bench) -> str:
    """Another system of OWNER's with a file and a directory."""
    system = bench.system()
    bench.put(system, "/home/file.txt", b"content")
    bench.put(system, "/home/dir/a", b"1")
    bench.put(system, "/home/dir/sub/b", b"2")
    bench.put(system, "/top", b"at the top")
    return system


def statuses(lines: list[dict[str, Any]]) -> list[str]:
    return [line["status"] for line in lines]


def test_a_file_from_another_system(bench: Bench, private: str, source: str) -> None:
    url = f"agave://{source}/file.txt"
    record = start_import(bench, f"{private}/", url)
    base = f"http://127.0.0.1:{bench.port}"
    assert record["status"] == "STAGING_QUEUED"
    assert record["uuid"].endswith("-0001-002")
    assert {key: record[key] for key in ("name", "path", "source", "owner", "nativeFormat", "systemId")} == {
        "name": "file.txt",
        "path": "/home/file.txt",
        "source": url,
        "owner": OWNER,
        "nativeFormat": "raw",
        "systemId": private,
    }
    assert record["_links"] == {
        "self": {"href": f"{base}/files/v2/media/system/{private}//home/file.txt"},
        "system": {"href": f"{base}/systems/v2/{private}"},
        "profile": {"href": f"{base}/profiles/v2/{OWNER}"},
        "history": {"href": f"{base}/files/v2/history/system/{private}//home/file.txt"},
        "notification": [],
    }
    queued, staging, completed = ended(bench, record)
    assert (queued["status"], queued["description"]) == ("STAGING_QUEUED", "File/folder queued for staging")
    assert (staging["status"], staging["description"]) == ("STAGING", "Transfer in progress")
    progress = staging["progress"]
    assert set(progress) == PROGRESS
    assert progress["uuid"].endswith("-009")
    assert (progress["source"], progress["totalFiles"], progress["totalBytes"]) == (url, 1, 7)
    assert (progress["totalBytesTransferred"], progress["totalActiveTransfers"]) == (7, 0)
    assert "progress" not in queued | completed
    assert completed["description"] == (
        f"Your scheduled transfer of {url} completed staging. You can access the raw file on "
        f"{bench.record(private).name} at /data/home/file.txt or via the API at {record['_links']['self']['href']}."
    )
    assert bench.real(private, "/home/file.txt").read_bytes() == b"content"
    assert bench.history(f"system/{private}/") == [("CONTENT_CHANGE", "Content of file/folder has changed")]
    again = bench.upload(f"system/{private}", b"new", "file.txt").json["result"]
    assert again["uuid"] == record["uuid"]


def test_a_directory_with_all_below_it(bench: Bench, private: str, source: str) -> None:
    record = start_import(bench, private, f"agave://{source}//home/dir")
    lines = ended(bench, record)
    assert statuses(lines) == ["STAGING_QUEUED", "STAGING", "STAGING_COMPLETED"]
    assert (lines[1]["progress"]["totalFiles"], lines[1]["progress"]["totalBytesTransferred"]) == (2, 2)
    assert tree(bench.real(private, "/home/dir")) == {"a": "1", "sub": "/", "sub/b": "2"}
    with bench.store.read() as tx:
        kept = tx.files.by_uuid(record["uuid"])
    assert kept is not None
    assert (kept.native_format, kept.status) == ("dir", "STAGING_COMPLETED")
    # once more: the directory is there now, so the data goes inside it
    record = start_import(bench, private, f"agave://{source}//home/dir")
    assert record["path"] == "/home/dir/dir"
    ended(bench, record)
    assert bench.real(private, "/home/dir/dir/sub/b").read_bytes() == b"2"


@pytest.mark.parametrize(
    ("url", "path", "content"),
    [
        ("agave://{source}/file.txt", "/home/file.txt", b"content"),
        ("agave://{source}//top", "/home/top", b"at the top"),
        ("agave://{source}/../top", "/home/top", b"at the top"),
        ("AGAVE://{source}/file%2Etxt", "/home/file.txt", b"content"),
        ("agave://{source}/dir/", "/home/dir", None),
        ("http://127.0.0.1:{port}/files/v2/media/system/{source}/file.txt", "/home/file.txt", b"content"),
        ("https://localhost:{port}/files/v2/media/system/{source}//top?x=1", "/home/top", b"at the top"),
        ("http://LOCALHOST:{port}//files/v2/media/system/{source}/dir", "/home/dir", None),
        ("https://api.tacc.utexas.edu/files/v2/media/system/{source}//top", "/home/top", b"at the top"),
        ("https://api.tacc.utexas.edu:443/files/v2/media/system/{source}//top", "/home/top", b"at the top"),
        ("http://here.example:99/files/v2/media/system/{source}//top", "/home/top", b"at the top"),
    ],
)
def test_where_it_may_come_from(
    bench: Bench, private: str, source: str, url: str, path: str, content: bytes | None
) -> None:
    url = url.format(source=source, port=bench.port)
    headers = {"Host": "here.example:99"} if "here.example" in url else {}
    record = bench.call(
        "POST", f"media/system/{private}", expect=202, body={"urlToIngest": url}, headers=headers
    )
    assert (record["path"], record["source"]) == (path, url)
    href = f"history/system/{private}/{path}"
    record["_links"]["history"]["href"] = f"/files/v2/{href}"
    assert statuses(ended(bench, record))[-1] == "STAGING_COMPLETED"
    if content is not None:
        assert bench.real(private, path).read_bytes() == content


def test_a_bare_path_lies_on_the_default_system(bench: Bench, private: str, source: str) -> None:
    try:
        bench.set_default(OWNER, source)
        for url, name in (("file.txt", "file.txt"), ("/top", "top"), ("dir/sub/b", "b")):
            record = start_import(bench, private, url)
            assert record["name"] == name
            assert statuses(ended(bench, record))[-1] == "STAGING_COMPLETED"
    finally:
        bench.set_default(OWNER, None)
    assert bench.names(f"system/{private}") == [".", "b", "file.txt", "top"]


@pytest.mark.parametrize("field", ["urlToIngest", "url", "URLTOINGEST"])
@pytest.mark.parametrize("kind", ["json", "octets", "form", "multipart"])
def test_forms_of_a_request(bench: Bench, private: str, source: str, field: str, kind: str) -> None:
    fields = {field: f"agave://{source}/file.txt", "fileName": "new name", "fileType": "raw"}
    headers, body = FORM, urlencode(fields).encode()
    if kind == "json":
        headers, body = {"Content-Type": "application/json"}, str(fields).replace("'", '"').encode()
    elif kind == "octets":
        headers, body = {"Content-Type": "application/octet-stream"}, str(fields).replace("'", '"').encode()
    elif kind == "multipart":
        encoded, content_type = encode_multipart_formdata(list(fields.items()))
        headers, body = {"Content-Type": content_type}, encoded
    record = bench.call("POST", f"media/system/{private}", expect=202, body=body, headers=headers)
    assert (record["name"], record["path"]) == ("new name", "/home/new name")
    ended(bench, record)
    assert bench.real(private, "/home/new name").read_bytes() == b"content"


def test_the_file_of_a_form_is_ignored_when_there_is_a_url(bench: Bench, private: str, source: str) -> None:
    url = f"agave://{source}/file.txt"
    answer = bench.upload(f"system/{private}", b"not this", "x", urlToIngest=url)
    assert answer.status == 202
    ended(bench, answer.json["result"])
    assert tree(bench.real(private, "/home")) == {"file.txt": "content"}
    assert bench.unfinished() == []
    # a field called url beside a file is no import: the file would be lost
    answer = bench.upload(f"system/{private}", b"this", "y", url=url)
    assert answer.json["result"]["name"] == "y"


def test_where_it_goes(bench: Bench, private: str, source: str) -> None:
    bench.make(private, "/home/there")
    bench.make(private, "/home/folder")
    bench.put(private, "/home/old", b"as it was")
    url = f"agave://{source}/file.txt"
    for where, more, path in (
        ("/there", {}, "/home/there/file.txt"),
        ("//home/there/", {"fileName": "x/y"}, "/home/there/y"),
        ("/", {"fileName": "folder"}, "/home/folder/file.txt"),
        ("/old", {"fileName": "old"}, "/home/old"),
        ("/new", {"fileName": "new"}, "/home/new"),
        ("/file.txt", {}, "/home/file.txt"),
    ):
        record = start_import(bench, private + where, url, **more)
        assert record["path"] == path
        assert statuses(ended(bench, record))[-1] == "STAGING_COMPLETED"
        assert bench.real(private, path).read_bytes() == b"content"


@pytest.mark.parametrize(
    ("where", "body", "status", "message"),
    [
        ("", {}, 400, "No valid URL specified"),
        ("", {"urlToIngest": ""}, 400, "No valid URL specified"),
        ("", {"urlToIngest": None, "fileName": "x"}, 400, "No valid URL specified"),
        ("", {"urlToIngest": ["agave://x/y"]}, 400, "No valid URL specified"),
        ("", {"urlToIngest": 7}, 400, "No valid URL specified"),
        ("", {"urlToIngest": "agave://x/y", "fileName": ".."}, 400, "Invalid name .."),
        ("", {"urlToIngest": "agave://x/y", "fileName": "x" * 256}, 400, f"Invalid name {'x' * 256}"),
        (
            "",
            {"urlToIngest": "agave://x/y", "fileName": ["a"]},
            400,
            "Invalid value for the 'filename' field. Please specify a string.",
        ),
        (
            "/nope/deep",
            {"urlToIngest": "agave://x/y"},
            404,
            "Destination path /home/nope/deep does not exist.",
        ),
        ("/nope", {"urlToIngest": "agave://x/y"}, 404, "Destination path /home/nope does not exist."),
        (
            "/taken",
            {"urlToIngest": "agave://x/y"},
            400,
            "Destination path /home/taken is not a directory",
        ),
        ("", {"urlToIngest": "http://"}, 400, "Invalid value for urlToIngest. http:// is not a valid URL."),
        (
            "",
            {"urlToIngest": "http://host:port/x"},
            400,
            "Invalid value for urlToIngest. http://host:port/x is not a valid URL.",
        ),
        *(
            (
                "",
                {"urlToIngest": url},
                400,
                f"Invalid value for urlToIngest. {url} is not a valid URL.",
            )
            for url in (
                "ftp://",
                "sftp:///x",
                "ftp:// bad url",
                "http://h ost/x",
                "https://\thost/x",
                "ftp:/x",
            )
        ),
        (
            "",
            {"urlToIngest": "agave://x/a\x00"},
            400,
            "Invalid value for urlToIngest. It is not a valid URL.",
        ),
    ],
)
def test_requests_that_are_refused(
    bench: Bench, private: str, where: str, body: dict[str, Any], status: int, message: str
) -> None:
    bench.put(private, "/home/taken")
    answer = bench.request("POST", f"media/system/{private}{where}", body=body or b" ")
    assert answer.refusal == (status, message)
    assert bench.names(f"system/{private}") == [".", "taken"]


@pytest.mark.parametrize("scheme", ["gsiftp", "s3", "file", "javascript"])
def test_schemes_that_are_not_taken(bench: Bench, private: str, scheme: str) -> None:
    status, message = bench.request(
        "POST", f"media/system/{private}", body={"urlToIngest": f"{scheme}://host/x"}
    ).refusal
    assert status == 400
    assert f"the {scheme} scheme" in message


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("agave://{source}/nope", "agave://{source}/nope does not exist."),
        ("agave://no.such.system/x", "No system found for user with id no.such.system"),
        ("agave://{source}/../../x", "The specified path ../../x does not exist"),
        ("sftp://me:pw@host/x", "sftp://me:***@host/x is not supported: sftp sources."),
        ("ftp://host/x", "ftp://host/x is not supported: ftp sources."),
        ("http://elsewhere.example/x", "the host elsewhere.example is not in files.import_allow."),
        ("http://127.0.0.1:{port}/postits/v2/x", "the host 127.0.0.1 is not in files.import_allow."),
        ("http://127.0.0.1:{port}/jobs/v2/none-007/outputs/media/x", "No job found with job id none-007"),
    ],
)
def test_imports_that_fail(bench: Bench, private: str, source: str, url: str, why: str) -> None:
    url = url.format(source=source, port=bench.port)
    record = start_import(bench, private, url)
    assert record["status"] == "STAGING_QUEUED"
    assert why.format(source=source) in reason(bench, record)
    with bench.store.read() as tx:
        kept = tx.files.by_uuid(record["uuid"])
    assert kept is not None
    assert kept.status == "STAGING_FAILED"
    assert bench.names(f"system/{private}") == ["."]
    assert "pw" not in bench.request("GET", f"history/system/{private}/x").body.decode()


def test_a_failed_import_leaves_what_was_there(bench: Bench, private: str, source: str) -> None:
    bench.put(private, "/home/nope", b"as it was")
    reason(bench, start_import(bench, private, f"agave://{source}/nope"))
    assert bench.real(private, "/home/nope").read_bytes() == b"as it was"


def test_the_source_is_read_as_the_user_who_asked(bench: Bench, source: str) -> None:
    """OTHER has no role on the source, hence cannot even see it."""
    target = bench.system(roles={OTHER: Role.USER})
    for name, url in (
        ("a", f"agave://{source}/file.txt"),
        ("b", f"http://localhost:{bench.port}/files/v2/media/system/{source}/file.txt"),
    ):
        record = start_import(bench, target, url, OTHER, fileName=name)
        assert f"No system found for user with id {source}" in reason(bench, record, OTHER)
    shared = bench.system(roles={OTHER: Role.USER})
    bench.put(shared, "/home/secret", b"secret")
    bench.call(
        "POST",
        f"pems/system/{shared}/secret",
        expect=201,
        body={"username": OTHER, "permission": "WRITE"},
    )
    record = start_import(bench, target, f"agave://{shared}/secret", OTHER)
    assert "User does not have access to view the requested resource" in reason(bench, record, OTHER)
    assert bench.names(f"system/{target}", OTHER) == ["."]


def test_only_who_may_write_may_import(bench: Bench, source: str) -> None:
    target = bench.system(roles={OTHER: Role.GUEST})
    body = {"urlToIngest": f"agave://{source}/file.txt"}
    refused = bench.request("POST", f"media/system/{target}", OTHER, body=body)
    assert refused.refusal == (403, "User does not have access to modify /home")
    encoded, content_type = encode_multipart_formdata(list(body.items()))
    refused = bench.request(
        "POST", f"media/system/{target}", OTHER, body=encoded, headers={"Content-Type": content_type}
    )
    assert refused.refusal == (403, "User does not have access to modify the requested resource")
    bench.put(target, "/home/file.txt", b"as it was")
    bench.alter(target, public=True, owner=ADMIN)
    assert bench.request("POST", f"media/system/{target}//home", OTHER, body=body).status == 403


def test_a_system_that_is_down(bench: Bench, private: str, source: str) -> None:
    bench.alter(source, status=SystemStatus.DOWN)
    record = start_import(bench, private, f"agave://{source}/file.txt")
    assert f"System {source} is DOWN" in reason(bench, record)


def test_a_directory_onto_a_file_and_a_file_onto_a_directory(bench: Bench, private: str, source: str) -> None:
    bench.put(private, "/home/dir", b"a file")
    assert reason(bench, start_import(bench, private, f"agave://{source}/dir"))
    assert bench.real(private, "/home/dir").read_bytes() == b"a file"
    bench.make(private, "/home/file.txt")
    bench.make(private, "/home/file.txt/file.txt")
    refused = bench.request(
        "POST", f"media/system/{private}", body={"urlToIngest": f"agave://{source}/file.txt"}
    )
    record = refused.json["result"]
    assert record["path"] == "/home/file.txt/file.txt"
    assert reason(bench, record)


def test_a_directory_into_itself_ends(bench: Bench, source: str) -> None:
    record = start_import(bench, f"{source}/dir", f"agave://{source}/dir")
    assert record["path"] == "/home/dir/dir"
    assert "lies inside" in reason(bench, record)


def test_what_cannot_be_brought_is_said(bench: Bench, private: str, source: str) -> None:
    (bench.real(source, "/home/dir") / "out").symlink_to("/etc/passwd")
    record = start_import(bench, private, f"agave://{source}/dir")
    lines = ended(bench, record)
    assert statuses(lines) == ["STAGING_QUEUED", "STAGING", "STAGING", "STAGING_COMPLETED"]
    assert "dir/out was left out" in lines[2]["description"]
    assert not (bench.real(private, "/home/dir") / "out").exists()


def test_an_import_keeps_uuid_and_permissions_of_what_it_replaces(
    bench: Bench, private: str, source: str
) -> None:
    old = bench.upload(f"system/{private}", b"old", "file.txt").json["result"]
    bench.call(
        "POST",
        f"pems/system/{private}/file.txt",
        expect=201,
        body={"username": OTHER, "permission": "READ"},
    )
    record = start_import(bench, private, f"agave://{source}/file.txt")
    assert record["uuid"] == old["uuid"]
    lines: list[str] = []

    def twice() -> bool:
        lines[:] = [status for status, _ in bench.history(f"system/{private}/file.txt")]
        return lines.count("STAGING_COMPLETED") == 2

    wait_until(twice)
    assert bench.real(private, "/home/file.txt").read_bytes() == b"content"
    (pem,) = bench.call("GET", f"pems/system/{private}/file.txt?username={OTHER}")
    assert pem["permission"]["read"] is True
