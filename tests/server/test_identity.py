"""The certificate: made once, by whoever comes first, and trusted by those who are given it."""

import multiprocessing
import socket
import ssl
import stat
import subprocess
import sys
import threading

import pytest
import requests

from emulator.server import Server, TlsIdentity
from tests.server.client import Wire, url


def _ensure(directory, barrier, results):
    barrier.wait(60)
    identity = TlsIdentity(directory)
    identity.context()
    results.put((identity.certificate.read_bytes(), identity.key.read_bytes()))


def test_processes_that_race_end_with_one_pair(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(4), context.Queue()
    racers = [context.Process(target=_ensure, args=(tmp_path, barrier, results)) for _ in range(4)]
    for racer in racers:
        racer.start()
    pairs = {results.get(timeout=60) for _ in racers}
    for racer in racers:
        racer.join(60)
    assert len(pairs) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["tls"]


def test_threads_that_race_end_with_one_context(tmp_path):
    identity = TlsIdentity(tmp_path)
    contexts = []
    threads = [threading.Thread(target=lambda: contexts.append(identity.context())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(contexts) == 8
    assert len(set(map(id, contexts))) == 1


def test_made_once_and_used_ever_after(tmp_path):
    first = TlsIdentity(tmp_path / "new" / "data")
    first.ensure()
    made = first.certificate.read_bytes(), first.key.read_bytes()
    second = TlsIdentity(tmp_path / "new" / "data")
    second.ensure()
    assert (second.certificate.read_bytes(), second.key.read_bytes()) == made
    assert first.certificate == tmp_path / "new" / "data" / "tls" / "cert.pem"
    assert stat.S_IMODE(first.key.stat().st_mode) == 0o600


def test_half_an_identity_is_an_error_and_is_not_overwritten(tmp_path):
    identity = TlsIdentity(tmp_path)
    identity.ensure()
    identity.key.unlink()
    with pytest.raises(FileExistsError, match="only one of"):
        TlsIdentity(tmp_path).ensure()
    assert identity.certificate.exists()


def test_an_identity_that_cannot_be_made_is_told_and_plain_http_goes_on(tmp_path, app, caplog):
    (tmp_path / "tls").write_text("in the way")
    server = Server(app, version="1", tls=TlsIdentity(tmp_path))
    listener = server.open("broken")
    try:
        with pytest.raises(OSError):
            Wire(listener, tls=True)
        assert "certificate" in caplog.text
        with Wire(listener) as wire:
            assert wire.request().answer().status == 200
    finally:
        server.stop()


def test_key_of_the_curve_and_validity(identity):
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    identity.ensure()
    certificate = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert isinstance(public.curve, ec.SECP256R1)
    assert certificate.not_valid_after_utc.year == 2099


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", socket.gethostname()])
def test_a_strict_client_that_trusts_it_accepts_every_name(listener, identity, name):
    context = ssl.create_default_context(cafile=identity.certificate)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((listener.host, listener.port), timeout=60) as sock,
        context.wrap_socket(sock, server_hostname=name) as tls,
    ):
        assert tls.version() == "TLSv1.3"


def test_clients_that_are_given_the_certificate_verify_it(listener, identity):
    for host in ("localhost", "127.0.0.1"):
        address = url(listener, True).replace("127.0.0.1", host)
        assert requests.get(address, verify=str(identity.certificate), timeout=60).status_code == 200
        command = ["curl", "-q", "-s", "--cacert", str(identity.certificate), address]
        assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    assert subprocess.run(["curl", "-q", "-s", url(listener, True)], timeout=60).returncode == 60


def test_a_client_that_distrusts_it_disturbs_nobody(listener, caplog):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(url(listener, True), timeout=60)
    with Wire(listener, tls=True) as wire:
        assert wire.request().answer().status == 200
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


LAZY = """
import pathlib, ssl, sys, urllib.request
from emulator.server import Server, TlsIdentity

def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return []

def loaded():
    return "cryptography" in sys.modules

identity = TlsIdentity(pathlib.Path(sys.argv[1]))
port = Server(app, version="1", tls=identity).open("lazy").port
urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
print(loaded(), identity.certificate.exists())
context = ssl._create_unverified_context()
urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=context).read()
print(loaded(), identity.certificate.exists())
"""


def test_cryptography_is_loaded_only_to_make_a_certificate(tmp_path):
    command = [sys.executable, "-c", LAZY, str(tmp_path)]
    assert subprocess.check_output(command, text=True, timeout=60).split() == [
        "False",
        "False",
        "True",
        "True",
    ]
    assert subprocess.check_output(command, text=True, timeout=60).split() == [
        "False",
        "True",
        "False",
        "True",
    ]
