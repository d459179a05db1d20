"""Bad answers, failing providers and the spend cap."""

import json
import subprocess
import unittest

from cluster import CLINIC, TODO, Case, have_go


class Repairs(Case):
    def generate(self, *faults):
        self.c.start_sim(*faults)
        out = self.c.dir / "out"
        r = self.c.gc(TODO, "-o", out, "--metrics", self.c.dir / "m.json")
        return r, out

    def test_bad_answers_are_asked_again_alone(self):
        for fault in ("missing_file:1:count=2", "bad_signature:1:count=2", "fenced:1",
                      "truncate:1:count=2:at=50", "error_event:1:count=2", "529:1:count=2",
                      "500:1:count=2", "reset:1:count=2", "json:1", "garbage:1:count=1",
                      "max_tokens:1:count=1"):
            with self.subTest(fault=fault):
                self.c.close()
                self.c.__init__()
                r, out = self.generate("--fault", fault)
                self.ok(r)
                if have_go():
                    self.assertEqual(subprocess.run(["go", "vet", "./..."], cwd=out,
                                                    check=False).returncode, 0)

    def test_a_file_that_never_passes_fails_with_its_answer_kept(self):
        r, out = self.generate("--fault", "bad_signature:1:path=task_service.go")
        self.ok(r, 4)
        self.assertIn("task_service.go", r.stderr)
        self.assertIn("--resume", r.stderr)
        self.assertTrue(list((out / ".gocreator/rejected").rglob("*.go")))

    def test_spend_cap_is_never_passed(self):
        self.c.start_sim()
        full = self.c.dir / "full"
        self.ok(self.c.gc(CLINIC, "-o", full, "--metrics", self.c.dir / "m.json"))
        price = json.loads((self.c.dir / "m.json").read_text())["cost"]["usd"]
        out = self.c.dir / "capped"
        cap = price * 0.5
        r = self.c.gc(CLINIC, "-o", out, "--max-cost", f"{cap:.4f}", "--metrics",
                      self.c.dir / "c.json")
        self.ok(r, 4)
        spent = json.loads((self.c.dir / "c.json").read_text())["cost"]["usd"]
        self.assertLessEqual(spent, cap)
        self.ok(self.c.gc(CLINIC, "-o", out, "--resume"))
        self.same(full, out)


if __name__ == "__main__":
    unittest.main()
