"""What docs promise about specs, options, exit codes and switches, tried from outside."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest
import urllib.request

from cluster import BIN, ROOT, Cluster, have_go, tree

TODO = ROOT / "examples/todo-cli.yaml"
LIBRARY = ROOT / "examples/library.json"

NAMES = """
name: mixed
requirements: [REST API]
architecture:
  packages:
    - {name: models, path: internal/models}
    - {name: services, path: internal/services, entities: [A]}
    - {name: time, path: internal/time, entities: [C]}
    - {name: server, path: internal/server, entities: [S, Order, OrderStore, OrderService, Main]}
entities:
  - {name: A, fields: {id: "enum(x, y)", b: B, store: "enum(a, b)", Validate: bool}}
  - {name: B, fields: {id: json, a: A, a_id: uuid, m: "map[string]int", o: "string?"}}
  - {name: C, fields: {id: bytes, at: timestamp, svc: "enum(a,b)", svc_a: "enum(z)"}}
  - {name: D, fields: {id: C, c: C, at: timestamp, kind: "enum(a b, a-b, A_B, 1, …)"}}
  - {name: S, fields: {id: uuid, appserver: AppServer, a_b: int, aB: int, A_B: int}}
  - {name: AppServer, package: "My Pkg", fields: {id: uuid, type: string, func: int}}
  - {name: NewService, package: error, fields: {id: uuid, d: time.Duration}}
  - {name: Order, fields: {id: uuid, store: "enum(a)"}}
  - {name: OrderStore, fields: {id: uuid}}
  - {name: OrderService, fields: {id: uuid}}
  - {name: Main, fields: {id: uuid}}
  - {name: user_test, fields: {id: uuid, länge: int, имя: string}}
api_contracts:
  - {endpoint: "POST /as/{id}/validate"}
"""

FILES = """
name: expl
go_version: "1.21"
module_path: example.org/team/expl
entities:
  - {name: User, fields: {id: uuid, validate: bool, role: "enum(admin, user)"}}
  - {name: UserRole, fields: {id: uuid, user: User}}
files:
  - {path: internal/user/model.go, purpose: model, entities: [User, UserRole]}
  - {path: internal/user/store.go, purpose: store, entities: [User],
     depends_on: [internal/user/model.go]}
  - {path: internal/user/store_test.go, purpose: tests, depends_on: [internal/user/store.go]}
  - {path: internal/func/go.go, purpose: a folder called like a keyword}
  - {path: docs/intro.md, purpose: introduction}
  - {path: go.mod, purpose: module}
