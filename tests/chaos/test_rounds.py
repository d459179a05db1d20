"""Five rounds of random faults; GC_CHAOS_ROUNDS and GC_CHAOS_SEED for more and others."""

import os
import unittest

from rounds import play


class Rounds(unittest.TestCase):
    def test_rounds(self):
        first = int(os.environ.get("GC_CHAOS_SEED", "1"))
        for seed in range(first, first + int(os.environ.get("GC_CHAOS_ROUNDS", "5"))):
            with self.subTest(seed=seed):
                play(seed)


if __name__ == "__main__":
    unittest.main()
