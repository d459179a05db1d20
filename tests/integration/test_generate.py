"""The whole path with real processes: local mode, cluster mode, faults, limits."""

import json
import os
import pathlib
import signal
import subprocess
import unittest

from cluster import BIN, KEY, ROOT, Cluster, have_go, kill, tree, wait_for

SHOP = ROOT / "examples/shop-6.yaml"
CLINIC = ROOT / "examples/clinic-12.yaml"
TODO = ROOT / "examples/todo-cli.yaml"
EXPLICIT = ROOT / "examples/files-explicit.yaml"


class Case(unittest.TestCase):
    def setUp(self):
        self.c = Cluster()
        self.addCleanup(self.c.close)

    def ok(self, result, code=0):
        self.assertEqual(result.returncode, code,
                         f"\n--- stdout\n{result.stdout}\n--- stderr\n{result.stderr}")
        return result


class Local(Case):
    def test_simulated_project_is_complete_and_sound(self):
        out = self.c.dir / "out"
        r = self.ok(self.c.gc(SHOP, "--provider", "sim", "-o", out))
        self.assertIn("simulated model", r.stdout)
        files = tree(out)
        self.assertGreaterEqual(sum(f.endswith(".go") for f in files), 40)
        for name in ("go.mod", "Dockerfile", "Makefile", "README.md", ".gitignore"):
            self.assertIn(name, files)
        if have_go():
            r = self.ok(self.c.gc("validate", out, "--report", self.c.dir / "v.json"))
            self.assertTrue(json.loads((self.c.dir / "v.json").read_text())["passed"])

    def test_second_run_changes_and_starts_nothing(self):
        out = self.c.dir / "out"
        self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out))
        before = {p: os.stat(out / p).st_mtime_ns for p in tree(out)}
        self.ok(self.c.gc("check", TODO, "--provider", "sim", "-o", out))
        r = self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out, "--metrics",
                              self.c.dir / "m.json"))
        self.assertEqual(before, {p: os.stat(out / p).st_mtime_ns for p in tree(out)})
        self.assertEqual(json.loads((self.c.dir / "m.json").read_text())["batching"]["llm_calls"], 0)
        self.assertNotIn("error", r.stderr)

    def test_dry_run_leaves_no_trace(self):
        out = self.c.dir / "out"
        r = self.ok(self.c.gc(SHOP, "--dry-run", "-o", out))
        self.assertRegex(r.stdout, r"Estimated cost: \$\d+\.\d{4}")
        self.assertLess(r.stdout.index("Estimated cost"), len(r.stdout))
        self.assertFalse(out.exists())

    def test_explicit_files_and_markdown_and_json_specs(self):
        for spec in (EXPLICIT, ROOT / "examples/notes.md", ROOT / "examples/library.json"):
            with self.subTest(spec=spec.name):
                out = self.c.dir / spec.stem
                self.ok(self.c.gc(spec, "--provider", "sim", "-o", out))
                if have_go():
                    self.ok(self.c.gc("validate", out))

    def test_wrong_specs_cost_nothing_and_name_the_place(self):
        self.c.start_sim()
        bad = self.c.dir / "bad.yaml"
        bad.write_text("name: x\nentities:\n  - name: A\n    fields:\n      b: Missing[]\n"
                       "relationships:\n  - {from: A, to: Nobody, type: has_many}\nname: y\n")
        r = self.ok(self.c.gc(bad, "-o", self.c.dir / "out"), 2)
        self.assertRegex(r.stderr, rf"{bad}:\d+:\d+: error: ")
        empty = self.c.dir / "empty.yaml"
        empty.write_text("")
        r = self.ok(self.c.gc(empty, "-o", self.c.dir / "out"), 2)
        self.assertIn(f"{empty}:1:1: error", r.stderr)
        self.assertEqual(self.c.ledger(), [])

    def test_hand_edits_are_kept(self):
        out = self.c.dir / "out"
        self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out))
        edited = next(p for p in tree(out) if p.endswith("_service.go"))
        with open(out / edited, "a") as f:
            f.write("\n// by hand\n")
        text = (out / edited).read_text()
        r = self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out))
        self.assertIn(edited, r.stderr)
        self.assertEqual((out / edited).read_text(), text)
        self.ok(self.c.gc("check", TODO, "--provider", "sim", "-o", out), 1)
        self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out, "--force"))
        self.assertEqual((out / edited).read_text(), text)
        self.assertTrue((out / (edited + ".gc-new")).exists())
        self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out, "--on-edit", "overwrite"))
        self.assertNotIn("by hand", (out / edited).read_text())

    def test_interrupt_says_how_to_go_on_and_pays_only_the_rest(self):
        self.c.start_sim("--ttft", 100, "--tokens-per-second", 400)
        out = self.c.dir / "out"
        p = self.c.gc_start(CLINIC, "-o", out, "--workers", 1, "--progress", "plain",
                            GC_CLUSTER_SLOTS="2")
        wait_for("some answers", lambda: len(self.c.ledger()) >= 3)
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(30), 130)
        said = pathlib.Path(p.log).read_text()
        self.assertIn("--resume", said)
        done = {f["sha256"] for e in self.c.ledger() if e["completed"] for f in e["files"]}
        self.c.sim.kill()
        self.c.journal.rename(self.c.dir / "first.jsonl")
        self.c.start_sim()
        self.ok(self.c.gc(CLINIC, "-o", out, "--resume"))
        again = [f["sha256"] for e in self.c.ledger() for f in e["files"]]
        self.assertEqual(set(again) & done, set())

    def test_missing_key_is_said_within_the_time(self):
        r = self.c.gc(TODO, "-o", self.c.dir / "out", ANTHROPIC_API_KEY="")
        self.ok(r, 7)
        self.assertIn("key", r.stderr)


