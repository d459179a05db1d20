"""Stores and handlers that templates write, for entities that nobody would expect: they build,
pass vet, gofmt and their own tests."""
import unittest

from cluster import Cluster, have_go

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
  - {name: Größe, package: shared, attributes: {id: float64, maß: {type: string, unique: true}}}
  - {name: Item, package: shared, attributes: {id: int64, items: "[]Gamma"}}
"""
OLD = "build_config: {go_version: '1.19'}\n"  # no patterns in paths, no slog


@unittest.skipUnless(have_go(), "no Go toolchain")
class Structural(unittest.TestCase):
    def check(self, head):
        cluster = Cluster()
        self.addCleanup(cluster.close)
        spec, out = cluster.dir / "spec.yaml", cluster.dir / "out"
        spec.write_text(head + ENTITIES)
        done = cluster.gc("full", spec, "--provider", "sim", "-o", out)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return (out / "internal/shared/alpha_store.go").read_text()

    def test_service_of_an_old_go(self):
        text = self.check("name: odd\nmodule: odd\nkind: http\n" + OLD)
        self.assertIn("sync.RWMutex", text)

    def test_program(self):
        text = self.check("name: odd\nmodule: odd\nkind: cli\n")
        self.assertIn("os.Rename", text)


if __name__ == "__main__":
    unittest.main()
