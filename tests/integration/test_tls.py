"""The provider behind TLS with a certificate of one's own: trusted only where llm.ca_file says so."""
import http.client
import http.server
import shutil
import ssl
import subprocess
import threading
import unittest
import urllib.parse

from cluster import ROOT, Case, cpu_seconds, said, wait_for
from faults import Remote

SPEC = ROOT / "examples/todo-cli.yaml"


class Forward(http.server.BaseHTTPRequestHandler):
    """To the simulator, as it comes."""

    def do_POST(self):
        self.server.resumed.append(self.connection.session_reused)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sim = http.client.HTTPConnection(self.server.sim, timeout=60)
        sim.request("POST", self.path, body, dict(self.headers))
        answer = sim.getresponse()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", ""))
        self.end_headers()
        while piece := answer.read1(65536):
            self.wfile.write(piece)
        sim.close()

    def log_message(self, *_):
        pass


class Front(http.server.ThreadingHTTPServer):
    daemon_threads = True
    failed = 0  # connections

    def handle_error(self, request, client_address):
        self.failed += 1  # clients that do not trust us hang up


class Certificates:
    """A certificate authority of one's own, and what it signs for 127.0.0.1."""

    def __init__(self, folder):
        self.folder, self.ca, self.key = folder, folder / "ca.pem", folder / "key.pem"
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                     "/CN=authority", "-keyout", folder / "ca-key.pem", "-out", self.ca)
        self.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server",
                     "-keyout", self.key, "-out", folder / "request.pem")
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")

    @staticmethod
    def openssl(*args, prefix=()):
        subprocess.run([*prefix, "openssl", *args], check=True, capture_output=True)

    def sign(self, name, prefix=()):
        """Valid for a day from now on, or from when the program before it says."""
        path = self.folder / name
        self.openssl("x509", "-req", "-in", self.folder / "request.pem", "-CA", self.ca, "-CAkey",
                     self.folder / "ca-key.pem", "-CAcreateserial", "-days", "1", "-extfile",
                     self.folder / "names", "-out", path, prefix=prefix)
        return path


class Fronted(Case):
    """A simulator behind TLS."""

    def setUp(self):
        super().setUp()
        self.certificates = Certificates(self.c.dir)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.num_tickets = 0  # a session that is resumed shows no certificate
        self.show(self.certificates.sign("valid.pem"))

    def show(self, certificate):
        """From now on to all who connect."""
        self.context.load_cert_chain(certificate, self.certificates.key)

    def start_front(self):
        self.front = Front(("127.0.0.1", 0), Forward)
        self.front.resumed = []
        self.front.sim = urllib.parse.urlparse(self.c.sim_url).netloc
        self.front.socket = self.context.wrap_socket(self.front.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        threading.Thread(target=self.front.serve_forever, daemon=True).start()
        self.addCleanup(self.front.server_close)
        self.addCleanup(self.front.shutdown)
        self.c.settings["ANTHROPIC_BASE_URL"] = f"https://127.0.0.1:{self.front.server_port}"


class TestTls(Fronted):
    def setUp(self):
        super().setUp()
        self.c.start_sim("--ttft", "1", "--tokens-per-second", "100000")
        self.start_front()

    def generate(self, **env):
        return self.c.gc("generate", SPEC, "-o", self.c.dir / "out", **env)

    def test_tls_is_trusted_with_its_ca_file(self):
        self.ok(self.generate(GC_LLM_CA_FILE=str(self.certificates.ca)))

    def test_tls_sessions_are_resumed(self):
        """Each answer ends its connection; the next one resumes its session."""
        self.context.num_tickets = 2
        self.ok(self.generate(GC_LLM_CA_FILE=str(self.certificates.ca),
                              GC_PARALLELIZATION_MAX_WORKERS="1", GC_BATCHING_ENABLED="false"))
        self.assertGreater(len(self.front.resumed), 2)
        self.assertEqual(self.front.resumed, [False] + [True] * (len(self.front.resumed) - 1))

    def test_tls_is_not_trusted_without(self):
        result = self.generate(GC_LIMITS_PROVIDER_PATIENCE_S="1")
        self.assertEqual(result.returncode, 7, result.stderr)
        self.assertIn("certificate", result.stderr)
        self.assertEqual(self.c.paid(), {})

    def test_tls_ca_file_of_no_use_is_named(self):
        for path in "/nonexistent/ca.pem", str(self.c.dir), str(SPEC):
            result = self.generate(GC_LLM_CA_FILE=path)
            self.assertEqual(result.returncode, 8, result.stderr)
            self.assertIn(path, result.stderr)


@unittest.skipUnless(shutil.which("faketime"), "faketime is not installed")
class Expiry(Fronted, Remote):
    def test_certificate_that_expires_under_way(self):
        """The log says so, nothing fails for good, nobody is busy with waiting; with a new one all
        goes on without a restart."""
        self.c.start_sim("--ttft", 100, "--tokens-per-second", 1000)
        self.start_front()
        self.c.settings["GC_LLM_CA_FILE"] = str(self.certificates.ca)
        worker = self.c.start_worker(2)
        p = self.start("out")
        self.answers(2)
        self.show(self.certificates.sign("expired.pem", ("faketime", "-f", "-3d")))
        wait_for("the reason", lambda: "certificate has expired" in said(worker))
        before = cpu_seconds(worker)
        wait_for("three attempts", lambda: self.front.failed >= 3)
        self.assertLess(cpu_seconds(worker) - before, 1)
        self.show(self.certificates.sign("renewed.pem"))
        self.ends(p)
        self.sound(self.c.dir / "out")


if __name__ == "__main__":
    unittest.main()
