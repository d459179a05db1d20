"""What the processes of a cluster share: the provider's prompt cache, its limits, the money of
a job, and every file that somebody paid for. The simulator's journal says what was billed."""

import collections
import json
import unittest

from cluster import CLINIC, SHOP, TODO, Case, kill, said, tree, wait_for

ALONE = "optimization: {batching: {enabled: false}}\n"
MANY = "optimization: {batching: {enabled: false}, templates: {scope: boilerplate}}\n"
CLASSES = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output")


class Sharing(Case):
    def setUp(self):
        super().setUp()
        self.c.start_redis()
        self.c.start_broker()

    def config(self, text, name="c.yaml"):
        path = self.c.dir / name
        path.write_text(text)
        return ["-c", path]

    def start(self, spec, name, *args, **env):
        return self.c.gc_start(spec, "-o", self.c.dir / name, *args, *self.c.cluster_args(),
                               "--metrics", self.c.dir / f"{name}.json", **env)

    def ends(self, process, code=0, deadline_s=90):
        self.assertEqual(process.wait(deadline_s), code, said(process))

    def metrics(self, name):
        return json.loads((self.c.dir / f"{name}.json").read_text())


class Prefix(Sharing):
    def writes(self):
        return [e for e in self.c.ledger()
                if e["usage"]["cache_write_5m"] + e["usage"]["cache_write_1h"]]

    def reads(self):
        return [e for e in self.c.ledger() if e["usage"]["cache_read"]]

    def test_thirty_two_cold_workers_write_it_once(self):
        self.c.start_sim("--ttft", 700)
        for _ in range(4):
            self.c.start_worker(8)
        wait_for("workers", lambda: len(self.c.redis_cli("KEYS", "gc:worker:*").split()) == 4)
        p = self.start(CLINIC, "a", *self.config(MANY))
        self.ends(p)
        calls = self.c.ledger()
        self.assertGreater(len(calls), 32)
        self.assertEqual(len(self.writes()), 1)
        self.assertEqual(len(self.reads()), len(calls) - 1)
        first = self.writes()[0]["started_ms"]
        early = [e for e in calls if e["started_ms"] < first + 600]
        self.assertEqual(len(early), 1, "went before the first event")

    def test_death_of_the_one_that_warms_is_taken_over_by_one(self):
        self.c.start_sim("--ttft", 1500)
        workers = [self.c.start_worker(8) for _ in range(3)]
        wait_for("workers", lambda: len(self.c.redis_cli("KEYS", "gc:worker:*").split()) == 3)
        p = self.start(SHOP, "a", *self.config(ALONE), GC_CLUSTER_LEASE="6s")
        key = wait_for("a claim", lambda: self.c.redis_cli("KEYS", "gc:prefix:*"))
        wait_for("its call", self.c.calls_running)
        holder = self.c.redis_cli("HGET", key, "holder").split()[0]
        victim = next(w for w in workers
                      if f"-{w.pid}" in holder or f"{w.pid}." in holder or str(w.pid) in holder)
        kill(victim)
        self.ends(p)
        written = [e for e in self.writes() if e["completed"]]
        self.assertEqual(len(written), 1)
        self.assertLessEqual(len(self.writes()), 2)


class Ledger(Sharing):
    def price(self, entries, model="claude-sonnet-5-5"):
        """Dollars of the journal, by the table that the programs carry."""
        rates = {"input": 2, "cache_write_5m": 2.5, "cache_write_1h": 4, "cache_read": 0.1,
                 "output": 10}
        self.assertTrue(all(e["model"] == model for e in entries))
        return sum(e["usage"][k] * rates[k] for e in entries if "usage" in e
                   for k in CLASSES) / 1e6

    def figures_match(self, name):
        """What is reported is what was billed, class by class; the rest is unconfirmed."""
        m = self.metrics(name)
        good = [e for e in self.c.ledger() if e["completed"] and e["status"] == 200]
        told = m["tokens"]
        for key in ("input", "cache_read", "output"):
            self.assertEqual(told[key], sum(e["usage"][key] for e in good), key)
        self.assertEqual(told["cache_write"], sum(e["usage"]["cache_write_5m"] +
                                                  e["usage"]["cache_write_1h"] for e in good))
        self.assertAlmostEqual(m["cost"]["usd"], self.price(good), places=6)
        self.assertEqual(m["batching"]["llm_calls"], len(good))
        return m, good

    def job_usd(self, *fields):
        job = self.c.redis_cli("ZRANGE", "gc:jobs", -1, -1)
        return sum(float(self.c.redis_cli("HGET", f"gc:job:{job}", f)) for f in fields)


