"""Starts what the suite needs: the upstream, and `llmgw serve` in front of it. Both on ports the system chooses."""

import contextlib
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
DIALECTS = SDK / "dialects.yaml"
PATIENCE = 20

# Whoever has a proxy: it does not know this machine's loopback.
os.environ["NO_PROXY"] = "127.0.0.1"


def binary():
    target = os.environ.get("CARGO_TARGET_DIR") or ROOT / "target"
    path = Path(os.environ.get("LLMGW_BIN") or ROOT / target / "debug" / "llmgw")
    assert path.is_file(), f"{path} is missing: build it first, or name another one in LLMGW_BIN"
    return str(path)


class Process:
    """A child whose first line on stdout says that it is ready. It is ended by its id, never by its name."""

    def __init__(self, command, environment, log):
        self.log = log
        with log.open("wb") as errors:
            self.child = subprocess.Popen(
                command, env=environment, cwd=log.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
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

    def close(self):
        self.child.stdin.close()
        self.child.terminate()
        try:
            self.child.wait(PATIENCE)
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
    """A running `llmgw serve`, and the command line beside it: the same arguments, the same environment."""

    def __init__(self, url, process, arguments, environment):
        self.url, self.process = url, process
        self.arguments, self.environment = arguments, environment

    def run(self, *command, stdin=""):
        command = [binary(), *self.arguments, *command]
        home = self.environment["HOME"]
        return subprocess.run(command, env=self.environment, cwd=home, input=stdin, capture_output=True, text=True, timeout=60)


@contextlib.contextmanager
def serving(home, *arguments, **variables):
    """`llmgw serve` that finds nothing of the person who runs this: no keys, no proxy, no configuration, no data."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **variables}
    with contextlib.closing(Process([binary(), *arguments, "serve", "--port", "0", "--no-watch"], environment, home / "log")) as process:
        line = process.line()
        assert line.startswith("listening on http://127.0.0.1:"), line
        yield Gateway(line.removeprefix("listening on ").split()[0], process, arguments, environment)
    assert process.child.returncode == 0, process.log.read_text()


@pytest.fixture(scope="session")
def upstream_process(tmp_path_factory):
    log = tmp_path_factory.mktemp("upstream") / "log"
    with contextlib.closing(Process([sys.executable, str(SDK / "upstream.py")], os.environ, log)) as process:
        yield Upstream(json.loads(process.line())["url"])


@pytest.fixture
def upstream(upstream_process):
    """The upstream, having seen nothing yet."""
    upstream_process.ask("/_reset", method="POST")
    return upstream_process


@pytest.fixture(scope="session")
def gateway(upstream_process, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("home"), "--config", str(CONFIG), UPSTREAM=upstream_process.url) as gateway:
        yield gateway


@pytest.fixture
def client(gateway):
    """As a person configures the SDK, but that a failure is seen at once."""
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk-everything", max_retries=0, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def async_client(gateway):
    """Not opened: an asynchronous client belongs to the loop of its test, which closes it."""
    return openai.AsyncOpenAI(base_url=gateway.url + "/v1", api_key="sk-everything", max_retries=0, timeout=PATIENCE)


@pytest.fixture(scope="session")
def vendors_process(tmp_path_factory):
    log = tmp_path_factory.mktemp("vendors") / "log"
    with contextlib.closing(Process([sys.executable, str(SDK / "vendors")], os.environ, log)) as process:
        yield Upstream(json.loads(process.line())["url"])


@pytest.fixture
def vendors(vendors_process):
    """Upstreams of every dialect, having seen nothing yet; in the end, none may have found fault with what it was sent."""
    vendors_process.ask("/_reset", method="POST")
    yield vendors_process
    assert [entry["problem"] for entry in vendors_process.ask("/_requests")["requests"] if entry["problem"]] == []


@pytest.fixture(scope="session")
def dialects_process(vendors_process, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("home"), "--config", str(DIALECTS), UPSTREAM=vendors_process.url) as gateway:
        yield gateway


@pytest.fixture
def dialects(dialects_process, vendors):
    """A gateway before all of them."""
    return dialects_process
