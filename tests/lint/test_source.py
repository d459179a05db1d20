"""Rules of the house that a tool can hold: banned calls, direction of includes, layout, size."""

import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("common", "broker", "worker", "coordinator")
BANNED = ("strcpy strcat strncpy strncat sprintf vsprintf strtok gets atoi atol atof sscanf "
          "localtime gmtime ctime rand srand alloca tmpnam mktemp system popen").split()
FILE_LINES = 650
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def sources(folders=FOLDERS, pattern="*.[ch]"):
    for folder in folders:
        yield from sorted((ROOT / folder).rglob(pattern))


class Source(unittest.TestCase):
    def test_no_banned_calls(self):
        call = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
        for path in sources(FOLDERS + ("tests/llm-sim",)):
            code = COMMENT_OR_STRING.sub(" ", path.read_text())
            found = call.findall(code)
            self.assertEqual(found, [], f"{path.relative_to(ROOT)} calls {found}")

    def test_includes_point_downwards(self):
        for path in sources():
            here = path.relative_to(ROOT).parts[0]
            for folder in re.findall(r'#include "(\w+)/', path.read_text()):
                self.assertIn(folder, ("common", here), path)

    def test_no_relative_includes(self):
        for path in sources():
            self.assertNotIn('#include "../', path.read_text(), path)

    def test_files_stay_readable(self):
        for path in sources(pattern="*.c"):
            lines = path.read_text().count("\n")
            data = path.name in ("config_table.c", "nfc.c") or "unicode" in path.name
            self.assertTrue(data or lines <= FILE_LINES, f"{path}: {lines} lines")

    def test_layout(self):
        tool = shutil.which("clang-format-14") or shutil.which("clang-format")
        if not tool:
            self.skipTest("clang-format is not installed")
        version = subprocess.run([tool, "--version"], capture_output=True, text=True,
                                 check=True).stdout
        if "version 14." not in version:
            self.skipTest(f"written for clang-format 14, found {version.strip()}")
        files = [str(p) for p in sources(FOLDERS + ("tests",))
                 if "corpus" not in p.parts and not p.name.endswith("_data.h")]
        result = subprocess.run([tool, "--dry-run", "-Werror", *files], capture_output=True,
                                text=True, check=False)
        bad = sorted(set(re.findall(r"^(\S+?):\d+", result.stderr, re.M)))
        self.assertEqual(bad, [])


class Docs(unittest.TestCase):
    def test_every_config_key_is_documented(self):
        docs = (ROOT / "docs/configuration.md").read_text()
        table = (ROOT / "common/config_table.c").read_text()
        for key in re.findall(r'"((?:llm|cluster|limits|validation|logging)\.[a-z_0-9.]+)"', table):
            self.assertIn(key, docs)

    def test_links_lead_somewhere(self):
        for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
            if not page.exists():
                continue
            for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")

    def test_every_config_key_is_read_by_some_code(self):
        header = (ROOT / "common/config.h").read_text()
        body = header[header.index("typedef struct gc_config {"):header.index("} gc_config;")]
        code = "".join(p.read_text() for p in sources(pattern="*.c")
                       if not p.name.startswith("config"))
        for field in re.findall(r"^\s+(?:bool|int64_t|double|char \*)\s*(\w+);", body, re.M):
            self.assertRegex(code, rf"\b{field}\b", f"nothing reads {field}")

    def test_every_option_is_in_a_test_and_in_a_manual(self):
        tests = "".join(p.read_text(errors="replace") for p in (ROOT / "tests").rglob("*")
                        if p.suffix in (".c", ".py") and p != pathlib.Path(__file__))
        manuals = "".join(p.read_text().replace("\\-", "-")
                          for p in (ROOT / "docs/man").glob("*.1"))
        for source in ("coordinator/options_table.c", "broker/conf.c", "worker/conf.c",
                       "common/program.c"):
            rows = re.findall(r'\{ "([a-z-]+)", (?:\'|0, GC_OPT|"[A-Z]|NULL)',
                              (ROOT / source).read_text())
            self.assertGreater(len(rows), 4, source)
            for name in rows:
                option = re.compile(rf"--{name}\b")
                self.assertTrue(option.search(tests), f"no test gives --{name}")
                self.assertTrue(option.search(manuals), f"no manual has --{name}")


if __name__ == "__main__":
    unittest.main()
