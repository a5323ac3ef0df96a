"""What the engine and the services ask of the outside world, as contracts.

Time and chance are in clock_ports.py. Adapters in hosts/, runtimes/, notify/ and engine/{clocks,ids}.py answer
them; only app.py knows which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from emulator.domain.clock_ports import Chance as Chance
from emulator.domain.clock_ports import Clock as Clock
from emulator.domain.clock_ports import Clocks as Clocks
from emulator.domain.clock_ports import Ids as Ids
from emulator.domain.clock_ports import Retest as Retest
from emulator.domain.fault import Occasion, Strike
from emulator.domain.file import FileInfo
from emulator.domain.simulation import Play


class Gate(Protocol):
    """Where scenarios strike: asked at every named point, before what happens there.

    Never ask inside a transaction of the store: a strike is saved by one of its own.
    """

    def armed(self, world: str, family: str) -> bool:
        """Whether any rule of the world listens to points of this family: the quick question, to be asked first.

        Also of a single point, of those that fault.ASKED_ALONE has.
        """

    def strike(self, occasion: Occasion) -> Strike | None:
        """What is to be done instead, or besides; None where nobody says anything.

        A strike has been counted and written to the journal when it is returned. Raises Unavailable when that
        could not be saved.

        A job's step that was stopped (``hold``, or an action with ``until``) may end and ask again later, after a
        restart too: it gets the same strike, not counted again, while that is not over, and passes afterwards
        (domain/scenario.py: ASKED_AGAIN).
        """

    def released(self, strike: Strike) -> bool:
        """Whether what a strike has stopped may go on: its ``until`` is past, it is released, disarmed or expired."""

    def on_release(self, strike: Strike, action: Callable[[], None]) -> Callable[[], None]:
        """Run ``action`` (short: it wakes somebody) once ``released`` is true, at once where it is already.

        For every strike that lasts: holds, and all that have an ``until``. The answer, when called, takes it back.
        """

    def forget(self, world: str, job: str) -> None:
        """A job is over and will not ask again: what has stopped it holds it no longer.

        What somebody still waits for (``on_release``) stays.
        """


class Signer(Protocol):
    """The key that the emulator signs with: one for each data directory."""

    def public_key(self) -> str:
        """The public key, in PEM."""

    def sign(self, data: bytes) -> bytes:
        """RSA with SHA-256 over ``data`` (RS256)."""


class Incoming(Protocol):
    """A file on its way in: nobody sees it before it is put in place."""

    @property
    def stream(self) -> BinaryIO:
        """Where its content is written."""

    def put(self, path: str, mode: int | None = None) -> None:
        """Replace ``path`` whole; once only. Without ``mode`` that of a file that was there is kept.

        The parent directory must exist. IsADirectoryError when a directory has the name.
        """

    def overlay(self, path: str, offset: int) -> None:
        """Instead of ``put``: write the content into an existing (or new) file from ``offset`` on, in place."""


UNFINISHED = ".tapis-tmp-"
"""What the names of files and directories begin with that are not complete yet; see HostFiles."""


class HostFiles(Protocol):
    """The files of one machine: directories, regular files, and links to these.

    Paths are absolute on that machine and use ``/``. Nothing outside the machine's root is ever reached,
    by ``..`` or by symbolic link: such paths raise FileNotFoundError, and so do devices, sockets and
    pipes; none of these are listed, nor what has a name that begins with UNFINISHED. Links that stay inside
    are followed. Missing things raise
    FileNotFoundError; the usual OSError subclasses (NotADirectoryError, IsADirectoryError,
    FileExistsError, PermissionError, OSError for a full disk) say the rest.
    """

    def within(self, root: str) -> HostFiles:
        """The same files under the same paths, but closed to all that lies outside the directory ``root``."""

    def stat(self, path: str) -> FileInfo: ...

    def names(self, path: str) -> list[str]:
        """The names of a directory's children, hidden ones included, in no order; quicker than listing."""

    def listing(self, path: str, names: Iterable[str] | None = None) -> list[FileInfo]:
        """The children of a directory, in no order; or those of ``names`` that are still there, in that order."""

    def unreachable(self, path: str) -> list[str]:
        """The names in a directory that are not listed, for being neither file nor directory here."""

    def exists(self, path: str) -> bool: ...

    def reader(self, path: str, offset: int = 0) -> BinaryIO:
        """An open file to read from, at ``offset``, seekable; the caller closes it."""

    def incoming(self, directory: str) -> AbstractContextManager[Incoming]:
        """A new file that will be put into the directory, or near it; gone at the end unless it was put."""

    def writer(
        self, path: str, mode: int | None = None, resume: str = ""
    ) -> AbstractContextManager[BinaryIO]:
        """Replace ``path`` whole: what is written appears under the name when the block ends well.

        ``mode`` as for ``Incoming.put``. The parent directory must exist. When the block raises, the old file
        is untouched. ``resume`` names what is being written (any text): what an earlier block with the same
        name had written when the connection broke is kept, and ``tell()`` of the stream says how much it is.
        """

    def patch(self, path: str, offset: int) -> AbstractContextManager[BinaryIO]:
        """Write into an existing (or new) file from ``offset`` on, in place."""

    def mkdir(self, path: str) -> None:
        """Make a directory with its parents; an existing one is fine. FileExistsError when a file is there."""

    def remove(self, path: str) -> None:
        """Remove a file, or a directory with all below it; of a link, the link itself."""

    def rename(self, source: str, target: str) -> None:
        """Move a file, a directory or a link; a file or an empty directory at ``target`` is replaced."""

    def chmod(self, path: str, mode: int) -> None: ...

    def walk(self, path: str) -> Iterator[FileInfo]:
        """Everything below a directory, parents before children, by name; the file itself for a file.

        Directories that links lead to are walked too, but never one that the walk is inside of already.
        """

    def local_path(self, path: str) -> Path | None:
        """Where the path lies on this machine, if it does; never outside the root."""

    def sha256(self, path: str) -> str:
        """The checksum of a file's content, in lower-case hexadecimal; worked out where the file lies if possible."""

    @property
    def bulk(self) -> BulkFiles | None:
        """Many small files at once; None where one after the other is as quick."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended. ``code`` is 128 and the signal's number where a signal has ended it."""

    code: int
    stdout: str
    stderr: str


