"""The wheel, installed elsewhere: it serves and runs the seeded job without the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator import __version__
from tests.live.serve_process import ServeProcess, clean_environment
from tests.served import Api, course_document

CHECKOUT = Path(__file__).resolve().parents[2]

# one worker builds and uses it
pytestmark = pytest.mark.xdist_group("wheel")


@dataclass(frozen=True)
class Installed:
    """A wheel, and a virtual environment that has it."""

    wheel: Path
    root: Path

    @property
    def command(self) -> str:
        return str(self.root / "bin" / "tapis-emulator")

    @property
    def python(self) -> str:
        return str(self.root / "bin" / "python")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Built and installed as a user would, but for the dependencies: these are lent by this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist")]
    _run([*build, str(CHECKOUT)], folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    root = folder / "environment"
    venv.EnvBuilder(symlinks=True).create(root)
    pip = [sys.executable, "-m", "pip", "--python", str(root / "bin" / "python")]
    _run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], folder)
    # a .pth line adds the directory only: what makes the checkout importable there is itself a .pth, and unread
    packages = _run([str(root / "bin" / "python"), "-c", _WHERE], folder).strip()
    (Path(packages) / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return Installed(wheel, root)


_WHERE = "import sysconfig; print(sysconfig.get_path('purelib'))"


def test_it_holds_the_package_and_its_data_and_nothing_else(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    roots = {name.partition("/")[0] for name in names}
    assert roots == {"emulator", f"tapis_emulator-{__version__}.dist-info"}
    assert not [name for name in names if "__pycache__" in name]
    shipped = {name.removeprefix("emulator/_fixtures/") for name in names if "/_fixtures/" in name}
    wanted = {
        str(path.relative_to(CHECKOUT / "fixtures"))
        for folder in ("seeds", "course")
        for path in (CHECKOUT / "fixtures" / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= shipped, f"left out: {sorted(wanted - shipped)}"
    library = {f"emulator/_scenarios/{path.name}" for path in (CHECKOUT / "scenarios").glob("*.yaml")}
    assert library and library <= set(names), f"left out: {sorted(library - set(names))}"


def test_its_code_is_not_that_of_the_checkout(installed: Installed, tmp_path: Path) -> None:
    found = _run([installed.python, "-c", "import emulator; print(emulator.__file__)"], tmp_path).strip()
    assert Path(found).is_relative_to(installed.root)
    assert "storage-flaps" in _run([installed.command, "scenario", "list", "--library"], tmp_path)
    assert _run([installed.command, "--version"], tmp_path).strip().endswith(__version__)


def test_it_serves_and_runs_the_seeded_job(installed: Installed, tmp_path: Path) -> None:
    arguments = ("--port", "0", "--data-dir", str(tmp_path / "data"))
    with ServeProcess(tmp_path, *arguments, command=[installed.command]) as server:
        api = Api(server.url, "student07")
        job_id = api.call("POST", "jobs/v2", json=course_document("job-public.json"))["id"]
        assert api.wait_for_job(job_id) == "FINISHED", api.call("GET", f"jobs/v2/{job_id}")
        predictions = api.request("GET", f"jobs/v2/{job_id}/outputs/media/predictions.txt")
        assert predictions.status_code == 200
        assert predictions.text.startswith("night sky"), predictions.text
        assert server.stop().code == 0


def _run(command: list[str], folder: Path) -> str:
    """What a command prints; AssertionError with all it said when it fails."""
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_its_pytest_plugin_is_found(installed: Installed, tmp_path: Path) -> None:
    """By its entry point; assertions of tests are pytest's, and the emulator gives no warnings on the way."""
    (tmp_path / "test_it.py").write_text(
        "def test_it(tapis_world, tapis_emulator):\n"
        "    assert type(tapis_emulator).__module__ == 'emulator.testing.server'\n"
        "    assert tapis_world.call('GET', 'profiles/v2/me')['username'] == 'testuser'\n",
        encoding="utf-8",
    )
    said = _run([installed.python, "-m", "pytest", "-W", "error", str(tmp_path)], tmp_path)
    assert "1 passed" in said and "warning" not in said, said
