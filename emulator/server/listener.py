"""A port that accepts connections, each of which is served in a thread of its own."""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import threading
from wsgiref.types import WSGIApplication

from emulator.server.connection import Connection, Site
from emulator.server.environ import Address
from emulator.server.stand_in import StandIn
from emulator.server.tls import TlsIdentity

BACKLOG = 1024
"""Clients that the kernel lets wait to be accepted."""

_CLIENT_GONE = frozenset({errno.ECONNABORTED, errno.EPROTO})
_EXHAUSTED_PAUSE_SECONDS = 0.1


class Listener:
    """An open port, made by `Server.open`; `key` says in the WSGI environ which one a request used."""

    def __init__(
        self,
        app: WSGIApplication,
        *,
        key: str,
        host: str,
        port: int,
        tls: TlsIdentity | None,
        version: str,
        logger: logging.Logger,
        tls_only: bool = False,
        stand_in: StandIn | None = None,
    ) -> None:
        """Listening when it returns. Raises OSError when host and port cannot be had."""
        self.key = key
        self.host = host
        self._socket = _listen(host, port)
        address: Address = self._socket.getsockname()
        self.port: int = address[1]
        self._logger = logger
        self._site = Site(
            app,
            key=key,
            address=address,
            tls=tls,
            version=version,
            logger=logger,
            relieve=self._relieve,
            tls_only=tls_only,
            stand_in=stand_in,
        )
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._live: dict[Connection, threading.Thread] = {}
        self._changed = threading.Condition()
        self._accepting = 0
        self._crowded = False
        self._acceptor = threading.Thread(target=self._accept, name=f"listener {key}", daemon=True)
        self._acceptor.start()

    def stop_accepting(self) -> None:
        """Close the port, and the connections on which nothing is under way."""
        with self._changed:
            self._site.closing = True
        self._wake_sender.send(b"\0")
        self._acceptor.join()
        with self._changed:
            self._changed.wait_for(lambda: not self._accepting)
        for sock in (self._socket, self._wake_receiver, self._wake_sender):
            sock.close()
        for connection in self._others():
            if connection.idle:
                connection.cut()

    def cut(self) -> None:
        """End the connections that are left, except the one that is served by the calling thread."""
        for connection in self._others():
            connection.cut()

    @property
    def live(self) -> bool:
        """Whether connections are left."""
        with self._changed:
            return bool(self._live)

    def wait(self, seconds: float) -> int:
        """Wait until no connection is left, at most for `seconds`; how many are left."""
        with self._changed:
            self._changed.wait_for(lambda: not self._others(), seconds)
            return len(self._others())

    def _others(self) -> list[Connection]:
        # A request may close the very listener that it came by: its own answer is still to be given.
        with self._changed:
            current = threading.current_thread()
            return [connection for connection, thread in self._live.items() if thread is not current]

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake_receiver, selectors.EVENT_READ)
            while not self._site.closing:
                selector.select()
                while self._accept_one():
                    self._crowded = True

    def _relieve(self) -> None:
        """Accept a client that waits, if many do; called by each connection between its requests.

        The accepting thread has one turn at the interpreter in as many as there are busy connections,
        and needs several for each client: alone, it would let the last of 200 wait for seconds.
        """
        if self._crowded:
            self._accept_one()

    def _accept_one(self) -> bool:
        """Accept a client, if one waits; whether there may be more."""
        with self._changed:
            if self._site.closing:
                return False
            self._accepting += 1
        try:
            sock, peer = self._socket.accept()
        except BlockingIOError:
            self._crowded = False
            return False
        except OSError as error:
            if error.errno in _CLIENT_GONE:
                return True
            self._logger.error("accepting on %r failed: %s", self.key, error)
            self._pause()
            return False
        else:
            self._start(Connection(self._site, sock, peer))
            return True
        finally:
            with self._changed:
                self._accepting -= 1
                self._changed.notify_all()

    def _start(self, connection: Connection) -> None:
        thread = threading.Thread(
            target=self._run, args=(connection,), name=f"connection {self.key}", daemon=True
        )
        with self._changed:
            self._live[connection] = thread
        try:
            thread.start()
        except RuntimeError as error:
            self._logger.error("a connection on %r was refused: %s", self.key, error)
            connection.discard()
            self._forget(connection)
            self._pause()

    def _run(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        with self._changed:
            del self._live[connection]
            self._changed.notify_all()

    def _pause(self) -> None:
        """Let a connection end, when the machine has no more threads or files to give."""
        self._crowded = False
        with self._changed:
            self._changed.wait(_EXHAUSTED_PAUSE_SECONDS)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; of a name's addresses the first of IPv4, if any, since clients try that."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    both = family == socket.AF_INET6 and address[0] == "::" and socket.has_dualstack_ipv6()
    listening = socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both)
    listening.setblocking(False)
    return listening
