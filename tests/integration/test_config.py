"""Each configuration key has an effect that is seen from outside. What is not here is seen by
the tests that COVERED names; test_every_key_has_a_test holds the two lists together. Options
that set no key stand at the end."""

import json
import os
import pathlib
import pty
import re
import select
import socket
import stat
import subprocess
import unittest
import urllib.request

from cluster import BIN, CLINIC, ROOT, TODO, Case, free_port, kill, said, tree, wait_for
from proxy import Wiretap

OPT = "optimization."

# key -> where its effect is tested, when that is not in this file.
COVERED = {
    OPT + "prompt_caching.enabled": "test_contract each_switch_changes_the_requests",
    OPT + "batching.enabled": "test_contract each_switch_changes_the_requests",
    OPT + "batching.max_batch_size": "test_contract each_switch_changes_the_requests",
    OPT + "templates.enabled": "test_contract each_switch_changes_the_requests",
    OPT + "context_filtering.enabled": "test_contract each_switch_changes_the_requests",
    OPT + "context_filtering.max_entities_per_call":
        "unit coordinator/test_group group_is_about_few_entities",
    OPT + "parallelization.enabled": "test_contract each_switch_changes_the_requests",
    OPT + "parallelization.max_workers": "test_contract each_switch_changes_the_requests",
    "llm.ca_file": "test_tls tls_is_trusted_with_its_ca_file",
    "llm.provider": "test_contract openai_is_a_provider_like_the_other",
    "llm.model": "test_contract flags_before_environment_before_file_before_defaults",
    "llm.count_tokens": "test_estimates counted_prompts_are_exact",
    "llm.first_byte_timeout": "unit coordinator/test_compose, worker/test_worker_faults",
    "llm.idle_timeout": "unit coordinator/test_compose, worker/test_worker_faults",
    "llm.call_timeout": "unit coordinator/test_compose, worker/test_worker_faults",
    "cluster.max_queue": "unit broker/test_broker_live live_pushes_back_and_cancels",
    "limits.max_cost_usd": "test_repairs spend_cap_is_never_passed",
    "validation.timeout": "unit coordinator/test_validate kills_what_takes_too_long",
}


class Config(Case):
    def config(self, *settings):
        """`-c FILE` with the (key, value) pairs."""
        tree_of = {}
        for key, value in settings:
            at = tree_of
            *path, last = key.split(".")
            for part in path:
                at = at.setdefault(part, {})
            at[last] = value
        path = self.c.dir / f"config-{len(list(self.c.dir.glob('config-*')))}.yaml"
        path.write_text(json.dumps(tree_of))  # JSON is YAML
        return ("-c", path)

    def dry(self, *settings, spec=TODO, code=0, args=()):
        return self.ok(self.c.gc(spec, "--dry-run", "-o", self.c.dir / "none",
                                 *self.config(*settings), *args), code)

    def generate(self, name, *settings, spec=TODO, code=0, args=(), **env):
        return self.ok(self.c.gc(spec, "-o", self.c.dir / name, *self.config(*settings), *args,
                                 **env), code)


class Table(unittest.TestCase):
    def test_every_key_has_a_test(self):
        table = (ROOT / "common/config_table.c").read_text()
        keys = {(OPT if opt else "") + name for opt, name in re.findall(
            r'^\s+[A-Z]+\((OPT )?"([a-z_0-9.]+)", [a-z"]', table, re.M)}
        self.assertGreater(len(keys), 55)
        here = pathlib.Path(__file__).read_text().split("class Config", 1)[1]
        for key in sorted(keys):
            named = f'"{key}"' in here or f'OPT + "{key.removeprefix(OPT)}"' in here
            self.assertTrue(named or key in COVERED, f"{key} has no test")
        self.assertEqual(set(COVERED) - keys, set())

    def test_those_tests_are_there(self):
        for where in COVERED.values():
            for one in where.split(", "):
                *_, folder, test = ["", *one.removeprefix("unit ").split(" ", 1), ""][:3]
                path = (ROOT / f"tests/unit/{folder}.c" if "/" in folder
                        else ROOT / f"tests/integration/{folder}.py")
                self.assertTrue(path.exists(), one)
                self.assertIn(test, path.read_text())


