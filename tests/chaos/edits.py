#!/usr/bin/env python3
"""Random edits of a specification: after each, the incremental run must give the same tree as
a clean run that knows nothing of the past, and leave alone what it did not have to make.

Usage: edits.py [--edits N] [--seed SEED]. A failing seed replays."""

import argparse
import copy
import json
import os
import pathlib
import random
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from cluster import Cluster, tree  # noqa: E402

TYPES = ["string", "int", "float", "bool", "datetime", "uuid", "email", "[]string", "string?"]
NAMES = ["Book", "Author", "Loan", "Reader", "Shelf", "Branch", "Fine", "Notice"]
FIELDS = ["title", "code", "amount", "since", "active", "note", "kind", "rank"]


class Different(Exception):
    """The incremental tree is not the clean one."""


class Spec:
    """A specification that can be changed at random and stays valid."""

    def __init__(self, rng):
        self.rng = rng
        self.data = {"name": "Library", "module": "example.com/library", "go": "1.22",
                     "kind": "http", "entities": [], "requirements": [], "api_contracts": []}
        for _ in range(3):
            self.add_entity()

    def write(self, path):
        """Order and layout carry no meaning, so they change every time."""
        data = copy.deepcopy(self.data)
        for key in ("entities", "requirements", "api_contracts"):
            self.rng.shuffle(data[key])
        keys = list(data)
        self.rng.shuffle(keys)
        path.write_text(json.dumps({k: data[k] for k in keys},
                                   indent=self.rng.choice([None, 1, 4])))

    def entity(self):
        return self.rng.choice(self.data["entities"])

    def change(self):
        """One edit; what it was."""
        edit = self.rng.choice([self.add_entity, self.remove_entity, self.add_field,
                                self.remove_field, self.change_type, self.bound_field,
                                self.describe_entity, self.refer, self.require,
                                self.forget_requirement, self.add_contract,
                                self.remove_contract, self.nothing])
        return edit()

    def nothing(self):
        return "order and layout"

    def add_entity(self):
        taken = {e["name"] for e in self.data["entities"]}
        free = [n for n in NAMES if n not in taken]
        if not free:
            return "no name is free"
        name = self.rng.choice(free)
        self.data["entities"].append({"name": name, "attributes": {
            "id": {"type": "uuid"}, "name": {"type": "string", "required": True}}})
        return f"entity {name} added"

    def remove_entity(self):
        if len(self.data["entities"]) < 2:
            return "the last entity stays"
        gone = self.entity()
        self.data["entities"].remove(gone)
        for e in self.data["entities"]:
            e["attributes"] = {k: v for k, v in e["attributes"].items()
                               if v["type"] != gone["name"]}
        self.data["api_contracts"] = [c for c in self.data["api_contracts"]
                                      if c["entity"] != gone["name"]]
        return f"entity {gone['name']} removed"

    def add_field(self):
        e, name = self.entity(), self.rng.choice(FIELDS)
        e["attributes"].setdefault(name, {"type": self.rng.choice(TYPES)})
        return f"{e['name']}.{name} added"

    def own_field(self):
        e = self.entity()
        names = [n for n in e["attributes"] if n not in ("id", "name")]
        return (e, self.rng.choice(names)) if names else (e, None)

    def remove_field(self):
        e, name = self.own_field()
        e["attributes"].pop(name, None)
        return f"{e['name']}.{name} removed"

    def change_type(self):
        e, name = self.own_field()
        if name:
            e["attributes"][name] = {"type": self.rng.choice(TYPES)}
        return f"{e['name']}.{name} has another type"

    def bound_field(self):
        e, name = self.own_field()
        if name and e["attributes"][name]["type"] in ("int", "float"):
            e["attributes"][name]["max"] = self.rng.randrange(1, 1000)
        return f"{e['name']}.{name} is bounded"

    def describe_entity(self):
        e = self.entity()
        e["description"] = f"Text number {self.rng.randrange(1000)}."
        return f"{e['name']} is described anew"

    def refer(self):
        e, other = self.entity(), self.entity()
        if e is not other:
            e["attributes"][other["name"].lower()] = {"type": other["name"]}
        return f"{e['name']} refers to {other['name']}"

    def require(self):
        number = self.rng.randrange(1000)
        about = self.rng.choice([self.entity()["name"], "request"])
        self.data["requirements"] = [r for r in self.data["requirements"]
                                     if r["id"] != f"FR-{number:03}"]
        self.data["requirements"].append(
            {"id": f"FR-{number:03}", "description": f"Every {about} is kept for {number} days."})
        return f"requirement about {about}"

    def forget_requirement(self):
        if self.data["requirements"]:
            self.data["requirements"].remove(self.rng.choice(self.data["requirements"]))
        return "requirement removed"

    def add_contract(self):
        e, action = self.entity(), self.rng.choice(["close", "renew", "check"])
        contract = {"method": "POST", "path": f"/{e['name'].lower()}s/{{id}}/{action}",
                    "entity": e["name"]}
        if contract not in self.data["api_contracts"]:
            self.data["api_contracts"].append(contract)
        return f"contract {contract['path']}"

    def remove_contract(self):
        if self.data["api_contracts"]:
            self.data["api_contracts"].remove(self.rng.choice(self.data["api_contracts"]))
        return "contract removed"


class Side:
    """A cluster of its own."""

    def __init__(self):
        self.c = Cluster()
        self.c.start_sim()
        self.c.start_redis()
        self.c.start_broker()
        self.c.start_worker(16)
        self.out = self.c.dir / "out"

    def run(self, spec):
        result = self.c.gc(spec, "-o", self.out, "--yes", "--progress", "none",
                           *self.c.cluster_args())
        if result.returncode:
            raise Different(f"exit code {result.returncode}: {result.stderr}")
        return tree(self.out)

    def forget(self):
        self.c.redis_cli("FLUSHALL")
        shutil.rmtree(self.out, ignore_errors=True)


def play(edits, seed):
    """Returns how many files were left alone in all. Raises Different."""
    rng = random.Random(seed)
    spec, told, kept = Spec(rng), [], 0
    sides = [Side(), Side()]
    try:
        incremental, clean = sides
        path = incremental.c.dir / "spec.json"
        before = None
        for number in range(edits + 1):
            if number:
                told.append(spec.change())
            spec.write(path)
            stamps = {p: os.stat(incremental.out / p).st_mtime_ns for p in before or {}}
            after = incremental.run(path)
            clean.forget()
            want = clean.run(path)
            other = sorted({p for p, _ in set(after.items()) ^ set(want.items())})
            if other:
                raise Different(f"edit {number}, {told[-1:]}: {other}")
            same = [p for p in stamps if after.get(p) == before[p]]
            kept += sum(os.stat(incremental.out / p).st_mtime_ns == stamps[p] for p in same)
            before = after
    except Different as wrong:
        raise Different(f"seed {seed}: {wrong}\n" + "\n".join(told)) from wrong
    finally:
        for side in sides:
            side.c.close()
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kept = play(options.edits, options.seed)
    print(f"{options.edits} edits: every incremental tree equals the clean one; "
          f"{kept} files were left alone")


if __name__ == "__main__":
    main()