"""

BAD = {
    "empty.yaml": b"",
    "second.yaml": b"name: a\n---\nname: b\n",
    "tab.yaml": b"name: a\n\tentities: x\n",
    "dup.yaml": b"name: a\nname: b\n",
    "dup.json": b'{"name":"a","name":"b"}',
    "ctrl.yaml": b"name: a\x07b\n",
    "utf8.yaml": b"name: a\xff\n",
    "utf16.yaml": "name: a\n".encode("utf-16"),
    "alias.yaml": b"name: r\nentities: &a\n  - *a\n",
    "bomb.yaml": ("a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [" + ",".join([f"*a{i - 1}"] * 9) + "]\n" for i in range(1, 12))).encode(),
    "deep.json": b'{"name":"d","entities":' + b"[" * 9999 + b"]" * 9999 + b"}",
    "big.yaml": ("name: b\nentities:\n" + "".join(
        f"  - {{name: E{i}, fields: {{id: uuid}}}}\n" for i in range(10001))).encode(),
    "dangling.yaml": b"name: a\nentities: [{name: A}]\nrelationships: [{from: A, to: B}]\n",
    "module.yaml": b"name: a\nmodule_path: -x\n",
    "program.yaml": b"name: a\nentities: [{name: A, package: cmd/a, fields: {id: uuid}}]\n",
    "circle.yaml": b"name: a\nfiles: [{path: a.go, purpose: x, depends_on: [b.go]},"
                   b" {path: b.go, purpose: y, depends_on: [a.go]}]\n",
}
BAD_PATHS = ("/etc/x.go", "../x.go", "a/../../x.go", ".git/x", "a/.GIT/x", ".gocreator/state.json",
             "a\\b.go", "C:/x.go")
for number, bad_path in enumerate(BAD_PATHS):
    BAD[f"path{number}.json"] = json.dumps(
        {"name": "p", "files": [{"path": bad_path, "purpose": "x"}]}).encode()


class Case(unittest.TestCase):
    def setUp(self):
        self.c = Cluster()
        self.addCleanup(self.c.close)

    def run_gc(self, code, *args, **env):
        r = self.c.gc(*args, **env)
        self.assertEqual(r.returncode, code, f"{args}\n{r.stdout}\n--- stderr\n{r.stderr}")
        return r

    def write(self, name, text):
        path = self.c.dir / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


class Specs(Case):
    def test_every_accepted_spec_gives_a_sound_project(self):
        windows = ("\ufeffname: bom\r\nentities:\r\n  - name: A\r\n"
                   "    fields: {id: uuid}\r\n")
        for name, text in (("names.yaml", NAMES), ("files.yaml", FILES), ("bom.yaml", windows)):
            with self.subTest(spec=name):
                out = self.c.dir / pathlib.Path(name).stem
                self.run_gc(0, self.write(name, text), "--provider", "sim", "-o", out)
                if have_go():
                    self.run_gc(0, "validate", out)

    def test_go_version_module_and_lists_are_used_as_given(self):
        out = self.c.dir / "out"
        r = self.run_gc(0, self.write("files.yaml", FILES), "--provider", "sim", "-o", out)
        self.assertNotIn("error", r.stderr)
        mod = (out / "go.mod").read_text()
        self.assertIn("module example.org/team/expl\n", mod)
        self.assertIn("go 1.21\n", mod)
        go = {p for p in tree(out) if p.endswith(".go")}
        self.assertEqual(go, {f"internal/{p}.go" for p in ("user/model", "user/store",
                                                           "user/store_test", "func/go")})

    def test_modules_of_the_spec_are_told_to_need_a_download(self):
        spec = self.write("m.yaml", "name: m\narchitecture: {dependencies: ["
                                    "github.com/google/uuid@v1.6.0]}\nentities:\n"
                                    "- {name: A, fields: {id: uuid.UUID}}\n")
        out = self.c.dir / "out"
        r = self.run_gc(0, spec, "--provider", "sim", "-o", out)
        self.assertRegex(r.stdout, "github.com/google/uuid .*`go mod tidy`")
        self.assertIn("github.com/google/uuid v1.6.0", (out / "go.mod").read_text())

    def test_wrong_specs_name_the_place_and_start_nothing(self):
        for name, text in BAD.items():
            with self.subTest(spec=name):
                r = self.run_gc(2, self.write(name, text), "-o", self.c.dir / "out")
                self.assertRegex(r.stderr, rf"(?m)^{re.escape(str(self.c.dir / name))}"
                                           r":\d+:\d+: error: .*; ")
                self.assertEqual(r.stdout, "")
        self.assertFalse((self.c.dir / "out").exists())

    def test_order_and_comments_do_not_matter(self):
        a = self.write("a.yaml", "name: x\nentities:\n- {name: A, fields: {id: uuid, n: int}}\n"
                                 "- {name: B, fields: {id: uuid}}\n")
        b = self.write("b.yaml", "# c\nentities:\n- {name: B, fields: {id: uuid}}\n"
                                 "- {fields: {n: int, id: uuid}, name: A}\nname: x\n")
        self.assertEqual(self.run_gc(0, "dump-fcs", a).stdout, self.run_gc(0, "dump-fcs", b).stdout)

    def test_answers_in_both_forms_and_strict(self):
        spec = self.write("q.yaml", "name: x\nentities:\n- {name: A, fields: {id: uuid, "
                                    "s: 'enum(a, b, …)'}}\n")
        r = self.run_gc(3, "clarify", spec, "--json")
        questions = json.loads(r.stdout)
        questions = questions if isinstance(questions, list) else questions["questions"]
        ids = [q["id"] if "id" in q else q["question_id"] for q in questions]
        self.assertTrue(ids)
        self.run_gc(3, spec, "--strict", "--provider", "sim", "-o", self.c.dir / "out")
        flat = self.write("flat.json", json.dumps({i: "c" for i in ids}))
        listed = self.write("list.json", json.dumps(
            {"answers": [{"question_id": i, "answer": "c"} for i in ids]}))
        dumps = {self.run_gc(0, "dump-fcs", spec, "--answers", f).stdout for f in (flat, listed)}
        self.assertEqual(len(dumps), 1)
        self.assertIn('"c"', dumps.pop())
        self.run_gc(0, "clarify", spec, "--batch", flat)
        self.run_gc(0, spec, "--strict", "--answers", flat, "--dry-run")


class Words(Case):
    def test_exit_codes_and_near_misses(self):
        spec = self.write("s.yaml", TODO.read_bytes())
        file = self.write("file", "")
        typo = self.write("typo.yaml", "optimization:\n  bacthing: {enabled: true}\n")
        value = self.write("value.yaml", "optimization:\n  batching: {max_batch_size: 0}\n")
        nowhere = ("--redis", "redis://127.0.0.1:1")
        for code, hint, args in (
                (8, "generate", ()), (8, "check", ("chek", spec)), (6, "nope", ("nope.yaml",)),
                (8, "extra", (spec, "extra")), (8, "--dry-run", ("--dry-rnu", spec)),
                (8, "value", (spec, "--model")), (8, "1 to", (spec, "--workers", "0")),
                (8, "sim", (spec, "--provider", "foo")), (8, "job", (spec, "--resume=foo")),
                (8, "batching", (spec, "-c", typo)), (8, "1 to 100", (spec, "-c", value)),
                (8, "broker", (spec, "--provider", "sim", "--broker", "tcp://127.0.0.1:9")),
                (7, "connection", ("jobs", *nowhere)), (6, "go.mod", ("validate", self.c.dir)),
                (6, "file", (spec, "--provider", "sim", "-o", file)),
                (6, "file", (spec, "--provider", "sim", "-o", file / "below")),
                (1, "plan", ("explain", spec, "nofile", "-o", "none")),
                (1, "a.json", ("compare-metrics", "a.json", "b.json")),
                (8, "prices", (spec, "--model", "foo", "--max-cost", "1"))):
            with self.subTest(args=args):
                r = self.run_gc(code, *args)
                self.assertIn(hint, r.stderr)
                self.assertEqual(r.stdout, "")
        self.assertRegex(self.run_gc(8, spec, "-c", typo).stderr, rf"{typo}:2:")

    def test_help_of_each_command_wherever_it_stands(self):
        for verb in ("generate", "full", "validate", "clarify", "dump-fcs", "explain", "check",
                     "jobs", "status", "cancel", "workers", "fetch", "compare-metrics", "doctor"):
            shown = {self.run_gc(0, verb, "-h").stdout, self.run_gc(0, "--help", verb).stdout}
            self.assertEqual(len(shown), 1)
            self.assertIn(verb, shown.pop().splitlines()[0])

    def test_flags_before_environment_before_file_before_defaults(self):
        spec = self.write("s.yaml", TODO.read_bytes())

        def model(*args, **env):
            out = self.run_gc(0, "--dry-run", *args, spec, **env).stdout
            return re.search(r"by template, \d+ by (\S+)", out).group(1)

        self.assertEqual(model(), "claude-sonnet-5-5")
        config = self.write(".gocreator.yaml", "llm: {model: claude-haiku-4-5}\n")
        self.assertEqual(model(), "claude-haiku-4-5")
        other = self.write("other.yaml", "llm: {model: from-file}\n")
        self.assertEqual(model("-c", other), "from-file")
        self.assertEqual(model("-c", other, GC_LLM_MODEL="from-env"), "from-env")
        self.assertEqual(model("--model", "flag", "-c", other, GC_LLM_MODEL="from-env"), "flag")
        config.unlink()

    def test_dry_run_leaves_no_trace(self):
        work = self.c.dir / "work"
        work.mkdir()
        r = subprocess.run([BIN / "gc-coordinator", TODO, "--dry-run"], cwd=work, check=True,
                           capture_output=True, text=True, env=self.c.env(ANTHROPIC_API_KEY=""))
        self.assertEqual(list(work.iterdir()), [])
        first = next(line for line in r.stdout.splitlines() if "$" in line)
        self.assertRegex(first, r"^Estimated cost: \$\d+\.\d{4}$")
        self.assertNotIn("\x1b", r.stdout + r.stderr)

    def test_resume_with_and_without_a_job(self):
        out = self.c.dir / "out"
        args = (TODO, "-o", out, "--provider", "sim")
        self.run_gc(0, "--resume", *args)
        self.run_gc(0, *args, "--resume")
        job = json.loads(self.run_gc(0, "jobs", "--json", "-o", out).stdout)[-1]["job"]
        self.run_gc(0, "--resume", job, *args)
        self.run_gc(0, f"--resume={job}", *args)
        r = self.run_gc(1, *args[:2], self.c.dir / "new", *args[3:], "--resume=j-000000000000")
        self.assertIn("j-000000000000", r.stderr)
        r = self.run_gc(1, *args, "--resume=j-000000000000")  # where nothing is left to do
        self.assertIn("there is no job j-000000000000", r.stderr)

    def test_files_in_a_circle_are_found_by_every_command(self):
        spec = self.write("circle.yaml", """\
