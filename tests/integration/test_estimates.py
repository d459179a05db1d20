"""Estimates before spending: what they learn, where they say it, and the question they ask."""

import json
import os
import pathlib
import pty
import re
import select
import signal
import time
import unittest

from cluster import BIN, CLINIC, DEADLINE_S, EXPLICIT, KEY, ROOT, SHOP, TODO, Case, tree, wait_for
from proxy import Proxy


class Estimates(Case):
    def setUp(self):
        super().setUp()
        self.c.start_sim()
        self.c.start_redis()
        self.c.start_broker()
        self.c.start_worker(16)

    def forget_answers(self):
        keys = self.c.redis_cli("KEYS", "gc:gen:*").split()
        self.c.redis_cli("DEL", *keys)

    def run_todo(self, name, *args, **env):
        metrics = self.c.dir / f"{name}.json"
        self.ok(self.c.gc(TODO, "-o", self.c.dir / name, "--metrics", metrics,
                          *self.c.cluster_args(), *args, **env))
        self.forget_answers()
        return json.loads(metrics.read_text())

    def dry_run(self, *args):
        return self.ok(self.c.gc(TODO, "-o", self.c.dir / "dry", "--dry-run", *args)).stdout

    def test_learn_from_every_call(self):
        self.assertIn("Figures: from the models table", self.dry_run(*self.c.cluster_args()))
        first = self.run_todo("first")
        baseline = self.run_todo("baseline", "--no-optimization")
        second = self.run_todo("second")
        usd = second["cost"]["usd"]
        self.assertLess(abs(second["cost"]["estimated_usd"] - usd), 0.1 * usd)
        measured = baseline["cost"]["usd"]
        self.assertLess(abs(first["cost"]["baseline_usd"] - measured), 0.15 * measured)
        requests = len(self.c.ledger())
        before = self.c.redis_cli("DBSIZE")
        text = self.dry_run(*self.c.cluster_args())
        self.assertRegex(text, r"Figures: measured over \d+ calls")
        estimate = float(re.search(r"Estimated cost: \$([0-9.]+)", text).group(1))
        self.assertLess(abs(estimate - usd), 0.1 * usd)
        self.assertEqual(len(self.c.ledger()), requests)
        self.assertEqual(self.c.redis_cli("DBSIZE"), before)
        self.assertFalse((self.c.dir / "dry").exists())

    def test_kinds_that_were_not_measured_are_named(self):
        listed = [EXPLICIT, "-o", self.c.dir / "listed", *self.c.cluster_args()]
        self.run_todo("other")
        text = self.ok(self.c.gc(*listed, "--dry-run")).stdout
        self.assertRegex(text, r"calls, answers of \d+ files guessed from other kinds")
        metrics = self.c.dir / "m.json"
        self.ok(self.c.gc(*listed, "--metrics", metrics))
        self.forget_answers()
        text = self.ok(self.c.gc(EXPLICIT, "-o", self.c.dir / "again", "--dry-run",
                                 *self.c.cluster_args())).stdout
        self.assertNotIn("guessed", text)
        # the prefix that the provider still has is not counted as written again
        estimate = int(re.search(r"(\d+) output", text).group(1))
        output = json.loads(metrics.read_text())["tokens"]["output"]
        self.assertLess(abs(estimate - output), 0.1 * output)

    def test_dry_run_without_its_redis(self):
        text = self.dry_run("--broker", self.c.broker, "--redis", "redis://127.0.0.1:1")
        self.assertIn("Figures: from the models table", text)

    def test_json_answers_make_the_same_files(self):
        alike = {"GC_BATCHING_SPREAD_COST": "0"}  # groups do not follow the measured speed
        tags = self.run_todo("tags", **alike)
        as_json = self.run_todo("json", GC_BATCHING_RESPONSE_FORMAT="json", **alike)
        self.assertEqual(tree(self.c.dir / "tags"), tree(self.c.dir / "json"))
        self.assertEqual(tags["batching"]["llm_calls"], as_json["batching"]["llm_calls"])
        self.assertGreater(as_json["tokens"]["output"], tags["tokens"]["output"])

    def on_terminal(self, answer, *args):
        """Runs on a pty and types `answer` at the question; (exit code, screen)."""
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.c.dir)
            program = str(BIN / "gc-coordinator")
            os.execve(program, [program, str(TODO), "-o", "tty", *self.c.cluster_args(), *args],
                      self.c.env(GC_LIMITS_CONFIRM_ABOVE_USD="0.01"))
        screen, typed, end = b"", False, time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            if not select.select([fd], [], [], 1)[0]:
                continue
            try:
                more = os.read(fd, 65536)
            except OSError:  # the other side is closed
                more = b""
            if not more:
                break
            screen += more
            if b"[y/N]" in screen and not typed:
                os.write(fd, answer)
                typed = True
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen.decode(errors="replace")

    def test_question_on_a_terminal(self):
        code, screen = self.on_terminal(b"n\n")
        self.assertEqual(code, 130, screen)
        self.assertIn("Go on? [y/N]", screen)
        self.assertEqual(self.c.ledger(), [])
        code, screen = self.on_terminal(b"y\n")
        self.assertEqual(code, 0, screen)
        self.assertIn("Go on? [y/N]", screen)
        self.forget_answers()
        code, screen = self.on_terminal(b"", "--yes", "--force")
        self.assertEqual(code, 0, screen)
        self.assertNotIn("[y/N]", screen)


