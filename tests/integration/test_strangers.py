"""What stands where the provider should be: a login page, another service, nothing."""

import unittest

from cluster import TODO, Case


class Strangers(Case):
    def generate(self, url, out):
        return self.ok(self.c.gc(TODO, "-o", self.c.dir / out, "--provider", "anthropic",
                                 ANTHROPIC_BASE_URL=url.replace("//", "//somebody:secret@"),
                                 ANTHROPIC_API_KEY="sk-ant-a-key-of-nobody"), 7)

    def test_pages_end_the_run_and_name_the_address(self):
        page = b"<!DOCTYPE html>\n<title>Please \x1b[31m log in</title>" + b"<p>x" * 1000
        for i, (status, kind) in enumerate(((200, "text/html; charset=utf-8"), (404, "text/plain"))):
            with self.subTest(status=status, kind=kind):
                url, asked = self.serve(status, page, kind)
                r = self.generate(url, f"out{i}")
                said = r.stderr.split("error: ")[1]
                for word in (url.removeprefix("http://"), f"HTTP status {status}", kind,
                             "<!DOCTYPE html>; <title>Please", "llm.anthropic_base_url", "--resume"):
                    self.assertIn(word, said)
                self.assertNotIn("\x1b", r.stderr)
                self.assertNotIn("secret", r.stderr)
                self.assertLessEqual(len(asked), 8)  # each call that was on its way, once

    def test_empty_answers_are_asked_again_a_few_times(self):
        url, asked = self.serve(200, b"", "text/event-stream")
        r = self.generate(url, "out")
        self.assertIn(f"no LLM API answers at {url.removeprefix('http://')}", r.stderr)
        self.assertGreaterEqual(len(asked), 4)
        self.assertLessEqual(len(asked), 32)


if __name__ == "__main__":
    unittest.main()