name: c
requirements: [x]
files:
  - {path: a/a.go, purpose: a, depends_on: [b/b.go]}
  - {path: b/b.go, purpose: b, depends_on: [a/a.go]}
""")
        for command in ("dump-fcs", "clarify", "explain", "check", "generate"):
            r = self.run_gc(2, command, spec, *(() if command in ("dump-fcs", "clarify") else
                                                ("-o", self.c.dir / "out")))
            self.assertRegex(r.stderr, r"circle.yaml:\d+:\d+: error: files depend on each other "
                                       r"in a circle: a/a.go -> b/b.go -> a/a.go; remove one")
            self.assertEqual(r.stdout, "")

    def doctor(self, code, *args, **env):
        rows = json.loads(self.run_gc(code, "doctor", "--json", *args, **env).stdout)
        return {row["check"]: (row["result"], row["text"]) for row in rows}

    def test_doctor_says_what_is_true(self):
        self.c.start_sim()
        key = {"ANTHROPIC_API_KEY": "sk-ant-1", "OPENAI_API_KEY": "",
               "OPENAI_BASE_URL": self.c.sim_url}
        lines = self.doctor(0, **key)
        self.assertEqual(lines["configuration"], ("ok", "built-in defaults"))
        self.assertEqual(lines["API key"], ("ok", "there is one for anthropic"))
        self.assertEqual(lines["model"][0], "ok")
        self.assertEqual(self.doctor(0, ANTHROPIC_API_KEY="")["API key"][0], "warn")
        self.assertEqual(self.doctor(0, "--model", "nobody-1", **key)["model"][0], "warn")
        self.assertEqual(self.doctor(0, "--provider", "openai", **key)["model"][0], "warn")
        empty = self.write("key", "")
        for place in (empty, self.c.dir, self.c.dir / "none"):
            config = self.write("c.yaml", f"llm: {{api_key_file: {place}}}\n")
            lines = self.doctor(0 if place == empty else 1, "-c", config, ANTHROPIC_API_KEY="")
            self.assertEqual(lines["configuration"], ("ok", f"{config} is valid"))
            self.assertEqual(lines["API key"][0], "warn" if place == empty else "FAIL", lines)
        self.assertEqual(self.doctor(1, "--broker", "tcp://127.0.0.1:1")["Redis"][0], "FAIL")

    def test_json_outputs_parse_and_logs_stay_on_stderr(self):
        out = self.c.dir / "out"
        r = self.run_gc(0, TODO, "-o", out, "--provider", "sim", "--json", "--progress", "json",
                        "--log-level", "info", "--log-format", "json")
        json.loads(r.stdout)
        lines = [line for line in r.stderr.splitlines() if line.startswith("{")]
        self.assertTrue(lines)
        for line in lines:
            json.loads(line)
        for args in (("explain", TODO), ("explain", TODO, "go.mod"), ("jobs",), ("doctor",)):
            extra = () if args[0] == "doctor" else ("-o", out)
            json.loads(self.run_gc(0, *args, *extra, "--json").stdout)
        r = self.run_gc(0 if shutil.which("go") else 5, "full", TODO, "-o", out, "--provider", "sim", "--json")
        self.assertEqual(json.loads(r.stdout)["validation"]["passed"], r.returncode == 0)
        self.assertEqual((out / ".gocreator/.gitignore").read_text().split(),
                         ["*", "!state.json"])

    def test_check_disagrees_after_any_change(self):
        out = self.c.dir / "out"
        spec = self.write("s.json", LIBRARY.read_bytes())
        args = (spec, "-o", out, "--provider", "sim")
        self.run_gc(0, *args)
        self.run_gc(0, "check", *args)
        victim = out / next(p for p in tree(out) if p.endswith("_store.go"))
        text = victim.read_text()
        victim.unlink()
        self.run_gc(1, "check", *args)
        victim.write_text(text + "\n")
        self.assertIn("--on-edit overwrite", self.run_gc(1, "check", *args).stderr)
        victim.write_text(text)
        self.run_gc(0, "check", *args)
        changed = json.loads(spec.read_text())
        changed["description"] = "Another text that every README tells."
        spec.write_text(json.dumps(changed))
        self.run_gc(1, "check", *args)


class Switches(Case):
    def setUp(self):
        super().setUp()
        self.c.start_sim("--ttft", 100)

    def generate(self, name, config="", *args, spec=TODO, **env):
        """Requests of one run, its metrics and the simulator's counters."""
        self.c.journal.unlink(missing_ok=True)
        self.c.sim.kill()
        self.c.sim.wait()
        self.c.start_sim("--ttft", 100)
        path = self.write(f"{name}.yaml", config)
        out = self.c.dir / name
        self.run_gc(0, spec, "-o", out, "-c", path, "--metrics", self.c.dir / "m.json", *args,
                    OPENAI_BASE_URL=self.c.sim_url, OPENAI_API_KEY="sk-test", **env)
        stats = json.loads(urllib.request.urlopen(self.c.sim_url + "/_sim/stats").read())
        return self.c.ledger(), json.loads((self.c.dir / "m.json").read_text()), stats

    @staticmethod
    def cached(requests):
        return sum(r["usage"]["cache_read"] + r["usage"]["cache_write_5m"] +
                   r["usage"]["cache_write_1h"] for r in requests)

    def test_each_switch_changes_the_requests(self):
        def off(key, more=""):
            return f"optimization: {{{key}: {{enabled: false{more}}}}}\n"

        plain, metrics, _ = self.generate("plain")
        self.assertGreater(self.cached(plain), 0)
        self.assertGreater(max(len(r["wanted"]) for r in plain), 1)
        self.assertTrue(metrics["optimization"])
        self.assertEqual(self.cached(self.generate("cache", off("prompt_caching"))[0]), 0)
        single, _, _ = self.generate("batch", off("batching"))
        self.assertEqual({len(r["wanted"]) for r in single}, {1})
        pairs, _, _ = self.generate("pairs", "optimization: {batching: {max_batch_size: 2, "
                                             "min_similarity: 0}}\n")
        self.assertEqual(max(len(r["wanted"]) for r in pairs), 2)
        asked, metrics, _ = self.generate("templates", off("templates"))
        self.assertIn("go.mod", {p for r in asked for p in r["wanted"]})
        self.assertEqual(metrics["templates"]["template_files"], 0)
        _, whole, _ = self.generate("context", off("context_filtering"))
        _, filtered, _ = self.generate("filtered")
        self.assertNotEqual(whole["tokens"], filtered["tokens"])
        _, _, stats = self.generate("serial", off("parallelization"))
        self.assertEqual(stats["peak_active"], 1)
        _, metrics, stats = self.generate("three", "optimization: {batching: {enabled: false}, "
                                                   "parallelization: {max_workers: 3}}\n")
        self.assertLessEqual(stats["peak_active"], 3)
        self.assertGreater(stats["peak_active"], 1)
        self.assertLessEqual(metrics["performance"]["peak_in_flight"], 3)
        self.assertGreaterEqual(metrics["performance"]["peak_in_flight"], 1)

    def test_no_optimization_is_the_baseline(self):
        requests, metrics, stats = self.generate("base", "", "--no-optimization")
        files = tree(self.c.dir / "base")
        self.assertEqual({len(r["wanted"]) for r in requests}, {1})
        self.assertEqual(len(requests), len(files))
        self.assertEqual(self.cached(requests), 0)
        self.assertEqual(stats["peak_active"], 1)
        self.assertFalse(metrics["optimization"])
        edited = next(p for p in files if p.endswith("_service.go"))
        with open(self.c.dir / "base" / edited, "a", encoding="utf-8") as f:
            f.write("// by hand\n")
        again, base, _ = self.generate("base", "", "--no-optimization")
        self.assertGreaterEqual(len(again), len(files) - 1)
        self.assertIn("by hand", (self.c.dir / "base" / edited).read_text())
        _, best, _ = self.generate("best")
        self.write("base.json", json.dumps(base))
        self.write("best.json", json.dumps(best))
        r = self.run_gc(0, "compare-metrics", "base.json", "best.json")
        self.assertEqual(len(re.findall(r"[✓✗]", r.stdout)), 4, r.stdout)
        json.loads(self.run_gc(0, "compare-metrics", "best.json", "base.json", "--json").stdout)

    def test_openai_is_a_provider_like_the_other(self):
        args = ("--provider", "openai", "--model", "gpt-6-luna")
        requests, metrics, _ = self.generate("openai", "", *args, spec=LIBRARY,
                                             ANTHROPIC_API_KEY="")
        self.assertNotIn("messages", {r["endpoint"] for r in requests})
        self.assertEqual(metrics["provider"], "openai")
        self.generate("anthropic", "", spec=LIBRARY)
        self.assertEqual({p for p in tree(self.c.dir / "openai")},
                         {p for p in tree(self.c.dir / "anthropic")})


