"""What is in a prompt and why, and the layout that costs least: nothing is sent for it."""

import json
import re
import unittest

from cluster import CLINIC, Case

SPEC = """name: shop
entities:
- {name: Age, attributes: {id: uuid, years: int}}
- {name: Order, attributes: {id: uuid, total: {type: decimal, description: in cents}}}
- {name: OrderItem, attributes: {id: uuid, order: Order, amount: int}}
requirements: [Every order has a number, Everything is logged]
files:
- {path: shop/order_item.go, purpose: One line of it}
- {path: shop/page.go, purpose: Splits lists into pages}
"""

CHOICE = re.compile(r"^  ([* ]) \$([0-9.]+)  ([^(\n]+?)(?: \((.*)\))?$", re.M)


class Context(Case):
    def setUp(self):
        super().setUp()
        self.spec = self.c.dir / "shop.yaml"
        self.spec.write_text(SPEC)
        self.out = self.c.dir / "out"

    def look(self, *args):
        r = self.ok(self.c.gc(*args, "--provider", "sim", "-o", self.out))
        self.assertFalse(self.out.exists())
        return r.stdout

    def test_a_file_gets_its_entity_and_names_its_neighbour(self):
        text = self.look("explain", self.spec, "shop/order_item.go")
        self.assertIn("entity OrderItem: its own", text)
        self.assertIn("neighbour Order: field Order of OrderItem refers to it", text)
        self.assertIn("Related entity Order: key ID string", text)
        self.assertNotIn("in cents", text)
        self.assertRegex(text, r"tokens, estimated: \d+ that all prompts share")
        self.assertNotIn("Age", self.look("explain", self.spec, "shop/page.go"))

    def test_explain_as_json(self):
        told = json.loads(self.look("explain", "--json", self.spec, "shop/page.go"))
        self.assertEqual(["requirement"], [r["what"] for r in told["prompt"]["context"]])
        self.assertEqual("names no entity: goes to all", told["prompt"]["context"][0]["why"])
        self.assertGreater(told["prompt"]["tokens"]["shared"], 1000)

    def test_dry_run_takes_the_cheapest_layout(self):
        text = self.look(CLINIC, "--dry-run")
        self.assertTrue(re.search(r"\$", text).start() > text.index("Estimated cost: "))
        self.assertEqual(text, self.look(CLINIC, "--dry-run"))
        rows = CHOICE.findall(text)
        self.assertEqual(8, len(rows))
        taken = [float(usd) for mark, usd, _, refused in rows if mark == "*"]
        self.assertEqual([min(float(usd) for _, usd, _, refused in rows if not refused)], taken)

    def test_without_filter_and_cache_there_is_no_choice(self):
        text = self.look(CLINIC, "--dry-run", "--no-optimization")
        self.assertIn("Layout of the prompts: whole specification, whole symbol table, "
                      "not cached\n", text)


if __name__ == "__main__":
    unittest.main()
