"""An upload of 100 MB, struck at every turn: in constant memory, and nothing of it is kept that was not taken."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.contract.struck.conftest import FOLDER, Control, rest
from tests.real.waiting import wait_until
from tests.served import Api
from tests.server.client import Wire

SIZE = 100 * 1024 * 1024
BLOCK = b"x" * (1024 * 1024)
GROWTH = 24 * 1024 * 1024
"""Bytes by which the process, which is the client's too, may grow; a body held whole would be four times that."""

_NAME = "large.bin"
_PART = (
    b'--b\r\nContent-Disposition: form-data; name="fileToUpload"; filename="large.bin"\r\n\r\n',
    b"\r\n--b--\r\n",
)
_HEAD = (
    f"POST /{FOLDER} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    f"Content-Length: {SIZE + sum(map(len, _PART))}\r\n\r\n"
).encode()


@contextmanager
def little_memory() -> Iterator[None]:
    """The block's peak of memory is little above what there was before."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak()
    yield
    assert _peak() - before < GROWTH


def _peak() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found
    return int(found[1]) * 1024


def send_all(wire: Wire) -> bool:
    """Send the whole upload; False where the server has ended the connection meanwhile."""
    try:
        wire.send(_HEAD + _PART[0])
        for _ in range(SIZE // len(BLOCK)):
            wire.send(BLOCK)
        wire.send(_PART[1])
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("do", "status", "kept"),
    [
        ({"status": 503}, 503, False),
        pytest.param({"status": {"code": 500, "after": True}}, 500, True, marks=pytest.mark.campaign),
        ({"slow-body": {"rate": "2GB/s", "side": "request"}}, 202, True),
        pytest.param({"delay": "50ms"}, 202, True, marks=pytest.mark.campaign),
    ],
)
def test_answered(
    control: Control, api: Api, wire: Callable[..., Wire], do: Any, status: int, kept: bool
) -> None:
    control.arm("http.files.importData", do)
    with little_memory(), wire() as client:
        assert send_all(client), "all of it is taken, or thrown away"
        assert client.answer().status == status
    _kept(api, kept)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_reset_before(control: Control, api: Api, wire: Callable[..., Wire], tls: bool) -> None:
    control.arm("http.files.importData", "reset")
    with little_memory(), wire(tls) as client:
        sent = send_all(client)
        assert not sent or rest(client)[0] == b""
    _kept(api, False)


def test_the_client_goes_in_a_slow_upload(control: Control, api: Api, wire: Callable[..., Wire]) -> None:
    control.arm("http.files.importData", {"slow-body": {"rate": "1KB/s", "side": "request"}})
    since = control.last()
    with wire() as client:
        client.send(_HEAD + _PART[0] + BLOCK[:5000])
        wait_until(lambda: any(each["faults"] for each in control.requests(since=since)), 60, "struck")
        client.sock.shutdown(socket.SHUT_RDWR)
    assert control.struck(since)["status"] in (None, 400)
    _kept(api, False)


def test_a_hold_takes_nothing_of_it(control: Control, api: Api, wire: Callable[..., Wire]) -> None:
    """Nothing is read meanwhile: the client waits with its body, and the server keeps none of it."""
    name = control.arm("http.files.importData", "hold", times=1)
    since = control.last()
    with little_memory(), wire() as client:
        sender = threading.Thread(target=send_all, args=(client,))
        sender.start()
        wait_until(lambda: control.requests(since=since), 60, "arrived")
        wait_until(lambda: any(each["faults"] for each in control.requests(since=since)), 60, "struck")
        control.release(name)
        sender.join(60)
        assert client.answer().status == 202
    _kept(api, True)


def _kept(api: Api, kept: bool) -> None:
    wait_until(
        lambda: (api.request("HEAD", f"{FOLDER}/{_NAME}").status_code == 200) == kept, 60, f"kept: {kept}"
    )
    if kept:
        assert api.request("HEAD", f"{FOLDER}/{_NAME}").headers["Content-Length"] == str(SIZE)
        api.call("DELETE", f"{FOLDER}/{_NAME}")
