"""The provider behind TLS with a certificate of one's own: trusted only where llm.ca_file says so."""
import http.client
import http.server
import ssl
import subprocess
import threading
import unittest
import urllib.parse

from cluster import ROOT, Case

SPEC = ROOT / "examples/todo-cli.yaml"


class Forward(http.server.BaseHTTPRequestHandler):
    """To the simulator, as it comes."""

    def do_POST(self):
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

    def handle_error(self, request, client_address):
        pass  # clients that do not trust us hang up


class TestTls(Case):
    def setUp(self):
        super().setUp()
        self.c.start_sim("--ttft", "1", "--tokens-per-second", "100000")
        self.ca = self.c.dir / "ca.pem"
        key = self.c.dir / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", self.ca], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        self.front = Front(("127.0.0.1", 0), Forward)
        self.front.sim = urllib.parse.urlparse(self.c.sim_url).netloc
        self.front.socket = context.wrap_socket(self.front.socket, server_side=True,
                                                do_handshake_on_connect=False)
        threading.Thread(target=self.front.serve_forever, daemon=True).start()
        self.addCleanup(self.front.server_close)
        self.addCleanup(self.front.shutdown)
        self.c.settings["ANTHROPIC_BASE_URL"] = f"https://127.0.0.1:{self.front.server_port}"

    def generate(self, **env):
        return self.c.gc("generate", SPEC, "-o", self.c.dir / "out", **env)

    def test_tls_is_trusted_with_its_ca_file(self):
        self.ok(self.generate(GC_LLM_CA_FILE=str(self.ca)))

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


if __name__ == "__main__":
    unittest.main()