class Installed(Case):
    def test_it_works_from_where_it_is_installed(self):
        build = BIN.parent
        if not (build / "cmake_install.cmake").exists():
            self.skipTest("GC_BIN_DIR is not below a build folder")
        prefix = self.c.dir / "usr"
        subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True,
                       stdout=subprocess.DEVNULL)
        for name in ("gc-broker", "gc-worker", "gc-coordinator", "gocreator", "gc-llm-sim"):
            self.assertTrue(os.access(prefix / "bin" / name, os.X_OK), name)
        names = {p.name for p in prefix.rglob("*")}
        for name in ("go.mod.tmpl", "gocreator.yaml", "models.yaml", "gc-coordinator.1"):
            self.assertIn(name, names)
        for share in ("share", "etc"):  # templates and tables are inside of the programs
            shutil.rmtree(prefix / share, ignore_errors=True)
        out = self.c.dir / "out"
        subprocess.run([prefix / "bin/gocreator", "generate", "--spec", LIBRARY, "--provider",
                        "sim", "-o", out], check=True, capture_output=True, cwd=self.c.dir,
                       env=self.c.env(PATH=f"/usr/bin:/bin:{os.environ['PATH']}"), timeout=100)
        self.assertIn("go.mod", tree(out))


if __name__ == "__main__":
    unittest.main()
