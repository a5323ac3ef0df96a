"""transfer.file in the Files API: what clients are answered, and what lies on the machine then."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from urllib3 import encode_multipart_formdata

from emulator.app import Emulator
from emulator.engine.file_stagings import WORKERS
from tests.contract.files.conftest import OWNER, Answer, Bench, act, ended, reason, start_import
from tests.contract.files.site import CONTENT, site
from tests.real.waiting import wait_until
from tests.served import Api, served

BODY = b"0123456789"
HERE = "_emulator/worlds/default"
SCENARIOS = f"{HERE}/scenarios"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with served(tmp_path_factory.mktemp("emulator"), import_allow="127.0.0.*") as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_armed(api: Api) -> Iterator[None]:
    yield
    api.request("DELETE", SCENARIOS)
    api.request("DELETE", f"{HERE}/journal")


def arm(api: Api, do: str, system: str, **more: object) -> None:
    facts = {"when": f"{{system: {system}}}", **more}
    lines = [
        f"  - at: transfer.file\n    do: {do}",
        *(f"    {name}: {value}" for name, value in facts.items()),
    ]
    text = "name: test\nrules:\n" + "\n".join(lines)
    answer = api.request("POST", f"{SCENARIOS}?again=true", data=text)
    assert answer.status_code == 201, answer.text


def journal(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.request("GET", f"{HERE}/journal").json()["strikes"]
    return found


EIO = "input/output error"
REFUSED = "User does not have access to view the requested resource"


@pytest.mark.parametrize(
    ("do", "status", "message"),
    [
        ("read-error", 503, f"Failed to retrieve information: {EIO}"),
        ("vanish", 404, "File/folder does not exist"),
        ("deny", 403, REFUSED),
        ("drop", 503, "Failed to retrieve information: connection reset by peer"),
    ],
)
def test_a_download_that_is_refused(
    bench: Bench, api: Api, private: str, do: str, status: int, message: str
) -> None:
    bench.put(private, "/home/f.txt", BODY)
    arm(api, do, private, times=1)
    assert bench.request("GET", f"media/system/{private}/f.txt").refusal == (status, message)
    (strike,) = journal(api)
    facts = strike["facts"]
    assert (facts["path"], facts["user"], facts["transfer"]) == ("/home/f.txt", OWNER, "download")
    assert bench.request("GET", f"media/system/{private}/f.txt").body == BODY


@pytest.mark.parametrize(("do", "came"), [("{read-error: 4}", 4), ("{drop: 4}", 4), ("{truncate: 30%}", 3)])
def test_a_download_that_breaks_off(bench: Bench, api: Api, private: str, do: str, came: int) -> None:
    bench.put(private, "/home/f.txt", BODY)
    arm(api, do, private, times=1)
    with pytest.raises(http.client.IncompleteRead) as broken:
        bench.request("GET", f"media/system/{private}/f.txt")
    assert broken.value.partial == BODY[:came]
    assert bench.request("GET", f"media/system/{private}/f.txt").body == BODY


@pytest.mark.parametrize(
    ("do", "body"),
    [
        ("{truncate: {share: 30%, silently: true}}", BODY[:3]),
        ("corrupt", b"\xcf123456789"),
        ("{corrupt: {at: 8, bytes: 5}}", b"01234567\xc7\xc6"),
        ("disk-full", BODY),
        ("{slow: 1MB/s}", BODY),
        ("{delay: 1ms}", BODY),
    ],
)
def test_a_download_that_arrives(bench: Bench, api: Api, private: str, do: str, body: bytes) -> None:
    bench.put(private, "/home/f.txt", BODY)
    arm(api, do, private)
    answer = bench.request("GET", f"media/system/{private}/f.txt")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, body, str(len(body)))
    part = bench.request("GET", f"media/system/{private}/f.txt", headers={"Range": "bytes=1-2"})
    assert (part.status, part.body) == (206, body[1:3])


def test_nobody_is_struck_who_reads_nothing(bench: Bench, api: Api, private: str) -> None:
    bench.put(private, "/home/f.txt", BODY)
    arm(api, "read-error", private)
    assert bench.request("HEAD", f"media/system/{private}/f.txt").status == 200
    assert "f.txt" in bench.names(f"system/{private}/")
    assert journal(api) == []


@pytest.mark.parametrize(
    ("do", "status", "message"),
    [
        ("disk-full", 503, "Failed to write to /home: no space left on device"),
        ("{disk-full: 4}", 503, "Failed to write to /home: no space left on device"),
        ("read-error", 503, f"Failed to write to /home: {EIO}"),
        ("{read-error: 4}", 503, f"Failed to write to /home: {EIO}"),
        ("deny", 403, "User does not have access to modify /home"),
        ("{deny: write}", 403, "User does not have access to modify /home"),
        ("{drop: 9}", 503, "Failed to write to /home: connection reset by peer"),
    ],
)
def test_an_upload_that_is_refused(
    bench: Bench, api: Api, private: str, do: str, status: int, message: str
) -> None:
    bench.make(private, "/home")
    old = bench.put(private, "/home/file.txt", b"old")
    arm(api, do, private, times=1)
    assert bench.upload(f"system/{private}/", BODY).refusal == (status, message)
    assert old.read_bytes() == b"old" and bench.unfinished() == [], "nothing is changed"
    (strike,) = journal(api)
    assert (strike["facts"]["path"], strike["facts"]["transfer"]) == ("/home/file.txt", "upload")
    assert bench.upload(f"system/{private}/", BODY).status == 202
    assert old.read_bytes() == BODY


@pytest.mark.parametrize(
    ("do", "content"),
    [
        ("{truncate: {silently: true}}", BODY[:5]),
        ("{corrupt: 2}", b"\xcf\xce23456789"),
        ("{slow: 1MB/s}", BODY),
        ("{delay: 1ms}", BODY),
    ],
)
def test_an_upload_that_arrives(bench: Bench, api: Api, private: str, do: str, content: bytes) -> None:
    bench.make(private, "/home")
    arm(api, do, private)
    assert bench.upload(f"system/{private}/", BODY).status == 202
    assert bench.real(private, "/home/file.txt").read_bytes() == content


def test_an_upload_that_is_lost_on_its_way(bench: Bench, api: Api, private: str) -> None:
    """The service has taken it in and answers so; that the storage got less is told where clients wait for it."""
    bench.make(private, "/home")
    old = bench.put(private, "/home/old.txt", b"old")
    arm(api, "truncate", private)
    for name, headers in (("new.txt", {}), ("old.txt", {}), ("old.txt", {"Range": "bytes=1-"})):
        answer = bench.upload(f"system/{private}/", BODY, name, headers=headers)
        record = answer.json["result"]
        assert (answer.status, record["status"]) == (202, "STAGING_QUEUED")
        source = record["source"]
        assert reason(bench, record) == f"Transfer of {source} failed. only 5 of 10 bytes came"
    assert old.read_bytes() == b"old" and bench.names(f"system/{private}/") == [".", "old.txt"]
    assert bench.unfinished() == []


@pytest.mark.parametrize(
    ("do", "times", "strikes", "refusal"),
    [
        ("read-error", 2, 2, None),
        ("read-error", "forever", 3, (503, f"Failed to copy data to /home/copy.txt: {EIO}")),
        ("disk-full", 1, 1, (503, "Failed to copy data to /home/copy.txt: no space left on device")),
        ("vanish", 1, 1, (404, "No such file or directory")),
        ("deny", 1, 1, (403, "User does not have access to copy data to /home/copy.txt")),
        ("truncate", 3, 3, (503, "Failed to copy data to /home/copy.txt: only 5 of 10 bytes came")),
        ("drop", 3, 3, (503, "Failed to copy data to /home/copy.txt: connection reset by peer")),
    ],
)
def test_a_copy(
    bench: Bench, api: Api, private: str, do: str, times: object, strikes: int, refusal: Any
) -> None:
    bench.put(private, "/home/f.txt", BODY)
    arm(api, do, private, times=times)
    answer = act(bench, f"{private}/f.txt", action="copy", path="copy.txt")
    assert [strike["facts"]["transfer"] for strike in journal(api)] == ["copy"] * strikes
    there = bench.real(private, "/home/copy.txt")
    if refusal is None:
        assert answer.status == 200 and there.read_bytes() == BODY
    else:
        assert answer.refusal == refusal and not there.exists()


def test_a_copy_behind_another_file(bench: Bench, api: Api, private: str) -> None:
    bench.put(private, "/home/f.txt", BODY)
    whole = bench.put(private, "/home/whole.txt", b"first ")
    arm(api, "read-error", private, times=1)
    answer = act(bench, f"{private}/f.txt", action="copy", path="whole.txt", append="true")
    assert answer.status == 503 and whole.read_bytes() == b"first "
    assert act(bench, f"{private}/f.txt", action="copy", path="whole.txt", append="true").status == 200
    assert whole.read_bytes() == b"first " + BODY


def test_a_copy_behind_another_file_is_whole_or_not_done(bench: Bench, api: Api, private: str) -> None:
    bench.put(private, "/home/f.txt", BODY)
    whole = bench.put(private, "/home/whole.txt", b"first ")
    arm(api, "truncate", private)
    answer = act(bench, f"{private}/f.txt", action="copy", path="whole.txt", append="true")
    assert answer.refusal == (503, "Failed to copy data to /home/whole.txt: only 5 of 10 bytes came")
    assert whole.read_bytes() == b"first "


@pytest.mark.parametrize(
    ("do", "times", "ends"),
    [
        ("read-error", 2, CONTENT),
        ("corrupt", 1, bytes([CONTENT[0] ^ 0xFF]) + CONTENT[1:]),
        ("{truncate: {silently: true}}", 1, CONTENT[: len(CONTENT) // 2]),
        ("disk-full", 1, "No space left on device"),
        ("read-error", "forever", "Input/output error"),
        ("truncate", "forever", f"only {len(CONTENT) // 2} of {len(CONTENT)} bytes came"),
        ("drop", 3, CONTENT),
    ],
)
@pytest.mark.parametrize("inner", [True, False], ids=["from-here", "by-http"])
def test_an_import(
    bench: Bench, api: Api, private: str, do: str, times: object, ends: bytes | str, inner: bool
) -> None:
    bench.make(private, "/home")
    other = bench.system()
    bench.put(other, "/home/file", CONTENT)
    arm(api, do, private, times=times)
    with site() as outside:
        url = f"agave://{other}/file" if inner else f"{outside.url}/file"
        record = start_import(bench, private, url)
        if isinstance(ends, str):
            assert reason(bench, record) == f"Transfer of {url} failed. {url}: {ends}"
            assert not bench.real(private, "/home/file").exists()
        else:
            lines = ended(bench, record)
            assert lines[-1]["status"] == "STAGING_COMPLETED"
            assert bench.real(private, "/home/file").read_bytes() == ends
            again = [line for line in lines if line["description"].startswith("Attempt ")]
            assert len(again) == (1 if do == "drop" else 0), "a connection that broke is tried anew"
    facts = [strike["facts"] for strike in journal(api)]
    assert {(each["path"], each["transfer"]) for each in facts} == {("/home/file", "import")}


@contextmanager
def answering(bench: Bench, path: str) -> Iterator[list[Answer]]:
    """A download under way in a thread of its own."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(bench.request("GET", path)), daemon=True)
    thread.start()
    yield answers
    thread.join(30)


