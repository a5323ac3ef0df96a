"""The real clients, tapis-cli and agavepy from PyPI, in a virtual environment of their own.

They need old companions (docker 4, arrow 0.17, a setuptools that has pkg_resources), so they never share the
emulator's environment. The directory is ``.venv-clients`` in the checkout, or ``TAPIS_CLIENTS_VENV``.
Standard library only: this runs before anything is installed.

    python -m tests.real.clients install
    python -m tests.real.clients env http://localhost:8000/ HOME
    python -m tests.real.clients run http://localhost:8000/ HOME -- systems list
"""

import argparse
import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.real.cache import CHECKOUT, locked

REQUIREMENTS = Path(__file__).with_name("requirements-clients.txt")
SHIMS = Path(__file__).with_name("client_shims.py")
SHIMS_MODULE = "_tapis_client_shims"


class ClientsUnavailable(Exception):
    """The clients' environment could not be made; the message holds what pip or venv said."""


@dataclass(frozen=True)
class Clients:
    """An installed pair of clients; ``root`` is their virtual environment."""

    root: Path

    @property
    def python(self) -> Path:
        """The interpreter that can ``import agavepy``."""
        return self.root / "bin" / "python"

    @property
    def command(self) -> Path:
        """The ``tapis`` command."""
        return self.root / "bin" / "tapis"

    def environment(self, base_url: str, home: Path) -> dict[str, str]:
        """A whole process environment that points both clients at ``base_url`` [clients §1.1].

        ``home`` must exist; the clients keep their session in ``home/.agave``. Nothing is taken over from the
        caller's environment (a proxy or a ``TAPIS_*`` variable there would lead the clients elsewhere).
        """
        return {
            "PATH": f"{self.root / 'bin'}:{os.defpath}",
            "LANG": "C.UTF-8",
            "HOME": str(home),
            # where the command line remembers which commands it has: a quarter of its start
            "XDG_CACHE_HOME": str(self.root / ".cache"),
            "TAPIS_CACHE_DIR": str(home / ".agave"),
            "TAPIS_TENANTS_URL": f"{base_url.rstrip('/')}/tenants",
            "TAPIS_DEFAULT_VERIFY_SSL": "false",
            "TAPIS_CLI_VERIFY_SSL": "false",
            "TAPIS_CLI_NO_PROMPT": "1",
            "TAPIS_CLI_GA_DISABLE": "true",
            "PYTHONWARNINGS": "ignore",
        }

    def tapis(
        self, args: Sequence[str], env: Mapping[str, str], cwd: Path | None = None, timeout: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        """Run one ``tapis`` command to its end, without a terminal; never raises for its exit code.

        ``cwd`` defaults to the environment's HOME: the clients read any ``.env`` from there upward
        [clients §1.2]. ``subprocess.TimeoutExpired`` after ``timeout`` seconds.
        """
        done = subprocess.run(
            [str(self.command), *args],
            env=env,
            cwd=cwd or env["HOME"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        RUNS.append(Run(tuple(args), done.returncode, os.environ.get("PYTEST_CURRENT_TEST", "")))
        return done

    def commands(self) -> list[str]:
        """Every command that the installed tapis-cli has, as its words: ``jobs outputs list``."""
        script = (
            "from importlib.metadata import entry_points\n"
            "print('\\n'.join(e.name for e in entry_points(group='tapis.cli')))"
        )
        names = _run([str(self.python), "-c", script]).split()
        return sorted(name.replace("_", " ") for name in names)


@dataclass(frozen=True)
class Run:
    """A ``tapis`` command that was run: its arguments, exit code and, under pytest, in which test."""

    arguments: tuple[str, ...]
    code: int
    test: str


RUNS: list[Run] = []
"""What this process has run, in order; from it the page docs/clients.md is made (tests/client/page.py)."""


def clients(root: Path | None = None) -> Clients:
    """The installed clients, installing them first where they are missing or out of date.

    Safe when several processes ask at once: one installs, the others wait. A look at a stamp file when all is
    there. Raises :class:`ClientsUnavailable`.
    """
    home = (root or default_root()).absolute()
    home.mkdir(parents=True, exist_ok=True)
    if not _is_current(home):
        with locked(home):
            if not _is_current(home):
                _install(home)
    return Clients(home)


def client_environment(base_url: str, home: Path) -> dict[str, str]:
    """:meth:`Clients.environment` of the default clients."""
    return Clients(default_root().absolute()).environment(base_url, home)


def tapis(args: Sequence[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """:meth:`Clients.tapis` of the default clients, installed first where they are missing."""
    return clients().tapis(args, env)


def default_root() -> Path:
    """Where the clients' environment lies unless a caller says otherwise."""
    return Path(os.environ.get("TAPIS_CLIENTS_VENV") or CHECKOUT / ".venv-clients")


def _is_current(root: Path) -> bool:
    stamp = root / "installed"
    return stamp.is_file() and stamp.read_text() == _wanted()


def _wanted() -> str:
    """What an up-to-date environment was made from; another Python or another pin makes it out of date."""
    recipe = hashlib.sha256(REQUIREMENTS.read_bytes() + SHIMS.read_bytes()).hexdigest()
    return f"python {sys.version_info[0]}.{sys.version_info[1]} {recipe}\n"


def _install(root: Path) -> None:
    """Make the environment from nothing. The stamp is written last, so a half-made one is made again."""
    for entry in root.iterdir():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    # the caller's pip can fill another environment, and copying pip into each takes longer than all the rest
    own_pip = importlib.util.find_spec("pip") is None
    venv.EnvBuilder(with_pip=own_pip, symlinks=True).create(root)
    python = root / "bin" / "python"
    pip = [str(python), "-m", "pip"] if own_pip else [sys.executable, "-m", "pip", "--python", str(python)]
    # Every version is pinned, so there is nothing to resolve (--no-deps). Some of the packages exist as source
    # only: they are built by the pinned setuptools (no isolation), which therefore has to be there first.
    options = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    _run([*pip, *options, _pin_of("setuptools")])
    _run([*pip, *options, "--requirement", str(REQUIREMENTS)])
    _run([*pip, "check", "--disable-pip-version-check"])
    packages = Path(
        _run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    )
    shutil.copyfile(SHIMS, packages / f"{SHIMS_MODULE}.py")
    # not sitecustomize: a distribution's own would come first on the path and hide it
    (packages / f"{SHIMS_MODULE}.pth").write_text(f"import {SHIMS_MODULE}\n")
    _run([str(root / "bin" / "tapis"), "--version"])
    (root / "installed").write_text(_wanted())


def _pin_of(package: str) -> str:
    pins = REQUIREMENTS.read_text().split()
    return next(pin for pin in pins if pin.startswith(f"{package}=="))


def _run(command: list[str]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClientsUnavailable(
            f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """Install the clients, print the environment to paste, or run one ``tapis`` command."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.clients", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="make the environment if needed and print its directory")
    env = commands.add_parser("env", help="print export lines")
    run = commands.add_parser("run", help="run tapis; its arguments follow a --")
    for command in (env, run):
        command.add_argument("base_url")
        command.add_argument(
            "home", type=Path, help="a directory for the session; the real HOME keeps out of it"
        )
    run.add_argument("arguments", nargs="+")
    chosen = parser.parse_args(arguments)
    installed = clients()
    if chosen.command == "install":
        print(installed.root)
        return 0
    environment = installed.environment(chosen.base_url, chosen.home.absolute())
    if chosen.command == "env":
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items()))
        return 0
    done = installed.tapis(chosen.arguments, environment)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
