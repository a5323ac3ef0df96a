"""What holds however a job is run."""

import pytest

from tests.live.backends.backend import Backend

pytestmark = pytest.mark.usefixtures("backend")


def test_success(backend: Backend) -> None:
    job = backend.run('echo "here I am"; mkdir -p results/deep; echo 42 > results/deep/answer.txt\n')
    assert (job["status"], job["remoteOutcome"]) == ("FINISHED", "FINISHED"), job["lastStatusMessage"]
    assert "here I am" in backend.stdout(job) or backend.kind.scheduler == "FORK"
    assert backend.output(job["id"], "results/deep/answer.txt") == b"42\n"
    times = [
        job[name]
        for name in ("accepted", "created", "remoteSubmitted", "remoteStarted", "remoteEnded", "ended")
    ]
    assert times == sorted(times)


def test_a_failing_app(backend: Backend) -> None:
    job = backend.run("echo partial > out.txt; exit 3\n", archiveOnAppError=True)
    assert (job["status"], job["remoteOutcome"]) == ("FAILED", "FAILED")
    assert job["lastStatusMessage"].startswith("APPS_USER_APP_FAILURE Failure indicated by ")
    assert "3" in job["lastStatusMessage"].rpartition("code: ")[2]
    assert backend.output(job["id"], "out.txt") == b"partial\n"
