"""What holds however a job is run."""

import pytest

from emulator.domain.slug import slug
from tests.live.backends.backend import Backend

HOLD = "touch holding; while [ ! -e go ]; do sleep 0.1; done\n"
"""Runs until somebody makes a file ``go`` in the work directory, or kills it."""
UNICODE = "Größe, 日本 & 'quotes'"


def parameter(name: str, **value: object) -> dict[str, object]:
    return {"id": name, "value": {"type": "string", "visible": True, "required": True, **value}}


class TestEnds:
    def test_success(self, backend: Backend) -> None:
        job = backend.run(
            "mkdir -p results/deep; echo 42 > results/deep/answer.txt; echo here I am; echo oh >&2\n"
        )
        assert (job["status"], job["remoteOutcome"]) == ("FINISHED", "FINISHED"), job["lastStatusMessage"]
        assert backend.output(job["id"], "results/deep/answer.txt") == b"42\n"
        assert "here I am" in backend.stdout(job)
        assert "oh" in backend.stderr(job)
        moments = ("accepted", "created", "remoteSubmitted", "remoteStarted", "remoteEnded", "ended")
        times = [job[name] for name in moments]
        assert times == sorted(times)

    def test_history(self, backend: Backend) -> None:
        """One entry for each state, in order and in time."""
        job = backend.run("true\n")
        entries = backend.history(job["id"])
        states = [entry["status"] for entry in entries if not entry.get("progress")]
        once = list(dict.fromkeys(states))
        assert once == [
            "PENDING",
            "PROCESSING_INPUTS",
            "STAGED",
            "STAGING_JOB",
            "SUBMITTING",
            "QUEUED",
            "RUNNING",
            "CLEANING_UP",
            "ARCHIVING",
            "FINISHED",
        ]
        times = [entry["created"] for entry in entries]
        assert times == sorted(times)

    def test_a_failing_app(self, backend: Backend) -> None:
        job = backend.run("echo partial > out.txt; exit 3\n", archiveOnAppError=True)
        assert (job["status"], job["remoteOutcome"]) == ("FAILED", "FAILED")
        assert job["lastStatusMessage"].startswith("APPS_USER_APP_FAILURE Failure indicated by ")
        assert "3" in job["lastStatusMessage"].rpartition("code: ")[2]
        assert backend.output(job["id"], "out.txt") == b"partial\n"

    def test_a_signal(self, backend: Backend) -> None:
        job = backend.run("echo before; kill -SEGV $$\n", archiveOnAppError=True)
        assert (job["status"], job["remoteOutcome"]) == ("FAILED", "FAILED")
        code = job["lastStatusMessage"].rpartition("code: ")[2]
        assert code in ("139", "0:11", "11", "139:0"), job["lastStatusMessage"]

    def test_a_program_that_is_not_there(self, backend: Backend) -> None:
        job = backend.run("no-such-program --really\n")
        assert job["status"] == "FAILED"
        assert "127" in job["lastStatusMessage"]

    def test_a_wrapper_that_calls_it_a_failure(self, backend: Backend) -> None:
        job = backend.run("${AGAVE_JOB_CALLBACK_FAILURE}\nexit 0\n")
        assert job["status"] == "FAILED"
        assert "APPS_USER_APP_FAILURE" in job["lastStatusMessage"]


class TestLimits:
    @pytest.mark.timeout(240)
    def test_run_time(self, backend: Backend) -> None:
        """Schedulers take a minute as their least."""
        if backend.kind.minutes:
            pytest.skip("takes minutes: in the campaign")
        job = backend.run("sleep 600\n", timeout=200, maxRunTime="00:00:02", archiveOnAppError=True)
        assert (job["status"], job["remoteOutcome"]) == ("FAILED", "FAILED")
        assert "TIMEOUT" in job["lastStatusMessage"]

    def test_memory(self, backend: Backend) -> None:
        if backend.kind.limited is None:
            pytest.skip(f"{backend.kind.name}: nothing limits memory there")
        hog = "cat /dev/zero | tail -c 400000000\n"  # keeps as much as it is to print, and never gets there
        job = backend.run(hog, timeout=120, batchQueue=backend.limited(), archiveOnAppError=True)
        assert (job["status"], job["remoteOutcome"]) == ("FAILED", "FAILED"), job["lastStatusMessage"]
        assert backend.kind.memory_word in job["lastStatusMessage"]