class Offline(Config):
    def test_dry_run_shows_what_is_asked_for(self):
        tokens, cost = OPT + "dry_run.show_token_estimates", OPT + "dry_run.show_cost_estimates"
        both = self.dry().stdout
        self.assertIn("Estimated tokens", both)
        self.assertIn("Estimated cost", both)
        self.assertNotIn("Estimated tokens", self.dry((tokens, False)).stdout)
        self.assertNotIn("Estimated cost", self.dry((cost, False)).stdout)
        estimate = json.loads(self.dry((tokens, False), (cost, False),
                                       args=("--json",)).stdout)["estimate"]
        self.assertFalse({"tokens", "cost_usd"} & set(estimate))

    def test_limits_of_files_and_entities(self):
        r = self.dry(("limits.max_files", 5), code=2)
        self.assertIn("limits.max_files", r.stderr)
        r = self.dry(("limits.max_entities", 2), code=2)
        self.assertIn("limits.max_entities", r.stderr)
        self.dry(("limits.max_entities", 3))

    def calls(self, *settings):
        return int(re.search(r"Estimated calls: (\d+)", self.dry(*settings).stdout).group(1))

    def test_similarity_decides_what_goes_together(self):
        key = OPT + "batching.min_similarity"
        self.assertGreater(self.calls((key, 1)), self.calls((key, 0)))

    def test_scope_decides_what_templates_write(self):
        for scope, how in (("structural", "template"), ("boilerplate", "llm")):
            plan = self.dry((OPT + "templates.scope", scope)).stdout
            self.assertRegex(plan, rf"(?m)^ +generate +{how} +internal/task/task\.go$")

    def test_idle_slots_take_smaller_groups_at_a_price(self):
        key = OPT + "batching.spread_cost"
        self.assertGreater(self.calls((key, 10)), self.calls((key, 0)))

    def test_models_file_corrects_prices(self):
        models = self.c.dir / "models.yaml"
        models.write_text("models:\n  claude-sonnet-5-5: {prices: {output: 5000}}\n")

        def cost(*settings):
            return float(re.search(r"cost: \$([0-9.]+)", self.dry(*settings).stdout).group(1))
        self.assertGreater(cost(("llm.models_file", str(models))), 10 * cost())

    def test_mistakes_of_files_and_folders_are_named(self):
        for key in ("llm.models_file", "llm.prompts_directory"):
            self.assertIn("nowhere", self.dry((key, "nowhere"), code=8).stderr)


