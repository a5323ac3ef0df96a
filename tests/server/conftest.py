"""A server for each test, and one certificate for all of them."""

import pytest

from emulator.server import Server, StandIn, TlsIdentity
from tests.server.tiny import TinyApp

STOOD_IN = "stood-in.example"


@pytest.fixture(scope="session")
def identity(tmp_path_factory):
    return TlsIdentity(tmp_path_factory.mktemp("identity"), [STOOD_IN])


@pytest.fixture
def app():
    return TinyApp()


@pytest.fixture
def server(app, identity):
    server = Server(app, version="1.2.3", tls=identity)
    yield server
    app.release.set()
    server.stop()


@pytest.fixture
def listener(server):
    return server.open("test")


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def tls(request):
    return request.param


@pytest.fixture
def proxy(app, identity):
    """A listener that stands in for one host, and no other."""
    identity.ensure()
    server = Server(app, version="1.2.3", tls=identity, stand_in=StandIn([STOOD_IN]))
    yield server.open("proxy")
    app.release.set()
    server.stop()
