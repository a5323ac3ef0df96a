"""A container of an engine that lives no longer than this call, however the call ends."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess

from emulator.runtimes.singularity.container import Container, without_command
from emulator.runtimes.singularity.failure import Fatal
from emulator.runtimes.singularity.places import find_program

_OWN = ("/proc", "/sys", "/dev", "/etc/hosts", "/etc/resolv.conf")
"""Which the engine brings itself."""
_REPOSITORY = "tapis-emulator-singularity"
_JOB = "TAPIS_EMULATOR_JOB"
_MISSING, _NOT_EXECUTABLE, _ENGINE_FAILED = 127, 126, 125


def answers(program: str) -> bool:
    if shutil.which(program) is None:
        return False
    asked = ["info"] if program == "podman" else ["version", "--format", "{{.Server.Version}}"]
    return _call([program, *asked]).returncode == 0


def run_in(program: str, container: Container) -> int:
    """Run it and wait; the exit code is the command's. Raises Fatal."""
    if not find_program(container.root, container.command[0], container.environment["PATH"]):
        raise without_command(container.command[0])
    image = _image(program, container.root)
    name = f"{_REPOSITORY}-{os.getpid()}-{os.urandom(4).hex()}"
    keeper = _Keeper(program, name)
    command = [
        program,
        "run",
        "--rm",
        "-i",
        "--name",
        name,
        *_who(program),
        *_options(container),
        image,
        *container.command[1:],
    ]
    child = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: _call([program, "kill", "-s", str(int(got)), name]))
    try:
        code = child.wait()
    finally:
        keeper.end()
    if code == _ENGINE_FAILED:
        raise Fatal(f"{program} could not start the container")
    return code if code >= 0 else 128 - code


def _who(program: str) -> list[str]:
    """Options by which what is written belongs to the caller. A rootless engine shows him as root inside."""
    caller = f"--user={os.getuid()}:{os.getgid()}"
    if program == "podman":
        return [caller] if os.getuid() == 0 else ["--userns=keep-id", caller]
    security = _call([program, "info", "--format", "{{.SecurityOptions}}"]).stdout
    return ["--init", "--user=0:0" if b"name=rootless" in security else caller]


def _options(container: Container) -> list[str]:
    options = ["--network=host", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    options += ["--workdir", container.directory]
    if not container.writable:
        options.append("--read-only")
    for bind in container.binds:
        if bind.target in _OWN:
            continue
        if bind.source:
            kind = f"type=bind,source={bind.source},target={bind.target}"
        else:
            kind = f"type=tmpfs,target={bind.target}"
        if "," in bind.source + bind.target:
            raise Fatal(f"{bind.source}: no engine can bind a path with a comma")
        options += ["--mount", kind + (",readonly" if bind.read_only else "")]
    for key, value in container.environment.items():
        options += ["--env", f"{key}={value}"]
    return [*options, "--entrypoint", container.command[0]]


def _image(program: str, root: str) -> str:
    """The unpacked image in the engine, imported by the first call that needs it."""
    identity = os.path.basename(os.path.dirname(root))
    if not identity.startswith("sha256-"):  # somebody's directory, not one of the cache's
        identity = f"{root} {os.stat(root).st_ino} {os.stat(root).st_ctime_ns}"
    name = f"{_REPOSITORY}:{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    if _call([program, "image", "inspect", name]).returncode == 0:
        return name
    with subprocess.Popen(
        ["tar", "--numeric-owner", "-C", root, "-c", "."], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as packed:
        done = subprocess.run([program, "import", "-", name], stdin=packed.stdout, capture_output=True)
    if done.returncode or packed.returncode:
        raise Fatal(f"{program} cannot import the image: {done.stderr.decode('utf-8', 'replace').strip()}")
    return name


class _Keeper:
    """A process of its own that kills the container when this one is gone, even if it was killed itself.

    It is not one of the job's, which are killed together: it carries no mark of the job, and ends a session.
    """

    def __init__(self, program: str, name: str) -> None:
        script = 'read -r _ || true; exec "$@" >/dev/null 2>&1'
        environment = {key: value for key, value in os.environ.items() if key != _JOB}
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", script, "keeper", program, "rm", "-f", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )

    def end(self) -> None:
        """Returns when the container is gone for certain."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _call(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