class Local(Config):
    def setUp(self):
        super().setUp()
        self.c.start_sim()

    def tap(self):
        """Records what goes to the model from here on."""
        port = int(self.c.sim_url.rpartition(":")[2])
        tap = Wiretap(("127.0.0.1", port))
        self.addCleanup(tap.close)
        self.c.sim_url = f"http://127.0.0.1:{tap.port}"
        return tap

    def test_effort_and_form_of_the_answer_are_asked_for(self):
        tap = self.tap()
        self.generate("plain")
        self.assertIn(b'"effort":"low"', tap.recorded())
        self.assertNotIn(b'"path\\":', tap.recorded())
        self.generate("json", (OPT + "batching.response_format", "json"), ("llm.effort", "high"))
        self.assertIn(b'"effort":"high"', tap.recorded())
        self.assertIn(b"JSON array", tap.recorded())
        self.assertEqual(set(tree(self.c.dir / "plain")), set(tree(self.c.dir / "json")))

    def test_prompts_come_from_the_folder(self):
        folder = self.c.dir / "prompts"
        folder.mkdir()
        text = (ROOT / "templates/prompts/system.md").read_text()
        (folder / "system.md").write_text(text + "\nMarked for the test of folders.\n")
        tap = self.tap()
        self.generate("a", ("llm.prompts_directory", str(folder)))
        self.assertIn(b"Marked for the test of folders.", tap.recorded())

    def test_templates_come_from_the_folder(self):
        folder = self.c.dir / "templates"
        folder.mkdir()
        (folder / "makefile.tmpl").write_text("all:\n\techo {{app}} by hand\n")
        self.generate("a", (OPT + "templates.directory", str(folder)))
        self.assertEqual((self.c.dir / "a/Makefile").read_text(), "all:\n\techo todo by hand\n")

    def test_cache_marks_of_each_provider(self):
        tap = self.tap()
        prefix = OPT + "prompt_caching.providers."
        self.generate("a", (prefix + "anthropic", False), (prefix + "openai", True))
        self.assertNotIn(b"cache_control", tap.recorded())
        self.generate("b", (prefix + "anthropic", True), (prefix + "openai", False))
        self.assertIn(b"cache_control", tap.recorded())
        openai = dict(OPENAI_BASE_URL=self.c.sim_url, OPENAI_API_KEY="sk-test")
        args = ("--provider", "openai", "--model", "gpt-6-luna")
        self.generate("c", (OPT + "prompt_caching.providers.openai", False), args=args, **openai)
        self.assertNotIn(b"prompt_cache_breakpoint", tap.recorded())
        self.generate("d", (OPT + "prompt_caching.providers.anthropic", False), args=args, **openai)
        self.assertIn(b"prompt_cache_breakpoint", tap.recorded())

    def test_addresses_and_key_file(self):
        url, key = self.c.sim_url, self.c.dir / "key"
        self.c.sim_url = None
        key.write_text("sk-ant-of-the-file\n")
        key.chmod(0o600)
        self.generate("a", ("llm.anthropic_base_url", url), ("llm.api_key_file", str(key)),
                      ANTHROPIC_API_KEY="")
        calls = len(self.c.ledger())
        self.assertGreater(calls, 0)
        self.generate("b", ("llm.openai_base_url", url), ("llm.provider", "openai"),
                      ("llm.model", "gpt-6-luna"), ANTHROPIC_API_KEY="", OPENAI_API_KEY="sk-x")
        self.assertGreater(len(self.c.ledger()), calls)

    def test_a_key_file_that_all_can_read_is_told_of(self):
        key = self.c.dir / "key"
        key.write_text("sk-ant-of-the-file\n")
        for mode, times in ((0o600, 0), (0o644, 1)):
            key.chmod(mode)
            r = self.generate(f"m{mode:o}", ("llm.api_key_file", str(key)), ANTHROPIC_API_KEY="")
            self.assertEqual(r.stderr.count(f"can read the key file {key}; chmod o-r it"), times)
            r = self.c.gc("doctor", GC_LLM_API_KEY_FILE=str(key), ANTHROPIC_API_KEY="")
            self.assertRegex(r.stdout, "warn  API key: everybody" if times else "ok    API key: ")
        key.chmod(0o622)
        r = self.c.gc("doctor", GC_LLM_API_KEY_FILE=str(key), ANTHROPIC_API_KEY="")
        self.assertRegex(r.stdout, rf"FAIL  API key: {key} may be written by others")

    def test_old_servers_get_no_options_of_the_cache(self):
        tap = self.tap()
        self.generate("a", args=("--provider", "openai", "--model", "local-model"), code=7,
                      OPENAI_BASE_URL=self.c.sim_url, OPENAI_API_KEY="sk-test")
        self.assertIn(b"max_completion_tokens", tap.recorded())
        self.assertNotIn(b"prompt_cache", tap.recorded())

    def test_a_key_that_no_worker_takes_ends_the_run_at_once(self):
        r = self.generate("a", ("llm.api_key_file", str(self.c.dir / "none")), code=8)
        self.assertEqual(r.stderr.count("No such file"), 1)
        self.assertNotIn("local.restart", r.stderr)

    def test_what_a_provider_says_moves_no_terminal(self):
        self.c.sim_url = self.serve_error(400, "invalid_request_error", "\x1b[31mred\nnext\x07")
        r = self.generate("a", code=7)
        self.assertIn("error: invalid_request_error: [31mred; next ; ", r.stderr)
        self.assertNotIn("\x1b", r.stderr)

    def test_state_file(self):
        setting = (OPT + "incremental.state_file", "meta/last.json")
        self.generate("a", setting)
        self.assertTrue((self.c.dir / "a/meta/last.json").exists())
        self.assertFalse((self.c.dir / "a/.gocreator/state.json").exists())
        calls = len(self.c.ledger())
        self.ok(self.c.gc("check", TODO, "-o", self.c.dir / "a", *self.config(setting)))
        self.ok(self.c.gc("check", TODO, "-o", self.c.dir / "a"), 1)
        self.generate("a", setting)
        self.assertEqual(len(self.c.ledger()), calls)

    def test_incremental_off_asks_for_everything_again(self):
        def asked(calls):
            return sorted(path for call in calls for path in call["wanted"])
        self.generate("a")
        first = self.c.ledger()
        self.generate("a", (OPT + "incremental.enabled", False))
        # Together or alone is decided anew: by now it is known how fast the model is.
        self.assertEqual(asked(self.c.ledger()[len(first):]), asked(first))

    def test_children_read_the_file_of_the_coordinator(self):
        (self.c.dir / ".gocreator.yaml").write_text("nonsense: [\n")
        self.generate("a", ("logging.level", "warn"))

    def test_progress_can_be_silent(self):
        off = (OPT + "progress.enabled", False)
        self.assertIn("files", self.generate("a").stderr)
        self.assertEqual(self.generate("b", off).stderr, "")
        r = self.generate("c", off, args=("--progress", "json"))
        self.assertIn('"event":"phase"', r.stderr)  # a flag is stronger than the file

    def test_repairs_are_counted(self):
        kill(self.c.sim)
        self.c.start_sim("--fault", "bad_signature:1:path=task_service.go")
        for repairs in (0, 1):
            r = self.generate(f"r{repairs}", ("limits.max_repairs", repairs), code=4)
            self.assertIn(f"was refused {repairs + 1} times", r.stderr)

    def test_logs_have_a_level_and_a_form(self):
        self.assertEqual(self.generate("a", ("logging.level", "error"),
                                       (OPT + "progress.enabled", False)).stderr, "")
        r = self.generate("b", ("logging.level", "debug"), ("logging.format", "json"),
                          (OPT + "progress.enabled", False))
        programs = {json.loads(line)["component"] for line in r.stderr.splitlines()}
        self.assertLessEqual({"coordinator", "broker", "worker"}, programs)

    def test_one_message_has_a_limit(self):
        spec = self.c.dir / "long.yaml"
        fields = [{"name": f"f{i}{'x' * 150}", "type": "string"} for i in range(500)]
        spec.write_text(json.dumps({"name": "long", "entities": [{"name": "A", "fields": fields}]}))
        small = ("cluster.max_message_bytes", 65536)
        r = self.generate("a", small, spec=spec, code=8)
        self.assertIn("cluster.max_message_bytes", r.stderr)
        self.generate("b", small, spec=CLINIC)  # many tasks in more than one message

    def test_broker_of_local_mode_tells_its_metrics(self):
        port = free_port()
        kill(self.c.sim)
        self.c.start_sim("--ttft", 30000)
        self.c.gc_start(TODO, "-o", self.c.dir / "a",
                        *self.config(("cluster.http", f"127.0.0.1:{port}")))
        wait_for("a call", self.c.calls_running)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
            self.assertIn(b"gc_broker", reply.read())


