"""The worked example of the prompts is the code that models imitate: it must be formatted,
vetted and pass its own tests."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

PROMPTS = pathlib.Path(__file__).resolve().parents[2] / "templates" / "prompts"

# What the example's symbol table says of the package's other file.
NOTE = """package note

import "errors"

type Note struct {
	ID   string
	Text string
	Tags []string
}

var ErrNotFound = errors.New("not found")
"""


@unittest.skipUnless(shutil.which("go") and shutil.which("gofmt"), "no Go toolchain")
class PromptExample(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        files = json.loads((PROMPTS / "example_json.md").read_text())
        files.append({"path": "internal/note/note.go", "content": NOTE})
        files.append({"path": "go.mod", "content": "module example.org/app\n\ngo 1.22\n"})
        for file in files:
            path = self.root / file["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file["content"])

    def run_tool(self, *command):
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True,
                              timeout=240)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_is_formatted(self):
        self.assertEqual("", self.run_tool("gofmt", "-l", "."))

    def test_is_good_go(self):
        self.run_tool("go", "vet", "./...")
        self.run_tool("go", "test", "./...")


if __name__ == "__main__":
    unittest.main()
