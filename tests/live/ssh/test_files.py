"""Files over SFTP keep the contract of all files: with a shell beside them, without one, and below a root."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.hosts.ssh.host import SshHost
from tests.host_files import HostFilesSuite, Place


@pytest.fixture
def real(tmp_path: Path) -> Path:
    directory = tmp_path / "machine" / "place"
    directory.mkdir(parents=True)
    return directory


class TestWithShell(HostFilesSuite):
    @pytest.fixture
    def place(self, host: SshHost, real: Path) -> Place:
        return Place(host.files, str(real), real)


@pytest.mark.campaign
class TestSftpOnly(HostFilesSuite):
    @pytest.fixture
    def place(self, sftp_host: SshHost, real: Path) -> Place:
        return Place(sftp_host.files, str(real), real)


@pytest.mark.campaign
class TestBelowRoot(HostFilesSuite):
    @pytest.fixture
    def place(self, host: SshHost, real: Path) -> Place:
        above = real.parent.parent / "link"
        above.symlink_to(real.parent)
        return Place(host.files.within(str(above)), f"{above}/place", real)