class Slow(Config):
    def setUp(self):
        super().setUp()
        self.c.start_sim("--ttft", 100, "--tokens-per-second", 2000)

    def test_progress_comes_at_its_interval(self):
        def told(name, interval):
            r = self.generate(name, (OPT + "progress.update_interval", interval),
                              args=("--progress", "json"), GC_CLUSTER_SLOTS="2")
            return r.stderr.count('"event":"progress"')
        self.assertGreater(told("often", "100ms"), 3 * told("seldom", "1h"))

    def test_checkpoints_are_written_where_and_when_asked_for(self):
        place = (OPT + "resume.checkpoint_dir", "keep/here")
        interval = OPT + "resume.auto_checkpoint_interval"
        runs = {"often": (place, (interval, "1s")), "seldom": (place, (interval, "1h")),
                "never": (place, (interval, "1s"), (OPT + "resume.enabled", False))}
        started = [self.c.gc_start(CLINIC, "-o", self.c.dir / name, *self.config(*settings),
                                   GC_CLUSTER_SLOTS="2") for name, settings in runs.items()]

        def kept(name):
            file = self.c.dir / name / "keep/here/unfinished.json"
            return file.exists() and b'"how": "llm"' in file.read_bytes()
        wait_for("a checkpoint", lambda: kept("often"))
        self.assertFalse(kept("seldom"))
        self.assertFalse((self.c.dir / "never/keep").exists())
        for process in started:
            self.assertIsNone(process.poll(), said(process))
            kill(process)

    def test_resume_can_be_off(self):
        r = self.generate("a", (OPT + "resume.enabled", False), args=("--resume",), code=8)
        self.assertIn("resume.enabled", r.stderr)

    def test_patience_and_connect_timeout(self):
        full = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(full.close)
        fill = [socket.socket() for _ in range(4)]  # the kernel answers no more after these
        for one in fill:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            self.addCleanup(one.close)
        self.c.sim_url = f"http://127.0.0.1:{full.getsockname()[1]}"
        r = self.generate("a", ("llm.connect_timeout", "100ms"),
                          ("limits.provider_patience_s", 1), code=7)
        self.assertRegex(r.stderr, r"(?i)timed? ?out|timeout")


