"""Private keys as people have them: OpenSSH's own form, PKCS#1, SEC 1, PKCS#8; pasted with whatever line ends."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.domain.host_map import Identity
from emulator.hosts.ssh.errors import UnusableKey

if TYPE_CHECKING:
    import paramiko


def private_key(identity: Identity, where: str) -> paramiko.PKey | None:
    """The key that an identity logs in with, if it has one. Raises UnusableKey; ``where`` is named in its text."""
    if identity.private_key:
        return _load(identity.private_key.encode(), identity.passphrase, f"the private key for {where}")
    if identity.key_file:
        what = f"the key file {identity.key_file} for {where}"
        try:
            text = Path(identity.key_file).expanduser().read_bytes()
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UnusableKey(f"{what} cannot be read: {reason}") from error
        return _load(text, identity.passphrase, what)
    return None


def _load(text: bytes, passphrase: str, what: str) -> paramiko.PKey:
    """Never says anything of the key itself: not even the lines that cannot be understood."""
    from cryptography.exceptions import UnsupportedAlgorithm

    pem = _tidied(text)
    if b"PRIVATE KEY-----" not in pem:
        raise UnusableKey(f"{what} is no private key in OpenSSH or PEM form")
    try:
        return _of_paramiko(_opened(pem, passphrase.encode() or None, what), what)
    except (ValueError, TypeError, IndexError, UnsupportedAlgorithm) as error:
        if passphrase:
            raise UnusableKey(f"{what} cannot be opened: it is broken, or the passphrase is wrong") from error
        raise UnusableKey(f"{what} cannot be opened: it is broken, or of an unknown form") from error


def _opened(pem: bytes, passphrase: bytes | None, what: str) -> Any:
    from cryptography.hazmat.primitives import serialization

    load = (
        serialization.load_ssh_private_key
        if b"BEGIN OPENSSH PRIVATE KEY" in pem
        else serialization.load_pem_private_key
    )
    try:
        return load(pem, passphrase)
    except (TypeError, ValueError) as error:
        words = str(error)
        if passphrase is None and ("encrypted" in words or "password-protected" in words):
            raise UnusableKey(f"{what} is encrypted, and there is no passphrase for it") from error
        if passphrase is not None and isinstance(error, TypeError) and "not encrypted" in words:
            return load(pem, None)  # a passphrase too many does no harm
        raise


def _of_paramiko(loaded: Any, what: str) -> paramiko.PKey:
    import paramiko
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    kinds: list[tuple[Any, type[paramiko.PKey]]] = [
        (rsa.RSAPrivateKey, paramiko.RSAKey),
        (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey),
        (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key),
    ]
    for kind, made in kinds:
        if isinstance(loaded, kind):
            plain = loaded.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
            return made.from_private_key(io.StringIO(plain.decode()))
    raise UnusableKey(f"{what} is of a kind that is not supported: RSA, ECDSA and Ed25519 are")


def _tidied(text: bytes) -> bytes:
    """With Unix line ends, also where JSON or a form has turned them into ``\\r\\n`` or the letters ``\\n``."""
    if b"\n" not in text.strip() and b"\\n" in text:
        text = text.replace(b"\\r", b"").replace(b"\\n", b"\n")
    lines = text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return b"\n".join(line.strip() for line in lines).strip() + b"\n"
