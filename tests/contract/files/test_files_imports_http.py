"""Imports from outside by http, and what becomes of those that are under way [files §6.2]."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.app import Emulator
from tests.contract.files.conftest import OWNER, Bench, ended, reason, start_import
from tests.contract.files.site import CONTENT, PIECE, Site, site
from tests.live.serve_process import ServeProcess
from tests.real.waiting import wait_until
from tests.served import Api, served

pytestmark = pytest.mark.sample(2, of="module")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Its clock is quick: between attempts a second passes, three times."""
    with served(tmp_path_factory.mktemp("emulator"), import_allow="127.0.0.*, *.allowed.example") as running:
        clock = {"mode": "scaled", "factor": 60}
        assert Api(running.url).request("PUT", "_emulator/worlds/default/clock", json=clock).ok
        yield running


@pytest.fixture
def outside() -> Iterator[Site]:
    with site() as found:
        yield found


def test_a_file_by_http(bench: Bench, private: str, outside: Site) -> None:
    record = start_import(bench, private, f"{outside.url}/a/na%C3%AFve.txt?x=1")
    assert (record["name"], record["nativeFormat"]) == ("naïve.txt", "raw")
    lines = ended(bench, record)
    assert [line["status"] for line in lines] == ["STAGING_QUEUED", "STAGING", "STAGING_COMPLETED"]
    progress = lines[1]["progress"]
    size = len(CONTENT)
    assert (progress["totalFiles"], progress["totalBytes"]) == (1, size)
    assert progress["totalBytesTransferred"] == size
    assert bench.real(private, "/home/naïve.txt").read_bytes() == CONTENT
    assert bench.real(private, "/home/naïve.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("path", "name"), [("", "unknown"), ("/", "unknown"), ("/..", "unknown"), ("/d/", "d")]
)
def test_a_url_without_a_name(bench: Bench, private: str, outside: Site, path: str, name: str) -> None:
    record = start_import(bench, private, outside.url + path)
    assert record["name"] == name
    assert ended(bench, record)[-1]["status"] == "STAGING_COMPLETED"


def test_name_and_password_log_in_and_are_shown_to_nobody(bench: Bench, private: str, outside: Site) -> None:
    url = f"http://me:secret@127.0.0.1:{outside.port}/private"
    record = start_import(bench, private, url)
    assert record["source"] == url
    lines = ended(bench, record)
    assert lines[-1]["status"] == "STAGING_COMPLETED"
    assert "secret" not in str(lines)
    assert lines[1]["progress"]["source"] == f"http://me:***@127.0.0.1:{outside.port}/private"
    wrong = start_import(bench, private, f"http://me:wrong@127.0.0.1:{outside.port}/private", fileName="x")
    said = reason(bench, wrong)
    assert "answered 401" in said
    assert "wrong" not in said


def test_a_login_does_not_follow_to_another_host(bench: Bench, private: str, outside: Site) -> None:
    other = f"http://127.0.0.2:{outside.port}"
    record = start_import(
        bench, private, f"http://me:secret@127.0.0.1:{outside.port}/to?{other}/private", fileName="x"
    )
    reason(bench, record)
    assert outside.asked[-1] in ("/private", f"/to?{other}/private Basic bWU6c2VjcmV0")


def test_redirects_lead_to_allowed_hosts_only(bench: Bench, private: str, outside: Site) -> None:
    record = start_import(bench, private, f"{outside.url}/to?{outside.url}/file", fileName="a")
    assert ended(bench, record)[-1]["status"] == "STAGING_COMPLETED"
    elsewhere = f"http://localhost:{outside.port}/file"
    record = start_import(bench, private, f"{outside.url}/to?{elsewhere}", fileName="b")
    assert "localhost may not be asked" in reason(bench, record)


def test_answers_that_are_no_file(bench: Bench, private: str, outside: Site) -> None:
    for path, why in (("missing", "answered 404"), ("broken", "answered 500")):
        record = start_import(bench, private, f"{outside.url}/{path}")
        assert why in reason(bench, record)
    assert bench.names(f"system/{private}") == ["."]


def test_what_breaks_off_is_tried_again(bench: Bench, private: str, outside: Site) -> None:
    """More often than a single file is tried at once: the import itself is repeated."""
    outside.breaks_off = 4
    record = start_import(bench, private, f"{outside.url}/short")
    lines = ended(bench, record)
    assert [line["status"] for line in lines] == [
        "STAGING_QUEUED",
        "STAGING",
        "STAGING",
        "STAGING_COMPLETED",
    ]
    assert "Attempt 1 to transfer" in lines[2]["description"]
    assert bench.real(private, "/home/short").read_bytes() == CONTENT


def test_a_site_that_stays_away(bench: Bench, private: str) -> None:
    with site() as gone:
        url = gone.url
    record = start_import(bench, private, f"{url}/file")
    lines = ended(bench, record)
    assert [line["status"] for line in lines] == ["STAGING_QUEUED", *["STAGING"] * 4, "STAGING_FAILED"]
    assert not bench.real(private, "/home/file").exists()