class Remote(Case):
    def setUp(self):
        super().setUp()
        self.c.start_sim("--ttft", 20)
        self.c.start_redis()
        self.c.start_broker()

    def test_two_jobs_three_workers_then_reuse(self):
        workers = [self.c.start_worker(8) for _ in range(3)]
        a = self.c.gc_start(SHOP, "-o", self.c.dir / "a", *self.c.cluster_args())
        b = self.c.gc_start(CLINIC, "-o", self.c.dir / "b", *self.c.cluster_args())
        for p in (a, b):
            self.assertEqual(p.wait(180), 0, pathlib.Path(p.log).read_text())
        requests = len(self.c.ledger())
        self.ok(self.c.gc(SHOP, "-o", self.c.dir / "c", *self.c.cluster_args()))
        self.assertEqual(len(self.c.ledger()), requests)
        self.assertEqual(tree(self.c.dir / "a"), tree(self.c.dir / "c"))
        jobs = self.c.redis_cli("ZRANGE", "gc:jobs", 0, -1).split()
        self.assertEqual(len(jobs), 3)
        for job in jobs:
            self.assertEqual(self.c.redis_cli("HGET", f"gc:job:{job}", "state"), "done")
        n = int(self.c.redis_cli("HLEN", f"gc:job:{jobs[-1]}:files"))
        self.assertEqual(n, len(tree(self.c.dir / "c")))
        fetched = self.c.dir / "fetched"
        self.ok(self.c.gc("fetch", jobs[-1], "-o", fetched, "--redis", self.c.redis_url))
        self.assertEqual(tree(fetched), tree(self.c.dir / "c"))
        r = self.ok(self.c.gc("jobs", "--json", "--redis", self.c.redis_url))
        self.assertEqual({j["job"] for j in json.loads(r.stdout)}, set(jobs))
        r = self.ok(self.c.gc("workers", "--json", "--redis", self.c.redis_url))
        self.assertEqual(len(json.loads(r.stdout)), len(workers))

    def test_worker_killed_in_the_middle(self):
        self.c.sim.kill()
        self.c.start_sim("--ttft", 50, "--tokens-per-second", 500)
        victim = self.c.start_worker(4)
        p = self.c.gc_start(SHOP, "-o", self.c.dir / "a", *self.c.cluster_args(),
                            GC_CLUSTER_LEASE="5s")
        wait_for("calls on the worker", lambda: len(self.c.ledger()) >= 2)
        kill(victim)
        self.c.start_worker(16)
        self.assertEqual(p.wait(180), 0, pathlib.Path(p.log).read_text())
        made = [f["sha256"] for e in self.c.ledger() if e["completed"] for f in e["files"]]
        self.assertLessEqual(len(made) - len(set(made)), 4)

    def test_broker_killed_and_restarted(self):
        self.c.sim.kill()
        self.c.start_sim("--ttft", 50, "--tokens-per-second", 500)
        self.c.start_worker(4)
        p = self.c.gc_start(SHOP, "-o", self.c.dir / "a", *self.c.cluster_args())
        wait_for("answers", lambda: len(self.c.ledger()) >= 2)
        broker = next(x for x in self.c.processes if "broker" in x.log)
        kill(broker)
        self.c.start("broker", BIN / "gc-broker", "--bind", self.c.broker)
        self.assertEqual(p.wait(180), 0, pathlib.Path(p.log).read_text())
        made = [f["sha256"] for e in self.c.ledger() if e["completed"] for f in e["files"]]
        self.assertEqual(len(made), len(set(made)))

    def test_no_worker_is_exit_7(self):
        r = self.c.gc(TODO, "-o", self.c.dir / "a", *self.c.cluster_args())
        self.ok(r, 7)
        self.assertIn("worker", r.stderr)

    def test_same_bytes_whatever_the_slots(self):
        trees = []
        for slots in (1, 16, 96):
            self.c.redis_cli("FLUSHALL")
            worker = self.c.start_worker(slots)
            out = self.c.dir / f"s{slots}"
            self.ok(self.c.gc(SHOP, "-o", out, *self.c.cluster_args()))
            kill(worker, signal.SIGTERM)
            trees.append(tree(out))
        self.assertEqual(trees[0], trees[1])
        self.assertEqual(trees[0], trees[2])

    def test_cost_equals_the_ledger_and_the_key_is_nowhere(self):
        worker = self.c.start_worker(8, "--log-level", "debug")
        out = self.c.dir / "a"
        self.ok(self.c.gc(CLINIC, "-o", out, *self.c.cluster_args(), "--metrics",
                          self.c.dir / "m.json", "--log-level", "debug"))
        kill(worker, signal.SIGTERM)
        metrics = json.loads((self.c.dir / "m.json").read_text())
        entries = self.c.ledger()
        self.assertEqual(metrics["batching"]["llm_calls"], len(entries))
        for name in ("input", "output", "cache_read"):
            total = sum(e["usage"][name] for e in entries)
            self.assertEqual(metrics["tokens"][name], total, name)
        write = sum(e["usage"]["cache_write_5m"] + e["usage"]["cache_write_1h"] for e in entries)
        self.assertEqual(metrics["tokens"]["cache_write"], write)
        for path in self.c.dir.rglob("*"):
            if path.is_file():
                self.assertNotIn(KEY.encode(), path.read_bytes(), path)


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
        self.assertEqual(tree(full), tree(out))


if __name__ == "__main__":
    unittest.main()
