"""A large file and many small ones to and from a real sshd, beside ``scp`` and beside ``tar`` through ``ssh``."""

from __future__ import annotations

import filecmp
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Table, Unavailable, median, megabytes, paired, rate
from benchmarks.processes import peak, reset_peak, resident
from benchmarks.transfer import fill, roomy
from benchmarks.workload import elapsed, timed
from emulator.cluster.apt import AptFailed
from emulator.domain.host_map import Identity, Machine
from emulator.engine.transfer import Location, Transfer, Unwatched
from emulator.hosts.sandbox import SandboxHosts
from emulator.hosts.ssh.host import SshMachines
from tests.real.sshd import Sshd, sshd

_GIB = 2**30
_SMALL = 4096


@dataclass
class Way:
    """One way of moving ``size`` bytes; ``ours`` when this process does it, and its memory is looked at."""

    name: str
    floor: str
    size: int
    go: Callable[[], object]
    arrived: Path
    ours: bool = False
    seconds: list[float] = field(default_factory=list)
    growth: int = 0

    def once(self, original: Path) -> None:
        """Move it, and make sure that it is there."""
        _clear(self.arrived)
        reset_peak(os.getpid())
        before = resident(os.getpid())
        self.seconds.append(elapsed(self.go))
        self.growth = max(self.growth, peak(os.getpid()) - before)
        _check(original, self.arrived)


@dataclass(frozen=True)
class Bench:
    """Where things lie: ``here`` is the sandbox's directory, ``there`` what stands for the other machine's."""

    server: Sshd
    here: Path
    there: Path
    hosts: SandboxHosts
    machines: SshMachines

    def copy(self, name: str, target: str, up: bool) -> Callable[[], object]:
        """What stages inputs and archives outputs, between a sandbox and the machine."""
        machine = Machine(address=self.server.machine.address, port=self.server.port)
        identity = Identity(user=self.server.user, key_file=str(self.server.key))
        far = self.machines.machine(machine, identity, "far.example.org").files
        near = self.hosts.host("benchmark", "near").files
        ends = Location(near, f"/{name}", "near"), Location(far, f"{self.there}/{target}", "far")
        if not up:
            ends = Location(far, f"{self.there}/{name}", "far"), Location(near, f"/{target}", "near")
        return lambda: Transfer(*ends, Unwatched()).run()

    @property
    def options(self) -> list[str]:
        trust = f"UserKnownHostsFile={self.server.directory / 'known'}"
        return ["-q", "-i", str(self.server.key), "-o", "StrictHostKeyChecking=accept-new", "-o", trust]

    @property
    def ssh(self) -> list[str]:
        address = f"{self.server.user}@{self.server.machine.address}"
        return ["ssh", *self.options, "-p", str(self.server.port), address]

    def scp(self, source: Path, target: Path, up: bool) -> Callable[[], object]:
        far = f"{self.server.user}@{self.server.machine.address}:"
        places = [str(source), f"{far}{target}"] if up else [f"{far}{source}", str(target)]
        return lambda: timed(["scp", *self.options, "-r", "-P", str(self.server.port), *places])

    def tar(self, source: Path, target: Path, up: bool) -> Callable[[], object]:
        """The whole directory through a pipe."""
        pack = shlex.join(["tar", "-C", str(source), "-cf", "-", "."])
        unpack = (
            f"mkdir -p {shlex.quote(str(target))} && {shlex.join(['tar', '-C', str(target), '-xf', '-'])}"
        )
        ssh = shlex.join(self.ssh)
        line = f"{pack} | {ssh} {shlex.quote(unpack)}" if up else f"{ssh} {shlex.quote(pack)} | ({unpack})"
        return lambda: timed(["bash", "-o", "pipefail", "-c", line])


