"""What is in a prompt and why, the layout that costs least, and prompts that fill a window."""

import json
import re
import unittest

from cluster import CLINIC, TODO, Case, tree
from proxy import Wiretap

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

SERVED = """name: library
entities:
- {name: Author, attributes: {id: uuid, name: string}}
- {name: Book, attributes: {id: uuid, title: {type: string, description: "shorter than <30>"},
                            author: Author}}
requirements: [A book has a title, Everything is logged]
api_contracts:
- GET /books
- {method: POST, endpoint: /books, request: "{title, author_id}", response: Book}
- POST /books/{id}/lend
- GET /version
"""

LENGTH = re.compile(rb"content-length: *(\d+)", re.I)


def requests(recorded):
    """The JSON bodies of all POST requests in a stream of bytes."""
    found = []
    for head in recorded.split(b"POST /v1/messages")[1:]:
        head, _, body = head.partition(b"\r\n\r\n")
        found.append(json.loads(body[:int(LENGTH.search(head).group(1))]))
    return found


def tail_of(body):
    """The last block of the last message: what this call alone brings."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else content[-1]["text"]


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

    def test_contracts_go_to_those_who_serve_them(self):
        spec = self.c.dir / "library.yaml"
        spec.write_text(SERVED)
        store = "internal/book/book_store.go"
        text = self.look("explain", spec, store, "--no-optimization")
        self.assertNotIn("Contract ", text)
        self.assertIn("without contracts of its entities (3): such a file serves none", text)
        text = self.look("explain", spec, "internal/book/book_service.go")
        self.assertIn("contract POST /books/{id}/lend: is about Book and says more than its "
                      "methods do", text)
        self.assertIn("(1): they say no more than its methods do", text)
        router = "internal/server/router.go"
        text = self.look("explain", spec, router)
        self.assertIn("contract GET /version: belongs to no entity", text)
        self.assertNotIn("/books", text)

    def test_what_explain_shows_is_what_is_sent(self):
        """Every slice byte by byte; alone in their calls and uncached, tails have slices."""
        self.c.ask_for_every_go_file()
        spec, config = self.c.dir / "library.yaml", self.c.dir / "alone.yaml"
        spec.write_text(SERVED)
        config.write_text("optimization: {batching: {enabled: false}, "
                          "prompt_caching: {enabled: false}}\n")
        self.c.start_sim()
        tap = Wiretap(("127.0.0.1", int(self.c.sim_url.rpartition(":")[2])))
        self.addCleanup(tap.close)
        self.ok(self.c.gc(spec, "-o", self.out, "-c", config,
                          ANTHROPIC_BASE_URL=f"http://127.0.0.1:{tap.port}"))
        seen = set()
        for tail in map(tail_of, requests(tap.recorded())):
            path, = re.findall(r'<generate path="([^"]+)"', tail)
            sent = re.findall(r"<task_context>\n(.*?)\n?</task_context>", tail, re.S)
            told = json.loads(self.ok(self.c.gc("explain", "--json", spec, path, "-c", config,
                                                "-o", self.c.dir / "other")).stdout)
            self.assertEqual([told["prompt"]["slice"].rstrip("\n")] if told["prompt"]["slice"]
                             else [], [s.replace("&lt;", "<") for s in sent], path)
            seen.add(path)
        self.assertIn("internal/book/book_store.go", seen)
        self.assertGreater(len(seen), 20)

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


class Window(Case):
    """A small window: calls get smaller, never the text in them."""

    WINDOW = 20000
    BYTES_PER_TOKEN = 2.9  # as the models table has it for the default model

    def setUp(self):
        super().setUp()
        self.c.ask_for_every_go_file()
        self.c.start_sim()
        self.tap = Wiretap(("127.0.0.1", int(self.c.sim_url.rpartition(":")[2])))
        self.addCleanup(self.tap.close)
        models = self.c.dir / "models.yaml"
        models.write_text(f"models: {{claude-sonnet-5-5: {{context_tokens: {self.WINDOW}}}}}\n")
        large = "optimization: {batching: {spread_cost: 0}, parallelization: {max_workers: 2}}\n"
        self.wide, self.small = self.c.dir / "wide.yaml", self.c.dir / "small.yaml"
        self.wide.write_text(large)
        self.small.write_text(large + f"llm: {{models_file: {models}}}\n")

    def generate(self, name, config, spec=TODO, code=0, *args):
        """The run, and what it asked for."""
        self.c.journal.unlink(missing_ok=True)
        known = len(requests(self.tap.recorded()))
        r = self.ok(self.c.gc(spec, "-o", self.c.dir / name, "-c", config, *args,
                              ANTHROPIC_BASE_URL=f"http://127.0.0.1:{self.tap.port}"), code)
        return r, requests(self.tap.recorded())[known:]

    def tokens(self, body):
        texts = [b["text"] for b in body["system"]]
        for message in body["messages"]:
            texts += [b["text"] for b in message["content"]]
        return sum(len(t.encode()) for t in texts) / self.BYTES_PER_TOKEN + body["max_tokens"]

    def test_tasks_are_split_and_nothing_is_truncated(self):
        _, few = self.generate("wide", self.wide)
        self.assertGreater(max(map(self.tokens, few)), 0.8 * self.WINDOW)
        _, many = self.generate("small", self.small)
        self.assertGreater(len(many), len(few))
        self.assertLessEqual(max(map(self.tokens, many)), 0.8 * self.WINDOW)
        self.same(self.c.dir / "wide", self.c.dir / "small")

        def asked(bodies):
            return sorted(e for b in bodies for e in
                          re.findall(r"<generate .*?(?:/>|</generate>)", tail_of(b), re.S))
        self.assertEqual(asked(few), asked(many))  # promises whole

    def test_a_file_that_never_fits_is_named_with_the_fix(self):
        spec = self.c.dir / "big.yaml"
        fields = "".join(f"      number_of_things_{i}: {{type: int, description: "
                         f"how many of kind {i} there are in the cupboard}}\n" for i in range(300))
        spec.write_text("name: big\nentities:\n- {name: Small, attributes: {id: uuid}}\n"
                        f"- name: Large\n  attributes:\n      id: uuid\n{fields}")
        problem = (r"internal/large/large_service.go.*: about \d+ tokens of prompt and \d+ of "
                   r"answer are more than 16000, which is 80% of the window of "
                   r"claude-sonnet-5-5 \(20000\); give the file fewer entities, shorten the "
                   r"specification or take a model with a larger window")
        r = self.ok(self.c.gc(spec, "-o", self.c.dir / "big", "-c", self.small, "--dry-run"))
        self.assertRegex(r.stderr, "warning: " + problem)
        r, asked = self.generate("big", self.small, spec, 4)
        self.assertRegex(r.stderr, "error: " + problem)
        self.assertNotIn("large_service.go\" package", "".join(map(tail_of, asked)))
        made = tree(self.c.dir / "big")
        self.assertIn("internal/small/small_service.go", made)
        self.assertNotIn("internal/large/large_service.go", made)
        self.generate("big", self.wide, spec, 0, "--resume")
        self.assertIn("internal/large/large_service.go", tree(self.c.dir / "big"))


if __name__ == "__main__":
    unittest.main()
