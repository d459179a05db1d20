"""Cluster mode: redis-server, broker and workers started by hand."""

import json
import signal
import unittest

from cluster import BIN, CLINIC, KEY, SHOP, TODO, Case, kill, said, tree, wait_for
from proxy import Wiretap


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
            self.assertEqual(p.wait(180), 0, said(p))
        requests = len(self.c.ledger())
        self.ok(self.c.gc(SHOP, "-o", self.c.dir / "c", *self.c.cluster_args()))
        self.assertEqual(len(self.c.ledger()), requests)
        self.same(self.c.dir / "a", self.c.dir / "c")
        jobs = self.c.redis_cli("ZRANGE", "gc:jobs", 0, -1).split()
        self.assertEqual(len(jobs), 3)
        for job in jobs:
            self.assertEqual(self.c.redis_cli("HGET", f"gc:job:{job}", "state"), "done")
        n = int(self.c.redis_cli("HLEN", f"gc:job:{jobs[-1]}:files"))
        self.assertEqual(n, len(tree(self.c.dir / "c")))
        fetched = self.c.dir / "fetched"
        self.ok(self.c.gc("fetch", jobs[-1], "-o", fetched, "--redis", self.c.redis_url))
        self.assertEqual(tree(fetched), tree(self.c.dir / "c"))
        edit, gone = (sorted(fetched.rglob("*.go"))[i] for i in (0, 1))
        text = edit.read_text()
        edit.write_text(text + "// by hand\n")
        gone.unlink()
        r = self.ok(self.c.gc("fetch", jobs[-1], "-o", fetched, "--redis", self.c.redis_url))
        self.assertIn(f"{edit.name}.gc-new", r.stderr)
        self.assertEqual(edit.read_text(), text + "// by hand\n")
        self.assertEqual(edit.with_name(edit.name + ".gc-new").read_text(), text)
        self.assertTrue(gone.exists())
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
        self.assertEqual(p.wait(180), 0, said(p))
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
        self.assertEqual(p.wait(180), 0, said(p))
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

    def tap(self, url):
        """The same address with every byte kept that passes."""
        scheme, _, port = url.rpartition(":")
        tap = Wiretap(("127.0.0.1", int(port)))
        self.addCleanup(tap.close)
        return f"{scheme}:{tap.port}", tap

    def test_the_key_is_on_no_wire_but_the_provider_s(self):
        self.c.redis_url, redis = self.tap(self.c.redis_url)
        self.c.broker, broker = self.tap(self.c.broker)
        self.c.sim_url, provider = self.tap(self.c.sim_url)
        debug = ("--log-level", "debug")
        worker = self.c.start_worker(8, *debug)
        self.ok(self.c.gc(TODO, "-o", self.c.dir / "a", *self.c.cluster_args(), *debug))
        kill(worker, signal.SIGTERM)
        self.c.sim_url = self.start_unauthorized()
        worker = self.c.start_worker(8, *debug)
        r = self.c.gc(CLINIC, "-o", self.c.dir / "b", *self.c.cluster_args(), *debug)
        self.ok(r, 7)
        self.assertIn("invalid x-api-key", r.stderr)
        kill(worker, signal.SIGTERM)
        self.assertIn(KEY.encode(), provider.recorded())
        for name, tap, word in (("Redis", redis, b"EVALSHA"), ("broker", broker, b"GC1")):
            self.assertGreaterEqual(tap.connections, 2, name)
            self.assertIn(word, tap.recorded(), name)
            self.assertNotIn(KEY.encode(), tap.recorded(), name)
        for path in self.c.dir.rglob("*"):
            if path.is_file():
                self.assertNotIn(KEY.encode(), path.read_bytes(), path)


if __name__ == "__main__":
    unittest.main()
