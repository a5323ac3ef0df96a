"""Host keys: pinned, recorded at first contact, refused when they change."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import paramiko
import pytest

from emulator.hosts.ssh.errors import HostKeyChanged, UnusableKey
from emulator.hosts.ssh.known_hosts import KnownHosts, PublicKey, pinned_key


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[paramiko.PKey]:
    directory = tmp_path_factory.mktemp("keys")
    made = []
    for number in range(2):
        path = directory / str(number)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
        subprocess.run(command, check=True, capture_output=True)
        made.append(paramiko.Ed25519Key.from_private_key_file(str(path)))
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "known_hosts"


def line(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.get_base64()}"


def test_first_contact_is_recorded_as_ssh_does(path: Path, keys: list[paramiko.PKey]) -> None:
    known = KnownHosts(path)
    known.check("Login.Example.org", 22, keys[0])
    known.check("login.example.org", 2222, keys[1])
    assert path.read_text().splitlines() == [
        f"login.example.org {line(keys[0])}",
        f"[login.example.org]:2222 {line(keys[1])}",
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    for name in ("login.example.org", "[login.example.org]:2222"):
        found = subprocess.run(["ssh-keygen", "-F", name, "-f", str(path)], capture_output=True, check=False)
        assert found.returncode == 0
    known.check("login.example.org", 22, keys[0])
    assert len(path.read_text().splitlines()) == 2


def test_a_changed_key_is_refused_and_can_be_accepted(path: Path, keys: list[paramiko.PKey]) -> None:
    known = KnownHosts(path)
    known.check("h", 2222, keys[0])
    with pytest.raises(HostKeyChanged) as raised:
        known.check("h", 2222, keys[1])
    said = str(raised.value)
    assert keys[0].fingerprint in said
    assert keys[1].fingerprint in said
    assert str(path) in said
    command = said.rpartition("accept it with: ")[2]
    subprocess.run(command, shell=True, check=True, capture_output=True)
    known.check("h", 2222, keys[1])
    with pytest.raises(HostKeyChanged):
        known.check("h", 2222, keys[0])


def test_names_that_ssh_has_hashed(path: Path, keys: list[paramiko.PKey]) -> None:
    known = KnownHosts(path)
    known.check("h", 22, keys[0])
    known.check("h", 2222, keys[1])
    subprocess.run(["ssh-keygen", "-H", "-f", str(path)], check=True, capture_output=True)
    assert "h " not in path.read_text().replace("ssh-ed25519 ", "")
    known.check("h", 22, keys[0])
    known.check("h", 2222, keys[1])
    with pytest.raises(HostKeyChanged):
        known.check("h", 22, keys[1])


def test_a_file_that_was_edited_by_hand(path: Path, keys: list[paramiko.PKey]) -> None:
    path.parent.mkdir()
    path.write_text(
        f"# ours\n\nbroken\n|1|x|y {line(keys[1])}\nother ssh-ed25519 !!!\n"
        f"@cert-authority h {line(keys[1])}\nalias,H {line(keys[0])} a comment"
    )
    known = KnownHosts(path)
    known.check("h", 22, keys[0])
    with pytest.raises(HostKeyChanged):
        known.check("alias", 22, keys[1])
    known.check("new", 22, keys[1])
    assert path.read_text().endswith(f" a comment\nnew {line(keys[1])}\n")


def test_a_pin_wins_over_what_is_recorded(path: Path, keys: list[paramiko.PKey]) -> None:
    known = KnownHosts(path)
    known.check("h", 22, keys[0])
    known.check("h", 22, keys[1], pin=line(keys[1]))
    known.check("h", 22, keys[1], pin=f"h {line(keys[1])} comment")
    with pytest.raises(HostKeyChanged) as raised:
        known.check("h", 22, keys[0], pin=line(keys[1]))
    assert keys[0].fingerprint in str(raised.value)
    assert keys[1].fingerprint in str(raised.value)
    assert "host map" in str(raised.value)
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize("pin", ["nonsense", "ssh-ed25519", "ssh-ed25519 AAAA***", "SHA256:abcdef"])
def test_a_pin_that_is_none(pin: str) -> None:
    with pytest.raises(UnusableKey, match="host_key for h"):
        pinned_key(pin, "h")


def test_a_pin_is_what_a_known_hosts_line_says(keys: list[paramiko.PKey]) -> None:
    assert pinned_key(line(keys[0]), "h") == PublicKey("ssh-ed25519", keys[0].asbytes())


_MEET = """
import sys
from pathlib import Path
import paramiko
from emulator.hosts.ssh.known_hosts import KnownHosts
key = paramiko.PKey.from_type_string(sys.argv[2], __import__("base64").b64decode(sys.argv[3]))
sys.stdin.readline()
for number in range(int(sys.argv[4]), int(sys.argv[4]) + 20):
    KnownHosts(Path(sys.argv[1])).check(f"host{number}", 22, key)
"""


def test_processes_and_threads_meet_machines_at_once(path: Path, keys: list[paramiko.PKey]) -> None:
    kind, data = line(keys[0]).split()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _MEET, str(path), kind, data, str(start)], stdin=subprocess.PIPE
        )
        for start in (0, 10, 20)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    known = KnownHosts(path)
    threads = [
        threading.Thread(target=known.check, args=[f"host{number % 50}", 22, keys[0]])
        for number in range(100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert sorted(path.read_text().splitlines()) == sorted(f"host{n} {line(keys[0])}" for n in range(50))