def test_a_download_that_is_held(bench: Bench, api: Api, private: str) -> None:
    bench.put(private, "/home/f.txt", BODY)
    arm(api, "hold", private)
    with answering(bench, f"media/system/{private}/f.txt") as answers:
        wait_until(lambda: len(journal(api)) == 1, what="the hold")
        assert answers == []
        assert api.request("POST", f"{SCENARIOS}/test/release").status_code == 200
    assert answers[0].body == BODY


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whoever_leaves_is_not_waited_for(bench: Bench, api: Api, private: str, method: str) -> None:
    """A download, and an upload that leaves nothing behind."""
    bench.put(private, "/home/f.txt", BODY)
    arm(api, "hold", private)
    client = http.client.HTTPConnection("127.0.0.1", bench.port)
    form, kind = encode_multipart_formdata({"fileToUpload": ("new.txt", BODY)})
    path = f"/files/v2/media/system/{private}/" + ("f.txt" if method == "GET" else "")
    headers = {"Authorization": f"Bearer {OWNER}", "Content-Type": kind}
    client.request(method, path, form if method == "POST" else None, headers)
    wait_until(lambda: len(journal(api)) == 1, what="the hold")
    client.close()

    def over() -> bool:
        found = api.request("GET", f"{HERE}/requests", params={"path": path}).json()["requests"]
        return found[-1]["seconds"] is not None

    wait_until(over, what="the end of the request")
    api.request("POST", f"{SCENARIOS}/test/release")
    assert not bench.real(private, "/home/new.txt").exists() and bench.unfinished() == []