class Shell(Protocol):
    """Commands on one machine, run by the login shell of one account there."""

    @property
    def address(self) -> str:
        """Who is where: ``tapis@login1.example.org:22``. The same for all that log in the same way."""

    def run(self, command: str, *, stdin: bytes = b"", seconds: float = 60.0) -> Completed:
        """Run a POSIX shell command to its end.

        Raises ConnectionError when the machine does not answer or the connection breaks on the way (the
        command may have run), PermissionError when it lets nobody in, TimeoutError when the command has
        not ended after ``seconds``: it is ended then, as far as that can be.
        """

    def now(self) -> datetime:
        """What the machine's own clock says, UTC. Raises OSError as ``run``."""


@dataclass(frozen=True, slots=True)
class Account:
    """On whose behalf a machine is entered, and with which of a system's credentials.

    ``part`` is ``storage`` or ``login``, ``owner`` the Tapis user (a host map may know an identity of theirs),
    ``port`` that of the system's definition.
    """

    system_uuid: str
    part: str
    owner: str
    port: int | None = None


class BulkFiles(Protocol):
    """Many files of a distant machine in one stream: tar (POSIX or GNU), uncompressed.

    What is said of paths, roots and errors in HostFiles holds here too.
    """

    def pack(self, directory: str, names: Iterable[str]) -> AbstractContextManager[BinaryIO]:
        """A tar of the regular files ``names`` (paths relative to ``directory``; links are followed), to be read.

        Leaving the block raises OSError when something could not be read to its end.
        """

    def unpack(self, directory: str) -> AbstractContextManager[BinaryIO]:
        """Where a tar of regular files (with their parents) is written to; existing files are replaced.

        When the block has ended well, all of them are there. When it raises, some may be, each of them whole.
        """


class Host(Protocol):
    """A machine named by a system definition."""

    @property
    def name(self) -> str: ...

    @property
    def files(self) -> HostFiles: ...

    @property
    def shell(self) -> Shell | None:
        """None for a sandbox: its scripts are run by the emulator itself."""


class Hosts(Protocol):
    """Finds the machine behind a host name, in a world."""

    def host(self, world: str, name: str, account: Account | None = None) -> Host:
        """The machine as the host map has it, without asking it anything yet.

        Without an account only sandboxes, and machines that the map itself has an identity for, can be used.
        """


