"""A run that finds nothing to do knows it from stamps, and is never wrong about it."""

import fcntl
import json
import os
import re
import shutil
import unittest

from cluster import EXPLICIT, ROOT, TODO, Case, tree

SEEN = ".gocreator/cache/seen"


class NullRun(Case):
    def setUp(self):
        super().setUp()
        self.out = self.c.dir / "out"
        self.spec = self.c.dir / "spec.yaml"
        self.spec.write_text(TODO.read_text())
        self.run_once()
        self.run_once()  # the first that finds nothing to do leaves the record
        self.seen = self.out / SEEN
        self.assertTrue(self.has_result(), "no null run was recorded")

    def run_once(self, *args, spec=None, code=0, **env):
        return self.ok(self.c.gc("generate", spec or self.spec, "--provider", "sim", "-o",
                                 self.out, *args, **env), code)

    def has_result(self):
        """The key lies behind magic, seal and time; without a result it is zero."""
        return any(self.seen.read_bytes()[48:80])

    def check(self, code=0, *args):
        return self.ok(self.c.gc("check", self.spec, "--provider", "sim", "-o", self.out,
                                 *args), code)

    def states(self):
        return {p: os.stat(self.out / p).st_mtime_ns for p in tree(self.out)}

    def settle(self):
        """Lets the record take in files that were touched a moment ago."""
        self.run_once()
        self.run_once()
        self.assertTrue(self.has_result())

    def a_file(self, end="_service.go"):
        return self.out / next(p for p in sorted(tree(self.out)) if p.endswith(end))

    def test_says_and_leaves_the_same_as_the_whole_way(self):
        before = self.states()
        quick = self.run_once()
        self.seen.unlink()
        whole = self.run_once()
        line = lambda r: [l for l in r.stdout.splitlines() if "Duration" not in l
                          and "Improvement" not in l]
        self.assertEqual(line(quick), line(whole))
        said = lambda r: re.sub(r" in [0-9.]+ s", "", r.stderr)
        self.assertEqual(said(quick), said(whole))
        self.assertEqual(before, self.states())
        self.assertIn("files agree", self.check().stdout)
        self.assertEqual(json.loads(self.check(0, "--json").stdout),
                         {"ok": True, "files": []})

    def test_metrics_name_every_file(self):
        self.run_once("--metrics", self.c.dir / "m.json")
        metrics = json.loads((self.c.dir / "m.json").read_text())
        self.assertEqual(len(metrics["files"]), len(tree(self.out)))
        self.assertTrue(all(f["sha256"] for f in metrics["files"]))

    def test_edit_of_the_spec_is_seen(self):
        text = self.spec.read_text()
        self.spec.write_text("# a comment\n" + text)
        before = self.states()
        self.run_once()
        self.assertEqual(before, self.states())
        self.spec.write_text(re.sub(r"description: .*", "description: Another", text, 1))
        self.check(1)
        self.run_once()
        self.assertNotEqual(before, self.states())
        self.check()

    def test_comments_need_no_plan(self):
        """Other bytes that say the same: the tree of the specification tells."""
        shutil.rmtree(self.out)
        plain = ("name: plain\nmodule: example.com/plain\nfiles:\n"
                 "  - {path: a.go, purpose: first}\n  - {path: b.go, purpose: second}\n")
        edit = lambda text: (self.spec.write_text(text),
                             self.run_once("--log-level", "debug").stderr)[1]
        edit(plain)
        edit(plain)
        state = (self.out / ".gocreator/state.json").read_bytes()
        self.assertNotIn("spec.same", edit(plain))  # not even read
        self.assertIn("spec.same", edit("# a comment\n\n" + plain.replace(": first", ":  first")))
        self.assertNotIn("spec.same", edit(self.spec.read_text()))
        self.assertEqual(state, (self.out / ".gocreator/state.json").read_bytes())
        self.check()
        self.assertNotIn("spec.same", edit(plain.replace("second", "another")))
        self.assertNotEqual(state, (self.out / ".gocreator/state.json").read_bytes())
        edit(plain.replace("second", "another"))
        with open(self.out / "a.go", "a") as out:
            out.write("// mine\n")
        said = edit("# by hand, too\n" + self.spec.read_text())
        self.assertNotIn("spec.same", said)
        self.assertIn("changed by hand", said)

    def test_other_model_effort_and_prompt_are_seen(self):
        self.ok(self.c.gc("check", self.spec, "--provider", "sim", "-o", self.out,
                          "--model", "claude-haiku-5-5"), 1)
        self.ok(self.c.gc("check", self.spec, "--provider", "sim", "-o", self.out,
                          GC_LLM_EFFORT="high"), 1)
        prompts = self.c.dir / "prompts"
        prompts.mkdir()
        for source in (ROOT / "templates/prompts").glob("*.md"):
            (prompts / source.name).write_text(source.read_text())
        use = {"GC_LLM_PROMPTS_DIRECTORY": str(prompts)}
        self.run_once(**use)
        self.run_once(**use)
        self.ok(self.c.gc("check", self.spec, "--provider", "sim", "-o", self.out, **use))
        for file in prompts.glob("*.md"):
            file.write_text(file.read_text() + "\nMind the gap.\n")
        self.ok(self.c.gc("check", self.spec, "--provider", "sim", "-o", self.out, **use), 1)

    def test_other_template_is_seen(self):
        templates = self.c.dir / "templates"
        templates.mkdir()
        makefile = templates / "makefile.tmpl"
        makefile.write_text((ROOT / "templates/project/makefile.tmpl").read_text())
        use = {"GC_TEMPLATES_DIRECTORY": str(templates)}
        self.run_once(**use)
        self.run_once(**use)
        makefile.write_text(makefile.read_text() + "# more\n")
        self.run_once(**use)
        self.assertIn("# more", (self.out / "Makefile").read_text())

    def test_edit_by_hand_is_seen_even_with_the_old_time(self):
        path = self.a_file()
        info, text = os.stat(path), path.read_text()
        path.write_text(text.replace("package", "PACKAGE", 1).replace("PACKAGE", "package")[:-1]
                        + " ")  # the same length
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
        self.check(1)
        self.assertIn("changed by hand", self.run_once().stderr)
        self.assertIn("changed by hand", self.run_once().stderr)  # and says it again
        path.write_text(text)
        self.check()

    def test_touched_file_costs_a_look_only(self):
        before = (self.out / ".gocreator/state.json").read_bytes()
        for path in tree(self.out):
            os.utime(self.out / path)
        self.check()
        self.run_once()
        self.assertEqual(before, (self.out / ".gocreator/state.json").read_bytes())
        self.assertTrue(self.has_result())

    def test_removed_and_restored_files_are_seen(self):
        path = self.a_file()
        text, old = path.read_text(), os.stat(path)
        path.unlink()
        self.check(1)
        self.run_once()
        self.assertEqual(path.read_text(), text)
        self.settle()
        path.write_text("package old\n")
        os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns - 10**12))
        self.check(1)

    def test_link_in_place_of_a_file_is_no_file(self):
        path = self.a_file()
        twin = self.c.dir / "twin.go"
        path.rename(twin)
        path.symlink_to(twin)
        self.assertNotEqual(self.c.gc("check", self.spec, "--provider", "sim", "-o",
                                      self.out).returncode, 0)

    def test_edited_state_is_seen(self):
        state = self.out / ".gocreator/state.json"
        entries = json.loads(state.read_text())
        path = self.a_file().relative_to(self.out).as_posix()
        entries["files"][path]["fingerprint"] = "0" * 64
        state.write_text(json.dumps(entries))
        self.check(1)
        state.unlink()
        self.check(1)

    def test_damaged_record_is_made_again(self):
        good = self.seen.read_bytes()
        for bad in (b"", good[:-1], good[:60] + b"\xff" + good[61:], b"GCSEEN1\n" + bytes(200)):
            self.seen.write_bytes(bad)
            self.check()
            self.run_once()
            self.assertTrue(self.has_result())

    def test_force_takes_the_whole_way(self):
        self.assertRegex(self.run_once("--force").stdout, r"\b0 unchanged")

    def test_second_coordinator_is_refused(self):
        with open(self.out / ".gocreator/lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("another coordinator", self.run_once(code=1).stderr)

    def test_explicit_files(self):
        self.out = self.c.dir / "listed"
        self.seen = self.out / SEEN
        self.run_once(spec=EXPLICIT)
        self.run_once(spec=EXPLICIT)
        self.assertTrue(self.has_result())
        path = self.a_file(".go")
        path.write_text(path.read_text() + "\nfunc More() {}\n")
        self.assertIn("changed by hand", self.run_once(spec=EXPLICIT).stderr)


if __name__ == "__main__":
    unittest.main()
