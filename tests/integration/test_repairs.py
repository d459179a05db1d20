"""Bad answers, failing providers and the spend cap."""

import json
import subprocess
import unittest

from cluster import CLINIC, TODO, Case, have_go, tree, wait_for
from proxy import Wiretap


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

    def test_answers_without_a_file_are_kept_as_well(self):
        for fault, word in (("garbage", ""), ("max_tokens:1:at=10", "")):
            with self.subTest(fault=fault):
                self.c.close()
                self.c.__init__()
                rule = fault if ":" in fault else f"{fault}:1"
                r, out = self.generate("--fault", f"{rule}:path=task_service.go")
                self.ok(r, 4)
                self.assertIn("the last one is in .gocreator/rejected/", r.stderr)
                kept = list((out / ".gocreator/rejected").rglob("*task_service.go"))
                self.assertEqual(len(kept), 1)
                self.assertIn(word, kept[0].read_text())

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


class Streamed(Case):
    """An answer of several files that stands still in the middle, then breaks."""

    CONFIG = """optimization:
  batching: {{response_format: {format}, spread_cost: 0}}
  parallelization: {{max_workers: 1}}
"""

    def stored(self):
        return {self.c.redis_cli("HGET", key, "path")
                for key in self.c.redis_cli("KEYS", "gc:gen:*").split()}

    def generate(self, answer_format):
        """What was stored while the answer stood, the calls, and the output folder."""
        self.c.ask_for_every_go_file()
        self.c.start_sim("--fault", "stall:1:count=1:at=75")
        proxy = Wiretap(("127.0.0.1", int(self.c.sim_url.rpartition(":")[2])))
        self.addCleanup(proxy.close)
        self.c.settings["ANTHROPIC_BASE_URL"] = f"http://127.0.0.1:{proxy.port}"
        self.c.start_redis()
        self.c.start_broker()
        self.c.start_worker()
        config, out = self.c.dir / "c.yaml", self.c.dir / "out"
        config.write_text(self.CONFIG.format(format=answer_format))
        run = self.c.gc_start(TODO, "-o", out, "-c", config, *self.c.cluster_args())
        early = wait_for("a file of the answer that stands", self.stored)
        self.assertEqual((self.c.calls_running(), self.c.ledger()), (1, []))
        self.assertEqual(b"the JSON array alone" in proxy.recorded(), answer_format == "json")
        proxy.cut()
        self.assertEqual(run.wait(timeout=120), 0)
        return early, self.c.ledger(), out

    def test_files_are_stored_as_they_stream_past(self):
        trees = {}
        for answer_format in ("json", "tags"):
            with self.subTest(answer_format):
                self.c.close()
                self.c.__init__()
                early, calls, out = self.generate(answer_format)
                broken, again = calls[0], calls[1:]
                self.assertFalse(broken["completed"])
                self.assertTrue(early < set(broken["wanted"]))
                asked = {path for call in again for path in call["wanted"]}
                self.assertFalse(early & asked)  # what was stored is not paid twice
                self.assertEqual(set(broken["wanted"]) - early - asked, set())
                trees[answer_format] = tree(out)
        self.assertEqual(trees["json"], trees["tags"])


if __name__ == "__main__":
    unittest.main()
