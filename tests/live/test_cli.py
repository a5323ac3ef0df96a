"""The command line as its users meet it: every command is a process of its own."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.live.own_app import STORAGE, register_cluster, register_script
from tests.live.serve_process import COMMAND, ServeProcess, clean_environment, run
from tests.real.waiting import wait_until
from tests.served import Api, course_document

pytestmark = pytest.mark.sample(3, of="module")

SHELLS = [shell for shell in ("sh", "dash", "bash") if shutil.which(shell)]


def data(folder: Path) -> Sequence[str]:
    return ("--data-dir", str(folder / "data"))


def serving(folder: Path, *arguments: str) -> ServeProcess:
    return ServeProcess(folder, "--port", "0", *data(folder), *arguments)


def refused(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A ``serve`` that must end by itself, with an exit code of its own and a message, not a traceback."""
    try:
        done = run("serve", *arguments, folder=folder, environment=environment, timeout=60)
    except subprocess.TimeoutExpired as still_there:
        raise AssertionError(f"it serves: {still_there.stdout!r}") from None
    assert "Traceback" not in done.stderr, done.stderr
    return done


class TestEnv:
    def test_serve_prints_the_lines_and_env_prints_them_again(self, tmp_path: Path) -> None:
        with serving(tmp_path) as server:
            again = run("env", *data(tmp_path), folder=tmp_path)
            ended = server.stop()
        assert again.returncode == 0, again.stderr
        assert f"export EMULATOR={server.url}\n" in again.stdout
        assert again.stdout in ended.output

    @pytest.mark.parametrize("shell", SHELLS)
    def test_a_shell_that_evaluates_them_reaches_the_emulator(self, tmp_path: Path, shell: str) -> None:
        # -u: a line that takes a variable for granted fails; the proxy would lead elsewhere if it stayed set
        use = (
            'set -eu\neval "$(cat)"\n'
            'curl --silent --fail "$TAPIS_TENANTS_URL"\n'
            'printf "\\n%s\\n" "$TAPIS_DEFAULT_TENANT_ID $TAPIS_CACHE_DIR $AGAVE_CACHE_DIR ${http_proxy-unset}"\n'
        )
        with serving(tmp_path):
            lines = run("env", *data(tmp_path), folder=tmp_path).stdout
            done = subprocess.run(
                [shell, "-c", use],
                input=lines,
                env=clean_environment(tmp_path) | {"http_proxy": "http://127.0.0.1:9"},
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        listing, variables = done.stdout.splitlines()
        assert '"code":"tacc.prod"' in listing.replace(" ", "")
        cache = f"{tmp_path}/.agave-emulator"
        assert variables == f"tacc.prod {cache} {cache} unset"

    def test_the_configured_address_where_nobody_serves(self, tmp_path: Path) -> None:
        done = run("env", *data(tmp_path), "--port", "8123", folder=tmp_path)
        assert "export EMULATOR=http://localhost:8123\n" in done.stdout


class TestHealth:
    def test_waits_for_an_emulator_that_is_still_to_come(self, tmp_path: Path) -> None:
        waiting = subprocess.Popen(
            [*COMMAND, "health", "--wait", "120", *data(tmp_path), "--port", "9"],
            env=clean_environment(tmp_path),
            stdout=subprocess.PIPE,
            text=True,
        )
        with serving(tmp_path):
            said, _ = waiting.communicate(timeout=120)
        assert waiting.returncode == 0
        assert "status=ok" in said and "activeJobs=0" in said

    def test_nobody_answers(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        done = run("health", "--url", address, folder=tmp_path)
        assert done.returncode == 1
        assert done.stdout == ""
        assert f"no emulator answers at {address}" in done.stderr

    def test_somebody_else_answers(self, tmp_path: Path) -> None:
        with serving(tmp_path) as server:
            done = run("health", "--url", f"{server.url}/elsewhere", folder=tmp_path)
        assert done.returncode == 1
        assert f"no emulator answers at {server.url}/elsewhere" in done.stderr


def test_mailbox_shows_and_empties_what_jobs_have_sent(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        api = Api(server.url)
        notifications = [
            {"url": "mia@example.org", "event": "FINISHED"},
            {"url": "noah@example.org", "event": "FINISHED"},
        ]
        job = course_document("job-public.json") | {"notifications": notifications}
        job_id = api.call("POST", "jobs/v2", json=job)["id"]
        assert api.wait_for_job(job_id) == "FINISHED"
        wait_until(lambda: api.request("GET", "_emulator/health").json()["waitingMessages"] == 0)
        everything = run("mailbox", *data(tmp_path), folder=tmp_path)
        hers = run("mailbox", "--to", "mia@example.org", "--full", *data(tmp_path), folder=tmp_path)
        emptied = run("mailbox", "--empty", *data(tmp_path), folder=tmp_path)
        after = run("mailbox", *data(tmp_path), folder=tmp_path)
    recipients = sorted(line.split()[1] for line in everything.stdout.splitlines())
    assert recipients == ["mia@example.org", "noah@example.org"], everything.stdout + everything.stderr
    assert "noah@example.org" not in hers.stdout
    assert job_id in hers.stdout
    assert emptied.stdout == "removed 2\n"
    assert (after.returncode, after.stdout) == (0, "")


def test_mailbox_without_an_emulator(tmp_path: Path) -> None:
    done = run("mailbox", "--url", "http://127.0.0.1:9", folder=tmp_path)
    assert done.returncode == 1
    assert "no emulator answers at http://127.0.0.1:9" in done.stderr


class TestRefusals:
    def test_a_data_directory_that_is_being_served(self, tmp_path: Path) -> None:
        with serving(tmp_path) as server:
            second = refused(tmp_path, "--port", "0", *data(tmp_path))
            health = run("health", *data(tmp_path), folder=tmp_path)
        assert second.returncode == 1
        assert f"{tmp_path / 'data'} is being served by another process (pid {server.pid})" in second.stderr
        assert health.returncode == 0, "the first one goes on"

    def test_a_port_that_is_taken_and_nothing_stays_held(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = refused(tmp_path, "--port", str(port), *data(tmp_path))
        assert done.returncode == 1
        assert f"127.0.0.1:{port}" in done.stderr and "in use" in done.stderr
        with serving(tmp_path):
            pass

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (["--port", "many"], "--port"),
            (["--port", "70000"], "--port"),
            (["--port", "-1"], "--port"),
            (["--host", "192.0.2.1"], "192.0.2.1"),
            (["--log-level", "LOUD"], "--log-level"),
            (["--runtime", "teleport"], "--runtime"),
            (["--gateway-fault-format", "yaml"], "--gateway-fault-format"),
            (["--workers", "0"], "--workers"),
            (["--page-default", "-5"], "--page-default"),
            (["--jobs-time-scale", "0"], "--jobs-time-scale"),
            (["--images", "no-image"], "--images"),
            (["--seed-file", "absent.yaml"], "absent.yaml"),
            (["--auth-default-user", "nobody"], "--auth-default-user"),
            (["--config", "absent.yaml"], "absent.yaml"),
            (["--colour", "blue"], "--colour"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_a_wrong_value_names_its_option(
        self, tmp_path: Path, arguments: Sequence[str], named: str
    ) -> None:
        port = () if "--port" in arguments else ("--port", "0")
        done = refused(tmp_path, *port, *data(tmp_path), *arguments)
        assert done.returncode in (1, 2), done.stdout + done.stderr
        assert named in done.stderr

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("TAPIS_EMULATOR_SERVER_PORT", "many"),
            ("TAPIS_EMULATOR_EPHEMERAL", "perhaps"),
            ("TAPIS_EMULATOR_ENGINE_RUNTIME", "teleport"),
            ("TAPIS_EMULATOR_ENGINE_IMAGES", "no-image"),
        ],
    )
    def test_a_wrong_value_names_its_variable(self, tmp_path: Path, variable: str, value: str) -> None:
        port = () if "PORT" in variable else ("--port", "0")
        done = refused(tmp_path, *port, *data(tmp_path), environment={variable: value})
        assert done.returncode == 1, done.stdout + done.stderr
        assert variable in done.stderr

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("server: {colour: blue}", "server.colour"),
            ("server: {port: many}", "server.port"),
            ("engine: {runtime: teleport}", "engine.runtime"),
            ("- a list", "mapping"),
            ("server: {", "options.yaml"),
        ],
    )
    def test_a_wrong_file_is_named_with_its_key(self, tmp_path: Path, text: str, named: str) -> None:
        (tmp_path / "options.yaml").write_text(text)
        done = refused(tmp_path, *data(tmp_path), "--config", "options.yaml")
        assert done.returncode == 1, done.stdout + done.stderr
        assert "options.yaml" in done.stderr and named in done.stderr

    def test_a_data_directory_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("not a directory")
        done = refused(tmp_path, "--port", "0", *data(tmp_path))
        assert done.returncode == 1
        assert str(tmp_path / "data") in done.stderr


class TestEnd:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_in_order_whoever_is_connected(
        self, tmp_path: Path, number: signal.Signals
    ) -> None:
        with serving(tmp_path) as server:
            port = int(server.url.rpartition(":")[2])
            with (
                socket.create_connection(("127.0.0.1", port)) as silent,
                socket.create_connection(("127.0.0.1", port)) as idle,
                socket.create_connection(("127.0.0.1", port)) as stalled,
            ):
                idle.sendall(b"GET /_emulator/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert idle.recv(1) == b"H"
                stalled.sendall(
                    b"POST /jobs/v2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 1000\r\n\r\n{"
                )
                ended = server.stop(number)
                assert silent.recv(1) == b"", "its connections end with it"
        assert ended.code == 0, ended.complaints
        assert ended.complaints == ""
        assert not (tmp_path / "data" / "server.json").exists()

    def test_ephemeral_leaves_no_directory_behind(self, tmp_path: Path) -> None:
        with ServeProcess(tmp_path, "--port", "0", "--ephemeral") as server:
            assert server.data.is_dir()
            api = Api(server.url)
            job_id = api.call("POST", "jobs/v2", json=course_document("job-public.json"))["id"]
            assert api.wait_for_job(job_id) == "FINISHED"
            assert server.stop().code == 0
        assert not server.data.exists()
        assert [path.name for path in tmp_path.iterdir()] == ["serve.log"], "nor anything in the home"


# Says that it begins and ends, each by one line, and waits in between until the test lets it go.
WAITING_SCRIPT = """\
#!/bin/sh
echo "began ${AGAVE_JOB_ID}" >>../ran
while [ ! -e ../go ]; do sleep 0.05; done
echo "ended ${AGAVE_JOB_ID}" >>../ran
echo done >result.txt
"""


class Runs:
    """Jobs of the waiting script on two machines.

    One has no limits; the other takes two of its queue and user at a time, the others are blocked.
    """

    FORK = "unlimited.cluster"
    SLURM = "narrow.cluster"

    def __init__(self, server: ServeProcess) -> None:
        self.data = server.data
        api = Api(server.url)
        register_cluster(api, self.FORK)
        queue = {"name": "narrow", "default": True, "maxUserJobs": 2, "maxRequestedTime": "01:00:00"}
        slurm = {"executionType": "HPC", "scheduler": "SLURM", "queues": [queue], "maxSystemJobsPerUser": 4}
        register_cluster(api, self.SLURM, **slurm)
        self.app = register_script(api, "waiting", self.FORK, WAITING_SCRIPT)
        self.queued_app = register_script(
            api, "queued", self.SLURM, WAITING_SCRIPT, executionType="HPC", defaultQueue="narrow"
        )
        self.job_ids: list[str] = []

    def submit(self, api: Api, app: str) -> None:
        job = {"name": "one of many", "appId": app, "archive": True, "archiveSystem": STORAGE}
        self.job_ids.append(api.call("POST", "jobs/v2", json=job)["id"])

    def states(self, api: Api) -> list[str]:
        return [api.call("GET", f"jobs/v2/{job_id}/status")["status"] for job_id in self.job_ids]

    def let_go(self) -> None:
        """Let every script end, now and later; also what a failed test would otherwise leave running."""
        for host in (self.FORK, self.SLURM):
            folder = self.data / "hosts" / "default" / f"{host}.example.org" / "scratch" / "testuser"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "go").touch()

    def lines(self) -> list[str]:
        """What all scripts together have said."""
        said = [path.read_text() for path in self.data.glob("hosts/*/*/scratch/testuser/ran")]
        return sorted("".join(said).splitlines())

    def expected_lines(self) -> list[str]:
        return sorted(f"{what} {job_id}" for what in ("began", "ended") for job_id in self.job_ids)


def _wait(server: ServeProcess, runs: Runs, reached: list[str], timeout: float = 120) -> Api:
    """Ask until the jobs' states include all of ``reached``, as often as each is named there."""
    api = Api(server.url)
    states: list[str] = []

    def there() -> bool:
        states[:] = runs.states(api)
        return all(states.count(state) >= reached.count(state) for state in set(reached))

    try:
        wait_until(there, timeout)
    except AssertionError as vain:
        raise AssertionError(f"never {Counter(reached)} but {states}\n{server.complaints()}") from vain
    return api


def test_killed_at_any_moment_it_finishes_every_job_and_runs_none_twice(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        runs = Runs(server)
        api = Api(server.url)
        for _ in range(6):
            runs.submit(api, runs.app)
            runs.submit(api, runs.queued_app)
        server.kill()
    try:
        # wherever the first kill met them, now they get as far as they can
        with serving(tmp_path) as server:
            _wait(server, runs, ["RUNNING"] * 8 + ["BLOCKED"] * 4)
            server.kill()
        with serving(tmp_path) as server:
            api = _wait(server, runs, ["RUNNING"] * 8)
            runs.submit(api, runs.app)
            runs.let_go()
            _wait(server, runs, ["FINISHED"])
            server.kill()
        with serving(tmp_path) as server:
            api = _wait(server, runs, ["FINISHED"] * len(runs.job_ids))
            for job_id in runs.job_ids:
                outputs = api.call("GET", f"jobs/v2/{job_id}/outputs/listings")
                assert "result.txt" in [entry["name"] for entry in outputs]
            assert runs.lines() == runs.expected_lines()
    finally:
        runs.let_go()


def test_stopped_in_order_it_leaves_scripts_running_and_takes_them_up_again(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        runs = Runs(server)
        runs.submit(Api(server.url), runs.app)
        try:
            _wait(server, runs, ["RUNNING"])
            assert server.stop().code == 0
            runs.let_go()
            with serving(tmp_path) as again:
                _wait(again, runs, ["FINISHED"])
            assert runs.lines() == runs.expected_lines()
        finally:
            runs.let_go()


def test_a_locale_that_cannot_name_all_files_is_refused(tmp_path: Path) -> None:
    ascii_only = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    ended = run("serve", "--port", "0", "--ephemeral", folder=tmp_path, environment=ascii_only)
    assert ended.returncode == 1
    assert ended.stderr == ("Error: the locale is not UTF-8; set PYTHONUTF8=1 or a locale such as C.UTF-8\n")


def test_it_may_open_more_files_than_it_was_started_with(tmp_path: Path) -> None:
    few = ("/bin/sh", "-c", 'ulimit -Sn 256 && exec "$@"', "-", *COMMAND)
    with ServeProcess(tmp_path, "--port", "0", "--ephemeral", command=few) as server:
        soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        assert soft == min(8192, hard) > 256


def test_scripts_of_a_server_under_nohup_get_signals_as_always(tmp_path: Path) -> None:
    with ServeProcess(tmp_path, "--port", "0", "--ephemeral", command=("nohup", *COMMAND)) as server:
        os.kill(server.pid, signal.SIGHUP)
        api = Api(server.url)
        register_cluster(api, "cluster")
        app = register_script(api, "signals", "cluster", "grep SigIgn /proc/self/status\n")
        job = api.call("POST", "jobs/v2", json={"name": "signals", "appId": app})["id"]
        assert api.wait_for_job(job) == "FINISHED"
        output = api.request("GET", f"jobs/v2/{job}/outputs/media/signals.out").text
        ignored = int(output.split()[-1], 16)
        assert not ignored & (1 << (signal.SIGHUP - 1)), output
