"""The server's own certificate, made when the first client speaks TLS."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import ssl
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

# Fixed dates: no clock is read, and a clock that is wrong by years makes no certificate invalid.
_VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_VALID_TO = datetime(2099, 12, 31, tzinfo=UTC)


class TlsIdentity:
    """A self-signed EC P-256 certificate for this machine, kept in `<directory>/tls`.

    It is made when first needed and used ever after, also by the next process. Importing
    `cryptography` and making it takes about 0.1 s: `ensure` can be called in the background.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "tls"
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    @property
    def certificate(self) -> Path:
        """The certificate (PEM): what a client trusts (`curl --cacert`); made by `ensure`."""
        return self._directory / "cert.pem"

    @property
    def key(self) -> Path:
        """The private key (PEM), readable by its owner only; made by `ensure`."""
        return self._directory / "key.pem"

    def ensure(self) -> None:
        """Make certificate and key unless they are there; safe in several threads and processes.

        Raises OSError when the directory cannot be written, FileExistsError when it holds one of
        the two files only.
        """
        with self._lock:
            self._ensure()

    def context(self) -> ssl.SSLContext:
        """The context for the server's side of a handshake; raises as `ensure` does, or ssl.SSLError."""
        with self._lock:
            if self._context is None:
                self._ensure()
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate, self.key)
                context.set_alpn_protocols(["http/1.1"])
                self._context = context
            return self._context

    def _ensure(self) -> None:
        if self._complete():
            return
        self._directory.parent.mkdir(parents=True, exist_ok=True)
        # Both files appear at once, by renaming their directory: a process that loses the race
        # finds the winner's pair there, never its own key beside the other's certificate.
        draft = Path(tempfile.mkdtemp(prefix="tls-", dir=self._directory.parent))
        try:
            certificate, key = _self_signed(socket.gethostname())
            (draft / "cert.pem").write_bytes(certificate)
            (draft / "key.pem").touch(mode=0o600)
            (draft / "key.pem").write_bytes(key)
            draft.chmod(0o755)
            try:
                draft.rename(self._directory)
            except OSError:
                if not self._complete():
                    raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _complete(self) -> bool:
        present = [path.exists() for path in (self.certificate, self.key)]
        if any(present) and not all(present):
            raise FileExistsError(f"{self._directory} holds only one of cert.pem and key.pem: remove it")
        return all(present)


def _self_signed(host: str) -> tuple[bytes, bytes]:
    """A new certificate for this machine, named `host`, and its key, both in PEM."""
    # Imported here: it takes longer than everything else that starting the server needs.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tapis-emulator")])
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    if host.isascii() and host not in ("", "localhost"):
        names.append(x509.DNSName(host))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_TO)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