class Remote(Config):
    def setUp(self):
        super().setUp()
        self.c.start_sim()
        self.c.start_redis()

    def test_broker_and_redis_of_the_file(self):
        self.c.start_broker()
        self.c.start_worker(4)
        self.generate("a", ("cluster.broker", self.c.broker), ("cluster.redis", self.c.redis_url))
        self.assertEqual(self.c.redis_cli("ZCARD", "gc:jobs"), "1")
        self.assertFalse((self.c.dir / "a/.gocreator/redis").exists())

    def test_workers_slots_lease_and_heartbeat(self):
        kill(self.c.sim)
        self.c.start_sim("--ttft", 30000)
        p = self.c.gc_start(TODO, "-o", self.c.dir / "a", *self.config(
            ("cluster.redis", self.c.redis_url), ("cluster.workers", 2), ("cluster.slots", 3),
            ("cluster.heartbeat", "300ms"), ("cluster.lease", "5s"),
            (OPT + "batching.enabled", False), (OPT + "prompt_caching.enabled", False)))

        def found(pattern):
            return self.c.redis_cli("KEYS", pattern).split()
        wait_for("calls", lambda: self.c.calls_running() == 6)
        workers = wait_for("workers", lambda: found("gc:worker:*"))
        self.assertEqual(len(workers), 2)
        for worker in workers:
            self.assertEqual(self.c.redis_cli("HGET", worker, "slots"), "3")
            self.assertLessEqual(int(self.c.redis_cli("PTTL", worker)), 4 * 300)
        left = [int(self.c.redis_cli("PTTL", lease)) for lease in found("gc:lease:*")]
        self.assertTrue(left)
        self.assertTrue(all(0 < ms <= 5000 for ms in left), left)
        self.assertIsNone(p.poll())

    def test_tcp_beyond_this_machine_needs_curve(self):
        elsewhere = ("cluster.broker", "tcp://192.0.2.1:5555")
        for program, settings in ((["gc-broker", "--bind", "tcp://*:*"], ()),
                                  (["gc-worker", "--redis", self.c.redis_url], (elsewhere,)),
                                  (["gc-coordinator", TODO, "--redis", self.c.redis_url, "-o",
                                    self.c.dir / "a"], (elsewhere,))):
            r = subprocess.run([BIN / program[0], *program[1:], *self.config(*settings)],
                               env=self.c.env(), check=False, capture_output=True, text=True,
                               timeout=60)
            self.assertEqual(r.returncode, 8, r.stderr)
            self.assertIn("--insecure", r.stderr)
        _, conf = self.config(("cluster.insecure", True))
        reader, writer = os.pipe()
        broker = subprocess.Popen([BIN / "gc-broker", "--bind", "tcp://*:*", "--ready-fd",
                                   str(writer), "-c", conf], pass_fds=(writer,), env=self.c.env(),
                                  stderr=subprocess.DEVNULL)
        self.c.processes.append(broker)
        os.close(writer)
        with os.fdopen(reader) as f:
            self.assertRegex(f.readline(), r"^tcp://")


    def certificate(self, name, public, secret=None):
        path = self.c.dir / name
        path.parent.mkdir(exist_ok=True)
        secret = f'    secret-key = "{secret}"\n' if secret else ""
        path.write_text(f'metadata\ncurve\n    public-key = "{public}"\n{secret}')
        path.chmod(0o600)
        return str(path)

    def test_curve_from_end_to_end(self):
        # The keys of the examples in ZeroMQ's documentation: no secret is one here.
        public = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
        member = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
        server = self.certificate("server", public, "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6")
        own = self.certificate("own", member, "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")
        self.certificate("allowed/member", member)
        port = free_port()
        self.c.start("broker", BIN / "gc-broker", "--bind", f"tcp://0.0.0.0:{port}", *self.config(
            ("cluster.curve_certificate", server),
            ("cluster.curve_allow", str(self.c.dir / "allowed"))))
        tap = Wiretap(("127.0.0.1", port))
        self.addCleanup(tap.close)
        mine = (("cluster.curve_certificate", own),
                ("cluster.curve_server", self.certificate("public", public)),
                ("cluster.redis", self.c.redis_url),
                ("cluster.broker", f"tcp://127.0.0.1:{tap.port}"))
        self.c.start("worker", BIN / "gc-worker", *self.config(*mine))
        self.generate("a", *mine)
        self.assertGreater(len(tap.recorded()), 10000)
        self.assertNotIn(b"GC1", tap.recorded())


