"""doctor asks the LLM API: what it makes of each answer, and of none."""

import json
import socket
import unittest

from cluster import KEY, Case, free_port


class Doctor(Case):
    def api(self, code, url, **env):
        r = self.ok(self.c.gc("doctor", "--json", **{"ANTHROPIC_BASE_URL": url, **env}), code)
        self.assertNotIn(KEY, r.stdout + r.stderr)
        rows = {row["check"]: row for row in json.loads(r.stdout)}
        self.assertTrue(rows["LLM API"]["text"].startswith(url + ": "))
        return rows["LLM API"]["result"], rows["LLM API"]["text"][len(url) + 2:]

    def test_doctor_asks_the_api(self):
        self.c.start_sim()
        self.assertEqual(self.api(0, self.c.sim_url), ("ok", "answers"))
        self.assertEqual(self.api(0, self.c.sim_url, ANTHROPIC_API_KEY="")[0], "warn")
        self.assertEqual(self.c.ledger(), [], "no call was made")
        result, text = self.api(0, f"http://127.0.0.1:{free_port()}")
        self.assertEqual(result, "warn")
        self.assertIn("onnect to server; start the server, or correct the base URL", text)
        result, text = self.api(0, "http://nobody.invalid")
        self.assertEqual(result, "warn")
        self.assertIn("resolve host", text)
        for status, body, result, says in (
                (401, f'{{"error": {{"message": "invalid x-api-key {KEY}"}}}}', "FAIL",
                 "refuses the key (status 401: invalid x-api-key *"),
                (200, "{}", "warn", "what answers is no list of models"),
                (200, "<html>log in</html>", "FAIL", "what answers is no list of models"),
                (200, '{"data": []}', "ok", "answers"),
                (404, "", "warn", "lists no models"),
                (529, "{}", "warn", "not now (status 529)"),
                (302, "", "warn", "status 302")):
            url, asked = self.serve(status, body.encode())
            found = self.api(1 if result == "FAIL" else 0, url)
            self.assertEqual(found[0], result)
            self.assertIn(says, found[1])
            self.assertEqual(asked, ["/v1/models"])

    def test_doctor_waits_for_nobody(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            self.assertEqual(self.api(0, url)[0], "warn")


if __name__ == "__main__":
    unittest.main()
