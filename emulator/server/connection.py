"""One client's connection: its requests, one after another, and the application's answers."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable, Iterable
from email.utils import formatdate
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, NoReturn
from wsgiref.types import WSGIApplication

from emulator.server.body import BrokenBody, RequestBody
from emulator.server.environ import Address, build_environ
from emulator.server.faults import AnswerFault
from emulator.server.http1 import PARSE_ERRORS, FileWrapper, Request, Response, Source, refusal
from emulator.server.raw import RawConnection
from emulator.server.stand_in import Refused, StandIn, Target
from emulator.server.tls import TlsIdentity
from emulator.server.transport import ConnectionEnded, Transport

TLS_HANDSHAKE = b"\x16"
"""A client's first byte when it speaks TLS; no method of HTTP begins with it."""

_FIRST_OF_CONNECT = b"C"

DRAIN_BYTES = 64 * 1024
"""How much of an unread body is read away so that the connection can serve another request."""


class _Next(Enum):
    """What may follow on a connection."""

    REQUEST = auto()
    TUNNEL = auto()
    CLOSE = auto()


class Site:
    """What all connections of a listener share."""

    def __init__(
        self,
        app: WSGIApplication,
        *,
        key: str,
        address: Address,
        tls: TlsIdentity | None,
        version: str,
        logger: logging.Logger,
        relieve: Callable[[], None],
        tls_only: bool = False,
        stand_in: StandIn | None = None,
    ) -> None:
        """`address` is where the listener listens, `version` the one told in error answers;
        `relieve` is called between two requests of a connection. `tls_only` turns away who speaks
        plain HTTP; `stand_in` has the listener act as a proxy for its hosts."""
        self.app = app
        self.key = key
        self.address = address
        self.tls = tls
        self.version = version
        self.logger = logger
        self.relieve = relieve
        self.tls_only = tls_only
        self.stand_in = stand_in
        self.closing = False


