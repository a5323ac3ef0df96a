"""The one source of chance: uuids, tokens and keys, of each world its own."""

from __future__ import annotations

import random
import string
import threading
import uuid
from collections import Counter
from hashlib import blake2b
from typing import Protocol

from emulator.domain.ports import Chance
from emulator.store import Store

_KEY_LETTERS = string.ascii_letters + string.digits + "_"
_FIRST = 7 * 10**18
"""Where the digits of legacy uuids begin."""
_SPAN = 10**18
_STEP_BITS = 40


class Bits(Protocol):
    """Where chance comes from."""

    def bits(self, count: int, stream: str) -> int:
        """The next ``count`` bits of a stream."""


class _Unseeded:
    """The machine's own chance."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def bits(self, count: int, stream: str) -> int:
        return self._random.getrandbits(count)


class _Seeded:
    """Streams that depend on a root and their name alone, whoever draws from others meanwhile."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._drawn: Counter[str] = Counter()
        self._lock = threading.Lock()

    def bits(self, count: int, stream: str) -> int:
        with self._lock:
            number = self._drawn[stream]
            self._drawn[stream] += 1
        return _hashed(self._root, f"{stream}\0{number}") >> (512 - count)


class DrawnIds:
    """Ids in the forms of [conventions §7] and [auth §3, §4], from one source of chance."""

    def __init__(self, source: Bits, generation: int = 0) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._node = f"{source.bits(32, 'node'):08x}"
        self._first = _FIRST + generation % 100 * _SPAN // 100
        self._last: Counter[str] = Counter()

    def job(self) -> str:
        """The Aloe form: a version 4 uuid and ``-007``."""
        return f"{uuid.UUID(int=self._source.bits(128, 'job'), version=4)}-007"

    def postit(self) -> str:
        """The Aloe form: a version 4 uuid and ``-010``."""
        return f"{uuid.UUID(int=self._source.bits(128, 'postit'), version=4)}-010"

    def legacy(self, suffix: str, *, subject: str = "") -> str:
        """The legacy form: 19 digits, a node of 8 hex characters, a sequence, the type."""
        if subject:
            digits, node = divmod(self._source.bits(96, f"legacy {suffix} {subject}"), 2**32)
            return f"{_FIRST + digits % _SPAN:019d}-{node:08x}-0001-{suffix}"
        step = 1 + self._source.bits(_STEP_BITS, f"legacy {suffix}")
        with self._lock:
            self._last[suffix] += step
            digits = self._first + self._last[suffix]
        return f"{digits:019d}-{self._node}-0001-{suffix}"

    def token(self) -> str:
        return f"{self._source.bits(128, 'token'):032x}"

    def key(self) -> str:
        left, letters = self._source.bits(256, "key"), []
        for _ in range(28):
            left, index = divmod(left, len(_KEY_LETTERS))
            letters.append(_KEY_LETTERS[index])
        return "".join(letters)

    def fraction(self, subject: str, seed: int | None = None) -> float:
        """See ports.Chance."""
        if seed is not None:
            bits = _hashed(str(seed).encode("ascii"), subject) >> (512 - 53)
        else:
            bits = self._source.bits(53, f"fraction {subject}")
        return float(bits / (1 << 53))


class _Rising(DrawnIds):
    """Without a seed legacy uuids rise whatever they are drawn for, as the service's do."""

    def legacy(self, suffix: str, *, subject: str = "") -> str:
        step = 1 + self._source.bits(_STEP_BITS, "")
        with self._lock:
            self._last[""] += step
            digits = (self._first + self._last[""]) % 10**19
        return f"{digits:019d}-{self._node}-0001-{suffix}"


class WorldIds:
    """Each world's chance; those without a seed share the machine's."""

    def __init__(self, store: Store | None = None) -> None:
        """With a store seeds are kept, and this start's ids are others than those of earlier starts."""
        self._store = store
        self._unseeded = _Rising(_Unseeded())
        self._seeded: dict[str, DrawnIds] = {}
        self._seeds: dict[str, tuple[int, int]] = {}
        if store is not None:
            self._load(store)

    def of(self, world: str) -> Chance:
        """See ports.Ids."""
        return self._seeded.get(world, self._unseeded)

    def seed_of(self, world: str) -> tuple[int, int] | None:
        """The seed of a world and its generation; None for a world without."""
        return self._seeds.get(world)

    def begin(self, world: str, seed: int | None, generation: int = 0) -> None:
        """A world begins, or begins anew: with a seed it draws what it drew the first time.

        ``generation`` is to be a higher one than that of what the world begins with, if that was drawn from the
        same seed: then nothing comes twice.
        """
        if self._store is not None:
            with self._store.write() as tx:
                tx.chances.remove(world)
                if seed is not None:
                    tx.chances.save(world, seed, generation)
        self._seeds.pop(world, None)
        self._seeded.pop(world, None)
        if seed is not None:
            self._seed(world, seed, generation)

    def forget(self, world: str) -> None:
        """The world is gone."""
        self.begin(world, None)

    def _load(self, store: Store) -> None:
        with store.read() as tx:
            known = tx.chances.all()
        if not known:
            return
        with store.write() as tx:
            tx.chances.next_generation()
            known = tx.chances.all()
        for world, (seed, generation) in known.items():
            self._seed(world, seed, generation)

    def _seed(self, world: str, seed: int, generation: int) -> None:
        root = f"{seed}\0{world}\0{generation}".encode()
        self._seeds[world] = seed, generation
        self._seeded[world] = DrawnIds(_Seeded(root), generation)


def _hashed(root: bytes, text: str) -> int:
    return int.from_bytes(
        blake2b(text.encode("utf-8", "surrogatepass"), key=blake2b(root).digest()).digest(), "big"
    )
