"""One sshd for all tests of a worker that do not break it; others start their own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.hosts.ssh.host import SshHost, SshMachines
from tests.real.sshd import Sshd
from tests.real.sshd import sshd as running_sshd


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """Lets the tests' own user in, to everything."""
    with running_sshd() as server:
        yield server


@pytest.fixture(scope="session")
def sftp_server() -> Iterator[Sshd]:
    """Gives SFTP and no shell."""
    with running_sshd(extra="ForceCommand internal-sftp\n") as server:
        yield server


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[SshMachines]:
    made = SshMachines(tmp_path / "known_hosts")
    yield made
    made.close()


@pytest.fixture
def host(machines: SshMachines, sshd: Sshd) -> SshHost:
    return machines.machine(sshd.machine, sshd.identity, "login.example.org")


@pytest.fixture
def sftp_host(machines: SshMachines, sftp_server: Sshd) -> SshHost:
    return machines.machine(sftp_server.machine, sftp_server.identity, "storage.example.org")


@pytest.fixture
def account() -> Iterator[tuple[str, str]]:
    """A system account with a password, gone afterwards."""
    if os.geteuid() != 0:
        pytest.skip("making an account needs root")
    name, password = f"tapis-test-{os.getpid()}", "p4ss wörd: '\"$"
    subprocess.run(["useradd", "--no-create-home", "--home-dir", "/tmp", "-s", "/bin/sh", name], check=True)
    try:
        subprocess.run(["chpasswd"], input=f"{name}:{password}".encode(), check=True)
        yield name, password
    finally:
        subprocess.run(["userdel", name], check=False, capture_output=True)
