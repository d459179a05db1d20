"""One test for each promise about failure, with real processes."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import unittest

from cluster import TODO, kill, said, tree, wait_for
from faults import Faults, Remote

SLOW = ("--ttft", 100, "--tokens-per-second", 500)
MODEL = "internal/task/task.go"


class Local(Faults):
    def start(self, *args, slots=2, **env):
        return self.c.gc_start(TODO, "-o", self.c.dir / "out", "--progress", "plain", *args,
                               GC_CLUSTER_SLOTS=str(slots), **env)

    def resume(self, *args, code=0):
        return self.ok(self.c.gc(TODO, "-o", self.c.dir / "out", *args), code)

    def children(self, process):
        found = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        return [int(pid) for pid in found.split()]

    @staticmethod
    def is_alive(pid):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state != "Z"

    def kill_all(self, process):
        children = self.children(process)
        self.assertEqual(len(children), 3, "redis-server, gc-broker, gc-worker")
        kill(process)
        wait_for("children are dead", lambda: not any(map(self.is_alive, children)), 5)

    def test_coordinator_killed_then_the_same_command(self):
        self.c.start_sim(*SLOW)
        p = self.start()
        self.answers(4)
        self.kill_all(p)
        self.resume()
        self.sound(self.c.dir / "out", twice=2 * 5)
        stored = len(self.c.ledger())
        self.resume()
        self.assertEqual(len(self.c.ledger()), stored)

    def test_coordinator_killed_twice_then_resumed(self):
        self.c.start_sim(*SLOW)
        for answers in (3, 7):
            p = self.start("--resume")
            self.answers(answers)
            self.kill_all(p)
        r = self.resume("--resume")
        self.assertNotIn("changed by hand", r.stderr)
        self.sound(self.c.dir / "out", twice=2 * 2 * 5)

    def test_killed_then_the_old_specification_again(self):
        """What the killed run wrote is neither taken for hand edits nor left lying about."""
        self.c.start_sim(*SLOW)
        old, out = TODO.read_text(), self.c.dir / "out"
        spec = self.c.dir / "spec.yaml"
        spec.write_text(old)
        self.ok(self.c.gc(spec, "-o", out))
        before = tree(out)
        spec.write_text(old.replace("A named list of tasks", "Tasks with a name").replace(
            "entities:\n", "entities:\n  - {name: Reminder, attributes: {id: uuid}}\n", 1))
        p = self.c.gc_start(spec, "-o", out, GC_CLUSTER_SLOTS="2")

        def wrote():
            now = tree(out)
            return (any(path.endswith("reminder.go") for path in now) and
                    any(now[path] != sha for path, sha in before.items() if path in now))
        wait_for("new files", lambda: wrote() or p.poll() is not None)
        self.kill_all(p)
        wait_for("the calls to be in the ledger", lambda: not self.c.calls_running())
        paid = len(self.c.ledger())
        spec.write_text(old)
        r = self.ok(self.c.gc(spec, "-o", out))
        self.assertNotIn("changed by hand", r.stderr)
        self.assertEqual(tree(out), before)
        self.assertEqual(len(self.c.ledger()), paid)

    def test_children_killed_are_started_again(self):
        self.c.start_sim(*SLOW)
        p = self.start(GC_CLUSTER_LEASE="4s")
        self.answers(3)
        for child in self.children(p):
            os.kill(child, signal.SIGKILL)
        self.ends(p)
        self.assertNotIn("ready_fd", said(p))
        self.sound(self.c.dir / "out", twice=2 * 5)

    def test_interrupted_twice_ends_at_once(self):
        self.c.start_sim("--ttft", 60000)
        p = self.start()
        wait_for("calls", self.c.calls_running)
        children = self.children(p)
        p.send_signal(signal.SIGINT)
        wait_for("advice", lambda: "again to stop at once" in said(p))
        p.send_signal(signal.SIGINT)
        self.ends(p, 130, 5)
        self.assertFalse(any(map(self.is_alive, children)))

    def test_terminated_is_interrupted(self):
        self.c.start_sim(*SLOW)
        p = self.start()
        self.answers(3)
        p.send_signal(signal.SIGTERM)
        self.ends(p, 130, 15)
        self.assertIn("--resume=j-", said(p))
        done = len(self.c.ledger())
        self.resume("--resume")
        self.assertGreater(len(self.c.ledger()), done)
        self.sound(self.c.dir / "out")

    def test_lost_redis_after_an_end(self):
        self.c.start_sim(*SLOW)
        p = self.start()
        self.answers(3)
        p.send_signal(signal.SIGINT)
        self.ends(p, 130)
        self.lose_redis()
        self.resume("--resume")
        self.sound(self.c.dir / "out")

    def test_lost_redis_after_a_kill(self):
        self.c.start_sim(*SLOW)
        config = self.c.dir / "c.yaml"
        config.write_text("optimization: {resume: {auto_checkpoint_interval: 1s}}\n")
        p = self.start("-c", config)
        folder = self.c.dir / "out/.gocreator/checkpoints"

        def mirrored():
            return any(b'"how": "llm"' in f.read_bytes() for f in folder.glob("*.json"))
        wait_for("a checkpoint", mirrored)
        checkpoint = json.loads(next(folder.glob("*.json")).read_text())
        self.kill_all(p)
        self.lose_redis()
        self.resume("-c", config, "--on-edit", "overwrite")
        paid = self.c.paid()
        for path, file in checkpoint["files"].items():
            self.assertLessEqual(len(paid.get(path, [])), 1, path)
        self.assertEqual([p for p in tree(self.c.dir / "out") if p.endswith(".gc-new")], [])
        self.assertEqual(list(folder.glob("*.json")), [])

    def lose_redis(self):
        subprocess.run(["rm", "-rf", self.c.dir / "out/.gocreator/redis"], check=True)

    def test_same_output_at_the_same_moment(self):
        self.c.start_sim(*SLOW)
        first = self.start()
        self.answers(1)
        r = self.ok(self.c.gc(TODO, "-o", self.c.dir / "out"), 1)
        self.assertIn("another coordinator works on", r.stderr)
        self.ends(first)
        self.sound(self.c.dir / "out")

    def test_too_many_requests_pause_everybody(self):
        self.c.start_sim("--fault", "429:1:count=4:retry_ms=2000")
        self.ends(self.start(slots=16), deadline_s=30)
        refused = [e["ended_ms"] for e in self.c.ledger() if e["status"] == 429]
        self.assertEqual(len(refused), 4)
        early = [e for e in self.c.ledger() if refused[0] + 200 < e["started_ms"] < refused[0] + 1900]
        self.assertEqual(early, [], "sent in spite of retry-after")
        self.sound(self.c.dir / "out")

    def test_spend_limit_stops_with_the_reason(self):
        self.c.start_sim("--fault", "spend:1:skip=2")
        r = self.resume(code=7)
        self.assertIn("spend limit", r.stderr)
        self.assertIn("--resume", r.stderr)
        self.assertLess(len(self.c.ledger()), 20)
        done = self.c.paid()
        self.c.sim.kill()
        self.c.start_sim()
        self.resume("--resume")
        self.assertTrue(done)
        self.sound(self.c.dir / "out")

    def test_wrong_key_stops_quickly(self):
        self.c.sim_url = self.start_unauthorized()
        p = self.start()
        self.ends(p, 7, 15)
        self.assertIn("key", said(p))
        self.assertIn("invalid x-api-key", said(p))

    def test_full_disk(self):
        self.c.start_sim(*SLOW)
        out = self.c.dir / "out"
        out.mkdir()
        if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", out],
                                          capture_output=True, check=False).returncode:
            self.skipTest("needs the right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", out], check=False)
        self.c.start_redis()
        self.c.start_broker()
        self.c.start_worker(1)
        p = self.start(*self.c.cluster_args())
        self.answers(1)
        ballast = out / "ballast"
        self.fill(ballast)
        self.ends(p, 6)
        self.assertIn("No space left", said(p))
        self.assertFalse([f for f in out.rglob("*.go") if not f.stat().st_size])
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=20m", out], check=True)
        self.resume("--resume", *self.c.cluster_args())
        self.sound(out)

    @staticmethod
    def fill(path):
        """Takes all that is left on the disk of `path`."""
        with open(path, "wb", buffering=0) as f, contextlib.suppress(OSError):
            while True:
                f.write(bytes(4096))

    def test_full_disk_with_redis_on_it(self):
        self.c.start_sim()
        out = self.c.dir / "out"
        out.mkdir()
        if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "none", out],
                                          capture_output=True, check=False).returncode:
            self.skipTest("needs the right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", out], check=False)
        r = self.resume(code=6)
        self.assertRegex(r.stderr, "[Nn]o space left")
        subprocess.run(["mount", "-o", "remount,size=20m", out], check=True)
        self.resume("--resume")
        self.sound(out, twice=25)


class Cluster(Remote):
    def test_resumed_in_another_folder(self):
        self.c.start_sim(*SLOW)
        self.c.start_worker(2)
        p = self.start("a")
        self.answers(3)
        kill(p)
        self.c.start_worker(8)
        r = self.run_to_end("b", f"--resume={self.job()}")
        self.assertEqual(len(self.jobs()), 1, r.stderr)
        self.assertEqual(self.state(self.job()), "done")
        self.sound(self.c.dir / "b")

    def test_owner_of_another_host_is_waited_for(self):
        self.c.start_sim(*SLOW)
        self.c.start_worker(2)
        p = self.start("a")
        self.answers(2)
        kill(p)
        job = self.job()
        self.c.redis_cli("HSET", f"gc:job:{job}", "owner", "elsewhere/1/abcdef")
        self.c.redis_cli("SET", f"gc:owner:{job}", "elsewhere/1/abcdef", "PX", 4000)
        self.c.start_worker(8)
        self.run_to_end("b", f"--resume={job}")
        self.assertEqual(self.state(job), "done")
        self.sound(self.c.dir / "b")

    def test_living_owner_is_named(self):
        self.c.start_sim("--ttft", 600)
        self.c.start_worker(1)
        p = self.start("a")
        self.answers(1)
        job = self.job()
        r = self.run_to_end("b", f"--resume={job}", code=1)
        self.assertIn(self.c.redis_cli("HGET", f"gc:job:{job}", "owner"), r.stderr)
        self.ends(p)
        self.sound(self.c.dir / "a")

    def test_worker_paused_past_its_lease(self):
        self.c.start_sim("--ttft", 300, "--tokens-per-second", 300)
        zombie = self.c.start_worker(2)
        p = self.start("a", GC_CLUSTER_LEASE="4s")
        self.answers(2)
        wait_for("calls", lambda: self.c.calls_running() == 2)
        zombie.send_signal(signal.SIGSTOP)
        held = self.leases()
        self.c.start_worker(2)
        wait_for("others hold all leases", lambda: not self.leases() & held)
        zombie.send_signal(signal.SIGCONT)
        self.ends(p)
        self.sound(self.c.dir / "a", twice=2 * 5)
        for line in self.c.redis_cli("HGETALL", f"gc:job:{self.job()}:files").split("\n"):
            self.assertTrue(line)
        self.assertEqual(self.checkpoint(self.job()), tree(self.c.dir / "a"))

    def test_redis_flushed(self):
        self.c.start_sim(*SLOW)
        self.c.start_worker(2)
        p = self.start("a")
        self.answers(3)
        job = self.job()
        self.c.redis_cli("FLUSHALL")
        self.ends(p)
        self.sound(self.c.dir / "a", twice=2 * 5)
        self.assertEqual(self.state(job), "done")
        self.assertEqual(self.checkpoint(job), tree(self.c.dir / "a"))
        self.ok(self.c.gc("fetch", job, "-o", self.c.dir / "f", "--redis", self.c.redis_url))
        self.assertEqual(tree(self.c.dir / "f"), tree(self.c.dir / "a"))

    def test_damaged_and_lost_blobs_are_made_again(self):
        self.c.start_sim()
        self.c.start_worker(8)
        self.run_to_end("a")
        calls = len(self.c.ledger())
        files = self.checkpoint(self.job())
        self.c.redis_cli("SETRANGE", f"gc:blob:{files[MODEL]}", 20, "X")
        self.c.redis_cli("DEL", f"gc:blob:{files['internal/label/label_store.go']}")
        r = self.run_to_end("b")
        self.assertLessEqual(len(self.c.ledger()) - calls, 2, r.stderr)
        self.sound(self.c.dir / "a", self.c.dir / "b", twice=2)
        self.run_to_end("c")
        self.assertLessEqual(len(self.c.ledger()) - calls, 2)
        self.assertEqual(tree(self.c.dir / "b"), tree(self.c.dir / "c"))

    def test_two_coordinators_share_every_call(self):
        self.c.start_sim(*SLOW)
        self.c.start_worker(8)
        both = [self.start("a"), self.start("b")]
        for p in both:
            self.ends(p)
        self.sound(self.c.dir / "a", self.c.dir / "b")
        self.assertEqual(tree(self.c.dir / "a"), tree(self.c.dir / "b"))
        self.assertEqual([self.state(j) for j in self.jobs()], ["done", "done"])

    def test_two_coordinators_one_output(self):
        self.c.start_sim(*SLOW)
        self.c.start_worker(8)
        both = [self.start("a"), self.start("a")]
        codes = [p.wait(60) for p in both]
        self.assertEqual(sorted(codes), [0, 1], [said(p) for p in both])
        self.assertIn("another coordinator works on", said(both[codes.index(1)]))
        self.sound(self.c.dir / "a")

    def test_broker_restarted_five_times(self):
        self.c.start_sim(*SLOW)
        self.c.start_worker(2)
        p = self.start("a")
        for answers in range(1, 6):
            self.answers(answers)
            kill(self.broker)
            self.broker = self.c.start_broker(self.c.broker_port)
        self.ends(p)
        self.sound(self.c.dir / "a")

    def test_cancelled_by_another(self):
        self.c.start_sim(*SLOW)
        self.c.start_worker(1)
        p = self.start("a")
        self.answers(1)
        job = self.job()
        self.ok(self.c.gc("cancel", job, "--redis", self.c.redis_url))
        self.ends(p, 130, 15)
        self.assertIn("cancelled", said(p))
        self.assertEqual(self.state(job), "cancelled")
        self.c.start_worker(8)
        self.run_to_end("a", f"--resume={job}")
        self.sound(self.c.dir / "a", twice=5)

    def test_cancelled_without_an_owner(self):
        self.c.start_sim("--ttft", 30000)
        self.c.start_worker(1)
        p = self.start("a")
        wait_for("a call", self.c.calls_running)
        job = self.job()
        kill(p)
        self.c.redis_cli("DEL", f"gc:owner:{job}")  # as when its claim has lapsed
        self.ok(self.c.gc("cancel", job, "--redis", self.c.redis_url))
        self.assertEqual(self.state(job), "cancelled")

    def test_something_in_the_way_of_a_file(self):
        self.c.start_sim()
        self.c.start_worker(8)
        (self.c.dir / "a" / MODEL).mkdir(parents=True)
        r = self.run_to_end("a", code=6)
        self.assertIn(MODEL, r.stderr)
        (self.c.dir / "a" / MODEL).rmdir()
        self.run_to_end("a", "--resume")
        self.sound(self.c.dir / "a")


if __name__ == "__main__":
    unittest.main()
