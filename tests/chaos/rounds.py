#!/usr/bin/env python3
"""Random faults on the real processes. One seed is one round: which job, which faults, after
how many answers. After each round the invariants are checked from the simulator's ledger:

  nothing lost      every file is there and is an answer that was completed for it
  nothing mixed     the tree equals that of a run without faults
  nothing twice     a file that was stored is not asked for again; beyond that, only calls in
                    flight on what died may be paid again
  nothing partial   no temporary file under the output
  truth             exit code 0, and a second run makes no call
  no orphans        every process ends when it is told to, or with its coordinator

Usage: rounds.py [--rounds N] [--seed FIRST]. A failing seed replays: --rounds 1 --seed SEED."""

import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from cluster import BIN, EXPLICIT, SHOP, TODO, Cluster, kill, said, tree, wait_for  # noqa: E402
from proxy import Proxy  # noqa: E402

BATCH = 5  # files of one call
SLOTS = 2  # of each worker
LEASE_S = 3
TIMES = {"GC_CLUSTER_LEASE": f"{LEASE_S}s", "GC_CLUSTER_HEARTBEAT": "300ms"}
DEADLINE_S = 90
STORE_MS = 1000  # from the end of an answer to its place in Redis, on a busy machine
RETURN_MS = 3000  # from the return of Redis until everybody has noticed
PROVIDER_FAULTS = ("529:0.03", "500:0.03", "reset:0.02", "truncate:0.02", "error_event:0.02")


class Violation(Exception):
    """An invariant does not hold."""


def require(holds, what):
    if not holds:
        raise Violation(what)


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children_of(process):
    try:
        path = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]
    except OSError:
        return []  # it has just ended


def pass_time(seconds, ended=lambda: False):
    """Part of a fault, as its length is; not a wait for something to have happened."""
    until = time.monotonic() + seconds
    wait_for(f"{seconds} s", lambda: time.monotonic() > until or ended())


