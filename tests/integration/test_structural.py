"""Go that templates write, for entities that nobody would expect: it builds, passes vet, gofmt
and its own tests. What they write for the examples is as gofmt has it."""
import subprocess
import unittest

from cluster import ROOT, Cluster, have_go

SPECS = sorted(p for folder in ("examples", "../shared/specs")
               for p in (ROOT / folder).glob("*") if p.name != "README.md")

RULES = r"""
  - name: Rule
    package: shared
    description: "Quotes ``a'' `b`, */ and \u202e // +build"
    attributes:
      id: {type: enum, values: [north, "east side"]}
      name: {type: string, required: true, min_length: 3, max_length: 10}
      nick: {type: string, min_length: 2, max_length: 5}
      note: {type: "string?", min_length: 2, max_length: 5}
      must: {type: "string?", required: true, max_length: 5}
      mail: {type: email, required: true, max_length: 50}
      mails: {type: "[]email", required: true, max_items: 5}
      web: {type: "url?"}
      uri: {type: string, format: uri}
      uid: {type: uuid}
      tel: {type: phone, required: true}
      day: {type: string, format: date}
      clock: {type: string, format: time}
      moment: {type: string, format: date-time}
      host: {type: ip}
      code: {type: string, required: true, pattern: "^[A-Z]{2,3}-\\d+(\\.[0-9]+)?$"}
      free: {type: string, pattern: "[^a-z`]+", min_length: 4}
      percent: {type: int, min: 0, max: 100}
      week: {type: int, min: 1, max: 7}
      day_no: {type: int, min: 1, max: 7, required: true}
      small: {type: int8, min: -1000, max: 1000}
      u: {type: uint, min: 1, max: 5}
      neg: {type: "int?", min: -5, max: -1, required: true}
      rate: {type: float, min: 0.5, max: 1.5}
      ratio: {type: float32, min: 0.1, max: 1, required: true}
      level: {type: int, values: [1, 2, 3], required: true}
      state: {type: enum, values: [on, off, "it's \"x\" 100%"], required: true}
      maybe: {type: "enum?", values: [a, b]}
      kinds: {type: "[]enum", values: [a, b], required: true, min_items: 2}
      perm: {type: "map[string]enum", values: [a, b], required: true}
      labels: {type: "map[string]string", required: true}
      data: {type: bytes, required: true, min_length: 2, max_length: 8}
      raw: {type: any, required: true}
      due: {type: "timestamp?", required: true}
      beta: {type: Beta, required: true}
      betas: {type: "[]Beta", required: true}
      gamma: {type: Gamma, required: true}
      validate: {type: "bool?", required: true}
      größe: {type: int, min: 1, required: true}
"""

ENTITIES = """
packages: [{name: shared, path: internal/shared, purpose: several entities in one package}]
entities:
  - {name: Empty, package: shared, description: without a field}
  - name: Alpha
    package: shared
    attributes:
      id: {type: enum, values: [north, "east side"]}
      by_name: {type: "map[string][]string"}
      score: {type: "float64?"}
      data: {type: bytes, unique: true}
      seen: {type: timestamp, unique: true, nullable: true}
      delay: {type: duration, unique: true}
      beta: {type: Beta, unique: true}
      clone: {type: string, unique: true}
  - name: Beta
    package: shared
    attributes: {id: int8, gammas: "[]Gamma", ptrs: "map[string]Gamma"}
  - {name: Gamma, attributes: {id: timestamp, note: "string?"}}
  - name: Größe
    package: shared
    attributes: {id: float64, maß: {type: string, unique: true}}
  - {name: Item, package: shared, attributes: {id: int64, items: "[]Gamma"}}
"""
KEYS = """
  - name: Country
    attributes:
      code: {type: string, required: true, max_length: 2, primary_key: true}
      name: {type: string, required: true}
  - name: Book
    attributes: {isbn: {type: int64, primary_key: true}, origin: {type: Country}}
  - name: Level
    attributes: {level: {type: enum, values: [low, high], primary_key: true}, text: string}
  - name: Pair
    attributes: {left: {type: string, primary_key: true}, right: {type: int, primary_key: true}}
api_contracts:
  - {method: POST, endpoint: /countries, request: "{code, name}", response: Country}
  - {method: PUT, endpoint: "/countries/{code}", request: "{name}", response: Country}
  - {method: POST, endpoint: /books, response: Book}
  - {method: GET, endpoint: "/books/{isbn}", response: Book}
  - {method: POST, endpoint: /levels, response: Level}
  - {method: POST, endpoint: /pairs, response: Pair}
"""
OLD = "build_config: {go_version: '1.19'}\n"  # no patterns in paths, no slog


@unittest.skipUnless(have_go(), "no Go toolchain")
class Structural(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(self.cluster.close)

    def check(self, text):
        spec, out = self.cluster.dir / "spec.yaml", self.cluster.dir / "out"
        spec.write_text(text)
        done = self.cluster.gc("full", spec, "--provider", "sim", "-o", out)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return out / "internal"

    def test_service(self):
        internal = self.check("name: odd\nmodule: odd\nkind: http\n" + ENTITIES + RULES + KEYS)
        self.assertIn("sync.RWMutex", (internal / "shared/alpha_store.go").read_text())
        self.assertIn("func (m *Rule) Validate2() error", (internal / "shared/rule.go").read_text())
        self.assertIn("gamma.NewHandler(", (internal / "server/router.go").read_text())
        self.assertNotIn("ID ", (internal / "country/country.go").read_text())
        self.assertIn("newItem.Code = r.Code", (internal / "country/country_handler.go").read_text())

    def test_program_of_an_old_go(self):
        internal = self.check("name: odd\nmodule: odd\nkind: cli\n" + OLD + ENTITIES)
        self.assertIn("os.Rename", (internal / "shared/alpha_store.go").read_text())
        self.assertNotIn("errors.Join", (internal / "config/config.go").read_text())

    def test_examples_are_as_gofmt_has_them(self):
        for spec in SPECS:
            out = self.cluster.dir / "trees" / spec.stem
            done = self.cluster.gc(spec, "--provider", "sim", "-o", out, "--yes")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = subprocess.run(["gofmt", "-l", self.cluster.dir / "trees"], capture_output=True,
                              text=True, timeout=120, check=False)
        self.assertEqual(done.stdout + done.stderr, "")


if __name__ == "__main__":
    unittest.main()