class Money(Ledger):
    def test_figures_are_those_of_the_journal(self):
        self.c.start_sim("--ttft", 20)
        for _ in range(2):
            self.c.start_worker(8)
        self.ends(self.start(CLINIC, "a"))
        m, _ = self.figures_match("a")
        self.assertEqual(m["cost"]["unconfirmed_usd"], 0)
        self.assertAlmostEqual(self.job_usd("cost_usd"), m["cost"]["usd"], places=6)

    FAULTS = ("429:0.05:retry_ms=200", "529:0.05", "500:0.05", "reset:0.05:at=60",
              "truncate:0.05", "stall:0.05", "error_event:0.05", "missing_file:0.05",
              "fenced:0.05", "max_tokens:0.05")

    def test_ten_faults_at_five_per_cent_each(self):
        faults = [a for f in self.FAULTS for a in ("--fault", f)]
        self.c.start_sim("--ttft", 10, "--seed", 7, *faults)
        for _ in range(2):
            self.c.start_worker(16)
        idle = self.config("llm: {idle_timeout: 1s, first_byte_timeout: 5s}\n")
        jobs = {"a": CLINIC, "b": SHOP, "c": TODO}
        for p in [self.start(spec, name, *idle) for name, spec in jobs.items()]:
            self.ends(p)
        total = self.price(self.c.ledger())
        wasted = self.wasted(jobs)
        broken = sum(bool(e["fault"]) for e in self.c.ledger()) / len(self.c.ledger())
        self.assertLess(wasted / total, broken / 2)  # what came through of a broken call is kept
        told = [self.metrics(name) for name in jobs]
        good = [e for e in self.c.ledger() if e["completed"] and e["status"] == 200]
        self.assertAlmostEqual(sum(m["cost"]["usd"] for m in told), self.price(good), places=6)
        for key in ("input", "cache_read", "output"):
            self.assertEqual(sum(m["tokens"][key] for m in told),
                             sum(e["usage"][key] for e in good), key)
        lost = sum(m["cost"]["unconfirmed_usd"] for m in told)
        self.assertGreater(lost, 0)

    def wasted(self, names):
        """Dollars for what was thrown away: output that is in no tree, or was there before, and of
        the prompt the part for files that did not come through. A prefix that a broken call
        wrote to the cache is there for the others."""
        left, output = collections.Counter(), {}
        for name in names:
            for path, sha in tree(self.c.dir / name).items():
                left[path, sha] += 1
                output[path, sha] = (self.c.dir / name / path).stat().st_size / 3.6  # its tokens
        wasted = 0
        for e in self.c.ledger():
            if "usage" not in e:
                continue
            got = [(f["path"], f["sha256"]) for f in e["files"]]
            new = [key for key in got if left[key]]
            left.subtract(new)
            usage, lost = e["usage"], 1 - len(new) / len(e["wanted"])
            prompt = {"input": usage["input"] * lost, "cache_read": usage["cache_read"] * lost}
            rest = max(0, usage["output"] - sum(output[key] for key in new)) if lost else 0
            thrown = {**dict.fromkeys(CLASSES, 0), **prompt, "output": rest}
            wasted += self.price([{"model": e["model"], "usage": thrown}])
        return wasted


