"""``tapis-emulator demo``: the course page "Intro to Tapis (Aloe) Jobs", done by the real tapis-cli."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from emulator.cli.options import data_path, with_settings
from emulator.cli.watching import StateWatch
from emulator.resources import fixtures
from emulator.settings import Settings

STORAGE = "testuser.tacc.corral.storage"
APP = "imageclassify-1.0.0"
_USER = "testuser"
_PASSWORD = "emulator"
_LIMIT_SECONDS = 120


class DemoFailed(click.ClickException):
    """A step did not do what it shows; the message holds what the client said."""


@dataclass(frozen=True)
class Client:
    """The real ``tapis`` command with the environment that points it at the emulator."""

    command: Path
    environment: Mapping[str, str]
    folder: Path

    def run(self, *arguments: str, quiet: bool = False) -> str:
        """Show the command line, run it, show and answer what it printed. Raises DemoFailed."""
        if not quiet:
            self.show(*arguments)
        done = subprocess.run(
            [str(self.command), *arguments],
            env=dict(self.environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise DemoFailed(f"tapis {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        if not quiet:
            click.echo(done.stdout.rstrip())
        return done.stdout

    def transfer(self, *arguments: str, files: int) -> None:
        """Run a transfer with ``--progress`` and draw the files that have gone as a bar."""
        self.show(*arguments)
        with (
            subprocess.Popen(
                [str(self.command), *arguments, "--progress"],
                env=dict(self.environment),
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
            click.progressbar(length=files, label="  files") as bar,
        ):
            assert process.stderr is not None and process.stdout is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if line.lower().startswith(("uploading", "downloading")):
                    bar.update(1)
            output = process.stdout.read()
            bar.update(files - bar.pos)
        if process.returncode != 0:
            raise DemoFailed(f"tapis {' '.join(arguments)}:\n{output}{''.join(said)}")

    @staticmethod
    def show(*arguments: str) -> None:
        click.secho(f"\n$ tapis {' '.join(arguments)}", bold=True)


@click.command("demo")
@click.option(
    "--clients",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="virtual environment that holds the tapis command; default: the one on the PATH",
)
@with_settings
def command(settings: Settings, clients: Path | None) -> None:
    """Register systems and an app, run a job, fetch its outputs: all of the course page, by the real client."""
    from emulator.app import Emulator
    from emulator.data_directory import DataDirectory

    tapis = _tapis(clients)
    # a fresh start each time: the demo shows the whole page, from an empty storage system on
    folder = data_path(settings) / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    settings = replace(settings, port=0)
    with Emulator(settings, DataDirectory(folder)) as emulator, tempfile.TemporaryDirectory() as home:
        click.echo(f"The emulator listens on {emulator.url}; its data are in {folder}")
        client = Client(tapis, _environment(emulator.url, Path(home), tapis), Path(home))
        _register(client, Path(home))
        job_id = _run_job(client, Path(home))
        _fetch(client, Path(home), emulator.url, job_id)
        _show_mails(emulator.url)
        archive = emulator.archive_directory(STORAGE, f"{_USER}/archive/jobs/job-{job_id}")
        click.echo(f"\nThe archive on this machine: {archive}")
        for path in sorted(archive.rglob("*")):
            click.echo(f"  {path.relative_to(archive)}")


def _tapis(clients: Path | None) -> Path:
    found = shutil.which("tapis", path=str(clients / "bin") if clients else None)
    if found is None:
        raise click.ClickException(
            "the demo drives the real client, and there is no `tapis` command here; `make demo` installs it, "
            "or name the virtual environment that holds it with --clients"
        )
    return Path(found).absolute()


def _environment(url: str, home: Path, tapis: Path) -> dict[str, str]:
    """What `tapis-emulator env` prints, and nothing of the surrounding environment [clients §1.1]."""
    return {
        "PATH": f"{tapis.parent}:{os.defpath}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TAPIS_CACHE_DIR": str(home / ".agave"),
        "TAPIS_TENANTS_URL": f"{url}/tenants",
        "TAPIS_DEFAULT_VERIFY_SSL": "false",
        "TAPIS_CLI_VERIFY_SSL": "false",
        "TAPIS_CLI_NO_PROMPT": "1",
        "TAPIS_CLI_GA_DISABLE": "true",
        "PYTHONWARNINGS": "ignore",
    }


def _register(client: Client, folder: Path) -> None:
    """The page's first half: sign in, two systems, the app's files, the app."""
    course = fixtures() / "course"
    for name in ("storage-system.json", "execution-system.json", "app.json"):
        shutil.copy(course / name, folder)
    bundle = folder / APP
    shutil.copytree(course / "app-bundle", bundle, ignore=shutil.ignore_patterns("__pycache__"))
    login = ("--tenant-id", "tacc.prod", "--username", _USER, "--password", _PASSWORD)
    client.run("auth", "init", *login, "--no-dockerhub")
    client.run("systems", "create", "-F", "storage-system.json", *_columns("id", "type", "status"))
    client.run("systems", "create", "-F", "execution-system.json", *_columns("id", "type", "scheduler"))
    client.run(
        "files", "mkdir", f"agave://{STORAGE}/home/{_USER}", "applications", *_columns("path", "status")
    )
    files = sum(path.is_file() for path in bundle.rglob("*"))
    client.transfer("files", "upload", f"agave://{STORAGE}/home/{_USER}/applications", APP, files=files)
    client.run("apps", "create", "-F", "app.json", *_columns("id", "executionSystem", "deploymentPath"))
    client.run("apps", "list")


def _run_job(client: Client, folder: Path) -> str:
    """Submit the page's job, and show its states as the webhook tells them."""
    request = json.loads((fixtures() / "course" / "job-notify.json").read_text(encoding="utf-8"))
    with StateWatch() as watch:
        request["notifications"].append({"url": watch.url, "event": "*", "persistent": True})
        (folder / "job.json").write_text(json.dumps(request, indent=2), encoding="utf-8")
        client.show("jobs", "submit", "-F", "job.json")
        answer = json.loads(client.run("jobs", "submit", "-F", "job.json", "-f", "json", quiet=True))
        click.echo(f"job {answer['id']} is {answer['status']}; its states, as the webhook tells them:")
        status = ""
        for message in watch.messages(_LIMIT_SECONDS):
            status = message["status"]
            click.echo(f"  {message['lastUpdated'][11:23]}  {status:<18} {message['error_message']}")
        if status != "FINISHED":
            raise DemoFailed(f"the job ended as {status}")
    client.run("jobs", "history", answer["id"], "--max-width", "120")
    return str(answer["id"])


