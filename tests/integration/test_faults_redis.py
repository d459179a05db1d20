"""Redis fails in each of its ways, with real processes: killed, behind by its last second, failed
over to a replica that missed the last writes, refusing writes, not answering."""

import collections
import os
import re
import subprocess
import unittest

from cluster import free_port, kill, said, tree, wait_for
from faults import Remote
from proxy import Proxy

SLOW = ("--ttft", 100, "--tokens-per-second", 500)
BATCH = 5  # files of one call


class Restart(Remote):
    def files(self):
        return self.checkpoint(self.job())

    def complete(self, folder):
        """All of it is in Redis, whatever Redis has lost meanwhile."""
        job = self.job()
        self.assertEqual(self.state(job), "done")
        self.assertEqual(self.checkpoint(job), tree(folder))
        self.ok(self.c.gc("fetch", job, "-o", self.c.dir / "fetched", "--redis",
                          self.c.redis_url))
        self.assertEqual(tree(self.c.dir / "fetched"), tree(folder))

    def test_killed_twice_with_fsync_always(self):
        self.c.start_sim(*SLOW)
        self.c.start_worker(2)
        p = self.start("a")
        for count in (2, 8):
            wait_for(f"{count} files", lambda n=count: len(self.files()) >= n)
            before = self.files()
            self.c.restart_redis()
            self.assertLessEqual(before.items(), self.files().items())
        self.ends(p)
        self.sound(self.c.dir / "a")
        self.complete(self.c.dir / "a")

    def test_power_fails_with_fsync_everysec(self):
        """A killed process leaves its writes to the kernel; a host without power does not: the
        file is cut to what it was some answers before."""
        kill(self.c.redis)
        self.c.start_redis(self.c.redis_port, fsync="everysec")
        self.c.start_sim(*SLOW)
        self.c.start_worker(2)
        p = self.start("a", GC_CLUSTER_LEASE="4s")
        wait_for("files", lambda: len(self.files()) >= 3)
        synced, before = self.c.aof().stat().st_size, len(self.files())
        wait_for("more files", lambda: len(self.files()) >= before + 3)
        wait_for("them on disk", lambda: len(tree(self.c.dir / "a")) >= before + 3)
        known = self.files()
        kill(self.c.redis)
        os.truncate(self.c.aof(), synced)
        self.c.start_redis(self.c.redis_port, fsync="everysec")
        lost = known.keys() - self.files().keys()
        self.assertTrue(lost)
        self.ends(p)
        self.sound(self.c.dir / "a", twice=len(lost))
        self.complete(self.c.dir / "a")
        self.assertIn("redis.lost_writes", said(p))
        calls = len(self.c.ledger())
        self.run_to_end("b")
        for call in self.c.ledger()[calls:]:
            self.assertLessEqual(set(call["wanted"]), lost, "paid again though it was kept")
        self.assertEqual(tree(self.c.dir / "a"), tree(self.c.dir / "b"))

    def test_takeover_is_lost_with_the_last_second(self):
        """Redis names the owner of before, whom the new one has followed: it takes the job again."""
        kill(self.c.redis)
        self.c.start_redis(self.c.redis_port, fsync="everysec")
        self.c.start_sim(*SLOW)
        self.c.start_worker(2)
        p = self.start("a")
        wait_for("files", lambda: len(self.files()) >= 2)
        kill(p)
        job, synced = self.job(), self.c.aof().stat().st_size
        former = self.owner(job)
        p = self.start("a", f"--resume={job}")
        wait_for("another owner", lambda: self.owner(job) != former)
        kill(self.c.redis)
        os.truncate(self.c.aof(), synced)
        self.c.start_redis(self.c.redis_port, fsync="everysec")
        self.assertEqual(self.owner(job), former)
        self.ends(p)
        self.assertIn("job.takeover_lost", said(p))
        self.sound(self.c.dir / "a", twice=2 * BATCH)
        self.complete(self.c.dir / "a")

    def owner(self, job):
        return self.c.redis_cli("HGET", f"gc:job:{job}", "owner")