class TestCancel:
    def test_while_it_runs(self, backend: Backend) -> None:
        job = backend.submit(backend.app(HOLD))
        backend.wait(job, "RUNNING")
        backend.cancel(job)
        assert backend.finished(job)["status"] == "STOPPED"
        backend.nothing_runs(job)

    def test_right_after_submission(self, backend: Backend) -> None:
        job = backend.submit(backend.app(HOLD))
        backend.cancel(job)
        assert backend.finished(job)["status"] == "STOPPED"
        backend.nothing_runs(job)

    @pytest.mark.parametrize("state", ["STAGING_JOB", "SUBMITTING", "QUEUED", "CLEANING_UP", "ARCHIVING"])
    def test_as_a_state_is_reached(self, backend: Backend, state: str) -> None:
        """States go by quickly: the cancel strikes in that state, or soon after."""
        job = backend.submit(backend.app("echo out > out.txt; sleep 0.2\n"))
        backend.wait_entered(job, state)
        backend.cancel(job)
        ended = backend.finished(job)
        assert ended["status"] in ("STOPPED", "FINISHED"), ended["lastStatusMessage"]
        backend.nothing_runs(job)


class TestNames:
    def test_in_jobs_parameters_and_files(self, backend: Backend) -> None:
        app = backend.app(
            'printf %s ${text} > "a file ü.txt"; mkdir "d i r"; echo x > "d i r/ñ"; ls\n',
            parameters=[parameter("text", enquote=True)],
        )
        job = backend.finished(backend.submit(app, name="Größe 日本", parameters={"text": UNICODE}))
        assert job["status"] == "FINISHED", job["lastStatusMessage"]
        assert backend.output(job["id"], "a file ü.txt").decode() == UNICODE
        assert backend.outputs(job["id"], "d i r") == ["ñ"]
        assert job["workPath"].endswith(f"-{slug(job['name'])}") or job["archivePath"]

    def test_of_inputs(self, backend: Backend) -> None:
        backend.put("in put ä.txt", b"content \xff\n")
        source = f"agave://{backend.storage}/in%20put%20%C3%A4.txt"
        declared = {"id": "data", "value": {"visible": True, "required": True, "enquote": True}}
        app = backend.app("cat ${data} > copy.txt\n", inputs=[declared])
        job = backend.finished(backend.submit(app, inputs={"data": [source]}))
        assert job["status"] == "FINISHED", job["lastStatusMessage"]
        assert backend.output(job["id"], "copy.txt") == b"content \xff\n"


class TestMuch:
    """Cells that take long on a backend are in the campaign; see conftest.py."""

    def test_a_thousand_small_outputs(self, backend: Backend) -> None:
        job = backend.run("mkdir many; for i in $(seq 1000); do echo $i > many/$i.txt; done\n", timeout=180)
        assert job["status"] == "FINISHED", job["lastStatusMessage"]
        names = backend.outputs(job["id"], "many")
        assert names == sorted(f"{number}.txt" for number in range(1, 1001))
        assert backend.output(job["id"], "many/777.txt") == b"777\n"

    def test_a_flood_of_output(self, backend: Backend) -> None:
        """30 MB on each stream."""
        job = backend.run("yes out | head -c 30000000; yes err | head -c 30000000 >&2\n", timeout=180)
        assert job["status"] == "FINISHED", job["lastStatusMessage"]
        assert len(backend.stdout(job)) >= 30_000_000
        assert len(backend.stderr(job)) >= 30_000_000

    def test_many_jobs_at_once(self, backend: Backend) -> None:
        app = backend.app("echo done > done.txt\n")
        jobs = [backend.submit(app, name=f"one of many {number}") for number in range(12)]
        for job in jobs:
            assert backend.finished(job, timeout=180)["status"] == "FINISHED"


class TestOutputs:
    def test_while_the_job_runs(self, backend: Backend) -> None:
        """The end of a log that grows, by range; then the whole, then from the archive."""
        app = backend.app("echo first; " + HOLD + "echo last\n")
        job = backend.submit(app)
        backend.wait(job, "RUNNING")
        backend.wait_for_output(job, "holding")
        log = backend.log(job)
        backend.wait_for_text(job, log, b"first")
        grown = backend.output(job, log)
        part = backend.api.request(
            "GET", f"jobs/v2/{job}/outputs/media/{log}", headers={"Range": "bytes=0-2"}
        )
        assert part.status_code == 206
        assert part.content == grown[:3]
        backend.put_into_work_dir(job, "go")
        ended = backend.finished(job)
        assert ended["status"] == "FINISHED", ended["lastStatusMessage"]
        assert backend.stdout(ended).startswith(grown.decode())
        assert "last" in backend.stdout(ended)

    def test_without_archiving(self, backend: Backend) -> None:
        job = backend.run("echo kept > kept.txt\n", archive=False)
        assert job["status"] == "FINISHED"
        assert backend.output(job["id"], "kept.txt") == b"kept\n"
