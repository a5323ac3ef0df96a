"""The one source of chance: uuids, tokens and keys."""

from __future__ import annotations

import random
import secrets
import string
import threading
import uuid

_KEY_LETTERS = string.ascii_letters + string.digits + "_"


class RandomIds:
    """Ids in the forms of [conventions §7] and [auth §3, §4].

    With a ``seed`` everything but secrets repeats from run to run; without one it does not.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random: random.Random = random.SystemRandom() if seed is None else random.Random(seed)
        self._seeded = seed is not None
        self._lock = threading.Lock()
        self._node = f"{self._bits(32):08x}"
        self._last = 0

    def job(self) -> str:
        """The Aloe form: a version 4 uuid and ``-007``."""
        return f"{uuid.UUID(int=self._bits(128), version=4)}-007"

    def postit(self) -> str:
        """The Aloe form: a version 4 uuid and ``-010``."""
        return f"{uuid.UUID(int=self._bits(128), version=4)}-010"

    def legacy(self, suffix: str) -> str:
        """The legacy form: 19 digits that rise, a node of 8 hex characters, a sequence, the type."""
        with self._lock:
            self._last += 1 + self._random.getrandbits(40)
            digits = (7 * 10**18 + self._last) % 10**19
        return f"{digits:019d}-{self._node}-0001-{suffix}"

    def token(self) -> str:
        return f"{self._bits(128):032x}" if self._seeded else secrets.token_hex(16)

    def key(self) -> str:
        with self._lock:
            return "".join(self._random.choice(_KEY_LETTERS) for _ in range(28))

    def _bits(self, count: int) -> int:
        with self._lock:
            return self._random.getrandbits(count)