def test_progress_grows_and_the_file_appears_whole(bench: Bench, private: str, outside: Site) -> None:
    record = start_import(bench, private, f"{outside.url}/slow")
    assert outside.half_sent.wait(30)

    def line() -> dict[str, object]:
        found = [each for each in bench.call("GET", f"history/system/{private}/slow") if "progress" in each]
        return found[0]["progress"] if found else {}

    wait_until(lambda: line().get("totalBytes") == 2 * len(PIECE), what="the size")
    assert line()["totalActiveTransfers"] == 1
    with bench.store.read() as tx:
        kept = tx.files.by_uuid(record["uuid"])
    assert kept is not None
    assert kept.status == "STAGING"
    assert not bench.real(private, "/home/slow").exists()
    outside.go_on.set()
    assert ended(bench, record)[-1]["status"] == "STAGING_COMPLETED"
    assert line()["totalBytesTransferred"] == 2 * len(PIECE)
    assert bench.real(private, "/home/slow").read_bytes() == 2 * PIECE


def test_imports_do_not_wait_for_each_other_until_there_are_many(
    bench: Bench, private: str, outside: Site
) -> None:
    slow = [start_import(bench, private, f"{outside.url}/slow", fileName=f"slow{n}") for n in range(3)]
    quick = start_import(bench, private, f"{outside.url}/file")
    assert ended(bench, quick)[-1]["status"] == "STAGING_COMPLETED"
    more = [start_import(bench, private, f"{outside.url}/slow", fileName=f"slow{n}") for n in range(3, 9)]
    outside.go_on.set()
    for record in slow + more:
        assert ended(bench, record)[-1]["status"] == "STAGING_COMPLETED"


def test_imports_to_one_file_come_one_after_the_other(bench: Bench, private: str, outside: Site) -> None:
    first = start_import(bench, private, f"{outside.url}/slow", fileName="x")
    assert outside.half_sent.wait(30)
    second = start_import(bench, private, f"{outside.url}/file", fileName="x")
    assert first["uuid"] == second["uuid"]
    assert not any("/file" in asked for asked in outside.asked)
    outside.go_on.set()

    def both() -> bool:
        return [status for status, _ in bench.history(f"system/{private}/x")].count("STAGING_COMPLETED") == 2

    wait_until(both)
    assert bench.real(private, "/home/x").read_bytes() == CONTENT
    with bench.store.read() as tx:
        kept = tx.files.by_uuid(first["uuid"])
    assert kept is not None
    assert kept.status == "STAGING_COMPLETED"


def test_a_file_deleted_while_it_comes_stays_deleted(bench: Bench, private: str, outside: Site) -> None:
    record = start_import(bench, private, f"{outside.url}/slow")
    assert outside.half_sent.wait(30)
    bench.call("DELETE", f"media/system/{private}/slow")
    outside.go_on.set()
    later = start_import(bench, private, f"{outside.url}/file")
    ended(bench, later)
    assert bench.request("GET", f"history/system/{private}/slow").status == 404
    with bench.store.read() as tx:
        assert tx.file_stagings.all() == []
        assert tx.files.by_uuid(record["uuid"]) is None


def test_an_accepted_import_survives_being_killed(tmp_path: Path, outside: Site) -> None:
    data, home = tmp_path / "data", tmp_path / "home"
    home.mkdir()
    arguments = ("--port", "0", "--data-dir", str(data), "--files-import-allow", "127.0.0.1")
    with ServeProcess(home, *arguments) as serving:
        api = Api(serving.url)
        body = {"urlToIngest": f"{outside.url}/slow"}
        record = api.call("POST", f"files/v2/media/{OWNER}", 202, json=body)
        assert outside.half_sent.wait(30)
        serving.kill()
    outside.go_on.set()
    with ServeProcess(home, *arguments) as serving:
        api = Api(serving.url)
        lines: list[dict[str, str]] = []

        def over() -> bool:
            lines[:] = api.call("GET", f"files/v2/history/{OWNER}/slow")
            return lines[-1]["status"] == "STAGING_COMPLETED"

        wait_until(over, what="the end of the import")
        assert [line["status"] for line in lines] == ["STAGING_QUEUED", "STAGING", "STAGING_COMPLETED"]
        answer = api.request("GET", f"files/v2/media/{OWNER}/slow")
        assert answer.content == 2 * PIECE
        assert record["uuid"]
    assert [asked for asked in outside.asked if asked == "/slow"] == ["/slow", "/slow"]


def test_a_stop_does_not_wait_for_a_slow_site(tmp_path: Path, outside: Site) -> None:
    with served(tmp_path, import_allow="127.0.0.1") as first:
        api = Api(first.url)
        api.call("POST", f"files/v2/media/{OWNER}", 202, json={"urlToIngest": f"{outside.url}/slow"})
        assert outside.half_sent.wait(30)
    outside.go_on.set()
    with served(tmp_path, import_allow="127.0.0.1") as second:
        api = Api(second.url)
        wait_until(
            lambda: api.call("GET", f"files/v2/history/{OWNER}/slow")[-1]["status"] == "STAGING_COMPLETED"
        )
