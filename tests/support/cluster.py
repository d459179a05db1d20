"""Real processes for integration tests: redis-server, gc-broker, gc-worker, gc-llm-sim and
gc-coordinator, each started from GC_BIN_DIR and waited for by condition, never by sleep."""

import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("GC_BIN_DIR", ROOT / "build/dev/bin"))
KEY = "sk-ant-test-4f1d9c0b7e2a-never-shown"
DEADLINE_S = 60


def wait_for(what, condition, deadline_s=DEADLINE_S):
    """Polls until condition() is true; fails the test when the deadline passes."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {deadline_s} s: {what}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tree(folder):
    """path -> sha256 of every generated file."""
    files = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and relative.parts[0] != ".gocreator":
            files[str(relative)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return files


def said(process):
    """What a process of a cluster has written so far."""
    return pathlib.Path(process.log).read_text(errors="replace")


def cpu_seconds(process):
    """What a process has used so far."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


class Cluster:
    """A temporary folder and the processes in it; close() ends them all."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gc-it-"))
        self.processes = []
        self.sim_url = None
        self.redis_url = None
        self.broker = None
        self.journal = self.dir / "journal.jsonl"
        self.settings = {}  # environment of everything that is started

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
            process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def env(self, **more):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("GC_C", "GC_L", "ANTHROPIC", "OPENAI", "REDIS"))}
        env.update(ANTHROPIC_API_KEY=KEY, CI="")
        if self.sim_url:
            env["ANTHROPIC_BASE_URL"] = self.sim_url
        env.update(self.settings)
        env.update(more)
        return env

    def ask_for_every_go_file(self):
        """So that a small specification has enough calls for what is to happen between them."""
        self.settings["GC_TEMPLATES_SCOPE"] = "boilerplate"

    def start(self, name, *args, **env):
        log = open(self.dir / f"{name}-{len(self.processes)}.log", "wb")
        process = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, env=self.env(**env))
        process.log = log.name
        log.close()
        self.processes.append(process)
        return process

    def start_sim(self, *args):
        url_file = self.dir / "sim-url"
        url_file.unlink(missing_ok=True)  # of a simulator that was ended
        self.sim = self.start("sim", BIN / "gc-llm-sim", "--port", 0, "--port-file", url_file,
                              "--journal", self.journal, *args)
        self.sim_url = wait_for("simulator", lambda: url_file.exists() and
                                url_file.read_text().strip())
        return self.sim

    def start_redis(self, port=None, *args, fsync="always", folder="redis", **env):
        """With `port`: again on the data of the one that was killed."""
        port = port or free_port()
        self.redis_dir = self.dir / folder
        self.redis_dir.mkdir(exist_ok=True)
        self.redis = self.start("redis", "redis-server", "--port", port, "--bind", "127.0.0.1",
                                "--dir", self.redis_dir, "--appendonly", "yes",
                                "--appendfsync", fsync, "--save", "", *args, **env)
        self.redis_url = f"redis://127.0.0.1:{port}"
        self.redis_port = port
        wait_for("redis", lambda: self.redis_cli("PING") == "PONG")
        return self.redis

    def restart_redis(self, *args, **options):
        kill(self.redis)
        return self.start_redis(self.redis_port, *args, **options)

    def aof(self):
        """The file that Redis appends its writes to."""
        return next((self.redis_dir / "appendonlydir").glob("*.incr.aof"))

    def redis_cli(self, *args):
        result = subprocess.run(["redis-cli", "-p", str(self.redis_port), *map(str, args)],
                                capture_output=True, text=True, check=False)
        return result.stdout.strip()

    def start_broker(self, port=None, **env):
        port = port or free_port()
        self.broker = f"tcp://127.0.0.1:{port}"
        self.broker_port = port
        process = self.start("broker", BIN / "gc-broker", "--bind", self.broker, **env)
        wait_for("broker", lambda: self.connects(port))
        return process

    @staticmethod
    def connects(port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    def start_worker(self, slots=16, *args, **env):
        return self.start("worker", BIN / "gc-worker", "--broker", self.broker, "--redis",
                          self.redis_url, "--slots", slots, *args, **env)

    def gc(self, *args, **env):
        """Runs gc-coordinator to its end."""
        return subprocess.run([str(BIN / "gc-coordinator"), *map(str, args)], env=self.env(**env),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              cwd=self.dir, timeout=240, check=False)

    def gc_start(self, *args, **env):
        """Starts gc-coordinator in the background."""
        return self.start("coordinator", BIN / "gc-coordinator", *args, **env)

    def cluster_args(self):
        return ["--broker", self.broker, "--redis", self.redis_url]

    def ledger(self):
        """The simulator's journal: one entry per finished request."""
        if not self.journal.exists():
            return []
        whole = self.journal.read_text().rpartition("\n")[0]  # a line may be half written
        return [json.loads(line) for line in whole.splitlines() if line]

    def paid(self):
        """path -> sha256 of each completed answer, in order."""
        answers = {}
        for entry in self.ledger():
            for file in entry.get("files", []) if entry["completed"] else []:
                answers.setdefault(file["path"], []).append(file["sha256"])
        return answers

    def calls_running(self):
        with urllib.request.urlopen(self.sim_url + "/_sim/stats", timeout=10) as reply:
            return json.load(reply)["active"]


def kill(process, sig=signal.SIGKILL):
    process.send_signal(sig)
    process.wait()


def have_go():
    if not shutil.which("go"):
        return False
    version = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True,
                             check=False).stdout.strip()
    try:
        return int(version.split(".")[1]) >= 22
    except (IndexError, ValueError):
        return False


SHOP = ROOT / "examples/shop-6.yaml"
CLINIC = ROOT / "examples/clinic-12.yaml"
TODO = ROOT / "examples/todo-cli.yaml"
EXPLICIT = ROOT / "examples/files-explicit.yaml"


class Case(unittest.TestCase):
    def setUp(self):
        self.c = Cluster()
        self.addCleanup(self.c.close)

    def ok(self, result, code=0):
        self.assertEqual(result.returncode, code,
                         f"\n--- stdout\n{result.stdout}\n--- stderr\n{result.stderr}")
        return result

    def same(self, one, other):
        """Two folders of generated files are equal; else the first difference is shown."""
        r = subprocess.run(["diff", "-ru", "-x", ".gocreator", one, other], capture_output=True,
                           text=True, check=False)
        self.assertEqual(r.returncode, 0, r.stdout[:2000] + r.stderr)

    def serve(self, status, body, content_type="application/json"):
        """The address of a server that answers every request so, and the paths that were asked for."""
        asked = []

        class Stub(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("content-length", 0)))
                asked.append(self.path)
                self.send_response(status)
                self.send_header("content-type", content_type)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}", asked

    def serve_error(self, status, kind, message):
        """The address of an API that answers every request with this error."""
        body = {"type": "error", "error": {"type": kind, "message": message}}
        return self.serve(status, json.dumps(body).encode())[0]

    def start_unauthorized(self):
        """The address of an API that knows no key."""
        return self.serve_error(401, "authentication_error", "invalid x-api-key")
