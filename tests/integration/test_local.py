"""Local mode: one command and nothing else running."""

import json
import os
import re
import signal
import unittest

from cluster import (CLINIC, EXPLICIT, ROOT, SHOP, TODO, Case, have_go, said, tree,
                     wait_for)


class Local(Case):
    def test_simulated_project_is_complete_and_sound(self):
        out = self.c.dir / "out"
        r = self.ok(self.c.gc(SHOP, "--provider", "sim", "-o", out))
        self.assertIn("simulated model", r.stdout)
        files = tree(out)
        self.assertGreaterEqual(sum(f.endswith(".go") for f in files), 40)
        for name in ("go.mod", "Dockerfile", "Makefile", "README.md", ".gitignore"):
            self.assertIn(name, files)
        if have_go():
            r = self.ok(self.c.gc("validate", out, "--report", self.c.dir / "v.json"))
            self.assertTrue(json.loads((self.c.dir / "v.json").read_text())["passed"])

    def test_second_run_changes_and_starts_nothing(self):
        out = self.c.dir / "out"
        self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out))
        before = {p: os.stat(out / p).st_mtime_ns for p in tree(out)}
        self.ok(self.c.gc("check", TODO, "--provider", "sim", "-o", out))
        r = self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out, "--metrics",
                              self.c.dir / "m.json"))
        self.assertEqual(before, {p: os.stat(out / p).st_mtime_ns for p in tree(out)})
        self.assertEqual(json.loads((self.c.dir / "m.json").read_text())["batching"]["llm_calls"], 0)
        self.assertNotIn("error", r.stderr)

    def test_dry_run_leaves_no_trace(self):
        out = self.c.dir / "out"
        r = self.ok(self.c.gc(SHOP, "--dry-run", "-o", out))
        self.assertRegex(r.stdout, r"Estimated cost: \$\d+\.\d{4}")
        self.assertLess(r.stdout.index("Estimated cost"), len(r.stdout))
        self.assertFalse(out.exists())

    def test_explicit_files_and_markdown_and_json_specs(self):
        for spec in (EXPLICIT, ROOT / "examples/notes.md", ROOT / "examples/library.json"):
            with self.subTest(spec=spec.name):
                out = self.c.dir / spec.stem
                self.ok(self.c.gc(spec, "--provider", "sim", "-o", out))
                if have_go():
                    self.ok(self.c.gc("validate", out))

    def test_wrong_specs_cost_nothing_and_name_the_place(self):
        self.c.start_sim()
        bad = self.c.dir / "bad.yaml"
        bad.write_text("name: x\nentities:\n  - name: A\n    fields:\n      b: Missing[]\n"
                       "relationships:\n  - {from: A, to: Nobody, type: has_many}\nname: y\n")
        r = self.ok(self.c.gc(bad, "-o", self.c.dir / "out"), 2)
        self.assertRegex(r.stderr, rf"{bad}:\d+:\d+: error: ")
        empty = self.c.dir / "empty.yaml"
        empty.write_text("")
        r = self.ok(self.c.gc(empty, "-o", self.c.dir / "out"), 2)
        self.assertIn(f"{empty}:1:1: error", r.stderr)
        self.assertEqual(self.c.ledger(), [])

    def test_hand_edits_are_kept(self):
        out = self.c.dir / "out"
        self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out))
        edited = next(p for p in tree(out) if p.endswith("_service.go"))
        with open(out / edited, "a") as f:
            f.write("\n// by hand\n")
        text = (out / edited).read_text()
        r = self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out))
        self.assertIn(edited, r.stderr)
        self.assertEqual((out / edited).read_text(), text)
        self.ok(self.c.gc("check", TODO, "--provider", "sim", "-o", out), 1)
        self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out, "--force"))
        self.assertEqual((out / edited).read_text(), text)
        self.assertTrue((out / (edited + ".gc-new")).exists())
        self.ok(self.c.gc(TODO, "--provider", "sim", "-o", out, "--on-edit", "overwrite"))
        self.assertNotIn("by hand", (out / edited).read_text())

    def test_all_commands_read_one_list(self):
        spec, out = self.c.dir / "spec.yaml", self.c.dir / "out"
        text = ("name: parts\nfiles:\n- {path: a.go, purpose: first}\n"
                "- {path: b.go, purpose: next, depends_on: [a.go]}\n"
                "- {path: c/c.go, purpose: other}\n")
        args = (spec, "--provider", "sim", "-o", out)
        spec.write_text(text + "- {path: d/d.go, purpose: old}\n- {path: e/e.go, purpose: old}\n")
        self.ok(self.c.gc(*args))
        with open(out / "e/e.go", "a") as f:
            f.write("\n// by hand\n")
        (out / "c/c.go").unlink()
        spec.write_text(text.replace("first", "another"))
        listed = json.loads(self.ok(self.c.gc("explain", "--json", *args)).stdout)
        want = {"a.go": "generate", "b.go": "pending", "c/c.go": "restore", "d/d.go": "remove",
                "e/e.go": "leave"}
        self.assertEqual({f["path"]: f["action"] for f in listed if f["action"] != "keep"}, want)
        why = {f["path"]: f["reason"] for f in listed}
        self.assertIn("API of a.go", why["b.go"])
        checked = json.loads(self.ok(self.c.gc("check", "--json", *args), 1).stdout)["files"]
        self.assertEqual({f["path"]: f["reason"] for f in checked}, {p: why[p] for p in want})
        dry = json.loads(self.ok(self.c.gc(*args, "--dry-run", "--json")).stdout)
        self.assertEqual([f["path"] for f in dry["orphans"]], ["d/d.go", "e/e.go"])
        self.assertEqual({f["path"]: f["reason"] for f in dry["files"] + dry["orphans"]}, why)
        ran = json.loads(self.ok(self.c.gc(*args, "--json")).stdout)
        self.assertEqual(ran["incremental"]["removed"], 1)
        self.assertTrue((out / "c/c.go").exists())
        self.assertEqual([(out / p).exists() for p in ("d/d.go", "e/e.go")], [False, True])
        advice = self.ok(self.c.gc("check", *args), 1).stderr
        self.assertIn("remove what is no longer planned", advice)
        self.assertNotIn("overwrite", advice)
        (out / "e/e.go").unlink()
        self.ok(self.c.gc("check", *args), 1)
        self.ok(self.c.gc(*args))
        self.ok(self.c.gc("check", *args))

    def test_interrupt_says_how_to_go_on_and_pays_only_the_rest(self):
        self.c.start_sim("--ttft", 100, "--tokens-per-second", 400)
        out = self.c.dir / "out"
        p = self.c.gc_start(CLINIC, "-o", out, "--workers", 1, "--progress", "plain",
                            GC_CLUSTER_SLOTS="2")
        wait_for("some answers", lambda: len(self.c.ledger()) >= 3)
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(30), 130)
        words = said(p)
        self.assertIn("--resume", words)
        done = {f["sha256"] for e in self.c.ledger() if e["completed"] for f in e["files"]}
        self.c.sim.kill()
        self.c.journal.rename(self.c.dir / "first.jsonl")
        self.c.start_sim()
        self.ok(self.c.gc(CLINIC, "-o", out, "--resume"))
        again = [f["sha256"] for e in self.c.ledger() for f in e["files"]]
        self.assertEqual(set(again) & done, set())

    def test_missing_key_is_said_at_once_and_what_needs_none_is_made(self):
        r = self.c.gc(TODO, "-o", self.c.dir / "out", ANTHROPIC_API_KEY="")
        self.ok(r, 7)
        self.assertIn("set ANTHROPIC_API_KEY", r.stderr.split("error: ")[1])
        self.assertTrue((self.c.dir / "out/go.mod").exists())
        done, planned = re.search(r"(\d+) of (\d+) files are done", r.stderr).groups()
        r = self.c.gc(TODO, "-o", self.c.dir / "dry", "--dry-run", ANTHROPIC_API_KEY="")
        self.assertEqual(len(re.findall(r"(?m)^  generate +template ", r.stdout)), int(done))
        self.ok(self.c.gc(TODO, "-o", self.c.dir / "out", "--resume", "--provider", "sim"), 0)


if __name__ == "__main__":
    unittest.main()