class OtherSpecs(Case):
    def test_what_some_specifications_taught_holds_for_another(self):
        self.c.start_sim("--ttft", 5)
        self.c.start_redis()
        metrics = self.c.dir / "m.json"

        def run(spec):
            self.ok(self.c.gc(spec, "-o", self.c.dir / spec.stem, "--yes", "--metrics", metrics,
                              "--redis", self.c.redis_url))
            return json.loads(metrics.read_text())["cost"]

        for spec in (TODO, SHOP, ROOT / "examples/library.json"):
            run(spec)
        cost = run(CLINIC)  # its estimate was made before its first call
        self.assertLess(abs(cost["estimated_usd"] - cost["usd"]), 0.1 * cost["usd"])

    def test_files_that_wait_for_others_are_expected_too(self):
        self.c.start_sim("--ttft", 5)
        self.c.start_redis()
        for turn in ("first", "second"):
            metrics = self.c.dir / f"{turn}.json"
            r = self.ok(self.c.gc(EXPLICIT, "-o", self.c.dir / turn, "--yes", "--metrics",
                                  metrics, "--redis", self.c.redis_url))
            figures = json.loads(metrics.read_text())
            self.c.redis_cli("DEL", *self.c.redis_cli("KEYS", "gc:gen:*").split())
            expected = int(re.search(r"Estimated: (\d+) calls", r.stdout + r.stderr).group(1))
            self.assertEqual(expected, figures["batching"]["llm_calls"])
        cost = figures["cost"]
        self.assertLess(abs(cost["estimated_usd"] - cost["usd"]), 0.1 * cost["usd"])