class Fetcher(Protocol):
    """Brings files from outside, over http and https."""

    def open(
        self,
        url: str,
        allowed: Callable[[str], bool],
        sized: Callable[[int | None], object] = lambda _length: None,
    ) -> AbstractContextManager[BinaryIO]:
        """The content behind a URL, to be read as a stream; name and password in the URL are used to log in.

        ``sized`` is told the number of bytes to come, None where the server does not say.

        ``allowed`` is asked about the host of every address that is fetched from, redirects included;
        PermissionError for one that is not. Raises FileNotFoundError and PermissionError for what the server
        refuses so, ConnectionError and TimeoutError when it cannot be reached, any other OSError else.
        """


class RemoteState(StrEnum):
    """How a submitted script stands on its execution system."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    ENDED = "ENDED"
    LOST = "LOST"
    """Nothing is known of it any more: neither running nor an exit code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteReport:
    """What an execution system says of a script.

    ``scheduler_state`` is the scheduler's own word for the end (COMPLETED, FAILED, TIMEOUT, CANCELLED,
    OUT_OF_MEMORY, NODE_FAIL); ``exit_code`` is None where it never got one; ``signal`` 0 for none.
    """

    state: RemoteState
    scheduler_state: str = ""
    exit_code: int | None = None
    signal: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    reason: str = ""
    submitted: datetime | None = None
    """When it was handed over, by the execution system's own clock; None where that is ours."""
    ahead: float = 0.0
    """Seconds by which the execution system's clock is ahead of ours; its dates are by its own."""
    by_world: bool = False
    """Its moments are by the world's clock, and what it waits for goes by that: nothing real is under way."""
    checks: int = 1
    """How often the execution system was asked since the last report of this script."""
    failed_checks: int = 0
    """How often it was asked in vain since then."""
    heard: datetime | None = None
    """By the world's clock: all news before this moment came at it, as the scheduler told old news until then."""

    @property
    def succeeded(self) -> bool:
        return self.state is RemoteState.ENDED and self.scheduler_state == "COMPLETED" and self.exit_code == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Everything needed to start a job's script on its execution system, or to find it again.

    Built from the job's plan each time, hence the same after a restart. Paths are absolute on the host.
    ``max_run_seconds`` 0 means no limit. ``queue_limit`` and ``queue_user_limit`` are the most scripts
    of the queue (and of one owner in it) that may run at once; -1 for none. ``processors`` are those of all
    ``nodes`` together.
    """

    job_id: str
    world: str
    host: str
    system_id: str
    app_id: str
    owner: str
    name: str
    scheduler: str
    script: str
    work_dir: str
    stdout: str
    stderr: str
    home_dir: str
    max_run_seconds: int
    queue: str = ""
    queue_limit: int = -1
    queue_user_limit: int = -1
    memory_per_node: float = 0.0
    processors: int = 1
    nodes: int = 1
    environment: dict[str, str] = field(default_factory=dict)
    account: Account | None = None
    """How the machine is entered that runs the script; None where that is a sandbox."""
    startup: str = ""
    """A script on that machine that is sourced before each command there [wrapper-templates §7]."""
    play: Play | None = None
    """What is simulated instead of running the script; ``account`` is then that of the files."""
    held: bool = False
    """It is to stay in its queue until it is released."""


class Launcher(Protocol):
    """Runs scripts on execution systems, each exactly once per job id.

    When the state of a script has changed, the launcher calls the ``on_change`` it was built with,
    with the job id, from a thread of its own.
    """

    def submit(self, launch: Launch) -> str:
        """Hand the script over; the answer is the remote job id. Again for the same job: the same id.

        Raises ConnectionError when the execution system does not answer (worth waiting for), Preparing when
        it takes the script later, any other OSError when it cannot take the script.
        """

    def report(self, launch: Launch, remote_job_id: str) -> RemoteReport:
        """How it stands now. After a restart this finds a script again that was handed over before.

        Raises ConnectionError when the execution system does not answer.
        """

    def cancel(self, launch: Launch, remote_job_id: str) -> None:
        """Kill it, with everything it started; a script that is gone already is fine."""

    def forget(self, launch: Launch) -> None:
        """The job has ended: drop what was kept to find it again."""

    def release(self, launch: Launch, remote_job_id: str) -> None:
        """Let a script go that was handed over as ``held``. Again: nothing. Raises OSError as ``submit``."""