class Connection:
    """Serves one accepted socket in the thread that calls `run`."""

    def __init__(self, site: Site, sock: socket.socket, peer: Address) -> None:
        self._site = site
        self._peer = peer
        self._transport = Transport(sock)
        self._tunnel = ""
        self.idle = True
        """Whether no request is being read or answered, so that closing loses nothing."""

    def cut(self) -> None:
        """End the connection from another thread."""
        self._transport.cut()

    def discard(self) -> None:
        """Close the socket of a connection that is never run."""
        self._transport.close()

    def run(self) -> None:
        """Serve until the client or the server closes; raises nothing."""
        logger = self._site.logger
        try:
            try:
                self._serve()
                self._transport.end_output()
            except ConnectionEnded as ended:
                logger.debug("%s: %s", self._peer, ended)
            self.idle = True
            self._transport.discard_input(wait=not self._site.closing)
        except OSError as error:
            # The client went away, or stopped: its affair, and all that is told of it.
            logger.debug("%s: %s", self._peer, error)
        except Exception:
            logger.exception("The server failed to serve %s", self._peer)
        finally:
            self._transport.close()

    def _serve(self) -> None:
        self._transport.prepare()
        while self._serve_protocol() is _Next.TUNNEL:
            pass

    def _serve_protocol(self) -> _Next:
        """Find out what the client speaks, and serve it: at the beginning, and inside a tunnel again."""
        self.idle = True
        first = self._transport.peek()
        if first == TLS_HANDSHAKE:
            if self._site.tls is None:
                self._site.logger.warning("%s speaks TLS to %r, which has none", self._peer, self._site.key)
                return _Next.CLOSE
            self._transport.start_tls(self._tls_context(self._site.tls))
        elif first and self._site.tls_only and not self._tunnel:
            self._refuse(400, "This port speaks TLS only: use https://")
            return _Next.CLOSE
        careful = first == _FIRST_OF_CONNECT and self._site.stand_in is not None
        source = Source(self._transport, self._arrived, careful=careful)
        number = 1
        while (after := self._serve_request(source, number)) is _Next.REQUEST:
            number += 1
            self._site.relieve()
        return after

    def _arrived(self) -> None:
        self.idle = False

    def _serve_request(self, source: Source, number: int) -> _Next:
        """Wait for the next request and answer it; what may follow."""
        self.idle = True
        try:
            request = Request(source, self._peer, number)
        except StopIteration:
            return _Next.CLOSE
        except PARSE_ERRORS as error:
            self._refuse(*refusal(error))
            return _Next.CLOSE
        # A pipelined request was there before anything arrived.
        self.idle = False
        try:
            if request.method == "CONNECT":
                self._open_tunnel(request, source)
                return _Next.TUNNEL
            target = self._absolute(request.uri)
        except Refused as refused:
            self._refuse(refused.status, refused.message, body=request.method != "HEAD")
            return _Next.CLOSE
        return _Next.REQUEST if self._answer(request, source, target) else _Next.CLOSE

    def _absolute(self, uri: str) -> Target | None:
        stand_in = self._site.stand_in
        if stand_in is None or uri.startswith("/"):
            return None
        return stand_in.absolute(uri, self._transport.own_address())

    def _open_tunnel(self, request: Request, source: Source) -> None:
        """Be the other end of the tunnel that the client asks for. Raises Refused."""
        stand_in = self._site.stand_in
        if stand_in is None:
            raise Refused(501, "CONNECT is not supported")
        if self._tunnel or self._transport.is_tls:
            raise Refused(400, "CONNECT is for plain connections to this port, outside any tunnel")
        host = stand_in.tunnel(request.uri)
        if request.has_body or source.is_ahead:
            raise Refused(400, "What comes with a CONNECT cannot be told from what goes through the tunnel")
        if self._site.closing:
            raise Refused(503, "The port is being closed")
        self._tunnel = host
        self._transport.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

    def _answer(self, request: Request, source: Source, target: Target | None) -> bool:
        body = RequestBody(self._transport, source, request)
        response = Response(
            request, self._transport, lambda: body.settle(DRAIN_BYTES) and not self._site.closing
        )
        environ = build_environ(
            request,
            body.stream(),
            scheme="https" if self._transport.is_tls else "http",
            server=self._site.address,
            peer=self._peer,
            target=target,
            authority=self._tunnel,
        )
        environ["emulator.listener"] = self._site.key
        raw = environ["emulator.connection"] = RawConnection(self._transport)
        try:
            self._run_app(environ, response, raw)
        except BrokenBody as error:
            self._fail(response, 400, str(error.description))
        except Exception:
            self._site.logger.exception("The application failed on %s %.200s", request.method, request.uri)
            self._fail(response, 500, "Internal Server Error")
        finally:
            if raw.ended is not None:
                raw.ended(response.sent)
        keep = not response.should_close() and not self._site.closing
        return keep and body.drain(DRAIN_BYTES)

    def _run_app(self, environ: dict[str, Any], response: Response, raw: RawConnection) -> None:
        blocks = self._site.app(environ, response.start_response)
        try:
            if raw.fault is not None:
                self._send_faulty(blocks, response, raw.fault)
            elif isinstance(blocks, FileWrapper):
                _require_start(response)
                response.write_file(blocks)
            else:
                for block in blocks:
                    _require_start(response)
                    response.write(block)
            _require_start(response)
            response.send_headers()
            if response.is_short:
                raise RuntimeError(f"{response.sent} bytes of {response.response_length} were given")
            response.close()
            self._transport.flush()
        finally:
            close: Callable[[], object] | None = getattr(blocks, "close", None)
            if close:
                close()

    def _send_faulty(self, blocks: Iterable[bytes], response: Response, fault: AnswerFault) -> None:
        """Send a body as the fault has it; returns only where the connection does not end with it."""
        allowed = fault.allowed(response.response_length)
        sent = 0
        for block in blocks:
            _require_start(response)
            if allowed is None and fault.share is not None:
                allowed = int(len(block) * fault.share)
            for piece in fault.pieces(block, sent, allowed):
                sent += len(piece)
                if fault.pace is not None:
                    response.send_headers()
                    self._transport.flush()
                    fault.pace(sent)
                response.write(piece)
            if allowed is not None and sent >= allowed:
                break
        if not fault.cuts:
            return
        _require_start(response)
        response.send_headers()
        self._transport.flush()
        if fault.reset:
            self._transport.reset()
        else:
            self._transport.end_output(notify=False)
        raise ConnectionEnded("cut off, as the application asked")

    def _fail(self, response: Response, status: int, message: str) -> NoReturn:
        """Answer an error if nothing has left for the client yet, and end the connection."""
        if not response.headers_sent or self._transport.take_back():
            self._refuse(status, message, body=response.req.method != "HEAD")
            self._transport.end_output()
        elif response.ends_with_connection:
            # An orderly end would make the broken answer look complete.
            self._transport.reset()
        else:
            self._transport.end_output(notify=False)
        raise ConnectionEnded(message)

    def _refuse(self, status: int, message: str, *, body: bool = True) -> None:
        """Answer an error in the service's envelope [conventions §2], as the connection's last word."""
        envelope = {"status": "error", "message": message, "version": self._site.version}
        content = json.dumps(envelope, separators=(",", ":")).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nDate: {formatdate(usegmt=True)}\r\n"
            "Content-Type: application/json; charset=UTF-8\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        )
        self._transport.sendall(head.encode() + (content if body else b""))

    def _tls_context(self, identity: TlsIdentity) -> Any:
        try:
            return identity.context()
        except Exception:
            self._site.logger.exception("The certificate for TLS cannot be used")
            raise ConnectionEnded("no certificate") from None


def _require_start(response: Response) -> None:
    if response.status is None:
        raise RuntimeError("the application gave no status: start_response was not called")
