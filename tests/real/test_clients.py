"""The installed clients are the ones from PyPI, unmodified, and start on this Python."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.real import clients as clients_module
from tests.real.clients import Clients, ClientsUnavailable
from tests.real.webhook_sink import WebhookSink

LOAD_EVERY_COMMAND = """
import importlib.metadata as metadata
for entry in metadata.entry_points(group="tapis.cli"):
    entry.load()
    print(entry.name)
"""


@pytest.fixture
def environment(clients: Clients, tmp_path: Path) -> dict[str, str]:
    return clients.environment("http://localhost:1/", tmp_path)


def test_tapis_says_its_version_and_lists_its_commands(clients: Clients, environment: dict[str, str]) -> None:
    version = clients.tapis(["--version"], environment)
    assert (version.returncode, version.stdout) == (0, "tapis 1.0.6\n")
    usage = clients.tapis(["--help"], environment)
    assert usage.returncode == 0
    assert "jobs outputs download" in usage.stdout


def test_every_tapis_command_can_be_loaded(clients: Clients, environment: dict[str, str]) -> None:
    loaded = subprocess.run(
        [clients.python, "-c", LOAD_EVERY_COMMAND],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (loaded.returncode, loaded.stderr) == (0, "")
    assert len(loaded.stdout.split()) > 100


def test_agavepy_can_be_imported(clients: Clients, environment: dict[str, str]) -> None:
    asked = "import agavepy.agave, importlib.metadata as m; print(m.version('agavepy'), agavepy.agave.Agave.__name__)"
    done = subprocess.run(
        [clients.python, "-c", asked], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("1.0.0a11 Agave\n", "")


def test_the_client_is_pointed_at_the_given_address(
    clients: Clients, tmp_path: Path, webhook_sink: WebhookSink
) -> None:
    environment = clients.environment(webhook_sink.url, tmp_path)
    clients.tapis(["auth", "init", "--tenant-id", "t", "--username", "u", "--password", "p"], environment)
    assert [(hook.method, hook.path) for hook in webhook_sink.wait_for(1)] == [("GET", "/tenants")]


def test_processes_that_race_make_one_environment(
    clients: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def install(root: Path) -> None:
        made.append(root)
        (root / "installed").write_text(clients_module._wanted())

    monkeypatch.setattr(clients_module, "_install", install)
    with ThreadPoolExecutor(8) as pool:
        got = {
            future.result().root
            for future in [pool.submit(clients_module.clients, tmp_path) for _ in range(8)]
        }
    assert (got, made) == ({tmp_path}, [tmp_path])


def test_a_half_made_environment_is_made_again_and_a_failure_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("setuptools==0.0.999\n")
    monkeypatch.setattr(clients_module, "REQUIREMENTS", requirements)
    root = tmp_path / "venv"
    (root / "lib").mkdir(parents=True)
    (root / "lib" / "left-behind").touch()
    for _ in range(2):
        with pytest.raises(ClientsUnavailable, match=r"setuptools==0\.0\.999"):
            clients_module.clients(root)
    assert not (root / "lib" / "left-behind").exists()
    assert not (root / "installed").exists()
