"""A generated project in a git repository: branches, merges, clones, checkouts with CR LF. What
nobody changed costs nothing and is not called an edit."""

import shutil
import subprocess
import unittest

from cluster import Case, tree

SPEC = """name: atlas
kind: http
entities:
- {name: Country, attributes: {id: uuid, name: string}}

- {name: Address, attributes: {id: uuid, street: string}}
files:
- {path: atlas/country.go, purpose: Countries, entities: [Country]}
- {path: atlas/address.go, purpose: Addresses, entities: [Address]}
"""
WHO = ("-c", "user.name=u", "-c", "user.email=u@example.com", "-c", "init.defaultBranch=main")


@unittest.skipUnless(shutil.which("git"), "needs git")
class Git(Case):
    def setUp(self):
        super().setUp()
        self.c.start_sim()
        self.here = self.c.dir / "repo"
        self.here.mkdir()
        self.git("init", "-q")
        self.write(SPEC)
        self.generate()
        self.commit("first")

    def git(self, *args, code=0):
        r = subprocess.run(["git", *WHO, *map(str, args)], cwd=self.here, capture_output=True,
                           text=True, check=False)
        self.assertEqual(r.returncode, code, r.stdout + r.stderr)
        return r.stdout

    def commit(self, what):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", what)

    def write(self, text):
        (self.here / "spec.yaml").write_text(text)

    def add_field(self, entity, name):
        text = (self.here / "spec.yaml").read_text()
        self.write(text.replace(f"{entity}, attributes: {{id: uuid,",
                                f"{entity}, attributes: {{id: uuid, {name}: string,"))

    def generate(self, *more):
        """What it said, and the paths that were paid."""
        before = len(self.c.ledger())
        r = self.ok(self.c.gc(self.here / "spec.yaml", "-o", self.here, *more))
        asked = [f["path"] for e in self.c.ledger()[before:] for f in e.get("files", [])]
        return r.stderr, sorted(asked)

    def check(self, code):
        return self.ok(self.c.gc("check", self.here / "spec.yaml", "-o", self.here), code)

    def move_to_clone(self):
        """Another machine: none of what .gocreator/.gitignore ignores is there."""
        clone = self.c.dir / "clone"
        subprocess.run(["git", "clone", "-q", self.here, clone], check=True)
        self.here = clone

    def test_two_branches_meet(self):
        self.git("checkout", "-q", "-b", "branch")
        self.add_field("Country", "code")
        self.assertEqual(self.generate()[1], ["atlas/country.go"])
        self.commit("code")
        self.git("checkout", "-q", "main")
        self.check(0)
        self.add_field("Address", "town")
        self.assertEqual(self.generate()[1], ["atlas/address.go"])
        self.commit("town")
        self.move_to_clone()
        self.git("merge", "origin/branch", code=1)
        self.assertIn("<<<<<<<", (self.here / ".gocreator/state.json").read_text())
        files = tree(self.here)
        check = self.check(1)
        self.assertIn(".gocreator/state.json: holds both sides of a merge", check.stdout)
        self.assertNotIn("atlas/", check.stdout)
        said, asked = self.generate()
        self.assertIn("holds both sides of a git merge", said)
        self.assertEqual(asked, [], "both were paid already")
        self.assertEqual(tree(self.here), files)
        self.check(0)
        self.assertEqual(self.generate()[1], [])
        self.assertNotIn("<<<<<<<", (self.here / ".gocreator/state.json").read_text())

    def test_reasons_are_those_of_the_branch(self):
        self.git("checkout", "-q", "-b", "branch")
        self.add_field("Country", "code")
        self.generate()
        self.commit("code")
        self.git("checkout", "-q", "main")
        self.add_field("Country", "flag")
        said = self.check(1).stdout
        self.assertNotIn("Country.code", said, "main never had it")
        self.assertIn("atlas/country.go: inputs changed: what they were is not on record", said)

    def test_checkout_with_crlf_is_no_edit(self):
        for path in self.here.glob("atlas/*.go"):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        files = tree(self.here)
        self.check(0)
        self.assertEqual(self.generate()[1], [])
        self.assertEqual(tree(self.here), files)
        self.check(0)
        self.add_field("Country", "code")
        said, asked = self.generate()
        self.assertEqual(asked, ["atlas/country.go"])
        self.assertNotIn("changed by hand", said)
        self.assertFalse((self.here / "atlas/country.go.gc-new").exists())
        self.check(0)
        with open(self.here / "atlas/address.go", "ab") as file:
            file.write(b"// mine\r\n")
        self.assertIn("atlas/address.go: changed by hand", self.check(1).stdout)


if __name__ == "__main__":
    unittest.main()
