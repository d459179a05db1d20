"""What stands where the provider should be: a login page, another service, nothing."""

import http.server
import threading
import unittest

from cluster import TODO, Case


class Strangers(Case):
    def serve(self, status, content_type, body):
        """The address of a server that answers everything so, and what it was asked."""
        asked = []

        class Stranger(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("content-length", 0)))
                asked.append(self.path)
                self.send_response(status)
                self.send_header("content-type", content_type)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"127.0.0.1:{server.server_port}", asked

    def generate(self, host, out):
        return self.ok(self.c.gc(TODO, "-o", self.c.dir / out, "--provider", "anthropic",
                                 ANTHROPIC_BASE_URL=f"http://somebody:secret@{host}",
                                 ANTHROPIC_API_KEY="sk-ant-a-key-of-nobody"), 7)

    def test_pages_end_the_run_and_name_the_address(self):
        page = b"<!DOCTYPE html>\n<title>Please \x1b[31m log in</title>" + b"<p>x" * 1000
        for i, (status, kind) in enumerate(((200, "text/html; charset=utf-8"), (404, "text/plain"))):
            with self.subTest(status=status, kind=kind):
                host, asked = self.serve(status, kind, page)
                r = self.generate(host, f"out{i}")
                said = r.stderr.split("error: ")[1]
                for word in (host, f"HTTP status {status}", kind, "<!DOCTYPE html>; <title>Please",
                             "llm.anthropic_base_url", "--resume"):
                    self.assertIn(word, said)
                self.assertNotIn("\x1b", r.stderr)
                self.assertNotIn("secret", r.stderr)
                self.assertLessEqual(len(asked), 8)  # each call that was on its way, once

    def test_empty_answers_are_asked_again_a_few_times(self):
        host, asked = self.serve(200, "text/event-stream", b"")
        r = self.generate(host, "out")
        self.assertIn(f"no LLM API answers at {host}", r.stderr)
        self.assertGreaterEqual(len(asked), 4)
        self.assertLessEqual(len(asked), 32)


if __name__ == "__main__":
    unittest.main()