class Counted(Case):
    """llm.count_tokens: the provider counts the prompts before anything is paid."""

    ON = {"GC_LLM_COUNT_TOKENS": "true"}
    TOKENS = re.compile(r"Estimated tokens: (\d+) input, (\d+) cache write, (\d+) cache read")

    def setUp(self):
        super().setUp()
        self.c.ask_for_every_go_file()

    def dry_run(self, *args, **env):
        return self.ok(self.c.gc(TODO, "-o", self.c.dir / "out", "--dry-run", *args, **env))

    def asked(self, endpoint):
        return [r for r in self.c.ledger() if r["endpoint"] == endpoint]

    def test_counted_prompts_are_exact(self):
        self.c.start_sim()
        r = self.dry_run(**self.ON)
        self.assertIn("Dry run: nothing is started or written\n", r.stdout)
        self.assertIn("Figures: prompts counted by the provider, the rest from the models "
                      "table\n", r.stdout)
        self.assertEqual(r.stderr, "")
        estimated = [int(n) for n in self.TOKENS.search(r.stdout).groups()]
        calls = int(re.search(r"Estimated calls: (\d+)", r.stdout).group(1))
        self.assertEqual(len(self.asked("count_tokens")), calls + 1)  # and the shared start
        table = self.TOKENS.search(self.dry_run().stdout)  # nothing is measured yet
        self.assertFalse((self.c.dir / "out").exists())
        self.ok(self.c.gc(TODO, "-o", self.c.dir / "out", **self.ON))
        usages = [r["usage"] for r in self.asked("messages")]
        self.assertEqual(len(usages), calls)
        for figure, keys in zip(estimated, (("input",), ("cache_write_5m", "cache_write_1h"),
                                            ("cache_read",))):
            spent = sum(u[k] for u in usages for k in keys)
            self.assertLessEqual(abs(figure - spent), calls)  # each is rounded
        self.assertGreater(abs(int(table.group(1)) - estimated[0]), 10 * calls)

    def test_what_cannot_be_counted_is_estimated(self):
        self.c.start_sim()
        for words, env in (
                ("there is no key here; set ANTHROPIC_API_KEY", {"ANTHROPIC_API_KEY": ""}),
                ("OpenAI-compatible servers count no tokens",
                 {"GC_LLM_PROVIDER": "openai", "GC_LLM_MODEL": "mine"}),
                ("status 401: invalid x-api-key",
                 {"ANTHROPIC_BASE_URL": self.start_unauthorized()}),
                ("http://127.0.0.1:1: ", {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}),
                ("the simulated model can be asked only while a run works",
                 {"GC_LLM_PROVIDER": "sim"})):
            with self.subTest(words):
                r = self.dry_run(**self.ON, **env)
                self.assertIn(f"warning: llm.count_tokens: {words}", r.stderr)
                self.assertIn("the estimate goes on without it\n", r.stderr)
                self.assertIn("Figures: from the models table\n", r.stdout)
                self.assertNotIn(KEY, r.stderr + r.stdout)
        self.assertEqual(self.asked("count_tokens"), [])

    def test_a_signal_ends_the_counting(self):
        self.c.start_sim()
        silent = Proxy(("127.0.0.1", int(self.c.sim_url.rpartition(":")[2])))
        self.addCleanup(silent.close)
        silent.hold()
        run = self.c.gc_start(TODO, "-o", self.c.dir / "out", **self.ON,
                              ANTHROPIC_BASE_URL=f"http://127.0.0.1:{silent.port}")
        wait_for("the first question", lambda: silent.connections)
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(timeout=DEADLINE_S), 130)
        self.assertIn("stopped by a signal", pathlib.Path(run.log).read_text())
        self.assertEqual(self.c.ledger(), [])

    def test_the_simulated_model_counts_too(self):
        r = self.ok(self.c.gc(TODO, "--provider", "sim", "-o", self.c.dir / "out", **self.ON))
        self.assertIn("figures prompts counted by the provider", r.stderr)
        self.assertNotIn("warning", r.stderr)


class Local(Case):
    def test_next_run_knows_what_the_last_one_took(self):
        out, metrics = self.c.dir / "a", self.c.dir / "m.json"
        args = [TODO, "--provider", "sim", "-o", out, "--force", "--metrics", metrics]
        for _ in range(2):
            self.ok(self.c.gc(*args))
        cost = json.loads(metrics.read_text())["cost"]
        self.assertLess(abs(cost["estimated_usd"] - cost["usd"]), 0.1 * cost["usd"])
        text = self.ok(self.c.gc(*args, "--dry-run")).stdout
        self.assertRegex(text, r"Figures: measured over \d+ calls")
        estimate = float(re.search(r"Estimated cost: \$([0-9.]+)", text).group(1))
        self.assertLess(abs(estimate - cost["usd"]), 0.1 * cost["usd"])


if __name__ == "__main__":
    unittest.main()