def _fetch(client: Client, folder: Path, url: str, job_id: str) -> None:
    """The page's second half: list and download the outputs, with the client and with curl."""
    client.run("jobs", "outputs", "list", job_id)
    listing = client.run("jobs", "outputs", "list", job_id, "-v", "-f", "json", quiet=True)
    files = sum(1 for entry in json.loads(listing) if entry["type"] != "dir")
    client.transfer("jobs", "outputs", "download", job_id, files=files)
    predictions = next(folder.rglob(f"*{job_id}*/predictions.txt"), None)
    if predictions is None:
        raise DemoFailed("predictions.txt is not among the downloaded outputs")
    token = json.loads((folder / ".agave" / "current").read_text(encoding="utf-8"))["access_token"]
    media = f"{url}/files/v2/media/system/{STORAGE}/{_USER}/archive/jobs/job-{job_id}/predictions.txt"
    fetched = _curl(media, token)
    if fetched != predictions.read_text(encoding="utf-8"):
        raise DemoFailed("the archive and the downloaded outputs differ")
    click.secho(fetched.rstrip(), fg="green")


def _columns(*names: str) -> list[str]:
    """Options of tapis that show only these fields."""
    return [argument for name in names for argument in ("-c", name)]


def _curl(url: str, token: str) -> str:
    """The body behind a URL, by the real curl. Raises DemoFailed."""
    click.secho(f'\n$ curl -s -H "Authorization: Bearer {token[:6]}…" {url}', bold=True)
    if shutil.which("curl") is None:
        raise DemoFailed("the page fetches a file with curl, and there is no curl on this machine")
    command = ["curl", "-sf", "--noproxy", "*", "-H", f"Authorization: Bearer {token}", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False)
    if done.returncode != 0:
        raise DemoFailed(f"curl ended with {done.returncode}: {done.stderr}")
    return done.stdout


def _show_mails(url: str) -> None:
    from emulator.cli.control import ask

    deadline = time.monotonic() + _LIMIT_SECONDS
    while ask(url, "health")["waitingMessages"]:
        if time.monotonic() > deadline:
            raise DemoFailed("some e-mails did not arrive")
        time.sleep(0.05)
    mails: list[dict[str, Any]] = ask(url, "mailbox")
    click.echo(f"\n{len(mails)} e-mails were sent:")
    for mail in mails:
        click.echo(f"  to {mail['to']}: {mail['subject']}")
