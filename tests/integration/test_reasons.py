"""Why a file is made again: what has changed since the last run that ended well."""

import json
import shutil
import unittest

from cluster import Case

SPEC = """name: atlas
kind: http
entities:
- {{name: Country, attributes: {{id: uuid, name: string{field}}}}}
- {{name: Address, attributes: {{id: uuid, street: string, country: Country}}}}
requirements:
- {{id: FR-1, description: "{rule}"}}
files:
- {{path: atlas/country.go, purpose: Countries, entities: [Country]}}
- {{path: atlas/address.go, purpose: Addresses, entities: [Address], depends_on: [atlas/country.go]}}
"""


class Reasons(Case):
    def setUp(self):
        super().setUp()
        self.c.start_sim()
        self.spec, self.out = self.c.dir / "atlas.yaml", self.c.dir / "out"
        self.write()

    def write(self, field="", rule="Every Address has a street"):
        self.spec.write_text(SPEC.format(field=field, rule=rule))

    def run_it(self):
        metrics = self.c.dir / "m.json"
        result = self.c.gc(self.spec, "-o", self.out, "--metrics", metrics)
        self.ok(result)
        found = json.loads(metrics.read_text())
        reasons = {f["path"]: f.get("reason") for f in found["files"]}
        return result.stdout + result.stderr, found, reasons

    def test_a_field_is_named_along_its_way(self):
        self.run_it()
        self.write(field=", calling_code: string")
        check = self.c.gc("check", self.spec, "-o", self.out)
        self.assertEqual(check.returncode, 1)
        self.assertIn("atlas/country.go: inputs changed: Country.calling_code added\n",
                      check.stdout)
        explained = self.c.gc("explain", self.spec, "atlas/country.go", "-o", self.out)
        self.assertIn("inputs changed: Country.calling_code added", explained.stdout)
        said, metrics, reasons = self.run_it()
        self.assertIn("Changed since the last run:\n  Country.calling_code added\n", said)
        self.assertEqual(metrics["incremental"]["changes"], ["Country.calling_code added"])
        self.assertEqual(reasons["atlas/country.go"],
                         "inputs changed: Country.calling_code added")
        self.assertIn("Country.calling_code added → atlas/country.go → its API changed",
                      reasons["atlas/address.go"])
        self.assertIsNone(reasons["go.mod"])

    def test_events_tell_it_too(self):
        self.run_it()
        self.write(field=", calling_code: string")
        result = self.c.gc(self.spec, "-o", self.out, "--progress", "json")
        self.ok(result)
        events = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
        reasons = {e["path"]: e.get("reason") for e in events if e["event"] == "file"}
        self.assertEqual(reasons["atlas/country.go"],
                         "inputs changed: Country.calling_code added")

    def test_long_reasons_end_with_a_whole_character(self):
        self.run_it()
        for shift in "", "x":
            names = [shift + "ä" * 90 + c for c in "abc"]
            self.write(field="".join(f", {name}: string" for name in names))
            _, _, reasons = self.run_it()
            self.assertIn("inputs changed: Country.", reasons["atlas/country.go"])

    def test_a_failed_run_changes_no_record(self):
        self.run_it()
        self.write(field=", calling_code: string")
        failed = self.c.gc("generate", self.spec, "-o", self.out, "--max-cost", "0.0001")
        self.assertEqual(failed.returncode, 4)
        _, _, reasons = self.run_it()
        self.assertEqual(reasons["atlas/country.go"],
                         "inputs changed: Country.calling_code added")

    def test_without_the_record_the_files_are_made_all_the_same(self):
        self.run_it()
        self.write(rule="Every Address has a number")
        shutil.rmtree(self.out / ".gocreator/cache")
        _, metrics, reasons = self.run_it()
        self.assertEqual(reasons["atlas/address.go"],
                         "inputs changed: what they were is not on record")
        self.assertEqual(metrics["incremental"]["changes"], [])


if __name__ == "__main__":
    unittest.main()
