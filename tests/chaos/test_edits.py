"""Twelve random edits; tests/chaos/edits.py for more."""

import unittest

from edits import play


class Edits(unittest.TestCase):
    def test_incremental_equals_clean(self):
        self.assertGreater(play(12, 7), 0)


if __name__ == "__main__":
    unittest.main()