class Asking(Config):
    """Before real money is spent somebody at a terminal is asked."""

    def on_a_terminal(self, name, *settings, args=()):
        child, terminal = pty.fork()
        if child == 0:
            os.execve(BIN / "gc-coordinator",
                      ["gc-coordinator", str(TODO), "-o", str(self.c.dir / name),
                       *map(str, self.config(*settings)), *args],
                      self.c.env(TERM="xterm"))
        shown, asked = b"", False
        while select.select([terminal], [], [], 60)[0]:
            try:
                data = os.read(terminal, 4096)
            except OSError:
                break  # the other end is closed
            shown += data
            if b"Go on? [y/N]" in shown and not asked:
                asked = True
                os.write(terminal, b"n\n")
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        return asked, os.waitstatus_to_exitcode(status), shown.decode()

    def test_confirmation_above_a_price(self):
        self.c.start_sim()
        key = "limits.confirm_above_usd"
        asked, code, shown = self.on_a_terminal("a", (key, 0.0001))
        self.assertTrue(asked, shown)
        self.assertEqual(code, 130, shown)
        self.assertEqual(self.c.ledger(), [])
        for settings, args in (([(key, 0.0001)], ("--yes",)), ([(key, 0)], ()), ([(key, 9)], ())):
            asked, code, shown = self.on_a_terminal(f"b{len(args)}{settings}", *settings, args=args)
            self.assertFalse(asked, shown)
            self.assertEqual(code, 0, shown)


