"""What a run costs: the metrics against the simulator's journal, to the cent's fraction."""

import json
import re
import subprocess
import unittest
import urllib.request

from cluster import BIN, CLINIC, ROOT, TODO, Case, tree

# Dollars per million tokens of the default model, as config/models.yaml has them.
PRICES = {"input": 2, "cache_write_5m": 2.5, "cache_write_1h": 4, "cache_read": 0.1, "output": 10}


def dollars(usage):
    return sum(usage[kind] * price for kind, price in PRICES.items()) / 1e6


class Cost(Case):
    def generate(self, name, *args, spec=TODO, **env):
        r = self.c.gc(spec, "-o", self.c.dir / name, "--metrics", self.c.dir / "m.json", "--yes",
                      *args, **env)
        metrics = json.loads((self.c.dir / "m.json").read_text())
        return r, metrics

    def test_no_switch_alone_costs_more_than_none(self):
        """The benchmark itself compares journal, totals and files of each of its runs."""
        r = subprocess.run([str(ROOT / "tests/bench/cost"), "--bin", str(BIN), str(TODO)],
                           capture_output=True, text=True, timeout=300, check=False)
        self.ok(r)
        self.assertIn("All against none: calls -", r.stdout)

    def test_metrics_are_the_journal_whatever_goes_wrong(self):
        self.c.start_sim("--ttft", 5, "--seed", 3, "--fault", "missing_file:0.3",
                         "--fault", "fenced:0.2", "--fault", "bad_signature:0.2",
                         "--fault", "500:0.1")
        r, metrics = self.generate("out", "-c", self.repairs())
        self.ok(r)
        paid = [e for e in self.c.ledger() if e["completed"] and e["status"] == 200]
        self.assertEqual(metrics["batching"]["llm_calls"], len(paid))
        self.assertAlmostEqual(metrics["cost"]["usd"], sum(dollars(e["usage"]) for e in paid), 9)
        self.assertAlmostEqual(sum(f["cost_usd"] for f in metrics["files"]),
                               metrics["cost"]["usd"], 9)
        for kind in ("input", "cache_read", "output"):
            want = sum(e["usage"][kind] for e in paid)
            self.assertEqual(metrics["tokens"][kind], want, kind)
            self.assertEqual(sum(f[kind] for f in metrics["files"]), want, kind)
        self.assertGreater(max(f["attempt"] for f in metrics["files"]), 1)
        speed = metrics["performance"]
        self.assertGreaterEqual(speed["lower_bound_s"], speed["critical_path_s"])

    def with_fault(self, name, fault):
        """A run with one fault: the journal's entry of it, and the dollars of the metrics."""
        body = json.dumps({"replace": True, "rules": [{**fault, "count": 1}]}).encode()
        urllib.request.urlopen(self.c.sim_url + "/_sim/faults", body).close()
        seen = len(self.c.ledger())
        r, metrics = self.generate(name, "-c", self.repairs())
        self.ok(r)
        hit, = [e for e in self.c.ledger()[seen:] if e["fault"]]
        return dollars(hit["usage"]) if hit["status"] == 200 else 0, metrics["cost"]

    def test_waste_is_what_is_proven(self):
        self.c.ask_for_every_go_file()
        self.c.start_sim("--ttft", 5)
        billed, cost = self.with_fault("a", {"kind": "garbage", "skip": 3})
        self.assertAlmostEqual(cost["wasted_usd"], billed, 9)  # all of an answer without files
        self.assertEqual(cost["unconfirmed_usd"], 0)
        billed, cost = self.with_fault("b", {"kind": "reset", "skip": 3})
        self.assertEqual(cost["wasted_usd"], 0)  # nobody knows
        self.assertGreaterEqual(cost["unconfirmed_usd"], billed)
        billed, cost = self.with_fault("c", {"kind": "cut", "at": 60, "skip": 3})
        self.assertGreater(cost["wasted_usd"], 0)
        self.assertLessEqual(cost["wasted_usd"], cost["unconfirmed_usd"])
        self.assertGreaterEqual(cost["unconfirmed_usd"], 0.9 * billed)  # bytes are no tokens
        _, cost = self.with_fault("d", {"kind": "529"})
        self.assertEqual((cost["wasted_usd"], cost["unconfirmed_usd"]), (0, 0))

    def repairs(self):
        path = self.c.dir / "repairs.yaml"
        path.write_text("limits: {max_repairs: 10}\n")
        return path

    def test_no_optimization_uses_nothing_from_before(self):
        self.c.start_sim("--ttft", 5)
        self.c.start_redis()
        self.generate("before", "--redis", self.c.redis_url)  # everything is in the cache now
        self.c.journal.unlink()
        self.c.sim.kill()
        self.c.sim.wait()
        self.c.start_sim("--ttft", 5)
        r, metrics = self.generate("base", "--no-optimization", "--redis", self.c.redis_url)
        self.ok(r)
        entries = self.c.ledger()
        self.assertEqual([len(e["wanted"]) for e in entries], [1] * len(tree(self.c.dir / "base")))
        for kind in ("cache_write_5m", "cache_write_1h", "cache_read"):
            self.assertEqual(sum(e["usage"][kind] for e in entries), 0, kind)
        with urllib.request.urlopen(self.c.sim_url + "/_sim/stats") as reply:
            self.assertEqual(json.load(reply)["peak_active"], 1)
        # The whole specification is in each prompt: none is much shorter than another.
        sizes = [e["usage"]["input"] for e in entries]
        self.assertGreater(min(sizes) * 2, max(sizes))
        self.assertEqual(metrics["templates"]["template_files"], 0)
        self.assertEqual(metrics["incremental"]["reused"], 0)
        self.assertFalse(metrics["baseline_estimated"])

    def test_no_optimization_keeps_cap_and_resume(self):
        self.c.start_sim("--ttft", 5)
        self.c.start_redis()
        args = ("--no-optimization", "--redis", self.c.redis_url)
        _, full = self.generate("whole", *args)
        cap = full["cost"]["usd"] / 2
        r, half = self.generate("out", *args, "--max-cost", f"{cap:.4f}")
        self.ok(r, 4)
        self.assertLessEqual(half["cost"]["usd"], cap)
        r, rest = self.generate("out", *args, "--resume")
        self.ok(r)
        self.assertLess(rest["cost"]["usd"], full["cost"]["usd"])
        self.assertEqual(tree(self.c.dir / "out"), tree(self.c.dir / "whole"))

    def capped(self, name, cap, code, *args):
        """A run under a cap: what it paid, by the journal, and what it made; never over."""
        seen = len(self.c.ledger())
        r, _ = self.generate(name, "--max-cost", f"{cap:.6f}", *args, spec=CLINIC)
        self.ok(r, code)
        entries = self.c.ledger()[seen:]
        paid = sum(dollars(e["usage"]) for e in entries)
        self.assertLessEqual(paid, cap)
        return r, paid, [f["path"] for e in entries for f in e.get("files", [])]

    def cheapest(self, result):
        """The worst case that did not fit, as the run says it."""
        told = re.search(r"the cheapest call may cost \$([0-9.]+), and", result.stderr)
        self.assertIsNotNone(told, result.stderr)
        return float(told.group(1))

    def goes_on(self, name, made):
        """A resume pays for nothing twice and ends with what a run without a cap makes."""
        seen = len(self.c.ledger())
        r, _ = self.generate(name, "--resume", spec=CLINIC)
        self.ok(r)
        rest = [f["path"] for e in self.c.ledger()[seen:] for f in e.get("files", [])]
        self.assertEqual(set(made) & set(rest), set())
        self.same(self.c.dir / "full", self.c.dir / name)

    def test_a_low_cap_is_used(self):
        self.c.start_sim("--ttft", 5)
        r, full = self.generate("full", spec=CLINIC)
        self.ok(r)
        full_usd = full["cost"]["usd"]
        for share in (0.4, 0.9):
            with self.subTest(share=share):
                name, cap = f"cap{share}", full_usd * share
                r, paid, made = self.capped(name, cap, 4)
                self.assertTrue(made)
                # It goes on until not even the cheapest call's worst case is left.
                self.assertLess(cap - paid, self.cheapest(r))
                self.goes_on(name, made)
        # One call's worst case is more than a tenth of this job, which the run says.
        r, paid, _ = self.capped("cap0.1", full_usd / 10, 4)
        self.assertEqual(paid, 0)
        r, paid, made = self.capped("cap0.1", self.cheapest(r) + 0.0001, 4, "--resume")
        self.assertEqual(len(made), 1, r.stderr)
        self.goes_on("cap0.1", made)

    def test_the_page_of_a_run(self):
        page = self.c.dir / "r.html"
        self.ok(self.c.gc(TODO, "-o", self.c.dir / "out", "--provider", "sim", "--report", page))
        text = page.read_text()
        self.assertIn("simulated model", text)
        self.assertEqual(re.findall(r"https?:|<script|\bsrc=|\bhref=", text), [])
        for path in tree(self.c.dir / "out"):
            self.assertIn(path, text)
        self.assertGreater(text.count('class="ok"'), 0)
        self.ok(self.c.gc(TODO, "-o", self.c.dir / "out", "--provider", "sim", "--report", page))
        self.assertIn("No call was made", page.read_text())


if __name__ == "__main__":
    unittest.main()
