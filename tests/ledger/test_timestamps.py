import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from stillhunt.errors import InputError, StillhuntError
from stillhunt.ledger import Ledger, checking
from stillhunt.ledger.timestamps import add, ask, read_certificates, request

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the authority of these tests is `openssl ts`, which is not installed"
)

CONFIGURATION = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:true
[stamper]
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = authority
[authority]
serial = serial
signer_cert = stamper.pem
signer_key = stamper.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
"""


class Authority:
    """A time stamp authority of one's own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "c").write_text(CONFIGURATION)
        (folder / "serial").write_text("01")
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "c"]
        self.run(
            "req", "-x509", *new, "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=root", "-extensions", "root", "-days", "3650"
        )
        self.run("req", *new, "-keyout", "stamper.key", "-out", "stamper.csr", "-subj", "/CN=stamper")
        issuer = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "c", "-extensions", "stamper", "-days", "3650"]
        self.run("x509", "-req", "-in", "stamper.csr", "-out", "stamper.pem", *issuer)
        self.certificates = read_certificates((folder / "root.pem").read_bytes(), "root.pem")

    def run(self, *command):
        subprocess.run(["openssl", *command], cwd=self.folder, check=True, capture_output=True)

    def stamp(self, query):
        (self.folder / "query").write_bytes(query)
        self.run("ts", "-reply", "-queryfile", "query", "-out", "reply", "-config", "c")
        return (self.folder / "reply").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa") / "own")


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa") / "other")


@pytest.fixture
def ledger(tmp_path):
    made = Ledger.open(tmp_path / "ledger", create=True)
    made.append("scan", {"number": 1})
    return made


def test_a_stamp_is_kept_and_stays_verifiable(ledger, authority, other_authority):
    size, at = add(ledger, authority.stamp(request(ledger)), authority.certificates)
    assert size == 1
    assert at.utcoffset().total_seconds() == 0
    ledger.append("scan", {"number": 2})
    assert [path.parent.name for path in ledger.attachments(1, "timestamp")] == ["attached"]
    assert not checking.check(ledger.folder, certificates=authority.certificates).problems
    assert "not by the authority" in checking.check(ledger.folder, certificates=other_authority.certificates).problems[0].what


def test_stamps_of_others_and_of_other_things_are_refused(ledger, authority, other_authority, tmp_path):
    stamp = authority.stamp(request(ledger))
    with pytest.raises(InputError, match="not by the authority"):
        add(ledger, stamp, other_authority.certificates)
    stranger = Ledger.open(tmp_path / "other" / "ledger", create=True)
    with pytest.raises(InputError, match="something else"):
        add(stranger, stamp)
    for broken in (b"", b"hello", stamp[:-9], authority.stamp(b"\x30\x00")):
        with pytest.raises(InputError, match="time stamp"):
            add(ledger, broken)
    assert not ledger.kept()
    with pytest.raises(InputError, match="no certificates"):
        read_certificates(b"", "nothing.pem")


def test_every_byte_of_a_stamp_counts(ledger, authority):
    add(ledger, authority.stamp(request(ledger)))
    path = ledger.attachments(1, "timestamp")[0]
    right = path.read_bytes()
    missed = []
    for at in range(0, len(right), 5):
        path.write_bytes(right[:at] + bytes([right[at] ^ 4]) + right[at + 1 :])
        if not checking.check(ledger.folder).problems:
            missed.append(at)
    assert not missed


def test_an_authority_is_asked_over_http_only_where_it_is_named(ledger, authority):
    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            assert self.headers["Content-Type"] == "application/timestamp-query"
            body = authority.stamp(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        response = ask(f"http://127.0.0.1:{server.server_port}/", request(ledger))
        server.shutdown()
    assert add(ledger, response, authority.certificates)[0] == 1
    with pytest.raises(StillhuntError, match="no time stamp"):
        ask("http://127.0.0.1:9/", b"")
    with pytest.raises(InputError, match="https"):
        ask("file:///etc/hostname", b"")
