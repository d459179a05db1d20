"""Starts gc-llm-sim for a test and speaks to it. Standard library only."""
import http.client
import json
import os
import pathlib
import re
import subprocess
import urllib.parse

BIN_DIR = pathlib.Path(os.environ.get("GC_BIN_DIR", "build/dev/bin"))
KEY = "sk-test-of-the-simulator"
HEADERS = {
    "x-api-key": KEY,
    "authorization": f"Bearer {KEY}",
    "anthropic-version": "2023-06-01",
    "content-type": "application/json",
}
FILE = re.compile(r'<file path="([^"]+)">\n(.*?)</file>\n', re.S)


class Simulator:
    """with Simulator("--ttft", "50") as sim: ..."""

    def __init__(self, *options, stderr=None):
        self.process = subprocess.Popen(
            [BIN_DIR / "gc-llm-sim", "--die-with-parent", *map(str, options)],
            stdout=subprocess.PIPE, stderr=stderr, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError(f"gc-llm-sim ended with {self.process.wait()}")
        self.address = urllib.parse.urlsplit(self.url).hostname, urllib.parse.urlsplit(self.url).port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(timeout=20)
        self.process.stdout.close()
        return status

    def connect(self, timeout=20):
        return http.client.HTTPConnection(*self.address, timeout=timeout)

    def request(self, method, path, body=None, headers=None, connection=None):
        """(status, headers, body bytes)"""
        own = connection or self.connect()
        try:
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            own.request(method, path, body, HEADERS if headers is None else headers)
            response = own.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            if not connection:
                own.close()

    def get(self, path):
        status, _, body = self.request("GET", path)
        assert status == 200, (status, body)
        return json.loads(body)

    def messages(self, body, **more):
        return self.request("POST", "/v1/messages", body, **more)

    def faults(self, *rules, replace=True):
        status, _, body = self.request("POST", "/_sim/faults",
                                       {"replace": replace, "rules": list(rules)})
        assert status == 200, body

    def stats(self):
        return self.get("/_sim/stats")

    def journal(self):
        return self.get("/_sim/journal")


def element(path, package="", kind="source", promise=""):
    """One <generate> element of a prompt."""
    head = f'<generate path="{path}" package="{package}" kind="{kind}"'
    return f"{head}>\n{promise.strip()}\n</generate>\n" if promise else f"{head}/>\n"


def message(*elements, model="claude-haiku-5-5", stream=False, system=None, mark=True, **more):
    """A body for POST /v1/messages."""
    block = {"type": "text", "text": system or "Module path: example.com/app\n" * 100}
    if mark:
        block["cache_control"] = {"type": "ephemeral"}
    return {"model": model, "max_tokens": 20000, "stream": stream, "system": [block],
            "messages": [{"role": "user", "content": "Write:\n" + "".join(elements)}], **more}


def events(body):
    """The (event, data) pairs of a stream; event is None for bare data lines."""
    found = []
    for block in body.decode().split("\n\n"):
        name = data = None
        for line in block.split("\n"):
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
        if data is not None:
            found.append((name, data if data == "[DONE]" else json.loads(data)))
    return found


def streamed_text(body):
    return "".join(data["delta"]["text"] for name, data in events(body)
                   if name == "content_block_delta" and data["delta"]["type"] == "text_delta")


def files(text):
    """{path: content} of an answer in tags."""
    return dict(FILE.findall(text))
