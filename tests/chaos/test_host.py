"""Faults of the host that a program runs on: it ends between any two of its steps, its disk breaks,
its clock is set back."""

import json
import os
import sys
import unittest

from cluster import BIN, Cluster, kill, said, tree, wait_for
from faults import Remote

HOSTFAULT = BIN.parent / "tests/hostfault.so"
POINTS = 180 if os.environ.get("GC_LONG") else 24


class Host(Remote):
    def preload(self, program="gc-coordinator", **settings):
        return {"LD_PRELOAD": str(HOSTFAULT), "HOSTFAULT_PROGRAM": program,
                **{f"HOSTFAULT_{k}": str(v) for k, v in settings.items()}}


class Steps(Host):
    """The coordinator is killed before a step of its own: while it reads, plans, publishes, waits,
    writes files, or reports. The same command then ends the job; nothing is paid for again."""

    def start_anew(self, number):
        """Another job that finds nothing in Redis; its ledger begins here."""
        wait_for("the calls of the job before", lambda: not self.c.calls_running())
        self.c.redis_cli("FLUSHALL")
        self.c.journal.write_text("")
        return f"out-{number}"

    def said_files(self, result):
        """The line of the report, but for how many were made in this run."""
        return [line.split("(")[0] for line in result.stdout.splitlines()
                if line.startswith("Files:")]

    def test_killed_at_any_step(self):
        self.c.start_sim("--ttft", 30)
        self.c.start_worker(32)
        counted = self.c.dir / "steps"
        whole = self.ok(self.c.gc(self.spec, "-o", self.c.dir / "whole", *self.c.cluster_args(),
                                  **self.preload(STEPS=counted)))
        steps = int(counted.read_text())
        self.assertGreater(steps, POINTS)
        early = 0
        for number in range(POINTS):
            at = 1 + number * steps // POINTS
            with self.subTest(step=at, of=steps):
                out = self.start_anew(number)
                p = self.start(out, **self.preload(KILL_AT=at))
                self.assertIn(p.wait(60), (-9, 0), said(p))  # not each run has as many steps
                early += p.returncode == -9
                again = self.run_to_end(out)
                self.assertEqual(self.said_files(again), self.said_files(whole))
                self.same(self.c.dir / out, self.c.dir / "whole")
                self.assertTrue(self.c.paid())
                self.sound(self.c.dir / out)
        self.assertGreater(early, POINTS // 2)


def report_of(path):
    """What does not depend on who made a file, and when."""
    report = json.loads(path.read_text())
    return {"files": {f["path"]: f["sha256"] for f in report["files"]}, "model": report["model"],
            "total": report["batching"]["total_files"], "llm": report["templates"]["llm_files"]}


class Phases(Host):
    """The coordinator is killed at a step of a chosen phase, and the same command is given again:
    nothing is paid for twice, the tree and the report are those of a run that nothing disturbed."""

    @classmethod
    def setUpClass(cls):
        calm = Cluster()
        cls.addClassCleanup(calm.close)
        calm.ask_for_every_go_file()
        calm.start_sim()
        report = calm.dir / "report.json"
        result = calm.gc(cls.spec, "-o", calm.dir / "out", "--metrics", report)
        assert result.returncode == 0, result.stderr
        cls.tree, cls.report = tree(calm.dir / "out"), report_of(report)

    def setUp(self):
        super().setUp()
        self.c.start_sim("--ttft", 20)
        self.c.start_worker(8)

    def killed_then_again(self, on, at=1, *again):
        """Killed before the `at`th step with this text. The states of its jobs, the oldest first."""
        p = self.start("out", "--metrics", self.c.dir / "report.json",
                       **self.preload(KILL_AT=at, ON=on))
        self.assertEqual(p.wait(60), -9, said(p))
        return self.again(*again)

    def again(self, *options):
        report = self.c.dir / "report.json"
        self.assertFalse(report.exists())
        self.made_by_then = len(tree(self.c.dir / "out"))
        self.run_to_end("out", "--metrics", report, *options)
        self.assertEqual(tree(self.c.dir / "out"), self.tree)
        self.assertEqual(self.checkpoint(self.job()), self.tree)
        self.assertEqual(report_of(report), self.report)
        self.sound(self.c.dir / "out")
        return [self.state(job) for job in self.jobs()]

    def goes_on(self, on, at=1):
        """It had a job, whose work is adopted, and of which nobody says that it runs."""
        self.assertEqual(self.killed_then_again(on, at), ["interrupted", "done"])

    def test_killed_while_reading(self):
        self.assertEqual(self.killed_then_again(self.spec.name), ["done"])

    def test_killed_while_planning(self):
        self.assertEqual(self.killed_then_again("gc:fcs:"), ["done"])

    def test_killed_before_publishing(self):
        self.goes_on("SUBMIT")

    def test_killed_while_waiting(self):
        """Its workers go on without it."""
        p = self.start("out")
        wait_for("a call", lambda: self.c.calls_running() or self.c.ledger())
        kill(p)
        self.assertEqual(self.again(), ["interrupted", "done"])

    def test_killed_while_writing_files(self):
        self.goes_on("_store.go", 2)

    def test_killed_before_the_state_is_saved(self):
        self.goes_on("state.json", 2)  # it was read at the beginning

    def test_killed_while_reporting(self):
        """The job is known to be done by then."""
        self.assertEqual(self.killed_then_again("report.json"), ["done"])
        self.assertEqual(self.made_by_then, self.report["total"])

    def test_killed_while_writing_then_resumed(self):
        """--resume takes the very job over."""
        self.assertEqual(self.killed_then_again("_store.go", 2, "--resume"), ["done"])


class Disk(Host):
    def test_disk_that_breaks(self):
        """What was paid for waits in Redis, and is written without a call once the disk works."""
        self.c.start_sim("--ttft", 50, "--tokens-per-second", 2000)
        self.c.start_worker(1)
        broken, out = self.c.dir / "broken", self.c.dir / "out"
        p = self.start("out", **self.preload(EIO=broken, UNDER=out))
        self.answers(3)
        broken.touch()
        self.ends(p, 6)
        self.assertIn("Input/output error", said(p))
        self.assertTrue(all((out / path).stat().st_size for path in tree(out)))
        stored = self.checkpoint(self.job())
        lost = stored.keys() - tree(out).keys()
        self.assertTrue(lost, "nothing was in Redis alone")
        self.run_to_end("out", "--resume")
        self.assertLessEqual(lost, tree(out).keys())
        self.sound(out)

    def test_disk_of_redis_that_breaks(self):
        """It ends itself, since it can promise nothing more. What was running meanwhile is held by
        the workers, and stored once it is back."""
        broken = self.c.dir / "broken"
        self.c.restart_redis(**self.preload("redis-server", EIO=broken, UNDER=self.c.redis_dir))
        self.c.start_sim("--ttft", 100, "--tokens-per-second", 1000)
        worker = self.c.start_worker(2)
        p = self.start("out")
        self.answers(2)
        broken.touch()
        self.assertEqual(self.c.redis.wait(60), 1, said(self.c.redis))
        self.assertIn("Input/output error", said(self.c.redis))
        self.c.start_redis(self.c.redis_port)
        self.ends(p)
        self.assertIsNone(worker.poll())
        self.sound(self.c.dir / "out")
        self.assertEqual(self.checkpoint(self.job()), tree(self.c.dir / "out"))


class Clock(Host):
    def set_clock(self, off_s):
        """In one piece, under the eyes of those who read it."""
        with open(self.offset, "r+b", buffering=0) as f:
            f.write(off_s.to_bytes(8, sys.byteorder, signed=True))

    def now(self):
        return int(self.c.redis_cli("TIME").split()[0])

    def test_clocks_that_are_set_back(self):
        """Of the host of broker, worker and Redis, by thirty seconds, under way. Heartbeats are
        counted on monotonic clocks; what Redis keeps for a time it keeps no shorter."""
        self.offset = self.c.dir / "offset"
        self.offset.touch()
        self.set_clock(0)
        kill(self.broker)
        self.c.restart_redis(**self.preload("redis-server", CLOCK=self.offset))
        self.c.start_sim("--ttft", 100, "--tokens-per-second", 1000)
        self.c.start_broker(self.c.broker_port, **self.preload("gc-broker", CLOCK=self.offset))
        worker = self.c.start_worker(2, **self.preload("gc-worker", CLOCK=self.offset))
        p = self.start("a")
        self.answers(3)
        before = self.now()
        self.set_clock(-30)
        self.assertLess(self.now(), before)
        self.ends(p)
        self.sound(self.c.dir / "a")
        self.assertIsNone(worker.poll())


if __name__ == "__main__":
    unittest.main()