class Cap(Ledger):
    def test_cap_at_every_height_and_resume(self):
        self.c.start_sim()
        self.c.start_worker(16)
        self.ends(self.start(SHOP, "full"))
        full = self.metrics("full")["cost"]["usd"]
        for share in (0.1, 0.4, 0.9):
            with self.subTest(share=share):
                self.c.redis_cli("FLUSHALL")
                seen = len(self.c.ledger())
                name = f"cap{int(share * 100)}"
                cap = f"{full * share:.4f}"
                p = self.start(SHOP, name, "--max-cost", cap)
                peak = 0
                while p.poll() is None:
                    if self.c.redis_cli("ZCARD", "gc:jobs") == "1":
                        try:
                            peak = max(peak, self.job_usd("cost_usd", "unconfirmed_usd",
                                                          "reserved_usd"))
                        except ValueError:
                            pass
                self.ends(p, 4)
                m = self.metrics(name)
                self.assertLessEqual(peak, float(cap) + 1e-9)
                self.assertLessEqual(m["cost"]["usd"] + m["cost"]["unconfirmed_usd"], float(cap))
                self.assertIn("missing", said(p))
                self.assertIn("would cost about $", said(p))
                self.assertIn("--max-cost", said(p))
                self.assertGreater(m["cost"]["missing_usd"], 0)
                self.ends(self.start(SHOP, name, "--resume", "--max-cost", f"{2 * full:.4f}"))
                paid = [f["path"] for e in self.c.ledger()[seen:]
                        for f in e.get("files", [])]
                self.assertEqual(len(paid), len(set(paid)), "paid twice")
                self.assertEqual(tree(self.c.dir / "full"), tree(self.c.dir / name))


class Limits(Sharing):
    def test_a_pause_holds_for_the_whole_cluster(self):
        self.c.start_sim("--ttft", 50, "--fault", "429:1:skip=3:count=1:retry_ms=2500")
        workers = [self.c.start_worker(4) for _ in range(2)]
        self.ends(self.start(SHOP, "a", *self.config(ALONE)))
        refused = [e for e in self.c.ledger() if e["status"] == 429]
        self.assertEqual(len(refused), 1)
        begin = refused[0]["ended_ms"]
        during = [e for e in self.c.ledger() if begin < e["started_ms"] < begin + 2400]
        late = [e for e in during if e["started_ms"] > begin + 300]  # the news takes a moment
        self.assertLessEqual(len(during), 8, "calls at once")
        self.assertLessEqual(len(late), len(workers))
        after = [e for e in self.c.ledger() if e["started_ms"] >= begin + 2400]
        self.assertGreater(len(after), 8)

    def test_a_paused_model_leaves_its_slots_to_others(self):
        self.c.start_sim("--ttft", 20, "--fault",
                         "429:1:skip=1:count=1:retry_ms=8000:model=claude-sonnet-5-5")
        self.c.start_worker(2)
        slow = self.start(SHOP, "slow", *self.config(ALONE))
        wait_for("the pause", lambda: any(e["status"] == 429 for e in self.c.ledger()))
        self.ends(self.start(TODO, "fast", "--model", "claude-haiku-5-5"))
        self.assertIsNone(slow.poll(), "the other job did not wait for the pause")
        self.ends(slow)

    def test_budget_of_tokens_is_shared_by_headers(self):
        self.c.start_sim("--ttft", 20, "--rpm", 1000, "--itpm", 2000000, "--otpm", 400000)
        for _ in range(2):
            self.c.start_worker(8)
        self.ends(self.start(SHOP, "a"))
        key = self.c.redis_cli("KEYS", "gc:limit:*")
        words = self.c.redis_cli("HGETALL", key).split()
        fields = dict(zip(words[::2], map(int, words[1::2])))
        self.assertEqual(fields["requests_limit"], 1000)
        self.assertEqual(fields["input_limit"], 2000000)
        self.assertEqual(fields["output_limit"], 400000)
        calls = self.c.ledger()
        counted = {k: sum(v for f, v in fields.items() if f[0] == k and f[1:].isdigit())
                   for k in "rio"}
        self.assertEqual(counted["r"], len(calls))
        self.assertEqual(counted["i"], sum(e["usage"]["input"] + e["usage"]["cache_write_5m"]
                                           for e in calls))
        self.assertEqual(counted["o"], sum(e["usage"]["output"] for e in calls))

    def test_spend_limit_of_the_provider_ends_the_job(self):
        self.c.start_sim("--fault", "spend:1:skip=2")
        self.c.start_worker(8)
        p = self.start(TODO, "a")
        self.ends(p, 7)
        self.assertIn("spend limit", said(p))