def test_imports_that_are_held_keep_no_other_waiting(bench: Bench, api: Api, private: str) -> None:
    other = bench.system()
    bench.make(private, "/home")
    bench.make(other, "/home")
    bench.put(other, "/home/file", CONTENT)
    arm(api, "hold", private)
    held = [
        start_import(bench, private, f"agave://{other}/file", fileName=f"{n}") for n in range(WORKERS + 1)
    ]
    wait_until(lambda: len(journal(api)) == len(held), what="the holds")
    free = start_import(bench, other, f"agave://{other}/file", fileName="copy")
    assert ended(bench, free)[-1]["status"] == "STAGING_COMPLETED"
    assert api.request("POST", f"{SCENARIOS}/test/release").status_code == 200
    assert {ended(bench, one)[-1]["status"] for one in held} == {"STAGING_COMPLETED"}


@pytest.mark.parametrize(
    ("do", "status", "words"),
    [
        ("read-error", 503, EIO),
        ("{read-error: 4}", 503, EIO),
        ("{disk-full: 4}", 503, "no space left on device"),
        ("vanish", 400, "a file has gone meanwhile"),
        ("deny", 403, "it may not be read"),
        ("{deny: write}", 403, "it may not be read"),
        ("truncate", 503, "bytes came"),
        ("drop", 503, "connection reset by peer"),
    ],
)
@pytest.mark.sample(4)
@pytest.mark.parametrize("action", ["clone", "publish"])
def test_the_files_of_an_app(api: Api, bench: Bench, action: str, do: str, status: int, words: str) -> None:
    """Nothing of what cannot be copied is kept, and it can be tried again."""
    admin = Api(api.url, "admin")
    named = {"action": action, "name": f"copy-{len(do)}-{action}", "version": "1.0"}
    arm(api, do, "tacc.work.*", when="{app: classifier-1.0.0, path: '*.sh'}")
    before = bench.unfinished()
    answer = admin.request("PUT", "apps/v2/classifier-1.0.0", json=named)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert {strike["facts"]["user"] for strike in journal(api)} == {"admin"}
    assert bench.unfinished() == before
    api.request("DELETE", SCENARIOS)
    assert admin.request("PUT", "apps/v2/classifier-1.0.0", json=named).status_code == 202