GO = """#!/bin/sh
case "$1" in
env) echo go1.23.4 ;;
list) printf 'x/a\\nx/b\\nx/c\\n' ;;
vet)
  echo "+" >>"$LOG"
  tries=0
  while [ "$(grep -c + "$LOG")" -lt "$TOGETHER" ] && [ $tries -lt 500 ]; do
    sleep 0.02
    tries=$((tries + 1))
  done
  [ $tries -lt 500 ] && echo "-" >>"$LOG" ;;
*) echo "$1" >>"$LOG" ;;
esac
"""


class Validation(Config):
    """With a toolchain that writes down how it was called."""

    def setUp(self):
        super().setUp()
        self.log = self.c.dir / "go.log"
        tools = self.c.dir / "tools"
        tools.mkdir()
        (tools / "go").write_text(GO)
        (tools / "gofmt").write_text('#!/bin/sh\necho gofmt >>"$LOG"\n')
        for tool in tools.iterdir():
            tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        self.path = f"{tools}:{os.environ['PATH']}"
        (self.c.dir / "p").mkdir()
        (self.c.dir / "p/go.mod").write_text("module x\n\ngo 1.22\n")
        (self.c.dir / "p/a.go").write_text("package p\n")

    def calls(self, *settings, together=1):
        self.log.write_text("")
        self.ok(self.c.gc("validate", self.c.dir / "p", *self.config(*settings), PATH=self.path,
                          LOG=str(self.log), TOGETHER=str(together)))
        return self.log.read_text().split()

    def test_each_step_can_be_off(self):
        words = {"validation.gofmt": "gofmt", "validation.build": "build",
                 "validation.vet": "+", "validation.test": "test"}
        self.assertEqual(set(self.calls()) - {"-"}, set(words.values()))
        for key, word in words.items():
            with self.subTest(key=key):
                self.assertEqual(set(self.calls((key, False))) - {"-"},
                                 set(words.values()) - {word})

    def test_packages_side_by_side(self):
        steps = [("validation.gofmt", False), ("validation.build", False),
                 ("validation.test", False)]
        one = self.calls(*steps, ("validation.parallel", 1))
        self.assertEqual(one, ["+", "-"] * 3)
        three = self.calls(*steps, ("validation.parallel", 3), together=3)
        self.assertEqual(sorted(three), ["+"] * 3 + ["-"] * 3)


