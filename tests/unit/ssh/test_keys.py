"""Private keys in every form that people have, and what is said of those that cannot be read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from emulator.domain.host_map import Identity
from emulator.hosts.ssh.errors import UnusableKey
from emulator.hosts.ssh.keys import private_key

pytestmark = pytest.mark.sample(3)

WHERE = "ssh tapis@login.example.org:22"
FORMS = {"OpenSSH": [], "PEM": ["-m", "PEM"], "PKCS8": ["-m", "PKCS8"]}
KINDS = [
    (kind, form)
    for kind in ("rsa", "ecdsa", "ed25519")
    for form in FORMS
    if kind != "ed25519" or form == "OpenSSH"  # ssh-keygen writes no other form of it
]


def made(directory: Path, kind: str, form: str, passphrase: str = "") -> tuple[str, str]:
    """A key by ssh-keygen and its fingerprint."""
    path = directory / f"{kind}-{form}"
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path), *FORMS[form]]
    if kind == "rsa":  # a longer one takes a second
        command += ["-b", "1024"]
    subprocess.run(command, check=True, capture_output=True)
    told = subprocess.run(["ssh-keygen", "-lf", f"{path}.pub"], check=True, capture_output=True, text=True)
    return path.read_text(), told.stdout.split()[1]


@pytest.mark.parametrize("passphrase", ["", "open sesame é"])
@pytest.mark.parametrize(("kind", "form"), KINDS)
def test_every_form(tmp_path: Path, kind: str, form: str, passphrase: str) -> None:
    text, fingerprint = made(tmp_path, kind, form, passphrase)
    key = private_key(Identity(user="tapis", private_key=text, passphrase=passphrase), WHERE)
    assert key is not None
    assert key.fingerprint == fingerprint
    assert key.can_sign()


def test_pkcs8_of_ed25519(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made_here = Ed25519PrivateKey.generate()
    text = made_here.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    key = private_key(Identity(user="tapis", private_key=text), WHERE)
    assert key is not None
    assert key.get_name() == "ssh-ed25519"


@pytest.mark.parametrize(
    "pasted",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.rstrip("\n"),
        lambda text: "\n\n  " + text.replace("\n", "  \n ") + "\n\n",
        lambda text: text.replace("\n", "\\n"),
        lambda text: "\ufeff" + text,
    ],
    ids=["windows", "old mac", "no last newline", "indented", "escaped", "marked"],
)
@pytest.mark.parametrize("form", FORMS)
def test_pasted_keys(tmp_path: Path, form: str, pasted: object) -> None:
    text, fingerprint = made(tmp_path, "rsa", form)
    assert callable(pasted)
    key = private_key(Identity(user="tapis", private_key=pasted(text)), WHERE)
    assert key is not None
    assert key.fingerprint == fingerprint


def test_a_key_file_and_a_passphrase_too_many(tmp_path: Path) -> None:
    _, fingerprint = made(tmp_path, "ecdsa", "OpenSSH")
    path = str(tmp_path / "ecdsa-OpenSSH")
    key = private_key(Identity(user="tapis", key_file=path, passphrase="unneeded"), WHERE)
    assert key is not None
    assert key.fingerprint == fingerprint


def test_no_key_at_all() -> None:
    assert private_key(Identity(user="tapis", password="secret"), WHERE) is None


@pytest.mark.parametrize("form", FORMS)
def test_what_is_said_of_passphrases(tmp_path: Path, form: str) -> None:
    text, _ = made(tmp_path, "rsa", form, "right one")
    with pytest.raises(UnusableKey, match="there is no passphrase for it") as none:
        private_key(Identity(user="tapis", private_key=text), WHERE)
    with pytest.raises(UnusableKey, match="the passphrase is wrong") as wrong:
        private_key(Identity(user="tapis", private_key=text, passphrase="wrong one"), WHERE)
    for raised in (none, wrong):
        said = str(raised.value)
        assert WHERE in said
        assert "wrong one" not in said
        assert not any(line in said for line in text.splitlines() if len(line) > 10)


@pytest.mark.parametrize(
    "text",
    [
        "not a key",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nhello\n-----END RSA PRIVATE KEY-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2a tapis@example.org",
        "\x00\x01",
    ],
)
def test_what_is_said_of_broken_keys(text: str) -> None:
    with pytest.raises(UnusableKey) as raised:
        private_key(Identity(user="tapis", private_key=text), WHERE)
    assert WHERE in str(raised.value)
    assert "AAAA" not in str(raised.value)


def test_kinds_that_ssh_has_not(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    text = (
        X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    )
    with pytest.raises(UnusableKey, match="not supported: RSA, ECDSA and Ed25519 are"):
        private_key(Identity(user="tapis", private_key=text), WHERE)


def test_a_key_file_that_is_not_there(tmp_path: Path) -> None:
    path = str(tmp_path / "nowhere")
    with pytest.raises(UnusableKey, match="cannot be read: No such file") as raised:
        private_key(Identity(user="tapis", key_file=path), WHERE)
    assert path in str(raised.value)
