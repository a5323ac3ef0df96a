"""Answers that applications give: streamed, from files, shorter than promised, failing."""

import pytest

from emulator.server import transport
from tests.server.client import Wire, curl, url
from tests.server.tiny import BLOCK, MEGABYTE

pytestmark = pytest.mark.sample(2)


@pytest.mark.parametrize("length", ["", "&length=1"], ids=["chunked", "length"])
def test_a_generator_is_streamed(listener, tls, length):
    with Wire(listener, tls) as wire:
        answer = wire.request(f"/generate?blocks=5{length}").answer()
        assert answer.body == BLOCK * 5
        assert ("transfer-encoding" in answer.headers) is not bool(length)
        assert wire.request().answer().status == 200


@pytest.mark.parametrize(("first", "size"), [(0, 3 * MEGABYTE), (MEGABYTE + 5, 70_000), (3 * MEGABYTE, 0)])
def test_a_file_is_sent_from_where_it_stands(listener, tls, first, size):
    with Wire(listener, tls) as wire:
        for _ in range(2):
            answer = wire.request(f"/file?first={first}&size={size}").answer()
            assert answer.body == (BLOCK * 3)[first : first + size]


def test_plain_files_go_by_the_kernel_and_tls_ones_do_not(listener, monkeypatch):
    sent = []
    kernel = transport.os.sendfile
    monkeypatch.setattr(transport.os, "sendfile", lambda *given: sent.append(kernel(*given)) or sent[-1])
    with Wire(listener) as wire:
        assert wire.request("/file").answer().body == BLOCK * 3
        # The next answer tells that the sending of the one before has returned.
        wire.request().answer()
    assert sum(sent) == 3 * MEGABYTE
    sent.clear()
    with Wire(listener, tls=True) as wire:
        assert wire.request("/file").answer().body == BLOCK * 3
        wire.request().answer()
    assert not sent


def test_what_only_looks_like_a_file_is_read(listener, tls):
    with Wire(listener, tls) as wire:
        assert wire.request("/buffer").answer().body == BLOCK * 3


def test_the_server_adds_no_banner_and_repeats_no_header(listener):
    with Wire(listener) as wire:
        answer = wire.request("/header").answer()
        assert "server" not in answer.headers
        assert answer["date"].endswith("GMT")
        assert answer["x-own"] == "own"
        answer = wire.request("/header?name=server&value=Apache-Coyote/1.1").answer()
        assert answer["server"] == "Apache-Coyote/1.1"
        answer = wire.request("/header?name=Date&value=Sun,%2006%20Nov%201994%2008:49:37%20GMT").answer()
        assert answer["date"] == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_an_answer_without_content_keeps_the_connection(listener, tls):
    with Wire(listener, tls) as wire:
        answer = wire.request("/empty", "DELETE").answer()
        assert (answer.status, answer.headers.get("transfer-encoding")) == (204, None)
        assert wire.request().answer().status == 200


def test_a_head_and_a_small_body_leave_together(listener):
    """Two packets would cost a client that acknowledges late a delay for each answer."""
    with Wire(listener) as wire:
        wire.request("/environ")
        assert b"\r\n\r\n{" in wire.sock.recv(65536)


@pytest.mark.parametrize(
    "path",
    ["/raise", "/raisedisk", "/silent", "/header?name=bad%20name", "/header?value=a%0Ab"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_failing_application_is_a_500_in_the_envelope(listener, tls, caplog, path, method):
    with Wire(listener, tls) as wire:
        answer = wire.request(path, method).answer(to=method)
        assert (answer.status, answer["connection"]) == (500, "close")
        if method == "GET":
            assert answer.json() == {
                "status": "error",
                "message": "Internal Server Error",
                "version": "1.2.3",
            }
        assert wire.at_end()
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.exc_info
    assert path.partition("?")[0] in record.getMessage()


def test_an_answer_of_which_nothing_was_sent_yet_becomes_a_500(listener, tls):
    with Wire(listener, tls) as wire:
        assert wire.request("/short?given=0").answer().status == 500
        assert wire.at_end()


@pytest.mark.parametrize(
    ("path", "code"), [("/short", 18), ("/raiselate", 18), (f"/file?promised={4 * MEGABYTE}", 18)]
)
def test_a_broken_answer_is_never_taken_for_a_whole_one(listener, tls, caplog, path, code):
    assert curl(url(listener, tls, path)).returncode in ((code, 56) if tls else (code,))
    assert [record for record in caplog.records if record.levelname == "ERROR" and record.exc_info]


def test_a_broken_answer_that_only_closing_would_end_is_reset(listener):
    assert curl("--http1.0", url(listener, False, "/raiselate")).returncode == 56


def test_an_iterable_is_closed_when_the_client_leaves(listener, tls, app, caplog):
    with Wire(listener, tls) as wire:
        wire.request("/endless").head()
    assert app.closed.wait(60)
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


@pytest.mark.parametrize("path", ["/endless", f"/file?size={256 * MEGABYTE}"])
def test_a_client_that_takes_nothing_is_given_up(server, monkeypatch, path, tls):
    monkeypatch.setattr(transport, "STALL_SECONDS", 1)
    listener = server.open("impatient")
    with Wire(listener, tls) as wire:
        wire.request(path).head()
        assert listener.wait(60) == 0, "the connection goes on"
