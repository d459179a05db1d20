"""gc-llm-sim over real sockets: events, cache, limits, faults, the ledger, many streams, and
whether the Go it writes builds."""
import hashlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from llm_sim import (BIN_DIR, HEADERS, KEY, Simulator, element, events, files, message,
                     streamed_text)

GO = shutil.which("go") or ("/usr/local/go/bin/go" if os.path.exists("/usr/local/go/bin/go") else None)
ORDER = element("internal/order/order.go", "order", "model",
                "type Order struct {\n\tID string `json:\"id\"`\n}\nfunc (o *Order) Validate() error")


def wait_until(what, deadline_s=20):
    end = time.monotonic() + deadline_s
    while not what():
        if time.monotonic() > end:
            raise AssertionError("deadline passed")
        select.select([], [], [], 0.01)


def raw_request(body):
    data = json.dumps(body).encode()
    head = "".join(f"{k}: {v}\r\n" for k, v in HEADERS.items())
    return f"POST /v1/messages HTTP/1.1\r\nhost: x\r\n{head}content-length: {len(data)}\r\n\r\n".encode() + data


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = Simulator()
        cls.addClassCleanup(cls.sim.stop)

    def test_stream_has_the_documented_order(self):
        status, headers, body = self.sim.messages(message(ORDER, stream=True))
        self.assertEqual(200, status)
        self.assertTrue(headers["content-type"].startswith("text/event-stream"))
        names = [name for name, _ in events(body)]
        self.assertEqual(["message_start", "ping", "content_block_start", "content_block_delta",
                          "content_block_stop", "content_block_start"], names[:6])
        self.assertEqual(["content_block_stop", "message_delta", "message_stop"], names[-3:])
        self.assertEqual({"content_block_delta"}, set(names[6:-3]))
        start, end = events(body)[0][1]["message"], events(body)[-2][1]
        self.assertIn("cache_creation_input_tokens", start["usage"])
        self.assertEqual("end_turn", end["delta"]["stop_reason"])
        self.assertGreater(end["usage"]["output_tokens"], 50)
        self.assertIn("package order", files(streamed_text(body))["internal/order/order.go"])

    def test_stream_and_whole_body_say_the_same(self):
        _, _, streamed = self.sim.messages(message(ORDER, stream=True))
        _, _, whole = self.sim.messages(message(ORDER))
        blocks = json.loads(whole)["content"]
        self.assertEqual(["thinking", "text"], [block["type"] for block in blocks])
        self.assertEqual(streamed_text(streamed), blocks[1]["text"])

    def test_answers_do_not_depend_on_the_batch(self):
        other = element("internal/user/user.go", "user", "model", "type User struct")
        texts = [json.loads(self.sim.messages(message(*parts))[2])["content"][-1]["text"]
                 for parts in ([ORDER], [ORDER, other], [other, ORDER])]
        self.assertEqual(1, len({files(text)["internal/order/order.go"] for text in texts}))

    def test_count_tokens_agrees_with_usage(self):
        body = message(ORDER, system="unlike any other " * 200)
        _, _, whole = self.sim.messages(body)
        usage = json.loads(whole)["usage"]
        del body["max_tokens"], body["stream"]
        status, _, counted = self.sim.request("POST", "/v1/messages/count_tokens", body)
        self.assertEqual(200, status)
        self.assertEqual(json.loads(counted)["input_tokens"],
                         usage["input_tokens"] + usage["cache_creation_input_tokens"])

    def test_refusals_have_the_documented_body(self):
        cases = [
            (401, "authentication_error", {"anthropic-version": "2023-06-01"}, message(ORDER)),
            (401, "authentication_error", {**HEADERS, "x-api-key": " "}, message(ORDER)),
            (400, "invalid_request_error", {"x-api-key": KEY}, message(ORDER)),
            (400, "invalid_request_error", HEADERS, "{"),
            (400, "invalid_request_error", HEADERS, message(ORDER, temperature=0.5)),
            (404, "not_found_error", HEADERS, message(ORDER, model="claude-none")),
        ]
        for status, kind, headers, body in cases:
            got, response, data = self.sim.messages(body, headers=headers)
            self.assertEqual(status, got, data)
            error = json.loads(data)
            self.assertEqual(("error", kind), (error["type"], error["error"]["type"]))
            self.assertEqual(response["request-id"], error["request_id"])

    def test_unknown_paths_and_methods(self):
        self.assertEqual(404, self.sim.request("GET", "/v1/messages")[0])
        self.assertEqual(404, self.sim.request("GET", "/")[0])
        self.assertEqual(405, self.sim.request("PUT", "/_sim/stats")[0])

    def test_too_large_is_answered_though_the_body_is_on_its_way(self):
        with socket.create_connection(self.sim.address, timeout=20) as sock:
            sock.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 40000000\r\n\r\n")
            sock.sendall(b"x" * 1000000)
            self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 413 "))

    def test_bad_http_is_answered_and_closed(self):
        with socket.create_connection(self.sim.address, timeout=20) as sock:
            sock.sendall(b"nonsense\r\n\r\n")
            data = b""
            while part := sock.recv(4096):
                data += part
            self.assertTrue(data.startswith(b"HTTP/1.1 400 "))

    def test_keep_alive_and_pipelining(self):
        connection = self.sim.connect()
        for _ in range(3):
            self.assertEqual(200, self.sim.messages(message(ORDER), connection=connection)[0])
        connection.close()
        with socket.create_connection(self.sim.address, timeout=20) as sock:
            sock.sendall(raw_request(message(ORDER)) * 5)
            data = b""
            while data.count(b"HTTP/1.1 200 OK") < 5:
                part = sock.recv(65536)
                self.assertTrue(part)
                data += part

    def test_continue_is_given_to_those_who_wait(self):
        with socket.create_connection(self.sim.address, timeout=20) as sock:
            head, _, body = raw_request(message(ORDER)).partition(b"\r\n\r\n")
            sock.sendall(head + b"\r\nexpect: 100-continue\r\n\r\n")
            self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 100 Continue"))
            sock.sendall(body)
            self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 200 OK"))

    def test_models(self):
        ids = [model["id"] for model in self.sim.get("/v1/models")["data"]]
        self.assertIn("claude-sonnet-5-5", ids)
        self.assertEqual(128000, self.sim.get("/v1/models/claude-haiku-5-5")["max_tokens"])
        self.assertEqual(404, self.sim.request("GET", "/v1/models/none")[0])

    def test_rate_limit_headers_are_always_there(self):
        headers = self.sim.messages(message(ORDER))[1]
        for kind in ("requests", "tokens", "input-tokens", "output-tokens"):
            for what in ("limit", "remaining", "reset"):
                self.assertIn(f"anthropic-ratelimit-{kind}-{what}", headers)

    def test_json_where_the_system_prompt_asks_for_it(self):
        body = message(ORDER, system="Answer with one JSON array of objects.")
        text = json.loads(self.sim.messages(body)[2])["content"][-1]["text"]
        answer = json.loads(text)
        self.assertEqual("internal/order/order.go", answer[0]["path"])
        self.assertIn("package order", answer[0]["content"])

    def test_openai_chat_completions(self):
        body = {"model": "gpt-6-sol", "stream": True, "stream_options": {"include_usage": True},
                "messages": [{"role": "system", "content": "rules " * 1000},
                             {"role": "user", "content": "Write:\n" + ORDER}]}
        status, headers, data = self.sim.request("POST", "/v1/chat/completions", body)
        self.assertEqual(200, status)
        self.assertIn("x-ratelimit-limit-requests", headers)
        chunks = [chunk for _, chunk in events(data)]
        self.assertEqual("[DONE]", chunks[-1])
        self.assertEqual([], chunks[-2]["choices"])
        text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks[:-2])
        self.assertIn("internal/order/order.go", files(text))
        self.assertEqual("stop", chunks[-3]["choices"][0]["finish_reason"])
        self.assertGreater(chunks[-2]["usage"]["prompt_tokens_details"]["cache_write_tokens"], 1024)
        body["stream"] = False
        del body["stream_options"]
        _, _, data = self.sim.request("POST", "/v1/chat/completions", body)
        usage = json.loads(data)["usage"]
        self.assertGreater(usage["prompt_tokens_details"]["cached_tokens"], 1024)
        self.assertEqual(usage["total_tokens"], usage["prompt_tokens"] + usage["completion_tokens"])


