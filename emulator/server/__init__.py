"""The embedded HTTP server: one port speaks plain HTTP and TLS, and ports come and go at run time.

    server = Server(app, version="2.2.27-r8d3e0d3", tls=TlsIdentity(data_dir))
    listener = server.open("default", port=8000)    # listening when it returns
    ...
    server.stop()

A Flask view, a `before_request` function or the generator of a body breaks the connection by

    raw = request.environ["emulator.connection"]
    raw.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: 100\\r\\n\\r\\nonly this")
    raw.close()     # or raw.reset(): neither returns

or has the server break an answer that the application gives as ever, by `raw.damage(keep=100)`.
Breaking unwinds through Flask without becoming a 500. What must be undone on the way belongs in
`finally` or in a context manager; `except Exception` does not see it.
"""

from emulator.server.body import BrokenBody
from emulator.server.faults import AnswerFault
from emulator.server.listener import Listener
from emulator.server.raw import RawConnection
from emulator.server.server import Server
from emulator.server.stand_in import StandIn
from emulator.server.tls import TlsIdentity

__all__ = [
    "AnswerFault",
    "BrokenBody",
    "Listener",
    "RawConnection",
    "Server",
    "StandIn",
    "TlsIdentity",
]