class Round:
    """What both kinds of rounds share: the job, the ledger, the invariants."""

    references = {}  # spec -> the tree of a run without faults

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.spec = self.random.choice([TODO, SHOP, EXPLICIT])
        self.c = Cluster()
        self.c.ask_for_every_go_file()
        self.out = self.c.dir / "out"
        self.told = []  # what was done, for the one who looks for the cause
        self.may_repeat = 0  # files whose call died with its worker
        self.away_from = self.away_till = 0  # Redis: answers are held meanwhile

    def tell(self, text):
        self.told.append(f"{len(self.c.ledger()):3} answers: {text}")

    def reference(self):
        if self.spec not in self.references:
            calm = Cluster()
            calm.ask_for_every_go_file()
            try:
                calm.start_sim()
                result = calm.gc(self.spec, "-o", calm.dir / "out")
                require(result.returncode == 0, "the run without faults: " + result.stderr)
                self.references[self.spec] = tree(calm.dir / "out")
            finally:
                calm.close()
        return self.references[self.spec]

    def start_sim(self):
        faults = [f for f in PROVIDER_FAULTS if self.random.random() < 0.3]
        self.tell(f"{self.spec.name}, provider faults: {' '.join(faults) or 'none'}")
        self.c.start_sim("--ttft", self.random.randrange(20, 200), "--tokens-per-second",
                         self.random.randrange(300, 1500), "--seed",
                         self.random.randrange(1, 10000),
                         *[word for f in faults for word in ("--fault", f)])

    def start_job(self, *args):
        self.job = self.c.gc_start(self.spec, "-o", self.out, "--yes", "--progress", "none",
                                   *self.job_args(), *args, **self.times())

    def times(self):
        return TIMES

    def in_flight_may_repeat(self, calls):
        """Calls that die with what is killed now: their answers may be complete, or not, and
        one that has just ended may not be stored yet."""
        now = time.time() * 1000
        just_now = (min(now, self.away_from) if now < self.away_till else now) - STORE_MS
        ended = sum(e["ended_ms"] > just_now for e in self.c.ledger())
        self.may_repeat += min(calls, self.c.calls_running() + ended) * BATCH

    @contextlib.contextmanager
    def redis_away(self):
        began = time.time() * 1000
        if began > self.away_till:
            self.away_from = began
        yield
        self.away_till = time.time() * 1000 + RETURN_MS

    def has_ended(self):
        return self.job.poll() is not None

    def run(self):
        reference = self.reference()
        self.start_sim()
        self.start_parts()
        self.start_job()
        answers = 0
        for _ in range(self.random.randrange(1, 5)):
            answers += self.random.randrange(1, 4)
            wait_for("answers, or the end",
                     lambda n=answers: len(self.c.ledger()) >= n or self.has_ended())
            if self.has_ended():
                break
            self.random.choice(self.actions())()
        self.finish()
        self.check(reference)
        self.end_parts()

    def finish(self):
        try:
            code = self.job.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise Violation(f"no end within {DEADLINE_S} s: {said(self.job)}") from None
        require(code == 0, f"exit code {code}: {said(self.job)}")

    def check(self, reference):
        files = tree(self.out)
        paid = self.c.paid()
        other = sorted(path for path, _ in set(files.items()) ^ set(reference.items()))
        require(not other, f"not as without faults: {other}")
        for path, answers in paid.items():
            require(files[path] in answers, f"{path} is no answer that was completed")
        again = {p: len(a) - 1 for p, a in paid.items() if len(a) > 1}
        require(sum(again.values()) <= self.may_repeat,
                f"paid again, where at most {self.may_repeat} may be: {again}")
        self.check_no_call_after_commit()
        before = len(self.c.ledger())
        result = self.c.gc(self.spec, "-o", self.out, "--yes", *self.job_args(), **self.times())
        require(result.returncode == 0, f"the second run: {result.stderr}")
        require(len(self.c.ledger()) == before, "the second run makes calls")
        require(tree(self.out) == files, "the second run changes files")

    def close(self):
        self.c.close()


