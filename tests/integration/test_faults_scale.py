"""Many workers at once: told to end, killed after their grace, held to one budget."""

import os
import pathlib
import signal
import threading
import unittest

from cluster import CLINIC, TODO, said, tree, wait_for
from faults import Remote

ALONE = "optimization: {batching: {enabled: false}}\n"
MINUTE_MS = 60000


class Many(Remote):
    def config(self, text):
        path = self.c.dir / "c.yaml"
        path.write_text(text)
        return ["-c", path]

    def workers(self, count, slots):
        found = [self.c.start_worker(slots) for _ in range(count)]
        wait_for("workers", lambda: self.c.redis_cli("ZCARD", "gc:workers") == str(count))
        return found

    def asked(self):
        """path -> how often it was asked for."""
        times = {}
        for call in self.c.ledger():
            for path in call["wanted"]:
                times[path] = times.get(path, 0) + 1
        return times


class Drain(Many):
    spec = TODO

    def test_ten_workers_become_one(self):
        """Those that leave end what they have sent and hand back the rest: nothing is paid or
        sent again, and no departure counts as a death."""
        self.c.start_sim("--ttft", 1000)
        workers = self.workers(10, 1)
        p = self.start("a", *self.config(ALONE))
        wait_for("calls", lambda: self.c.calls_running() >= 8)
        for worker in workers[1:]:
            worker.terminate()
        for worker in workers[1:]:
            self.ends(worker, 0, 30)
        self.c.start_worker(16)
        self.ends(p)
        self.sound(self.c.dir / "a")
        self.assertEqual(set(self.asked().values()), {1})

    def test_grace_that_is_shorter_than_a_call(self):
        """What was on its way when they were killed is sent once more; all else once."""
        self.c.start_sim("--ttft", 5000)
        workers = self.workers(4, 2)
        p = self.start("a", *self.config(ALONE), GC_CLUSTER_LEASE="4s")
        wait_for("calls", lambda: self.c.calls_running() == 8)
        for worker in workers:
            worker.terminate()
        wait_for("all to drain", lambda: all("worker.drain" in said(w) for w in workers))
        grace = threading.Timer(1, lambda: [w.kill() for w in workers])
        grace.start()
        grace.join()
        for worker in workers:
            self.assertEqual(worker.wait(), -signal.SIGKILL, "its call was not waited for")
        self.c.start_worker(32)
        self.ends(p)
        self.sound(self.c.dir / "a")
        again = [path for path, times in self.asked().items() if times > 1]
        self.assertLessEqual(max(self.asked().values()), 2)
        self.assertLessEqual(len(again), 8)


@unittest.skipUnless(os.environ.get("GC_LONG"), "takes long: ./check --long")
class Budget(Many):
    spec = CLINIC

    def outputs(self):
        return [(e["ended_ms"], e["usage"]["output"]) for e in self.c.ledger()
                if e["status"] == 200]

    def test_twenty_workers_on_the_tokens_of_three(self):
        """In no minute is more produced than the limit and one answer; all gets its turn, and
        what calls book but do not use is used by others: seven tenths go in the first minute,
        the rest soon after it."""
        self.c.start_sim()
        self.ok(self.c.gc(self.spec, "-o", self.c.dir / "calm", *self.config(ALONE)))
        whole = sum(n for _, n in self.outputs())
        largest = max(n for _, n in self.outputs())
        self.c.sim.kill()
        self.c.sim.wait()
        self.c.journal.unlink()
        budget = int(whole * 0.7)
        self.c.start_sim("--ttft", 500, "--tokens-per-second", 2000, "--otpm", budget)
        self.workers(20, 2)
        self.ends(self.start("a", *self.config(ALONE)), 0, 240)
        calls = self.outputs()
        for end, _ in calls:
            minute = sum(n for at, n in calls if end - MINUTE_MS < at <= end)
            self.assertLessEqual(minute, budget + largest)
        took_ms = max(at for at, _ in calls) - min(e["started_ms"] for e in self.c.ledger())
        self.assertLess(took_ms, 2 * MINUTE_MS)
        refused = [e for e in self.c.ledger() if e["status"] == 429]
        self.assertLessEqual(len(refused), 20, "one for each worker at most")
        self.assertEqual(tree(self.c.dir / "a"), tree(self.c.dir / "calm"))


class Baseline(Remote):
    """Job after job on the same broker and worker leaves nothing behind in them."""

    JOBS, WARM = 16, 6

    @staticmethod
    def held(process):
        """Open files, and bytes that are resident."""
        proc = pathlib.Path(f"/proc/{process.pid}")
        pages = int((proc / "statm").read_text().split()[1])
        return len(list((proc / "fd").iterdir())), pages * os.sysconf("SC_PAGE_SIZE")

    def test_jobs_in_a_row_leave_nothing_behind(self):
        self.c.start_sim()
        processes = {"broker": self.broker, "worker": self.c.start_worker(8)}
        text, calls = self.spec.read_text(), [0]
        for job in range(self.JOBS):
            spec = self.c.dir / f"spec-{job}.yaml"
            spec.write_text(text.replace("example.com/todo", f"example.com/todo{job}", 1))
            self.ok(self.c.gc(spec, "-o", self.c.dir / f"out-{job}", *self.c.cluster_args()))
            calls = calls + [len(self.c.ledger())]
            if job == self.WARM:
                before = {name: self.held(p) for name, p in processes.items()}
        self.assertLess(max(calls[:-1]), calls[-1], "the last job asked for nothing")
        for name, process in processes.items():
            files, resident = before[name]
            wait_for(f"{name}: connections of jobs are closed",
                     lambda p=process, n=files: self.held(p)[0] <= n + 1)
            self.assertLess(self.held(process)[1] - resident, 2 << 20, name)


if __name__ == "__main__":
    unittest.main()
