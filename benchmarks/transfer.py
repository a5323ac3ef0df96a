"""Upload and download of a large file with curl, beside nginx; the server's memory while it happens."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Table, Unavailable, median, megabytes, paired, rate
from benchmarks.nginx import Nginx, nginx
from benchmarks.processes import peak, reset_peak, resident
from tests.live.serve_process import ServeProcess
from tests.served import Api

_GIB = 2**30
_MEMORY_DISK = Path("/dev/shm")
_HOME = "files/v2/media/system/tacc.corral//home/testuser"


@dataclass
class Transfer:
    """One way of moving the file: ``command`` is curl's, ``pid`` the serving process."""

    name: str
    floor: str
    pid: int
    command: Sequence[str]
    seconds: list[float] = field(default_factory=list)
    growth: int = 0

    def once(self, size: int) -> None:
        """Move the file; note the time and by how much the server's memory grew meanwhile, at most."""
        reset_peak(self.pid)
        before = resident(self.pid)
        wanted = ["--fail", "--silent", "--show-error", "--noproxy", "*", "--insecure"]
        said = subprocess.run(
            [
                "curl",
                *wanted,
                "--write-out",
                "\n%{time_total} %{size_download} %{size_upload}",
                *self.command,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds, down, up = (float(word) for word in said.stdout.split()[-3:])
        if max(down, up) < size:
            raise AssertionError(f"{self.name}: {down:.0f} bytes came and {up:.0f} went, of {size}")
        self.seconds.append(seconds)
        self.growth = max(self.growth, peak(self.pid) - before)


def run(quick: bool = False) -> Table:
    size, rounds = (_GIB // 4, 2) if quick else (_GIB, 7)
    if shutil.which("curl") is None:
        raise Unavailable("there is no curl to transfer with")
    base = roomy(size)
    with tempfile.TemporaryDirectory(dir=base) as scratch:
        folder = Path(scratch)
        source = folder / "large"
        fill(source, size)
        with (
            nginx(folder / "nginx") as peer,
            ServeProcess(folder, "--port", "0", "--data-dir", str(folder / "data")) as server,
        ):
            transfers = _transfers(peer, server, source)
            for _ in range(rounds):
                for transfer in transfers:
                    transfer.once(size)
            if (peer.files / "large").stat().st_size != size:
                raise AssertionError("nginx did not keep the whole file")
            stored = Api(server.url).call("GET", f"{_HOME}/large".replace("media", "listings", 1))
            if stored[0]["length"] != size:
                raise AssertionError(f"the emulator did not keep the whole file: {stored[0]}")
    place = "a disk in memory" if base == _MEMORY_DISK else "the temporary directory"
    seconds = {transfer.name: transfer.seconds for transfer in transfers}
    return Table(
        f"{size / _GIB:g} GiB up and down",
        ("transfer", "median", "rate", "rate beside nginx", "memory grows by"),
        [
            (
                transfer.name,
                f"{median(transfer.seconds):.2f} s",
                rate(size, median(transfer.seconds)),
                # a rate is the inverse of a time
                paired(seconds[transfer.floor], transfer.seconds) if transfer.floor else "",
                megabytes(max(transfer.growth, 0)),
            )
            for transfer in transfers
        ],
        (
            f"{rounds} rounds of each in turn, curl to loopback on the same machine, all files on {place}; "
            f"nginx {peer.version}, one worker, `sendfile on`; the growth is the most that was resident "
            "during a transfer, less what was resident before it, the worst of all.",
        ),
    )


def _transfers(peer: Nginx, server: ServeProcess, source: Path) -> list[Transfer]:
    ours = f"{server.url}/{_HOME}"
    tls = ours.replace("http://", "https://", 1)
    form = ["--form", f"fileToUpload=@{source}"]
    sink = ["--output", os.devnull]
    up, down = "nginx, PUT", "nginx, GET"
    return [
        Transfer(up, "", peer.worker, ["--upload-file", str(source), f"{peer.url}/large"]),
        Transfer("upload, multipart form", up, server.pid, [*form, ours]),
        Transfer("the same over TLS", up, server.pid, [*form, tls]),
        Transfer(down, "", peer.worker, [*sink, f"{peer.url}/large"]),
        Transfer("download", down, server.pid, [*sink, f"{ours}/large"]),
        Transfer("download over TLS", down, server.pid, [*sink, f"{tls}/large"]),
    ]


def roomy(size: int) -> Path | None:
    """A disk in memory when it holds all copies with ease, so that servers are measured and not the disk."""
    if _MEMORY_DISK.is_dir() and shutil.disk_usage(_MEMORY_DISK).free > 6 * size:
        return _MEMORY_DISK
    return None


def fill(path: Path, size: int) -> None:
    """Make a file that no file system keeps as a hole."""
    block = os.urandom(2**20)
    with path.open("wb") as stream:
        for _ in range(size // len(block)):
            stream.write(block)