class ClusterRound(Round):
    """redis-server, a broker and workers of their own; all connections go through proxies."""

    def job_args(self):
        return ["--broker", f"tcp://127.0.0.1:{self.to_broker.port}", "--redis",
                f"redis://127.0.0.1:{self.to_redis.port}"]

    def start_parts(self):
        self.c.start_redis()
        self.to_redis = Proxy(("127.0.0.1", self.c.redis_port))
        self.broker = self.c.start_broker(**TIMES)
        self.to_broker = Proxy(("127.0.0.1", self.c.broker_port))
        self.workers = [self.start_worker() for _ in range(self.random.randrange(1, 4))]

    def start_worker(self):
        return self.c.start("worker", BIN / "gc-worker", *self.job_args(), "--slots", SLOTS,
                            **TIMES)

    def end_parts(self):
        """Everybody drains when asked to."""
        for process in [*self.workers, self.broker]:
            self.drain(process)

    @staticmethod
    def drain(process):
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(40)
        except subprocess.TimeoutExpired:
            raise Violation(f"does not end on SIGTERM: {said(process)}") from None
        not_begun = code == -signal.SIGTERM and not said(process)
        require(code == 0 or not_begun, f"exit code {code} after SIGTERM: {said(process)}")

    def close(self):
        super().close()
        for proxy in ("to_redis", "to_broker"):
            if hasattr(self, proxy):
                getattr(self, proxy).close()

    def check_no_call_after_commit(self):
        committed = {}
        for key in self.c.redis_cli("KEYS", "gc:gen:*").split():
            words = self.c.redis_cli("HMGET", key, "path", "created_at").split("\n")
            if len(words) == 2 and words[1].isdigit():
                committed[words[0]] = int(words[1])
        for entry in self.c.ledger():
            for path in entry["wanted"]:
                late = entry["started_ms"] - committed.get(path, entry["started_ms"])
                require(late <= 0, f"{path} was asked for {late} ms after it was stored")

    # ---- what may happen ----

    def actions(self):
        return [self.kill_worker, self.drain_worker, self.pause_worker, self.kill_broker,
                self.kill_redis, self.set_redis_back, self.freeze_redis, self.fill_redis,
                self.kill_coordinator, self.cut_redis, self.cut_broker, self.hold_broker,
                self.hold_one_way]

    def kill_worker(self):
        self.tell("a worker is killed")
        self.in_flight_may_repeat(SLOTS)
        kill(self.workers.pop(0))
        self.workers.append(self.start_worker())

    def drain_worker(self):
        self.tell("a worker is asked to end, another starts")
        self.workers.append(self.start_worker())
        self.drain(self.workers.pop(0))

    def pause_worker(self):
        """Past its lease: others take over, and what it does afterwards counts for nothing."""
        self.tell("a worker sleeps past its leases")
        self.in_flight_may_repeat(SLOTS)
        self.workers.append(self.start_worker())
        sleeper = self.workers[0]
        sleeper.send_signal(signal.SIGSTOP)
        pass_time(LEASE_S + 1, self.has_ended)
        sleeper.send_signal(signal.SIGCONT)

    def kill_broker(self):
        self.tell("the broker is killed and restarted")
        kill(self.broker)
        self.broker = self.c.start_broker(self.c.broker_port, **TIMES)

    def kill_redis(self):
        self.tell("Redis is killed and restarted")
        with self.redis_away():
            self.c.restart_redis()

    def stored(self):
        """(job, path) of every file that Redis knows of."""
        return {(job, path) for job in self.c.redis_cli("ZRANGE", "gc:jobs", 0, -1).split()
                for path in self.c.redis_cli("HKEYS", f"gc:job:{job}:files").split()}

    def set_redis_back(self):
        """As when power fails and the last writes were not on disk (fsync everysec)."""
        synced, answers = self.c.aof().stat().st_size, len(self.c.ledger())
        wait_for("answers, or the end", lambda: len(self.c.ledger()) > answers + 1 or
                 self.has_ended())
        if self.has_ended():
            return
        before = self.stored()
        with self.redis_away():
            kill(self.c.redis)
            os.truncate(self.c.aof(), synced)
            self.c.start_redis(self.c.redis_port)
        lost = len(before - self.stored())
        self.tell(f"Redis loses its last writes, with {lost} files")
        self.may_repeat += lost + BATCH  # and what was stored after it was looked at

    def fill_redis(self):
        self.tell("Redis is full for two seconds")
        with self.redis_away():
            self.c.redis_cli("CONFIG", "SET", "maxmemory", "1mb")
            pass_time(2)
            self.c.redis_cli("CONFIG", "SET", "maxmemory", "0")

    def freeze_redis(self):
        self.tell("Redis does not answer for a second")
        with self.redis_away():
            self.c.redis.send_signal(signal.SIGSTOP)
            pass_time(1)
            self.c.redis.send_signal(signal.SIGCONT)

    def kill_coordinator(self):
        self.tell("the coordinator is killed, its job resumed")
        kill(self.job)
        self.start_job("--resume")

    def cut_redis(self):
        self.tell("all connections to Redis are cut")
        self.to_redis.cut()

    def cut_broker(self):
        self.tell("all connections to the broker are cut")
        self.to_broker.cut()

    def hold_broker(self):
        self.tell("nothing passes to or from the broker for two seconds")
        self.to_broker.hold()
        pass_time(2)
        self.to_broker.release()

    def hold_one_way(self):
        """Long enough for both ends to notice, or not."""
        way, seconds = self.random.choice(["up", "down"]), self.random.choice([2, 7])
        self.tell(f"nothing passes {way} between the broker and the others for {seconds} seconds")
        self.to_broker.hold(way)
        pass_time(seconds, self.has_ended)
        self.to_broker.release()


