"""The server's certificates, made when the first client speaks TLS: an authority, and what it signs."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509

# Fixed dates: no clock is read, and a clock that is wrong by years makes no certificate invalid.
_VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_VALID_TO = datetime(2099, 12, 31, tzinfo=UTC)
_LOCAL = ("localhost", "127.0.0.1", "::1")


class TlsIdentity:
    """One certificate (EC P-256) for all names of this server, by an authority kept in `<directory>/tls`.

    The authority is made when first needed and stays, so that a client needs to be given it only once;
    the certificate is made anew when the names change. Importing `cryptography` and making both takes
    about 0.1 s: `ensure` can be called in the background.
    """

    def __init__(self, directory: Path, hosts: Iterable[str] = ()) -> None:
        """The names are `localhost`, its addresses, this machine's name, and `hosts`."""
        self._directory = directory / "tls"
        self._names = tuple(dict.fromkeys((*_LOCAL, *_own_name(), *hosts)))
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    @property
    def authority(self) -> Path:
        """The authority's certificate (PEM): what a client trusts (`curl --cacert`); made by `ensure`."""
        return self._directory / "authority" / "ca.pem"

    @property
    def _authority_key(self) -> Path:
        return self._directory / "authority" / "key.pem"

    @property
    def _certificate(self) -> Path:
        """The server's certificate and its key, in one file, so that they can never be of two kinds."""
        return self._directory / "server.pem"

    def ensure(self) -> None:
        """Make authority and certificate unless they are there; safe in several threads and processes.

        Raises OSError when the directory cannot be written, FileExistsError when it holds half an
        authority only.
        """
        with self._lock:
            self._ensure()

    def context(self) -> ssl.SSLContext:
        """The context for the server's side of a handshake; raises as `ensure` does, or ssl.SSLError."""
        with self._lock:
            if self._context is None:
                self._ensure()
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                # the library reads the file twice: another process may have put a new pair there in between
                with tempfile.NamedTemporaryFile(dir=self._directory) as unchanging:
                    unchanging.write(self._certificate.read_bytes())
                    unchanging.flush()
                    context.load_cert_chain(unchanging.name)
                context.set_alpn_protocols(["http/1.1"])
                self._context = context
            return self._context

    def _ensure(self) -> None:
        if not self._has_authority():
            self._make_authority()
        mark = self._mark()
        if not self._is_made_for(mark):
            content = mark + _signed(
                self.authority.read_bytes(), self._authority_key.read_bytes(), self._names
            )
            _replace(self._certificate, content)

    def _mark(self) -> bytes:
        """The first line of the certificate's file: which authority and names it is made for."""
        told = self.authority.read_bytes() + "\n".join(self._names).encode()
        return f"tapis-emulator {hashlib.sha256(told).hexdigest()}\n".encode()

    def _is_made_for(self, mark: bytes) -> bool:
        try:
            with self._certificate.open("rb") as file:
                return file.readline() == mark
        except FileNotFoundError:
            return False

    def _make_authority(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        # Both files appear at once, by renaming their directory: a process that loses the race
        # finds the winner's pair there, never its own key beside the other's certificate.
        draft = Path(tempfile.mkdtemp(prefix="authority-", dir=self._directory))
        try:
            certificate, key = _new_authority()
            (draft / "ca.pem").write_bytes(certificate)
            (draft / "key.pem").touch(mode=0o600)
            (draft / "key.pem").write_bytes(key)
            draft.chmod(0o755)
            try:
                draft.rename(self.authority.parent)
            except OSError:
                if not self._has_authority():
                    raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _has_authority(self) -> bool:
        present = [path.exists() for path in (self.authority, self._authority_key)]
        if any(present) and not all(present):
            folder = self.authority.parent
            raise FileExistsError(f"{folder} holds only one of ca.pem and key.pem: remove it")
        return all(present)


def _own_name() -> tuple[str, ...]:
    name = socket.gethostname()
    return (name,) if name and name.isascii() else ()


def _replace(path: Path, content: bytes) -> None:
    """Put a file in place as a whole, readable by its owner only."""
    handle, draft = tempfile.mkstemp(prefix=f"{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(draft).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(draft).unlink()
        raise


# The imports below stand in the functions: they take longer than all else that starting the server needs.


def _new_authority() -> tuple[bytes, bytes]:
    """A new authority's certificate and key, both in PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("tapis-emulator authority")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        _begun(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(identifier.digest, None, None), critical=False)
    )
    return _ended(builder, key), _pem(key)


def _signed(authority: bytes, authority_key: bytes, names: Iterable[str]) -> bytes:
    """A new certificate for `names`, its key and the authority's certificate, in PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    issuer = x509.load_pem_x509_certificate(authority)
    issuer_key = serialization.load_pem_private_key(authority_key, password=None)
    known = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _begun(_named("tapis-emulator"), issuer.subject, key)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(known.digest, None, None), critical=False)
    )
    return _pem(key) + _ended(builder, issuer_key) + authority


def _named(common_name: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _begun(subject: x509.Name, issuer: x509.Name, key: Any) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_TO)
    )


def _ended(builder: x509.CertificateBuilder, key: Any) -> bytes:
    from cryptography.hazmat.primitives import hashes, serialization

    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