def test_outputs_of_jobs(bench: Bench, api: Api) -> None:
    """By the job's name: whoever downloads what it has left."""
    request = {
        "name": "outputs-struck",
        "appId": "classifier-1.0.0",
        "archive": False,
        "parameters": {"imagefile": "x.png"},
    }
    api.call("GET", "apps/v2/classifier-1.0.0")
    text = (
        "name: test\nrules:\n  - at: transfer.file\n"
        "    when: {transfer: download, job_name: outputs-struck, path: '*.err', user: student01}\n    do: deny\n"
    )
    assert api.request("POST", f"{SCENARIOS}?again=true", data=text).status_code == 201
    submitted = api.request("POST", "jobs/v2", json=request)
    assert submitted.status_code in (200, 201), submitted.text
    job = submitted.json()["result"]["id"]
    api.wait_for_job(job)
    names = [entry["name"] for entry in api.call("GET", f"jobs/v2/{job}/outputs/listings")]
    name = next(name for name in names if name.endswith(".err"))
    grant = {"username": "student01", "permission": "READ"}
    api.call("POST", f"jobs/v2/{job}/pems", json=grant)
    mine = api.request("GET", f"jobs/v2/{job}/outputs/media/{name}")
    assert mine.status_code == 200
    theirs = Api(f"http://127.0.0.1:{urlsplit(api.url).port}", "student01")
    refused = theirs.request("GET", f"jobs/v2/{job}/outputs/media/{name}")
    assert refused.status_code == 403, refused.text
    assert json.loads(refused.text)["message"] == REFUSED
