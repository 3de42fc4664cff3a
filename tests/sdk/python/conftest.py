"""Starts what the suite needs: the upstream, and `llmgw serve` in front of it. Both on ports the system chooses."""

import json
import os
import queue
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from pathlib import Path

import openai
import pytest

SDK = Path(__file__).resolve().parent.parent
ROOT = SDK.parent.parent
CONFIG = SDK / "gateway.yaml"
PATIENCE = 20


def binary():
    target = os.environ.get("CARGO_TARGET_DIR") or ROOT / "target"
    return os.environ.get("LLMGW_BIN") or str(ROOT / target / "debug" / "llmgw")


class Process:
    """A child whose first line on stdout says that it is ready. It is ended by its id, never by its name."""

    def __init__(self, command, environment, log):
        self.log = log
        with log.open("wb") as errors:
            self.child = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        with self.child.stdout as output:
            for line in output:
                self.lines.put(line)
        self.lines.put("")

    def line(self):
        try:
            line = self.lines.get(timeout=PATIENCE)
        except queue.Empty:
            line = ""
        assert line, f"{self.child.args[0]} did not get ready:\n{self.log.read_text()}"
        return line.strip()

    def end(self):
        self.child.stdin.close()
        self.child.terminate()
        try:
            return self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise
        finally:
            self.reader.join(PATIENCE)


class Upstream:
    """What the upstream saw, asked of itself."""

    def __init__(self, url):
        self.url = url

    def ask(self, path, method="GET"):
        with urllib.request.urlopen(urllib.request.Request(self.url + path, method=method), timeout=PATIENCE + 5) as reply:
            return json.load(reply)

    def requests(self, model=None):
        """All but the discovery of models, which the gateway does by itself."""
        found = [entry for entry in self.ask("/_requests")["requests"] if entry["path"] != "models"]
        return [entry for entry in found if model in (None, entry["model"])]

    def one(self):
        (entry,) = self.requests()
        return entry

    def wait(self, model, state):
        """Waits until a request to `model` is received, answered or closed."""
        query = urllib.parse.urlencode({"model": model, "state": state, "seconds": PATIENCE})
        entry = self.ask(f"/_wait?{query}")["request"]
        assert entry, f"no request to {model} was {state}"
        return entry


class Gateway:
    def __init__(self, url, environment):
        self.url, self.environment = url, environment

    def run(self, *arguments, stdin=""):
        """The command line, with the gateway's own configuration."""
        command = [binary(), "--config", str(CONFIG), *arguments]
        return subprocess.run(command, env=self.environment, input=stdin, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="session")
def upstream_process(tmp_path_factory):
    log = tmp_path_factory.mktemp("upstream") / "log"
    process = Process([sys.executable, str(SDK / "upstream.py")], os.environ, log)
    yield Upstream(json.loads(process.line())["url"])
    process.end()


@pytest.fixture
def upstream(upstream_process):
    """The upstream, having seen nothing yet."""
    upstream_process.ask("/_reset", method="POST")
    return upstream_process


@pytest.fixture(scope="session")
def gateway(upstream_process, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    # Nothing of the person who runs this: no keys, no proxy, no data directory.
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "UPSTREAM": upstream_process.url}
    command = [binary(), "serve", "--config", str(CONFIG), "--port", "0", "--no-watch"]
    process = Process(command, environment, home / "log")
    line = process.line()
    assert line.startswith("listening on http://127.0.0.1:"), line
    yield Gateway(line.removeprefix("listening on ").split()[0], environment)
    assert process.end() == 0, process.log.read_text()


@pytest.fixture
def client(gateway):
    """As a person configures the SDK, but that a failure is seen at once."""
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk-everything", max_retries=0, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def async_client(gateway):
    """Not opened: an asynchronous client belongs to the loop of its test, which closes it."""
    return openai.AsyncOpenAI(base_url=gateway.url + "/v1", api_key="sk-everything", max_retries=0, timeout=PATIENCE)
