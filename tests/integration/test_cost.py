"""What a run costs: the metrics against the simulator's journal, to the cent's fraction."""

import json
import subprocess
import unittest

from cluster import BIN, CLINIC, ROOT, TODO, Case


class Cost(Case):
    def test_no_switch_alone_costs_more_than_none(self):
        """The benchmark itself compares journal, totals and files of each of its runs."""
        r = subprocess.run([str(ROOT / "tests/bench/cost"), "--bin", str(BIN), str(TODO)],
                           capture_output=True, text=True, timeout=300, check=False)
        self.ok(r)
        self.assertIn("All against none: calls -", r.stdout)


if __name__ == "__main__":
    unittest.main()
