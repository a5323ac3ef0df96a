"""A process that holds a launcher and is killed with SIGKILL at a chosen instant.

Reads tasks as JSON lines and forks a child for each, so that Python starts once only. A child counts what
it asks of the system (opening, renaming, removing files, starting programs, sending signals) from the moment
its task begins, in all threads, and kills itself at the given number (``point``), or after a given time
(``after``, seconds); a task that ends before that is killed then. Answers a JSON line: what the task had
answered, and ``done`` where the end came first.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from emulator.domain.ports import RemoteState
from tests.real.sandbox_machine import SandboxMachine

COUNTED = {
    "open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.kill", "os.killpg", "os.listdir", "os.scandir",
    "os.utime", "shutil.rmtree", "subprocess.Popen", "os.pidfd_open", "os.putenv", "os.chmod",
}  # fmt: skip


class Fuse:
    """Kills this process at the ``length``-th counted event after it was lit."""

    def __init__(self, length: int, after: float | None, counted: set[str]) -> None:
        self._left = length
        self._after = after
        self._counted = counted
        self._lit = False
        self._lock = threading.Lock()
        sys.addaudithook(self._hook)

    @property
    def is_lit(self) -> bool:
        return self._lit

    def light(self) -> None:
        self._lit = True
        if self._after is not None:
            timer = threading.Timer(self._after, os.kill, (os.getpid(), signal.SIGKILL))
            timer.daemon = True
            timer.start()

    def put_out(self) -> None:
        self._lit = False

    def burn(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._lit = False  # its own kill is an event too
                os.kill(os.getpid(), signal.SIGKILL)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._lit and event in self._counted and not str(arguments[0]).startswith("/proc"):
            self.burn()  # but for reading about processes, which changes nothing and happens a lot


class BurningPopen(subprocess.Popen[bytes]):
    """Another instant: a supervisor was started this very moment, and nothing came after."""

    fuse: Fuse

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.fuse.is_lit:
            self.fuse.burn()


def perform(task: dict[str, Any], fuse: Fuse) -> str:
    machine = SandboxMachine(Path(task["directory"]), task.get("prefix", ""), **task.get("settings", {}))
    launch = machine.launch(task["job"], task["text"], **task.get("changes", {}))
    verb, answer = task["verb"], ""
    if verb == "submit":
        fuse.light()
        answer = machine.launcher.submit(launch)
        say(answer)
        machine.wait(launch)
    elif verb == "start":
        fuse.light()
        machine.launcher.start()
        machine.wait(launch, lambda report: report.state is not RemoteState.QUEUED)
    elif verb == "cancel":
        machine.launcher.start()
        fuse.light()
        machine.launcher.cancel(launch, "")
        machine.wait(launch)
    elif verb == "forget":
        machine.launcher.start()
        fuse.light()
        machine.launcher.forget(launch)
    fuse.put_out()
    return answer


def say(answer: str) -> None:
    os.write(3, answer.encode())


def main() -> None:
    for line in sys.stdin:
        task = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writing, 3)
            fuse = Fuse(task.get("point", 0), task.get("after"), set(task.get("counted", COUNTED)))
            BurningPopen.fuse = fuse
            subprocess.Popen = BurningPopen  # type: ignore[assignment,misc]
            try:
                perform(task, fuse)
                say("|done")
            except BaseException as error:  # noqa: BLE001
                say(f"|failed: {error!r}")
            os.kill(os.getpid(), signal.SIGKILL)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            os.waitpid(child, 0)  # the script keeps no descriptor of ours, hence the pipe ends
            answer, _, end = pipe.read().decode().partition("|")
        print(json.dumps({"answer": answer, "end": end}), flush=True)


class Victims:
    """The process above, from outside."""

    def __init__(self, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.real.launcher_victim"],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kill_one(self, **task: Any) -> dict[str, str]:
        """Perform the task and die at its point. ``end`` is ``done`` when the point was never reached."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(task, default=str), file=self._process.stdin, flush=True)
        answer: dict[str, str] = json.loads(self._process.stdout.readline())
        assert not answer["end"].startswith("failed"), answer["end"]
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


if __name__ == "__main__":
    main()
