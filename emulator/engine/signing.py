"""The key that assertions are signed with, made when somebody first asks and kept in the data directory."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_BITS = 2048


class SigningKey:
    """See ports.Signer. The private key is readable by its owner only."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "signing-key.pem"
        self._lock = threading.Lock()
        self._key: RSAPrivateKey | None = None

    def public_key(self) -> str:
        """See ports.Signer. Raises OSError when the key cannot be kept, ValueError when its file holds none."""
        from cryptography.hazmat.primitives import serialization

        public = self._private().public_key()
        return public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode("ascii")

    def sign(self, data: bytes) -> bytes:
        """See ports.Signer. Raises as :meth:`public_key`."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        return self._private().sign(data, padding.PKCS1v15(), hashes.SHA256())

    def _private(self) -> RSAPrivateKey:
        # imported by who needs it: it takes longer than a whole request
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        with self._lock:
            if self._key is None:
                if not self._path.exists():
                    self._make()
                found = serialization.load_pem_private_key(self._path.read_bytes(), password=None)
                if not isinstance(found, rsa.RSAPrivateKey):
                    raise ValueError(f"{self._path} holds no RSA key")
                self._key = found
            return self._key

    def _make(self) -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        pem = rsa.generate_private_key(public_exponent=65537, key_size=_BITS).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        draft = self._path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._path)
