"""nginx with a configuration of its own in a temporary directory: the floor of transfers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Unavailable
from benchmarks.processes import children, free_port
from emulator.cluster.apt import AptFailed, install
from tests.real.waiting import wait_until

_CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
{user}
events {{ worker_connections 64; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_max_body_size 0;
    client_body_temp_path {folder}/files/bodies;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
        location / {{ dav_methods PUT; }}
    }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx; ``worker`` is the process id of the one that serves."""

    url: str
    files: Path
    worker: int
    version: str


@contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    """Serve ``folder/files`` for GET and PUT. Raises Unavailable where there is no nginx and none can be installed."""
    program = _program()
    (folder / "files").mkdir(parents=True)
    port = free_port()
    # the worker must be able to write where only we can
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, user=user), encoding="utf-8")
    log = folder / "nginx.log"
    with log.open("wb") as complaints:
        process = subprocess.Popen(
            [program, "-e", "stderr", "-p", str(folder), "-c", str(configuration)], stderr=complaints
        )
    try:
        wait_until(lambda: process.poll() is not None or children(process.pid), what="nginx's worker")
        if process.poll() is not None:
            raise Unavailable(f"nginx does not start: {log.read_text(encoding='utf-8')}")
        yield Nginx(f"http://127.0.0.1:{port}", folder / "files", children(process.pid)[0], _version(program))
    finally:
        process.terminate()
        process.wait()


def _program() -> str:
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    found = shutil.which("nginx", path=path)
    if found is None:
        try:
            install("nginx-light")
        except AptFailed as failure:
            raise Unavailable(f"there is no nginx, and it cannot be installed: {failure}") from failure
        found = shutil.which("nginx", path=path)
    if found is None:
        raise Unavailable("nginx-light is installed, but there is no nginx on the PATH")
    return found


def _version(program: str) -> str:
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
    number = re.search(r"nginx/(\S+)", said)
    return number[1] if number else said.strip()
