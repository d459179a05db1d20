"""What somebody sees who watches: the live view on a terminal, here and on another host."""

import json
import unittest

from cluster import BIN, TODO, Case
from terminal import Terminal


class Watched(Case):
    SPEED = 900

    def setUp(self):
        super().setUp()
        self.c.start_sim("--tokens-per-second", self.SPEED, "--ttft", 300)
        self.out = self.c.dir / "out"
        config = self.c.dir / "c.yaml"
        config.write_text("optimization:\n  progress:\n    update_interval: 100ms\n")
        self.args = [str(TODO), "-o", str(self.out), "-c", str(config), "--yes"]

    def on_terminal(self, *args, **size):
        return Terminal([str(BIN / "gc-coordinator"), *args], self.c.env(TERM="xterm"), **size)


class Progress(Watched):
    @staticmethod
    def too_wide(terminal):
        """Lines of the view; those before and after it are text that stays and may be wrapped."""
        return [line for line in terminal.screen.too_wide
                if not line.startswith(("Estimated: ", "  Lower bound: "))]

    def test_live_view_lists_calls_and_leaves_only_summaries(self):
        t = self.on_terminal(*self.args, width=90, height=20)
        t.read(until=lambda s: any(" tokens, " in line and "/s" in line
                                   for line in s.lines[1:]))
        t.read()
        self.assertEqual(t.code, 0, t.screen.lines)
        self.assertEqual(self.too_wide(t), [], "text that scrolls may be wrapped, the view may not")
        seen = ["\n".join(frame) for frame in t.frames]
        self.assertTrue(any("internal/" in s and "waiting for the first word" in s for s in seen))
        self.assertTrue(any("[=" in s for s in seen))
        left = [line for line in t.screen.lines if "[=" in line or "  | " in line]
        self.assertEqual(left, [], "nothing of the live view stays")
        self.assertEqual(sum(line.startswith("generate: ") for line in t.screen.lines), 1)

    def test_narrower_terminal_is_respected_at_once(self):
        t = self.on_terminal(*self.args, width=120, height=30)
        t.read(until=lambda s: any("/s" in line for line in s.lines[1:]))
        t.resize(50, 6)
        t.screen.feed("\r\n")  # what stands there may be wrapped: look at new frames alone
        t.frames.clear()
        t.screen.width = 50
        t.read()
        views = [f for f in t.frames if f[-1].strip() and "calls" in "\n".join(f)]
        self.assertTrue(views)
        wide = [line for line in self.too_wide(t) if line.startswith(("generate ", "  "))]
        self.assertEqual(wide[1:], [], "one frame may have been under way")

    def test_json_events_are_lines_with_a_version(self):
        r = self.ok(self.c.gc(*self.args, "--progress", "json"))
        events = [json.loads(line) for line in r.stderr.splitlines() if line.startswith("{")]
        self.assertEqual({e["v"] for e in events}, {1})
        self.assertEqual([e["phase"] for e in events if e["event"] == "phase"],
                         ["plan", "generate"])
        progress = [e for e in events if e["event"] == "progress"]
        self.assertTrue(any(c["tokens"] > 0 and c["path"].endswith(".go")
                            for e in progress for c in e["running"]))
        self.assertEqual(progress[-1]["done"], progress[-1]["files"])


class OtherHost(Watched):
    SPEED = 20  # slow enough to be looked at; the job is cancelled then

    def test_status_watch_draws_what_the_coordinator_draws(self):
        here = self.on_terminal(*self.args)
        here.read(until=lambda s: any(" tokens, " in line and "/s" in line for line in s.lines[1:]))
        job = json.loads(self.c.gc("jobs", "-o", self.out, "--json").stdout)[0]["job"]
        other = self.on_terminal("status", job, "--watch", "-o", str(self.out))
        other.read(until=lambda s: any("internal/" in line and "/s" in line
                                       for line in s.lines[1:]))
        self.assertIn("generate [", other.screen.lines[0])
        self.ok(self.c.gc("cancel", job, "-o", self.out))
        here.read()
        other.read()
        self.assertEqual(here.code, 130, here.screen.lines)
        self.assertEqual(other.code, 0, other.screen.lines)
        self.assertIn("cancelled", other.screen.lines[0])


if __name__ == "__main__":
    unittest.main()
