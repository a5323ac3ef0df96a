"""docs/failure-by-input.md through the unmodified tapis-cli: its commands as they stand there, and what they show."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.client.conftest import Page
from tests.client.desk import desk_of
from tests.real.clients import Clients


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, clients: Clients) -> Iterator[Page]:
    """A world of its own, so that no other test lists these apps; signed in as its default user."""
    with desk_of("testuser", tmp_path_factory.mktemp("desk"), clients) as desk:
        yield desk


@pytest.mark.parametrize(
    ("app", "parameters", "message"),
    [
        ("emu-fails-1.0", {"exit_code": 42}, "user application return code: 42:0"),
        ("emu-archiving-fails-1.0", {}, "Unable to archive outputs for job: No space left on device"),
    ],
)
def test_a_job_made_by_the_command_line_fails_as_asked(
    desk: Page, app: str, parameters: dict[str, int], message: str
) -> None:
    definition = json.loads(
        desk.tapis("jobs", "init", *(() if "archiving" in app else ("--no-archive",)), app)
    )
    definition["parameters"] |= parameters
    (desk.folder / "job.json").write_text(json.dumps(definition), encoding="utf-8")
    job_id = desk.tapis_json("jobs", "submit", "-F", "job.json")["id"]
    assert desk.api.wait_for_job(job_id) == "FAILED"
    shown = desk.tapis_json("jobs", "show", job_id, "-v")
    assert shown["lastStatusMessage"].endswith(message)
    assert [entry["status"] for entry in desk.tapis_json("jobs", "history", job_id)][-1] == "FAILED"