class Turns(Sharing):
    """Two jobs, one worker: whose call a freed slot takes."""

    SLOTS = 16

    def listed(self, name, count):
        lines = [f"name: {name}", f"module: example.com/{name}", "files:"]
        for i in range(count):
            lines += [f"  - path: internal/{name}{i}/part.go", f"    purpose: Part {i}."]
        path = self.c.dir / f"{name}.yaml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def calls(self, name):
        return sorted((e for e in self.c.ledger() if name in e["wanted"][0]),
                      key=lambda e: e["started_ms"])

    def test_a_small_job_does_not_wait_for_a_large_one(self):
        self.c.start_sim("--ttft", 200)
        self.c.start_worker(self.SLOTS)
        alone = self.config(ALONE)
        large = self.start(self.listed("large", 500), "large", *alone)
        wait_for("the large job", lambda: len(self.calls("large")) >= 3 * self.SLOTS)
        self.ends(self.start(self.listed("small", 5), "small", *alone))
        self.assertIsNone(large.poll(), "the small job waited for the large one")
        small = self.calls("small")
        self.assertEqual(len(small), 5)
        self.ends(large)
        calls = self.calls("large")
        self.assertEqual(len(calls), 500)
        first, last = small[0]["started_ms"], small[-1]["started_ms"]
        between = [e for e in calls if first <= e["started_ms"] <= last]
        # The first call of a prefix goes alone; then the jobs take turns.
        self.assertLessEqual(len(between), 5 * self.SLOTS)
        begin, end = calls[self.SLOTS]["started_ms"], calls[-1]["started_ms"]
        used = sum(min(e["ended_ms"], end) - max(e["started_ms"], begin)
                   for e in calls + small if e["ended_ms"] > begin and e["started_ms"] < end)
        self.assertGreater(used / (end - begin) / self.SLOTS, 0.5, "freed slots stood empty")


class SingleFlight(Sharing):
    def test_two_coordinators_pay_for_each_file_once(self):
        self.c.start_sim("--ttft", 50, "--tokens-per-second", 2000)
        for _ in range(2):
            self.c.start_worker(8)
        both = [self.start(SHOP, "a"), self.start(SHOP, "b")]
        for p in both:
            self.ends(p)
        again = {p: a for p, a in self.c.paid().items() if len(a) > 1}
        self.assertEqual(again, {})
        self.assertEqual(tree(self.c.dir / "a"), tree(self.c.dir / "b"))
        self.assertAlmostEqual(sum(self.metrics(n)["batching"]["llm_calls"] for n in "ab"),
                               len(self.c.ledger()))

    def test_death_of_a_leader_is_taken_over_once(self):
        self.c.start_sim("--ttft", 1500, "--tokens-per-second", 2000)
        leader = self.c.start_worker(1)
        lease = {"GC_CLUSTER_LEASE": "4s"}
        first = self.start(TODO, "a", **lease)
        wait_for("the leader's call", self.c.calls_running)
        others = [self.start(TODO, name, **lease) for name in ("b", "c")]
        wait_for("jobs", lambda: self.c.redis_cli("ZCARD", "gc:jobs") == "3")
        for _ in range(2):
            self.c.start_worker(16)
        kill(leader)
        for p in [first, *others]:
            self.ends(p)
        self.assertEqual({p: a for p, a in self.c.paid().items() if len(a) > 1}, {})
        asked = {}
        for e in self.c.ledger():
            for path in e["wanted"]:
                asked[path] = asked.get(path, 0) + 1
        self.assertLessEqual(max(asked.values()), 2)
        trees = [tree(self.c.dir / name) for name in "abc"]
        self.assertEqual(trees[0], trees[1])
        self.assertEqual(trees[0], trees[2])


if __name__ == "__main__":
    unittest.main()