class LocalRound(Round):
    """One command; its children are its own affair."""

    def __init__(self, seed):
        super().__init__(seed)
        self.children = set()

    def job_args(self):
        return []

    def times(self):
        return dict(TIMES, GC_CLUSTER_SLOTS=str(SLOTS))

    def start_parts(self):
        """The coordinator starts them."""

    def end_parts(self):
        alive = [pid for pid in self.children if is_alive(pid)]
        require(not alive, f"orphans: {alive}")

    def check_no_call_after_commit(self):
        """Its Redis has ended with it; the second run shows that all of it was kept."""

    def look_at_children(self):
        children = children_of(self.job)
        self.children |= set(children)
        return children

    # ---- what may happen ----

    def actions(self):
        return [self.kill_coordinator, self.kill_child, self.interrupt, self.interrupt_twice]

    def kill_child(self):
        name = self.random.choice(["gc-worker", "gc-broker", "redis"])
        self.tell(f"the coordinator's {name} is killed")
        if name == "gc-worker":
            self.in_flight_may_repeat(SLOTS)
        with self.redis_away() if name == "redis" else contextlib.nullcontext():
            self.kill_program(name)

    def kill_program(self, name):
        for pid in self.look_at_children():
            try:
                if name in os.readlink(f"/proc/{pid}/exe"):
                    os.kill(pid, signal.SIGKILL)
            except OSError:
                pass  # it has just ended

    def kill_coordinator(self):
        self.tell("the coordinator is killed, its job resumed")
        children = self.look_at_children()
        self.in_flight_may_repeat(SLOTS)
        kill(self.job)
        wait_for("the children to die", lambda: not any(map(is_alive, children)), 10)
        self.start_job("--resume")

    def interrupt(self):
        self.tell("Ctrl-C, then resumed")
        self.stop(1)

    def interrupt_twice(self):
        self.tell("Ctrl-C twice, then resumed")
        self.in_flight_may_repeat(SLOTS)
        self.stop(2)

    def stop(self, signals):
        children = self.look_at_children()
        self.job.send_signal(signal.SIGINT)
        if signals == 2:
            wait_for("advice, or the end",
                     lambda: "again to stop at once" in said(self.job) or self.has_ended(), 20)
            if not self.has_ended():
                self.job.send_signal(signal.SIGINT)
        code = self.job.wait(30)
        before_it_began = -signal.SIGINT  # a shell says 130 to that too
        require(code in (0, 130, before_it_began),
                f"exit code {code} after Ctrl-C: {said(self.job)}")
        wait_for("the children to end", lambda: not any(map(is_alive, children)), 10)
        self.start_job("--resume")


def play(seed, keep=None):
    """One round. Raises Violation, with the seed and all that was done."""
    kind = ClusterRound if random.Random(seed * 7919).random() < 0.65 else LocalRound
    one = kind(seed)
    try:
        one.run()
    except (Violation, AssertionError, subprocess.TimeoutExpired) as wrong:
        if keep:
            shutil.copytree(one.c.dir, pathlib.Path(keep) / f"seed-{seed}", symlinks=True,
                            dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
        raise Violation(f"seed {seed} ({kind.__name__}): {wrong}\n" +
                        "\n".join(one.told)) from wrong
    finally:
        one.close()
    return one.told


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="folder for what failing rounds leave behind")
    options = parser.parse_args()
    failed = []
    for seed in range(options.seed, options.seed + options.rounds):
        started = time.monotonic()
        try:
            told = play(seed, options.keep)
        except Violation as wrong:
            failed.append(seed)
            print(f"FAILED {wrong}", flush=True)
            continue
        print(f"seed {seed}: ok, {time.monotonic() - started:.1f} s; " + "; ".join(told),
              flush=True)
    print(json.dumps({"rounds": options.rounds, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
