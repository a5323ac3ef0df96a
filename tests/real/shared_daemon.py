"""One daemon process for everybody who asks, stopped when the last of them has gone.

Test workers are processes that know nothing of each other and may be killed at any moment, so all bookkeeping is
left to the kernel, which lets go of a dead process's file locks:

* who uses the daemon holds ``users`` shared;
* a *keeper* process owns the daemon, holds ``keeper`` alone for as long as it lives, and asks for ``users`` alone:
  it gets that when nobody is left, and then stops the daemon;
* the last one to leave tells the keeper and waits for it, so that a finished test run leaves nothing behind.

Linux only (the daemon is told by the kernel when its keeper dies).
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.real.cache import CHECKOUT, locked
from tests.real.waiting import wait_until

STOP_SECONDS = 30


class DaemonFailed(Exception):
    """The daemon did not come up; the message holds the end of its log."""


class SharedDaemon:
    """A use of the daemon that ``command`` starts; all who name the same ``directory`` share one.

    ``ready`` is asked whether the daemon answers; ``prepare`` is called right before each start. The daemon's
    output goes to ``directory/log``.
    """

    def __init__(
        self,
        directory: Path,
        command: Sequence[str],
        ready: Callable[[], bool],
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._directory = directory
        self._command = command
        self._ready = ready
        self._prepare = prepare
        self._use: int | None = None

    def acquire(self, timeout: float = 60.0) -> None:
        """Return when the daemon answers, started by this call if need be; :class:`DaemonFailed` otherwise."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._use = _open(self._directory / "users")
        try:
            fcntl.flock(self._use, fcntl.LOCK_SH)  # waits while a keeper is stopping its daemon
            with locked(self._directory / "start"):
                if not self._ready():
                    self._start(timeout)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Give up this use. The last one returns only when the daemon has ended."""
        if self._use is None:
            return
        try:
            fcntl.flock(self._use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Either others use it, then this returns at once, or the keeper has begun to stop it: wait for that.
            fcntl.flock(self._use, fcntl.LOCK_SH)
        else:
            self._stop_keeper()  # nobody can come in while we hold the lock alone
        os.close(self._use)
        self._use = None

    def _start(self, timeout: float) -> None:
        if self._settles(timeout):
            return
        self._prepare()  # no keeper, no daemon: what is left of an earlier one is dead
        arguments = [sys.executable, "-m", __name__, str(self._directory), *self._command]
        started = subprocess.run(
            arguments, cwd=CHECKOUT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if started.returncode:
            raise DaemonFailed(started.stderr)
        if not self._settles(timeout):
            raise DaemonFailed(f"{self._command[0]} ended at once:\n{self._end_of_log()}")

    def _settles(self, timeout: float) -> bool:
        """Wait until the daemon answers (true) or its keeper is gone (false)."""
        keeper = self._directory / "keeper"
        try:
            wait_until(lambda: self._ready() or not _is_held(keeper), timeout)
        except AssertionError:
            raise DaemonFailed(
                f"{self._command[0]} is silent after {timeout:g} s:\n{self._end_of_log()}"
            ) from None
        return self._ready()

    def _stop_keeper(self) -> None:
        keeper = self._directory / "keeper"
        if _is_held(keeper):
            os.kill(int(keeper.read_text()), signal.SIGTERM)
            with locked(keeper):
                pass

    def _end_of_log(self) -> str:
        return "\n".join((self._directory / "log").read_text(errors="replace").splitlines()[-20:])


def keep(directory: Path, command: Sequence[str]) -> None:
    """Be the keeper: start ``command``, and end it when nobody uses it, when told so, or with this process.

    Returns in the calling process as soon as a process of its own has taken over; raises what kept it from that.
    """
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        if not os.read(told, 1):
            raise SystemExit(1)  # what went wrong stands on stderr
        return
    os.setsid()
    keeper = _open(directory / "keeper")
    fcntl.flock(keeper, fcntl.LOCK_EX)
    os.truncate(keeper, 0)
    os.write(keeper, str(os.getpid()).encode())
    # Blocked and waited for, not handled: whatever comes first, comes at a place where it can do no harm.
    awaited = {signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    with (directory / "log").open("wb") as log:
        daemon = _start_daemon(command, log.fileno(), awaited)
        os.write(tell, b"1")
        for stream in (1, 2):  # the caller waits for the end of both
            os.dup2(log.fileno(), stream)
    threading.Thread(target=_tell_when_unused, args=[directory / "users"], daemon=True).start()
    signal.sigwait(awaited)
    daemon.terminate()
    try:
        daemon.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _start_daemon(command: Sequence[str], log: int, blocked: set[signal.Signals]) -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None)

    def before_exec() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
        libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: a killed keeper takes its daemon along

    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=before_exec,  # the keeper has no other thread yet
    )


def _tell_when_unused(users: Path) -> None:
    fcntl.flock(_open(users), fcntl.LOCK_EX)
    os.kill(os.getpid(), signal.SIGUSR1)


def _is_held(path: Path) -> bool:
    """Whether some process holds the lock file alone at this moment."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), sys.argv[2:])
