"""docs/faults.md names tests: each is there."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`((?:unit|integration|chaos)/[\w/]+)`(?: \(([^()]*)\))?")


class FaultsPage(unittest.TestCase):
    def test_every_test_it_names_exists(self):
        named = NAMED.findall((ROOT / "docs/faults.md").read_text())
        self.assertGreater(len(named), 30)
        for path, parts in named:
            files = list((ROOT / "tests").glob(path + ".*"))
            self.assertEqual(len(files), 1, path)
            text = files[0].read_text()
            for part in re.findall(r"`(\w+)…?`", parts):
                self.assertTrue(re.search(rf"test_\w*{part}", text), f"{path}: {part}")
            for name in re.findall(r"\b[A-Z]\w+", parts):
                self.assertTrue(f"class {name}" in text, f"{path}: {name}")


if __name__ == "__main__":
    unittest.main()
