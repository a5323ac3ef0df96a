"""The key pair that opens the cluster, and what the ``ssh`` command needs to use it: in the data directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from emulator.cluster.cache import locked
from emulator.cluster.container import ACCOUNT, Reached

ALIAS = "hpc"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Files below ``folder``: ``id_ed25519`` and ``.pub``, ``known_hosts`` and ``ssh_config``."""

    folder: Path

    @property
    def private(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def ssh_config(self) -> Path:
        return self.folder / "ssh_config"

    def public_key(self) -> str:
        """The public key as a line of authorized_keys; the pair is made by the first call. Raises OSError."""
        public = self.private.with_suffix(".pub")
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder):
            if not (self.private.exists() and public.exists()):
                self._make(public)
        return public.read_text(encoding="ascii").strip()

    def write_ssh_config(self, reached: Reached) -> None:
        """So that ``ssh -F …/ssh_config hpc`` logs in, and trusts this cluster alone."""
        known = self.folder / "known_hosts"
        lines = [
            f"Host {ALIAS}",
            f"  HostName {reached.address}",
            f"  Port {reached.port}",
            f"  User {ACCOUNT}",
            f'  IdentityFile "{self.private}"',
            "  IdentitiesOnly yes",
            f'  UserKnownHostsFile "{known}"',
            "  StrictHostKeyChecking yes",
        ]
        with locked(self.folder):
            _write(known, f"[{reached.address}]:{reached.port} {reached.host_key}\n", 0o644)
            _write(self.ssh_config, "\n".join(lines) + "\n", 0o644)

    def _make(self, public: Path) -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        line = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        _write(self.private, private.decode("ascii"), 0o600)
        _write(public, f"{line.decode('ascii')} tapis-emulator\n", 0o644)


def _write(path: Path, text: str, mode: int) -> None:
    """Whole or not at all, and never readable by more than it is to be."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    draft.replace(path)