class Cache(unittest.TestCase):
    def usage(self, sim, name, **more):
        body = message(element(f"{name}.go", "p"), **more)
        return json.loads(sim.messages(body)[2])["usage"]

    def test_writes_once_then_reads(self):
        with Simulator() as sim:
            first, second = self.usage(sim, "a"), self.usage(sim, "b")
            self.assertGreater(first["cache_creation_input_tokens"], 512)
            self.assertEqual(0, first["cache_read_input_tokens"])
            self.assertEqual(first["cache_creation_input_tokens"], second["cache_read_input_tokens"])
            self.assertEqual(0, second["cache_creation_input_tokens"])
            other = self.usage(sim, "c", model="claude-sonnet-5-5")
            self.assertEqual(0, other["cache_read_input_tokens"])

    def test_prewarming_writes_and_bills_no_output(self):
        with Simulator() as sim:
            body = message(element("x.go", "p"))
            body["max_tokens"] = 0
            answer = json.loads(sim.messages(body)[2])
            self.assertEqual(([], "max_tokens", 0), (answer["content"], answer["stop_reason"],
                                                     answer["usage"]["output_tokens"]))
            self.assertGreater(self.usage(sim, "b")["cache_read_input_tokens"], 512)

    def test_cold_parallel_requests_all_pay(self):
        with Simulator("--ttft", 300) as sim:
            results = []
            threads = [threading.Thread(target=lambda n=n: results.append(self.usage(sim, f"f{n}")))
                       for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual([0] * 4, [usage["cache_read_input_tokens"] for usage in results])
            self.assertGreater(self.usage(sim, "late")["cache_read_input_tokens"], 512)

    def test_readable_from_the_first_event_on(self):
        with Simulator("--tokens-per-second", 20) as sim:
            with socket.create_connection(sim.address, timeout=20) as sock:
                sock.sendall(raw_request(message(ORDER, stream=True)))
                sock.recv(1000)  # it has begun, and goes on for long
                body = message(element("b.go", "p"), stream=True)
                with socket.create_connection(sim.address, timeout=20) as second:
                    second.sendall(raw_request(body))
                    self.assertNotIn(b'"cache_read_input_tokens":0,', second.recv(4000))

    def test_lifetimes_can_be_scaled(self):
        with Simulator("--cache-ttl-scale", 0.001) as sim:  # five minutes are 300 ms
            self.usage(sim, "a")
            self.assertGreater(self.usage(sim, "b")["cache_read_input_tokens"], 512)
            end = time.monotonic() + 0.4
            wait_until(lambda: time.monotonic() > end)
            self.assertEqual(0, self.usage(sim, "c")["cache_read_input_tokens"])


class Limits(unittest.TestCase):
    def test_requests_per_minute(self):
        with Simulator("--rpm", 2) as sim:
            codes = [sim.messages(message(ORDER))[0] for _ in range(3)]
            self.assertEqual([200, 200, 429], codes)
            status, headers, body = sim.messages(message(ORDER))
            self.assertIn(int(headers["retry-after"]), range(1, 31))
            self.assertEqual("rate_limit_error", json.loads(body)["error"]["type"])

    def test_cache_reads_are_free(self):
        with Simulator("--itpm", 1500) as sim:
            codes = [sim.messages(message(element(f"f{n}.go", "p")))[0] for n in range(8)]
            self.assertEqual([200] * 8, codes)
            codes = [sim.messages(message(ORDER, system=f"{n} " * 1500))[0] for n in range(2)]
            self.assertIn(429, codes)

    def test_output_counts_as_it_is_produced(self):
        with Simulator("--otpm", 50) as sim:
            self.assertEqual(200, sim.messages(message(ORDER))[0])
            self.assertEqual(429, sim.messages(message(ORDER))[0])


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = Simulator()
        cls.addClassCleanup(cls.sim.stop)

    def setUp(self):
        self.sim.faults()

    def stream(self, **rule):
        self.sim.faults(rule)
        return self.sim.messages(message(ORDER, stream=True))

    def test_statuses(self):
        status, headers, _ = self.stream(kind="429", retry_ms=7000)
        self.assertEqual((429, "7"), (status, headers["retry-after"]))
        self.assertEqual(500, self.stream(kind="500")[0])
        status, _, body = self.stream(kind="529")
        self.assertEqual((529, "overloaded_error"), (status, json.loads(body)["error"]["type"]))
        status, headers, body = self.stream(kind="spend")
        self.assertEqual(429, status)
        self.assertNotIn("retry-after", headers)
        self.assertEqual("enforced_spend_limit_reached",
                         json.loads(body)["error"]["details"]["error_code"])

    def test_truncate_ends_without_the_terminal_event(self):
        for at in (0, 1, 50, 99, 100):
            _, _, body = self.stream(kind="truncate", at=at)
            names = [name for name, _ in events(body)]
            self.assertNotIn("message_delta", names)
            self.assertNotIn("message_stop", names)

    def test_cut_breaks_the_http_body(self):
        import http.client
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            self.stream(kind="cut", at=50)

    def test_reset(self):
        with self.assertRaises(ConnectionResetError):
            self.stream(kind="reset")
        with self.assertRaises(ConnectionResetError):
            self.stream(kind="reset", at=40)

    def test_error_event_after_200(self):
        status, _, body = self.stream(kind="error_event", at=30)
        self.assertEqual((200, "error"), (status, events(body)[-1][0]))
        self.assertEqual("overloaded_error", events(body)[-1][1]["error"]["type"])

    def test_stall_stays_silent_and_is_journaled_when_the_client_goes(self):
        self.sim.faults({"kind": "stall", "at": 20})
        with socket.create_connection(self.sim.address, timeout=20) as sock:
            sock.sendall(raw_request(message(ORDER, stream=True)))
            data = b""
            while select.select([sock], [], [], 0.5)[0]:
                data += sock.recv(65536)
            self.assertIn(b"text_delta", data)
            self.assertNotIn(b"message_stop", data)
            self.assertEqual(1, self.sim.stats()["active"])
        wait_until(lambda: self.sim.stats()["active"] == 0)
        line = self.sim.journal()[-1]
        self.assertEqual(("stall", False, []), (line["fault"], line["completed"], line["files"]))

    def test_slow_drips(self):
        self.sim.faults({"kind": "slow", "every_ms": 1})
        with socket.create_connection(self.sim.address, timeout=20) as sock:
            sock.sendall(raw_request(message(element("a.md"))))
            pieces = 0
            data = b""
            while b"\r\n\r\n" not in data:
                data += sock.recv(65536)
                pieces += 1
            self.assertGreater(pieces, 20)

    def test_answers_are_spoilt(self):
        other = element("internal/user/user.go", "user", "model", "type User struct")

        def text(**rule):
            self.sim.faults(rule)
            return json.loads(self.sim.messages(message(ORDER, other))[2])["content"][-1]["text"]
        self.assertEqual(["internal/order/order.go"], list(files(text(kind="missing_file"))))
        self.assertEqual(["internal/user/user.go"],
                         list(files(text(kind="missing_file", path="order"))))
        self.assertIn("ValidateRenamed", text(kind="bad_signature", path="order"))
        self.assertIn("```", text(kind="fenced"))
        self.assertEqual(2, len(json.loads(text(kind="json"))))
        self.assertEqual({}, files(text(kind="garbage")))

    def test_stop_reasons(self):
        for kind in ("max_tokens", "refusal"):
            _, _, body = self.stream(kind=kind)
            self.assertEqual(kind, events(body)[-2][1]["delta"]["stop_reason"])

    def test_a_rule_strikes_as_often_as_it_says(self):
        self.sim.faults({"kind": "bad_signature", "path": "order.go", "count": 2})
        bad = ["Renamed" in json.loads(self.sim.messages(message(ORDER))[2])["content"][-1]["text"]
               for _ in range(4)]
        self.assertEqual([True, True, False, False], bad)
        rule = self.sim.get("/_sim/faults")["rules"][0]
        self.assertEqual(2, rule["hits"])

    def test_bad_rules_are_refused(self):
        self.assertEqual(400, self.sim.request("POST", "/_sim/faults", {"kind": "none such"})[0])
        self.assertEqual(400, self.sim.request("POST", "/_sim/faults", "[")[0])


class Process(unittest.TestCase):
    def test_ledger_names_every_file_and_never_the_key(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "journal")
            with Simulator("--journal", path) as sim:
                _, _, body = sim.messages(message(ORDER, stream=True))
                sim.messages(message(ORDER, model="none"))
                lines = [json.loads(line) for line in open(path)]  # flushed per line
            self.assertEqual([200, 404], [line["status"] for line in lines])
            content = files(streamed_text(body))["internal/order/order.go"]
            self.assertEqual([{"path": "internal/order/order.go",
                               "sha256": hashlib.sha256(content.encode()).hexdigest()}],
                             lines[0]["files"])
            self.assertTrue(lines[0]["completed"])
            self.assertEqual(hashlib.sha256(KEY.encode()).hexdigest()[:16], lines[0]["key"])
            self.assertNotIn(KEY, open(path).read())
            self.assertGreater(lines[0]["usage"]["cache_write_5m"], 512)

    def test_port_file_and_descriptor(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "port")
            read, write = os.pipe()
            process = subprocess.Popen([BIN_DIR / "gc-llm-sim", "--port-file", path,
                                        "--ready-fd", str(write)], pass_fds=[write])
            os.close(write)
            url = os.fdopen(read).read().strip()
            self.assertRegex(url, r"^http://127\.0\.0\.1:\d+$")
            self.assertEqual(url, open(path).read().strip())
            process.terminate()
            self.assertEqual(0, process.wait(20))

    def test_sigterm_breaks_off_what_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "journal")
            sim = Simulator("--tokens-per-second", 10, "--journal", path)
            with socket.create_connection(sim.address, timeout=20) as sock:
                sock.sendall(raw_request(message(ORDER, stream=True)))
                sock.recv(1000)
                self.assertEqual(0, sim.stop())
            self.assertFalse(json.loads(open(path).read())["completed"])

    def test_dies_with_its_parent(self):
        script = ("import subprocess,sys,time\n"
                  f"p=subprocess.Popen([{str(BIN_DIR / 'gc-llm-sim')!r},'--die-with-parent'],"
                  "stdout=subprocess.PIPE,text=True)\n"
                  "p.stdout.readline()\nprint(p.pid,flush=True)\ntime.sleep(60)\n")
        parent = subprocess.Popen(["python3", "-c", script], stdout=subprocess.PIPE, text=True)
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        parent.stdout.close()

        def gone():
            try:
                with open(f"/proc/{child}/stat") as stat:
                    return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
            except FileNotFoundError:
                return True
        wait_until(gone)

    def test_usage(self):
        def run(*options):
            return subprocess.run([BIN_DIR / "gc-llm-sim", *options], capture_output=True, text=True,
                                  timeout=20)
        self.assertEqual(0, run("-h").returncode)
        self.assertIn("bad_signature", run("--help").stdout)
        self.assertEqual(0, run("-v").returncode)
        self.assertIn("did you mean --fault", run("--faults", "x").stderr)
        for options in (["--none"], ["--port", "x"], ["--port", "70000"], ["--port"], ["stray"],
                        ["--bind", "0.0.0.0"], ["--bind", "192.0.2.1"], ["--fault", "x:1"],
                        ["--die-with-parent=1"]):
            self.assertEqual(8, run(*options).returncode, options)

    def test_extra_models(self):
        with Simulator("--extra-model", "house-model") as sim:
            self.assertEqual(200, sim.messages(message(ORDER, model="house-model"))[0])

    def test_speed_is_kept(self):
        with Simulator("--ttft", 100, "--tokens-per-second", 500) as sim:
            start = time.monotonic()
            _, _, body = sim.messages(message(ORDER, stream=True, thinking={"type": "disabled"}))
            took = time.monotonic() - start
            tokens = events(body)[-2][1]["usage"]["output_tokens"]
            self.assertGreater(took, 0.9 * (0.1 + tokens / 500))

    def test_two_thousand_streams_at_once(self):
        count = 2000
        resource.setrlimit(resource.RLIMIT_NOFILE,
                           (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        with Simulator("--tokens-per-second", 20, "--event-tokens", 20) as sim:
            request = raw_request(message(ORDER, stream=True))
            sockets = []
            for _ in range(count):
                sock = socket.create_connection(sim.address, timeout=60)
                sock.sendall(request)
                sockets.append(sock)
            for sock in sockets:
                self.assertTrue(sock.recv(4000).startswith(b"HTTP/1.1 200 OK"))
            self.assertGreaterEqual(sim.stats()["peak_active"], count)
            with open(f"/proc/{sim.process.pid}/status") as status:
                rss_kb = int(next(l for l in status if l.startswith("VmRSS")).split()[1])
            if "asan" not in str(BIN_DIR) and "tsan" not in str(BIN_DIR):
                self.assertLess(rss_kb, 200000)
            for sock in sockets:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()
            wait_until(lambda: sim.stats()["active"] == 0, 60)


PROJECT = [
    element("internal/store/store.go", "store", "store", """
import "context"
import "time"
type Level int
const (
	LevelLow Level = iota
	LevelHigh
)
type ID string
func (id ID) String() string
func (id ID) Valid() bool
var ErrNotFound error
var DefaultTimeout time.Duration
type Item struct {
	ID ID `json:"id"`
	LongFieldName map[string]any `json:"long_field_name,omitempty"`
	When time.Time
	Sub struct {
		A int
		LongerB []string `json:"b"`
	} `json:"sub"`
	Fn func(int, string) (bool, error)
}
type Pair[K comparable, V any] struct {
	Key K
	Value V
}
func NewPair[K comparable, V any](key K, value V) *Pair[K, V]
func Map[T, U any](in []T, f func(T) U) []U
type Store interface {
	Get(ctx context.Context, id ID) (*Item, error)
	List(ctx context.Context) ([]Item, error)
}
type Memory struct
func NewMemory(limit int, opts ...string) *Memory
var _ Store = (*Memory)(nil)
func (m *Memory) Get(ctx context.Context, id ID) (*Item, error)
func (m *Memory) List(ctx context.Context) ([]Item, error)
func multi() (a, b int, c string, err error)
func channels(in <-chan int) chan<- string
"""),
    element("internal/store/store_helpers.go", "store"),
    element("internal/store/store_helpers_test.go", "store"),
    element("internal/store/store_test.go", "store_test", "test", """
import "testing"
import "example.com/app/internal/store"
func TestMemoryGet(t *testing.T)
func BenchmarkMemory(b *testing.B)
func FuzzMemory(f *testing.F)
func newFake(t *testing.T) *store.Memory
"""),
    element("internal/errors/errors.go", "errors", "errors",
            "var ErrConflict error\nfunc Is(err error, target error) bool"),
    element("internal/api/item_handler.go", "api", "handler", """
import "net/http"
import "example.com/app/internal/errors"
import "example.com/app/internal/store"
var errConflict = errors.ErrConflict
type ItemHandler struct
func NewItemHandler(s store.Store) (*ItemHandler, error)
func (h *ItemHandler) Register(mux *http.ServeMux)
func (h *ItemHandler) Create(w http.ResponseWriter, r *http.Request)
func (h *ItemHandler) Get(w http.ResponseWriter, r *http.Request)
func Router() http.Handler
func check(id string, in *store.Item) error
"""),
    element("cmd/app/main.go", "main", "main", "import \"os\"\nfunc main()"),
    element("cmd/app/flags.go", "main"),
    element("go.mod", "", "template"),
    element("README.md", "", "template"),
]


@unittest.skipUnless(GO, "no Go toolchain")
class WrittenGo(unittest.TestCase):
    def test_builds_vets_and_passes_its_tests(self):
        with Simulator() as sim, tempfile.TemporaryDirectory() as folder:
            for part in PROJECT:  # each alone: they must fit all the same
                text = json.loads(sim.messages(message(part, system="Module path: example.com/app\n"
                                                       "Go version: 1.22\n"))[2])["content"][-1]["text"]
                for path, content in files(text).items():
                    full = os.path.join(folder, path)
                    os.makedirs(os.path.dirname(full), exist_ok=True)
                    with open(full, "w") as out:
                        out.write(content)

            def run(*command):
                env = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
                done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                return done.stdout
            gofmt = os.path.join(os.path.dirname(os.path.realpath(GO)), "gofmt")
            self.assertEqual("", run(gofmt, "-d", "internal", "cmd"))
            run(GO, "vet", "./...")
            run(GO, "test", "./...")


if __name__ == "__main__":
    unittest.main()
