"""Files of distant machines: many in one stream, but one by one while rules listen to transfers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from emulator.domain.fault import Occasion
from emulator.domain.ports import HostFiles
from emulator.engine.passage import Side, Watched
from emulator.engine.striking import Strikes
from emulator.engine.transfer import Location, Transfer, TransferFailed, Unwatched
from emulator.hosts.sandbox import SandboxHosts
from tests.engine.bench import WORLD
from tests.engine.struck import StruckBench, struck_bench


class Far:
    """A machine's files with a stream of tar, which is asked for here and never works: all come one by one then."""

    def __init__(self, files: HostFiles) -> None:
        self._files = files
        self.streams = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)

    @property
    def bulk(self) -> Far:
        return self

    @contextmanager
    def pack(self, _directory: str, _names: Iterable[str]) -> Iterator[BinaryIO]:
        self.streams += 1
        yield BytesIO()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[StruckBench]:
    with struck_bench(tmp_path) as made:
        yield made


def test_a_glob_finds_its_file_on_a_distant_machine(tmp_path: Path, bench: StruckBench) -> None:
    hosts = SandboxHosts(tmp_path / "machines")
    here, there = hosts.host(WORLD, "here"), hosts.host(WORLD, "there")
    source = there.directory / "tree"
    source.mkdir()
    for number in range(10):
        (source / f"{number}.txt").write_text("text", encoding="utf-8")
    far = Far(there.files)
    strikes = Strikes(bench.engine._tools.strikes.gate, bench.clocks)
    about = Occasion(world=WORLD, point="transfer.file", user="somebody")
    passage = Watched(
        strikes, about, "input", Side("far", "there", "/", written=False), strikes.pausing(WORLD)
    )

    def run(target: str) -> list[str]:
        from_there = Location(cast(HostFiles, far), "/tree", "agave://far/tree")
        to_here = Location(here.files, target, "here")
        try:
            Transfer(from_there, to_here, Unwatched(), passage=passage).run()
        finally:
            came = sorted(path.name for path in (here.directory / target.lstrip("/")).glob("*"))
        return came

    assert len(run("/first")) == 10 and far.streams == 1, "nobody listens"
    bench.arm("transfer.file", "deny", when="{path: '/tree/7.txt', system: far}")
    with pytest.raises(TransferFailed, match=r"agave://far/tree/7.txt: Permission denied"):
        run("/second")
    assert far.streams == 1 and len(list((here.directory / "second").iterdir())) == 7
    bench.disarm()
    assert len(run("/second")) == 10 and far.streams == 2
