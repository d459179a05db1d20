"""The provider fails in each of its ways, with real processes and the simulator's ledger."""

import json
import re
import unittest
from urllib.parse import urlsplit

from cluster import CLINIC, SHOP, said, tree, wait_for
from faults import Remote


class Provider(Remote):
    spec = SHOP

    def finish(self, *args, code=0):
        """Runs a job to its end; its figures."""
        metrics = self.c.dir / "m.json"
        self.ends(self.start("a", "--metrics", metrics, *args), code, 120)
        return json.loads(metrics.read_text())

    def same_as_calm(self):
        """The tree is that of a run without faults, in local mode, where nothing is shared."""
        self.c.start_sim()
        self.ok(self.c.gc(self.spec, "-o", self.c.dir / "calm"))
        self.assertEqual(tree(self.c.dir / "a"), tree(self.c.dir / "calm"))


class Storm(Provider):
    spec = CLINIC

    def test_a_third_of_all_calls_is_refused(self):
        """Overload fails nothing, and most of what is sent is of use: nobody hammers."""
        self.c.start_sim("--ttft", 20, "--fault", "529:0.2", "--fault", "500:0.1")
        for _ in range(3):
            self.c.start_worker(4)
        m = self.finish()
        calls = self.c.ledger()
        refused = [e for e in calls if e["status"] in (500, 529)]
        self.assertGreater(len(refused), len(calls) / 10)
        self.assertGreater(len(calls) - len(refused), len(calls) * 0.6)
        self.sound(self.c.dir / "a")
        self.assertEqual(m["cost"]["unconfirmed_usd"], 0, "a refused call costs nothing")


class Broken(Provider):
    def test_streams_that_end_early(self):
        """At 0, 1, 50 and 99 per cent, well-formed or in the middle of a chunk."""
        rules = [f"{kind}:1:at={at}:count=1:skip={skip}"
                 for skip, (kind, at) in enumerate((kind, at) for kind in ("truncate", "cut")
                                                   for at in (0, 1, 50, 99))]
        self.c.start_sim("--ttft", 20, "--tokens-per-second", 4000,
                         *[word for rule in rules for word in ("--fault", rule)])
        for _ in range(2):
            self.c.start_worker(4)
        self.finish()
        broken = [e for e in self.c.ledger() if e["fault"] in ("truncate", "cut")]
        self.assertEqual(len(broken), len(rules))
        self.assertFalse(any(e["completed"] for e in broken))
        self.sound(self.c.dir / "a")
        self.same_as_calm()


class Reset(Provider):
    """What was not sent costs nothing and is sent again; what was sent may have been charged."""

    def logged(self, worker, sent):
        return len(re.findall(rf"call\.failed.* sent={sent}\b", said(worker)))

    def tallied(self, worker, field):
        """The sum at the end, as the worker tells it when it leaves."""
        return int(re.findall(rf"worker\.stats.* {field}=(\d+)", said(worker))[-1])

    def leave(self, worker):
        worker.terminate()
        self.ends(worker, 0, 40)

    def test_in_the_middle_of_answers(self):
        self.c.start_sim("--fault", "reset:1:at=0:count=1", "--fault",
                         "reset:1:at=50:count=2:skip=1", "--ttft", 20)
        worker = self.c.start_worker(4)
        m = self.finish()
        self.leave(worker)
        self.assertEqual(self.logged(worker, "unknown_charge"), 3)
        self.assertEqual(self.logged(worker, "no"), 0)
        self.assertEqual(self.tallied(worker, "sent_unknown"), 3)
        self.assertGreater(m["cost"]["unconfirmed_usd"], 0)
        self.assertEqual(sum(e["fault"] == "reset" for e in self.c.ledger()), 3)
        self.sound(self.c.dir / "a")

    def test_nobody_there_yet(self):
        """The provider refuses connections at first."""
        self.c.start_sim()
        address = urlsplit(self.c.sim_url)
        self.c.sim.kill()
        self.c.sim.wait()
        worker = self.c.start_worker(4)
        p = self.start("a", "--metrics", self.c.dir / "m.json")
        wait_for("some to fail", lambda: self.logged(worker, "no") > 0)
        self.c.start_sim("--port", address.port)
        self.ends(p)
        self.leave(worker)
        m = json.loads((self.c.dir / "m.json").read_text())
        self.assertEqual(self.logged(worker, "unknown_charge"), 0)
        self.assertEqual(self.tallied(worker, "sent_unknown"), 0)
        self.assertGreater(self.tallied(worker, "not_sent"), 0)
        self.assertEqual(m["cost"]["unconfirmed_usd"], 0)
        self.sound(self.c.dir / "a")


if __name__ == "__main__":
    unittest.main()