class Options(Config):
    """Those that set no key and are seen nowhere else."""

    def test_status_is_watched_until_the_end(self):
        self.c.start_sim("--ttft", 400)
        self.c.start_redis()
        p = self.c.gc_start(TODO, "-o", self.c.dir / "a", "--redis", self.c.redis_url)
        job = wait_for("a job", lambda: self.c.redis_cli("ZRANGE", "gc:jobs", 0, -1))
        r = self.ok(self.c.gc("status", job, "--watch", "--json", "--redis", self.c.redis_url))
        states = re.findall(r'"state": "(\w+)"', r.stdout)
        self.assertEqual(states[-1], "done")
        self.assertEqual(set(states[:-1]), {"running"})
        self.assertEqual(p.wait(60), 0)

    def test_nobody_pays_for_metrics_without_a_place(self):
        r = self.generate("a", code=6, args=("--metrics", self.c.dir / "no/m.json"))
        self.assertIn("no/m.json", r.stderr)
        self.assertFalse(list((self.c.dir / "a").rglob("*.go")))

    def test_an_edit_is_merged(self):
        self.c.start_sim()
        out = self.c.dir / "a"
        self.generate("a")
        texts = {}
        for name in ("task.go", "task_service.go"):  # by a template and by the model
            file = out / "internal/task" / name
            texts[file] = file.read_text() + "\n// by hand\n"
            file.write_text(texts[file])
        self.generate("a", args=("--force", "--on-edit", "merge"))
        self.assertEqual({file: file.read_text() for file in texts}, texts)
        self.assertFalse(list(out.rglob("*.gc-new")))

    def test_an_edit_that_was_kept_is_merged_later(self):
        self.c.start_sim()
        spec, out = self.c.dir / "spec.yaml", self.c.dir / "a"
        text = "name: Todo\nentities: [{name: Task, fields: [{name: id, type: int}%s]}]\n"
        file = out / "internal/task/task.go"  # by a template
        spec.write_text(text % "")
        self.generate("a", spec=spec)
        file.write_text("// by hand\n" + file.read_text())
        for more in (", {name: title, type: string}", ", {name: title, type: string}, "
                     "{name: done, type: bool}"):
            spec.write_text(text % more)
            r = self.generate("a", spec=spec)
            self.assertIn("task.go.gc-new", r.stderr)
        newer = (out / "internal/task/task.go.gc-new").read_text()
        self.generate("a", spec=spec, args=("--on-edit", "merge"))
        self.assertEqual(file.read_text(), "// by hand\n" + newer)
        self.assertFalse(list(out.rglob("*.gc-new")))

    def test_a_conflict_waits_for_the_user(self):
        self.c.start_sim()
        spec, out = self.c.dir / "spec.yaml", self.c.dir / "a"
        text = "name: Todo\nentities: [{name: Task, fields: [{name: id, type: int}%s]}]\n"
        file, beside = (out / "internal/task" / name for name in ("task.go", "task.go.gc-new"))
        spec.write_text(text % ", {name: title, type: string}")
        self.generate("a", spec=spec)
        file.write_text(re.sub(r"\tTitle .*", "\tTitle []byte", file.read_text()))
        edit = file.read_text()
        spec.write_text(text % ", {name: title, type: bool}")
        merge = ("--on-edit", "merge")
        self.assertIn("conflicts with", self.generate("a", spec=spec, args=merge).stderr)
        before = beside.stat().st_mtime_ns, beside.stat().st_ino
        r = self.generate("a", spec=spec, args=merge)
        self.assertIn("conflicts with the new text in internal/task/task.go.gc-new", r.stderr)
        self.assertEqual((beside.stat().st_mtime_ns, beside.stat().st_ino), before)
        self.assertEqual(file.read_text(), edit)
        r = self.c.gc("check", spec, "-o", out)
        self.assertEqual(r.returncode, 1)
        self.assertIn("task.go: changed by hand, conflicts with", r.stdout)
        newer = beside.read_text()
        self.generate("a", spec=spec, args=("--on-edit", "overwrite"))
        self.assertEqual(file.read_text(), newer)
        self.assertFalse(beside.exists())

    def test_what_stands_in_the_way_is_said_once(self):
        out = self.c.dir / "a"
        (out / "go.mod").mkdir(parents=True)
        (out / "Makefile").symlink_to("elsewhere")
        r = self.c.gc("generate", TODO, "-o", out, "--provider", "sim", "--progress", "none")
        self.assertEqual(r.returncode, 6)
        errors = [line for line in r.stderr.splitlines() if line.startswith("error: ")]
        self.assertEqual(sorted(errors), [
            "error: cannot read Makefile: a symbolic link is in the way; remove it",
            "error: cannot read go.mod: a folder is in the way; move it away"])


if __name__ == "__main__":
    unittest.main()
