"""Faults with a name of their own that need more than a kill: time, network, poison."""

import os
import shutil
import signal
import threading
import unittest
import urllib.request

from cluster import BIN, CLINIC, TODO, Case, cpu_seconds, free_port, kill, said, tree, wait_for
from proxy import Forger, Proxy

BEAT_S = 0.3
BEATS = 10  # that a fault of the network lasts
TIMES = {"GC_CLUSTER_LEASE": "3s", "GC_CLUSTER_HEARTBEAT": "300ms"}


class Scenario(Case):
    def setUp(self):
        super().setUp()
        self.c.ask_for_every_go_file()
        self.c.start_redis()
        self.http = free_port()
        self.broker = self.c.start_broker(**TIMES, GC_CLUSTER_HTTP=f"127.0.0.1:{self.http}")
        self.to_broker = Proxy(("127.0.0.1", self.c.broker_port))
        self.addCleanup(self.to_broker.close)
        self.out = self.c.dir / "out"

    def args(self):
        return ["--broker", f"tcp://127.0.0.1:{self.to_broker.port}", "--redis",
                self.c.redis_url]

    def worker(self, *prefix, slots=2, **env):
        """With a program before it, which then is what is killed."""
        more = ["--die-with-parent"] if prefix else []
        return self.c.start("worker", *prefix, BIN / "gc-worker", *self.args(), "--slots", slots,
                            *more, **TIMES, **env)

    def job(self, *args, spec=TODO):
        return self.c.gc_start(spec, "-o", self.out, "--yes", "--progress", "none", *self.args(),
                               *args, **TIMES)

    def alone(self):
        """A configuration that asks for each file in a call of its own."""
        config = self.c.dir / "c.yaml"
        config.write_text("optimization: {batching: {enabled: false}}\n")
        return config

    def ends(self, process, code=0, deadline_s=90):
        self.assertEqual(process.wait(deadline_s), code, said(process))

    def answers(self, count):
        wait_for(f"{count} answers", lambda: len(self.c.ledger()) >= count)

    def sound(self, twice=0):
        """What was completed for a file stands there, and nothing was paid for twice."""
        files, paid = tree(self.out), self.c.paid()
        for path, answers in paid.items():
            self.assertIn(files.get(path), answers, path)
        again = {p: len(a) - 1 for p, a in paid.items() if len(a) > 1}
        self.assertLessEqual(sum(again.values()), twice, again)


    def metric(self, start):
        """The sum of the broker's figures whose name, with labels, starts so."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=10) as r:
            return sum(int(line.split()[-1]) for line in r.read().decode().splitlines()
                       if line.startswith(start))

    def workers_lost(self):
        return self.metric('gc_broker_peers_lost_total{role="worker"}')


class Time(Scenario):
    def test_answer_that_starts_after_the_lease_would_have_lapsed(self):
        """The lease lives by its own timer, not by bytes of the answer."""
        self.c.start_sim("--ttft", 5000)
        self.worker(slots=16)
        self.worker(slots=16)
        p = self.job()
        self.ends(p)
        self.sound()
        self.assertTrue(all(e["completed"] for e in self.c.ledger()))

    def test_silence_is_cut_and_asked_again(self):
        config = self.c.dir / "c.yaml"
        config.write_text("llm: {first_byte_timeout: 2s, idle_timeout: 2s}\n")
        self.c.start_sim("--fault", "stall:0.2", "--seed", "5")
        self.worker(slots=8)
        p = self.job("-c", config)
        self.ends(p)
        self.sound()
        self.assertTrue(any(not e["completed"] for e in self.c.ledger()), "no stall was tried")

    @unittest.skipUnless(shutil.which("faketime"), "faketime is not installed")
    def test_a_worker_whose_clock_is_an_hour_off(self):
        """Leases are counted on the monotonic clock and by Redis, never by wall clocks."""
        self.c.start_sim("--ttft", 200, "--tokens-per-second", 800)
        self.worker("faketime", "-f", "+1h")
        self.worker("faketime", "-f", "-1h")
        p = self.job()
        self.ends(p)
        self.sound()


class Network(Scenario):
    def noticed_when_held(self, way):
        """One way is dead, the other is not; nothing piles up for the moment it heals."""
        self.c.start_sim("--ttft", 200, "--tokens-per-second", 800)
        worker = self.worker(slots=4)
        p = self.job()
        self.answers(3)
        self.to_broker.hold(way)
        wait_for("the broker to notice", self.workers_lost)
        wait_for("the worker to notice", lambda: "broker.silent" in said(worker))
        before = self.metric("gc_broker_messages_received_total")
        timer = threading.Timer(BEATS * BEAT_S, self.to_broker.release)
        timer.start()
        timer.join()
        wait_for("the worker to be back", lambda: said(worker).count("broker.up") == 2)
        flood = self.metric("gc_broker_messages_received_total") - before
        self.assertLess(flood, 2 * BEATS)
        self.ends(p)
        self.sound()

    def test_nothing_passes_to_the_broker(self):
        self.noticed_when_held("up")

    @unittest.skipUnless(os.environ.get("GC_LONG"), "takes long: ./check --long")
    def test_nothing_passes_from_the_broker(self):
        self.noticed_when_held("down")

    def begun(self):
        """Calls that the simulator has seen begin."""
        return self.c.calls_running() + len(self.c.ledger())

    def test_twenty_broker_restarts_in_a_row(self):
        """Every time all slots get new calls, though connections are cut in the middle of whatever
        they carry."""
        slots = 4
        self.c.start_sim("--ttft", 100, "--tokens-per-second", 2000)
        self.worker(slots=slots)
        p = self.job("-c", self.alone(), spec=CLINIC)
        for restart in range(20):
            before = self.begun()
            if restart % 2:
                self.to_broker.cut()
            kill(self.broker)
            self.broker = self.c.start_broker(self.c.broker_port, **TIMES)
            self.to_broker.cut()
            wait_for("new calls in all slots", lambda n=before: self.begun() >= n + slots, 20)
        self.ends(p)
        self.sound()

    def test_provider_whose_name_does_not_resolve_at_first(self):
        """Nothing fails for good; what the trouble is stands in the log; no busy loop."""
        self.c.start_sim()
        good = self.c.sim_url
        self.c.sim_url = "http://no-such-host.invalid:1"
        lost = self.worker()
        self.c.sim_url = good
        p = self.job()
        wait_for("the reason", lambda: "no-such-host.invalid" in said(lost))
        self.assertLess(cpu_seconds(lost), 2, "spent on waiting")
        self.worker()
        lost.send_signal(signal.SIGTERM)
        self.ends(lost, 0, 40)
        self.ends(p)
        self.sound()


class Versions(Scenario):
    def speaks_otherwise(self, version):
        """A worker whose HELLO names another version of the protocol."""
        forger = Forger(("127.0.0.1", self.c.broker_port), b"\xa7version\x01",
                        b"\xa7version" + bytes([version]))
        self.addCleanup(forger.close)
        return self.c.start("worker", BIN / "gc-worker", "--broker",
                            f"tcp://127.0.0.1:{forger.port}", "--redis", self.c.redis_url, **TIMES)

    def test_older_and_newer_workers_are_refused_by_name_of_the_version(self):
        self.c.start_sim()
        others = {version: self.speaks_otherwise(version) for version in (0, 2)}
        for version, worker in others.items():
            wait_for("the refusal", lambda w=worker, v=version:
                     f"protocol version {v} is not supported; this is 1" in said(w))
        self.worker()
        p = self.job()
        self.ends(p)
        self.sound()
        self.assertEqual([w.poll() for w in others.values()], [None, None])  # they try again

    def test_all_programs_restarted_one_after_the_other(self):
        """As by an upgrade that leaves the protocol as it is: in order, under a running job."""
        self.c.start_sim("--ttft", 200, "--tokens-per-second", 400)
        workers = [self.worker(slots=2), self.worker(slots=2)]
        p = self.job("-c", self.alone())
        self.answers(2)
        for old in workers:
            old.send_signal(signal.SIGTERM)
            self.worker(slots=2)
            self.ends(old)
        self.broker.send_signal(signal.SIGTERM)
        self.ends(self.broker)
        self.broker = self.c.start_broker(self.c.broker_port, **TIMES)
        before = len(self.c.ledger())
        self.answers(before + 1)
        p.send_signal(signal.SIGINT)
        self.ends(p, 130)
        p = self.job("-c", self.alone(), "--resume")
        self.ends(p)
        self.sound()


class Poison(Scenario):
    def test_a_task_that_kills_its_worker_is_set_aside_after_three_deaths(self):
        """It is sent again first, so it is the first call of each new worker. The rest goes on;
        the exit code says so, and a later run makes what is missing."""
        self.c.start_sim("--ttft", 1000)
        config = self.alone()
        p = self.job("-c", config)
        for deaths in range(3):
            worker = self.worker(slots=1)
            wait_for("its first call", self.c.calls_running)
            kill(worker)
            wait_for("the broker to notice", lambda n=deaths + 1: self.workers_lost() == n)
        self.worker(slots=32)
        self.ends(p, 4)
        self.assertIn("three times", said(p))
        self.ok(self.c.gc(TODO, "-o", self.out, "--yes", "-c", config, *self.args(), **TIMES))
        self.sound()


class Slow(Scenario):
    def test_coordinator_that_sleeps_while_workers_finish(self):
        """News pile up within bounds; what was made meanwhile is found when it wakes."""
        self.c.start_sim("--ttft", 50)
        self.worker(slots=4)
        p = self.job()
        self.answers(2)
        p.send_signal(signal.SIGSTOP)
        quiet = threading.Event()
        wait_for("the workers to finish what they hold",
                 lambda: quiet.wait(0.5) or not self.c.calls_running())
        p.send_signal(signal.SIGCONT)
        self.ends(p)
        self.sound()


if __name__ == "__main__":
    unittest.main()
