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
    results.put(identity.authority.read_bytes())


def test_processes_that_race_end_with_one_authority(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(4), context.Queue()
    racers = [context.Process(target=_ensure, args=(tmp_path, barrier, results)) for _ in range(4)]
    for racer in racers:
        racer.start()
    authorities = {results.get(timeout=60) for _ in racers}
    for racer in racers:
        racer.join(60)
    assert len(authorities) == 1
    assert sorted(path.name for path in (tmp_path / "tls").iterdir()) == ["authority", "server.pem"]


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


def _files(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_made_once_and_used_ever_after(tmp_path):
    first = TlsIdentity(tmp_path / "new" / "data", ["api.example.org"])
    first.ensure()
    made = _files(tmp_path)
    TlsIdentity(tmp_path / "new" / "data", ["api.example.org"]).ensure()
    assert _files(tmp_path) == made
    assert first.authority == tmp_path / "new" / "data" / "tls" / "authority" / "ca.pem"
    open_to_all = {path.name for path in made if stat.S_IMODE(path.stat().st_mode) != 0o600}
    assert open_to_all == {"ca.pem"}


def test_other_names_are_certified_by_the_same_authority(tmp_path):
    TlsIdentity(tmp_path).ensure()
    known = TlsIdentity(tmp_path).authority.read_bytes()
    identity = TlsIdentity(tmp_path, ["api.example.org"])
    identity.ensure()
    assert identity.authority.read_bytes() == known
    made = _files(tmp_path)
    identity.ensure()
    assert _files(tmp_path) == made


def test_another_authority_certifies_anew(tmp_path, app):
    TlsIdentity(tmp_path).ensure()
    for path in (tmp_path / "tls" / "authority").iterdir():
        path.unlink()
    identity = TlsIdentity(tmp_path)
    server = Server(app, version="1", tls=identity)
    try:
        address = url(server.open("again"), True).replace("127.0.0.1", "localhost")
        assert requests.get(f"{address}/refuse", verify=_made(identity), timeout=60).status_code == 401
    finally:
        server.stop()


def _made(identity):
    identity.ensure()
    return str(identity.authority)


def test_half_an_identity_is_an_error_and_is_not_overwritten(tmp_path):
    identity = TlsIdentity(tmp_path)
    identity.ensure()
    (identity.authority.parent / "key.pem").unlink()
    with pytest.raises(FileExistsError, match="only one of"):
        TlsIdentity(tmp_path).ensure()
    assert identity.authority.exists()


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
    issued = (identity.authority.parent.parent / "server.pem").read_bytes()
    chain = x509.load_pem_x509_certificates(issued)
    assert chain[1] == x509.load_pem_x509_certificate(identity.authority.read_bytes())
    for certificate in chain:
        public = certificate.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        assert isinstance(public.curve, ec.SECP256R1)
        assert certificate.not_valid_after_utc.year == 2099


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "stood-in.example", socket.gethostname()])
def test_a_strict_client_that_trusts_it_accepts_every_name(listener, identity, name):
    context = ssl.create_default_context(cafile=identity.authority)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((listener.host, listener.port), timeout=60) as sock,
        context.wrap_socket(sock, server_hostname=name) as tls,
    ):
        assert tls.version() == "TLSv1.3"


def test_clients_that_are_given_the_certificate_verify_it(listener, identity):
    for host in ("localhost", "127.0.0.1"):
        address = url(listener, True).replace("127.0.0.1", host)
        assert requests.get(address, verify=str(identity.authority), timeout=60).status_code == 200
        command = ["curl", "-q", "-s", "--cacert", str(identity.authority), address]
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
print(loaded(), identity.authority.exists())
context = ssl._create_unverified_context()
urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=context).read()
print(loaded(), identity.authority.exists())
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