def run(quick: bool = False) -> Table:
    size, count, rounds = (_GIB // 64, 100, 2) if quick else (_GIB, 2000, 5)
    for program in ("scp", "ssh", "tar"):
        if shutil.which(program) is None:
            raise Unavailable(f"there is no {program} to compare with")
    base = roomy(size)
    with tempfile.TemporaryDirectory(dir=base) as scratch, _bench(Path(scratch)) as bench:
        fill(bench.here / "large", size)
        shutil.copyfile(bench.here / "large", bench.there / "large")
        for side in (bench.here, bench.there):
            _many(side / "many", count)
        large, small = _ways(bench, size), _small_ways(bench, count)
        bench.copy("many", "first", True)()  # loads paramiko and connects
        for _ in range(rounds):
            for ways, original in ((large, "large"), (small, "many")):
                for way in ways:
                    way.once(bench.here / original)
    place = "a disk in memory" if base else "the temporary directory"
    version = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr.split(",")[0]
    return Table(
        f"{_amount(size)} and {count:,} files of 4 KiB by ssh",
        ("transfer", "median", "rate", "time beside its floor", "our memory grows by"),
        [_row(way, [*large, *small]) for way in (*large, *small)],
        (
            f"{rounds} rounds of each in turn to and from an sshd on loopback ({version}), ciphers as the two sides "
            f"agree, all files on {place} and compared afterwards. scp and tar open a connection each time, ours "
            "is opened before all rounds.",
            "Ours is the copy of a job's inputs and outputs between a sandbox and a machine, without the rest of the "
            "emulator; files of 8 MiB and more can be resumed, the small ones go through tar in batches.",
        ),
    )


@contextmanager
def _bench(folder: Path) -> Iterator[Bench]:
    folder.chmod(0o755)
    (folder / "there").mkdir()
    hosts = SandboxHosts(folder / "sandboxes")
    here = hosts.host("benchmark", "near").directory
    machines = SshMachines(folder / "known_hosts")
    try:
        with sshd() as server:
            yield Bench(server, here, folder / "there", hosts, machines)
    except AptFailed as failure:
        raise Unavailable(f"there is no sshd, and it cannot be installed: {failure}") from failure
    finally:
        machines.close()


def _ways(bench: Bench, size: int) -> list[Way]:
    here, there = bench.here, bench.there
    up, down = "scp, up", "scp, down"
    return [
        Way(up, "", size, bench.scp(here / "large", there / "by-scp", True), there / "by-scp"),
        Way("ours, up", up, size, bench.copy("large", "ours", True), there / "ours", True),
        Way(down, "", size, bench.scp(there / "large", here / "by-scp", False), here / "by-scp"),
        Way("ours, down", down, size, bench.copy("large", "ours", False), here / "ours", True),
    ]


def _small_ways(bench: Bench, count: int) -> list[Way]:
    here, there, size = bench.here, bench.there, count * _SMALL
    up, down = f"{count:,} files, tar to ssh", f"{count:,} files, ssh to tar"
    many_here, many_there = here / "many", there / "many"
    return [
        Way(up, "", size, bench.tar(many_here, there / "by-tar", True), there / "by-tar"),
        Way("the same, `scp -r`", up, size, bench.scp(many_here, there / "scp-r", True), there / "scp-r"),
        Way("the same, ours", up, size, bench.copy("many", "many-ours", True), there / "many-ours", True),
        Way(down, "", size, bench.tar(many_there, here / "by-tar", False), here / "by-tar"),
        Way("from there, `scp -r`", down, size, bench.scp(many_there, here / "scp-r", False), here / "scp-r"),
        Way("from there, ours", down, size, bench.copy("many", "many-ours", False), here / "many-ours", True),
    ]


def _row(way: Way, all_ways: list[Way]) -> tuple[str, ...]:
    seconds = {each.name: each.seconds for each in all_ways}
    return (
        way.name,
        f"{median(way.seconds):.2f} s",
        rate(way.size, median(way.seconds)),
        paired(way.seconds, seconds[way.floor]) if way.floor else "",
        megabytes(max(way.growth, 0)) if way.ours else "",
    )


def _amount(size: int) -> str:
    return f"{size / _GIB:g} GiB" if size >= _GIB else f"{size // 2**20} MiB"


def _many(directory: Path, count: int) -> None:
    """Files whose content tells them apart, and is the same on both sides."""
    directory.mkdir()
    for number in range(count):
        (directory / f"{number:05}.dat").write_bytes(f"{number:08}".encode() * (_SMALL // 8))


def _clear(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _check(original: Path, arrived: Path) -> None:
    """A copy that is not whole would make a quick figure, and a wrong one."""
    if original.is_dir():
        names, come = (sorted(path.name for path in place.iterdir()) for place in (original, arrived))
        whole = come == names
        whole = whole and filecmp.cmpfiles(original, arrived, names, shallow=False)[0] == names
    else:
        whole = filecmp.cmp(original, arrived, shallow=False)
    if not whole:
        raise AssertionError(f"{arrived} is not what {original} is")