class Failover(Remote):
    def start_redis(self):
        self.c.start_redis()
        self.primary, self.primary_port = self.c.redis, self.c.redis_port
        self.link = Proxy(("127.0.0.1", self.primary_port))
        self.to_redis = Proxy(("127.0.0.1", self.primary_port))
        self.c.start_redis(None, "--replicaof", "127.0.0.1", self.link.port, folder="replica")
        self.replica_port = self.c.redis_port
        self.c.redis_url = f"redis://127.0.0.1:{self.to_redis.port}"
        for proxy in (self.link, self.to_redis):
            self.addCleanup(proxy.close)
        wait_for("the replica", lambda: "master_link_status:up" in
                 self.c.redis_cli("INFO", "replication"))
        self.history = self.c.start("history", "redis-cli", "-p", self.replica_port, "MONITOR")
        wait_for("its history", lambda: said(self.history).startswith("OK"))

    def files_of(self, port):
        self.c.redis_port = port
        return self.checkpoint(self.job())

    def fail_over(self, epoch):
        """The replica becomes the primary, without what was written since it was held; its
        counter of epochs is set back too."""
        self.c.redis_port = self.replica_port
        kill(self.primary)
        self.link.cut()
        self.link.release()
        self.c.redis_cli("REPLICAOF", "NO", "ONE")
        self.c.redis_cli("SET", "gc:epoch", epoch)
        self.to_redis.target = ("127.0.0.1", self.replica_port)
        self.to_redis.cut()

    def commits(self):
        """Fingerprint -> epochs of its commits, as the one that survived has seen them."""
        found = collections.defaultdict(list)
        for line in said(self.history).splitlines():
            commit = re.search(r'"HSET" "gc:gen:(\w+)".* "epoch" "(\d+)"', line)
            if commit:
                found[commit[1]].append(int(commit[2]))
        return found

    def test_replica_that_misses_the_last_writes(self):
        self.c.start_sim("--ttft", 300, "--tokens-per-second", 500)
        workers = [self.c.start_worker(2) for _ in range(2)]
        both = [self.start(name, GC_CLUSTER_LEASE="4s") for name in "ab"]
        self.answers(2)
        self.link.hold()
        behind = len(self.files_of(self.replica_port))
        wait_for("files that the replica does not know",
                 lambda: len(self.files_of(self.primary_port)) >= behind + 3)
        wait_for("calls", self.c.calls_running)
        known = self.files_of(self.primary_port)
        self.fail_over(epoch=7)
        lost = known.keys() - self.files_of(self.replica_port).keys()
        self.assertTrue(lost)
        for p in both:
            self.ends(p)
        self.sound(self.c.dir / "a", self.c.dir / "b", twice=len(lost) + 4 * BATCH)
        self.assertEqual(tree(self.c.dir / "a"), tree(self.c.dir / "b"))
        for fingerprint, epochs in self.commits().items():
            self.assertEqual(len(epochs), 1, fingerprint)
            self.assertGreater(epochs[0], 7)
        for job in self.jobs():
            self.assertEqual(self.checkpoint(job), tree(self.c.dir / "a"))
        for worker in workers:
            self.assertIsNone(worker.poll(), said(worker))
        self.assertRegex(said(both[0]) + said(both[1]), "redis.lost_writes|cache.damaged")


class Refusal(Remote):
    """Running calls end and are held, nothing new is sent, everybody lives; then all is stored."""

    def start_redis(self):
        self.c.start_redis(None, "--enable-debug-command", "yes")

    def run_with(self, trouble, mend, word=None):
        self.c.start_sim("--ttft", 300, "--tokens-per-second", 1000)
        worker = self.c.start_worker(3)
        p = self.start("a")
        self.answers(2)
        wait_for("calls", lambda: self.c.calls_running() == 3)
        trouble()
        wait_for("the worker to notice", lambda: self.notices(worker) > 0)
        wait_for("the running calls to end", lambda: not self.c.calls_running())
        held = len(self.c.ledger())
        if word:
            before = self.refusals(word)
            wait_for("it to try again", lambda: self.refusals(word) >= before + 3)
        self.assertEqual(len(self.c.ledger()), held, "sent while nothing could be stored")
        self.assertIsNone(worker.poll(), said(worker))
        mend()
        self.ends(p)
        self.sound(self.c.dir / "a")
        self.assertEqual(self.state(self.job()), "done")
        self.assertIsNone(worker.poll(), said(worker))
        self.assertEqual(self.notices(worker), 1, "flaps")

    @staticmethod
    def notices(worker):
        return said(worker).count("redis.down")

    def refusals(self, word):
        told = re.search(rf"errorstat_{word}:count=(\d+)", self.c.redis_cli("INFO", "errorstats"))
        return int(told[1]) if told else 0

    def set_memory(self, bound):
        self.c.redis_cli("CONFIG", "SET", "maxmemory", bound)

    def test_out_of_memory(self):
        self.run_with(lambda: self.set_memory("1mb"), lambda: self.set_memory("0"), "OOM")

    def test_read_only(self):
        self.run_with(lambda: self.c.redis_cli("REPLICAOF", "127.0.0.1", free_port()),
                      lambda: self.c.redis_cli("REPLICAOF", "NO", "ONE"), "READONLY")

    def test_loading(self):
        """It takes its time to read what it had, and says so meanwhile."""
        self.c.redis_cli("EVAL", "for i = 1, 4000 do redis.call('SET', 'x' .. i, i) end", 0)
        self.run_with(lambda: self.c.restart_redis("--key-load-delay", 500), lambda: None)
        self.assertRegex(self.c.redis_cli("INFO", "commandstats"),
                         r"cmdstat_(script\|load|evalsha):\S*rejected_calls=[1-9]")

    @unittest.skipUnless(os.environ.get("GC_LONG"), "takes long: ./check --long")
    def test_asleep_for_ten_seconds(self):
        asleep = []

        def sleep():
            asleep.append(subprocess.Popen(["redis-cli", "-p", str(self.c.redis_port), "DEBUG",
                                            "SLEEP", "12"], stdout=subprocess.DEVNULL))
        self.run_with(sleep, lambda: asleep[0].wait(30))


if __name__ == "__main__":
    unittest.main()
