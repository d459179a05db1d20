"""The manual page of gc-coordinator and its --help say the same."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ["GC_BIN_DIR"]) / "gc-coordinator"
PAGE = ROOT / "docs/man/gc-coordinator.1"
LONG = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")


def help_of(*words):
    return subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True,
                          check=True).stdout


def verbs():
    commands = help_of().split("Commands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  ([a-z-]+)", commands, re.M)


def options_of(verb):
    """The left column of the list of options."""
    names = set()
    for line in help_of(verb).split("Options:\n")[1].splitlines():
        names.update(re.findall(r"^  (?:-\w, |    )--([a-z-]+)", line))
    return names


def page():
    text = PAGE.read_text().replace("\\-", "-")
    return re.sub(r"\\f[A-Z]", "", text)


class Man(unittest.TestCase):
    def test_every_option_of_help_stands_in_the_page(self):
        described = set(LONG.findall(page()))
        found = set()
        for verb in verbs():
            options = options_of(verb)
            self.assertIn("help", options)
            found |= options
            self.assertEqual(options - described, set(), verb)
        self.assertGreater(len(found), 20)

    def test_the_page_has_no_option_that_no_command_takes(self):
        known = set().union(*(options_of(verb) for verb in verbs()))
        self.assertEqual(set(LONG.findall(page())) - known, set())

    def test_every_command_stands_in_the_page(self):
        commands = page().split(".SH COMMANDS")[1].split(".SH OPTIONS")[0]
        self.assertEqual(re.findall(r"^\.TP\n\.BI? ([a-z-]+)", commands, re.M), verbs())

    def test_short_options(self):
        for letter in set(re.findall(r"^  -(\w), ", "".join(map(help_of, verbs())), re.M)):
            self.assertRegex(page(), rf"\.BR? -{letter} ")

    def test_exit_codes(self):
        codes = set(re.findall(r"(\d+) [a-z]", help_of().split("Exit codes: ")[1]))
        status = page().split(".SH EXIT STATUS")[1].split(".SH FILES")[0]
        self.assertEqual(set(re.findall(r"^\.B (\d+)$", status, re.M)), codes)

    def test_the_other_name(self):
        self.assertEqual((ROOT / "docs/man/gocreator.1").read_text(),
                         ".so man1/gc-coordinator.1\n")

    def test_pages_are_well_formed(self):
        tool = shutil.which("groff")
        if not tool:
            self.skipTest("groff is not installed")
        for path in sorted((ROOT / "docs/man").glob("gc-*.1")):
            result = subprocess.run([tool, "-man", "-ww", "-z", path], capture_output=True,
                                    text=True, check=False)
            self.assertEqual((result.returncode, result.stderr), (0, ""), path.name)


if __name__ == "__main__":
    unittest.main()
