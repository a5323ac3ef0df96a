"""The history of jobs [jobs §7]."""

from __future__ import annotations

from datetime import timedelta

import pytest

from emulator.domain.document import to_document
from emulator.domain.event import Event, Progress
from emulator.domain.job import Job
from emulator.domain.states import JobState
from tests.contract.jobs.conftest import Bench
from tests.job_samples import NOON, OWNER, WORLD


@pytest.fixture
def history(bench: Bench, running: Job) -> str:
    """The path of a history with three entries, the second of them a transfer."""
    progress = Progress(
        uuid="0001409758089943-5056a550b8-0001-009",
        source="agave://tacc.corral.testuser/a.png",
        total_files=1,
        total_bytes=20,
        total_bytes_transferred=10,
        total_active_transfers=1,
        average_rate=5.0,
    )
    with bench.store.write() as tx:
        for second, (status, text, extra) in enumerate(
            (
                (JobState.PENDING, JobState.PENDING.description, None),
                (JobState.STAGING_INPUTS, "Job input copy in progress: a.png", to_document(progress)),
                (JobState.RUNNING, JobState.RUNNING.description, None),
            )
        ):
            tx.events.append(
                Event(
                    world=WORLD,
                    subject=running.id,
                    kind="job",
                    status=status.value,
                    description=text,
                    created=NOON + timedelta(seconds=second),
                    created_by=OWNER,
                    progress=extra,
                    uuid=f"000000000000000{second}-5056a550b8-0001-028",
                )
            )
    return f"/jobs/v2/{running.id}/history"


def test_history_is_told_from_the_beginning(bench: Bench, history: str) -> None:
    first, transfer, last = bench.get(history)
    assert first == {
        "status": "PENDING",
        "created": "2026-11-20T12:00:00.000Z",
        "createdBy": OWNER,
        "description": "Job processing beginning",
    }
    assert last["description"] == "Job running on execution system"
    assert list(transfer) == ["progress", "status", "created", "createdBy", "description"]
    assert transfer["progress"] == {
        "uuid": "0001409758089943-5056a550b8-0001-009",
        "source": "agave://tacc.corral.testuser/a.png",
        "totalActiveTransfers": 1,
        "totalFiles": 1,
        "totalBytesTransferred": 10,
        "totalBytes": 20,
        "averageRate": 5.0,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"limit": "1", "offset": "1"}, ["STAGING_INPUTS"]),
        ({"order": "DESC", "limit": "2"}, ["RUNNING", "STAGING_INPUTS"]),
        ({"status": "running"}, ["RUNNING"]),
        ({"status.in": "PENDING,RUNNING"}, ["PENDING", "RUNNING"]),
        ({"description.like": "*PROGRESS*"}, ["STAGING_INPUTS"]),
        ({"created.after": "2026-11-20T12:00:01Z"}, ["RUNNING"]),
        ({"createdBy": "nobody"}, []),
        ({"createdby.neq": "nobody"}, ["PENDING", "STAGING_INPUTS", "RUNNING"]),
        ({"id": "0000000000000002-5056a550b8-0001-028"}, ["RUNNING"]),
        ({"ipAddress": "127.0.0.1"}, []),
        ({"ipaddress.lt": "127.0.0.1"}, []),
        ({"colour": "red"}, ["PENDING", "STAGING_INPUTS", "RUNNING"]),
    ],
)
def test_history_is_searched_and_paged(
    bench: Bench, history: str, query: dict[str, str], expected: list[str]
) -> None:
    assert [entry["status"] for entry in bench.get(history, **query)] == expected


def test_history_refuses_what_it_cannot_read(bench: Bench, history: str) -> None:
    message = "Illegal date format for created"
    assert bench.refused("GET", history, query_string={"created": "someday"}) == (400, message)
    assert bench.refused("GET", history, query_string={"order": "UP"})[0] == 400
