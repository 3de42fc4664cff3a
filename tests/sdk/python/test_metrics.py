"""Prometheus itself: its linter reads the page, its tests try the alerts, and a server of its own scrapes a gateway."""

import contextlib
import json
import math
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import openai
import pytest
from conftest import PATIENCE, ROOT, serving

RULES = ROOT / "config" / "prometheus"
DASHBOARD = ROOT / "config" / "grafana" / "llmgw.json"
HELLO = [{"role": "user", "content": "你好"}]
ADMIN_KEY = "sk-admin"
CONFIG = """
admin: { key: sk-admin }
auth: { keys: [{ name: team-a, key: sk-everything }] }
telemetry: { callers: true }
providers:
  - { name: main, type: openai, base_url: "${UPSTREAM}/main/v1", api_key: sk-upstream-main, default_model: chat }
  - { name: spare, type: openai, base_url: "${UPSTREAM}/spare/v1", api_key: sk-upstream-spare, priority: 2, models: [chat] }
models:
  gpt-4: { routes: [{ provider: main, model: chat }] }
  after-500: { routes: [{ provider: main, model: error-500, priority: 1 }, { provider: spare, model: chat, priority: 2 }] }
  broken: { routes: [{ provider: main, model: error-503 }] }
prices: { chat: { input: 1000, output: 1000 } }
"""

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is missing: apt-get install prometheus")
needs_prometheus = pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is missing: apt-get install prometheus")


def promtool(*arguments, stdin=""):
    run = subprocess.run(["promtool", *arguments], cwd=RULES, input=stdin, capture_output=True, text=True, timeout=60)
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    return said


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE) as reply:
        return reply.read().decode()


def eventually(what, look):
    """The first true thing that `look` finds; whatever is not there yet is looked for again."""
    deadline = time.monotonic() + 2 * PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)
    return found


@pytest.fixture
def gateway(upstream, tmp_path):
    """One that has answered, failed over, streamed, failed and refused."""
    home = tmp_path / "gateway"
    home.mkdir()
    (home / "llmgw.yaml").write_text(CONFIG)
    with serving(home, "--config", str(home / "llmgw.yaml"), UPSTREAM=upstream.url) as gateway:
        with openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk-everything", max_retries=0, timeout=PATIENCE) as client:
            for model in ("gpt-4", "after-500", "gpt-4"):
                client.chat.completions.create(model=model, messages=HELLO)
            assert list(client.chat.completions.create(model="gpt-4", messages=HELLO, stream=True))
            for model in ("broken", "no-such-model"):
                with pytest.raises(openai.APIStatusError):
                    client.chat.completions.create(model=model, messages=HELLO)
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(gateway.url + "/metrics")
        refused.value.close()
        assert refused.value.code == 401
        yield gateway


def page(gateway, **headers):
    """The page, once all of this has been counted: an answer's end may be, just after its client has it."""
    lines = ['model="gpt-4",provider="main",outcome="ok"} 3', 'model="broken",provider="main",outcome="upstream_error"} 1']
    lines = [f'llmgw_requests_total{{caller="team-a",{line}' for line in lines]

    def look():
        text = get(gateway.url + "/metrics", Authorization=f"Bearer {ADMIN_KEY}", **headers)
        return text if all(line in text for line in lines) else None

    return eventually(f"{lines}", look)


@needs_promtool
def test_promtool_finds_no_fault_with_the_page(gateway):
    assert promtool("check", "metrics", stdin=page(gateway)).strip() == ""


@needs_promtool
def test_promtool_finds_no_fault_with_the_rules():
    assert "SUCCESS" in promtool("check", "rules", "llmgw.rules.yml")
    assert "SUCCESS" in promtool("test", "rules", "llmgw.rules.test.yml")
    assert "SUCCESS" in promtool("check", "config", "--syntax-only", "prometheus.yml")


class Prometheus:
    def __init__(self, url):
        self.url = url

    def ask(self, path, **query):
        answer = json.loads(get(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def value(self, expression):
        """What `expression` comes to; NaN where there is nothing yet."""
        result = self.ask("query", query=expression)["result"]
        return sum(float(one["value"][1]) for one in result) if result else math.nan


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def prometheus(home, target):
    """A server that scrapes `target` every second, with the project's rules."""
    home.mkdir()
    (home / "key").write_text(ADMIN_KEY)
    config = (RULES / "prometheus.yml").read_text()
    for ours, tests in [("15s", "1s"), ("127.0.0.1:8000", target), ("/etc/prometheus/llmgw.key", str(home / "key"))]:
        assert ours in config
        config = config.replace(ours, tests)
    shutil.copy(RULES / "llmgw.rules.yml", home)
    (home / "prometheus.yml").write_text(config)
    # Somebody else may take the port in between.
    for _ in range(3):
        url = f"http://127.0.0.1:{(port := free_port())}"
        command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
        with (home / "log").open("ab") as log:
            child = subprocess.Popen(command, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]})
        try:
            if eventually("Prometheus", lambda: child.poll() is not None or is_ready(url)) and child.poll() is None:
                yield Prometheus(url)
                return
        finally:
            child.terminate()
            child.wait(PATIENCE)
    raise AssertionError((home / "log").read_text())


def is_ready(url):
    try:
        return get(url + "/-/ready")
    except OSError:
        return None


@needs_prometheus
def test_prometheus_scrapes_a_gateway_and_answers_what_it_is_asked(gateway, tmp_path):
    page(gateway)
    with prometheus(tmp_path / "prometheus", gateway.url.removeprefix("http://")) as server:
        answered = 'llmgw_requests_total{model="gpt-4",caller="team-a",outcome="ok"}'
        eventually(answered, lambda: server.value(answered) == 3)
        for expression, value in {
            'up{job="llmgw"}': 1,
            'llmgw_requests_total{model="after-500",provider="spare",outcome="ok"}': 1,
            'llmgw_requests_total{model="other",outcome="bad_request"}': 1,
            'llmgw_attempts_total{provider="main",model="error-500",outcome="upstream_error"}': 1,
            'llmgw_failovers_total{provider="main",model="error-500"}': 1,
            'gen_ai_server_time_to_first_token_seconds_count{gen_ai_request_model="gpt-4"}': 1,
            'gen_ai_server_request_duration_seconds_bucket{gen_ai_request_model="gpt-4",le="+Inf",error_type=""}': 3,
            'http_server_request_duration_seconds_count{http_route="/metrics",http_response_status_code="401"}': 1,
            "abs(sum(llmgw_cost_usd_total) - sum(llmgw_tokens_total) / 1000) < bool 1e-9": 1,
            'llmgw_provider_state{provider="main",state="closed"}': 1,
            "llmgw_config_last_reload_successful": 1,
            "process_open_fds > bool 0": 1,
        }.items():  # fmt: skip
            assert server.value(expression) == value, expression
        metadata = server.ask("metadata", metric="gen_ai_server_request_duration_seconds")
        (described,) = metadata["gen_ai_server_request_duration_seconds"]
        assert (described["type"], described["unit"]) == ("histogram", "seconds")
        every_rule_works(server)
        every_panel_is_understood(server)


def every_rule_works(server):
    def rules():
        found = [rule for group in server.ask("rules")["groups"] for rule in group["rules"]]
        return found if all(rule["health"] != "unknown" for rule in found) else None

    found = eventually("all rules to be evaluated", rules)
    assert len(found) > 20
    assert [(rule["name"], rule["lastError"]) for rule in found if rule["health"] != "ok"] == []


def every_panel_is_understood(server):
    dashboard = json.loads(DASHBOARD.read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(expressions) > 50
    for expression in expressions:
        filled = re.sub(r"\$__\w+", "1m", re.sub(r"\$(job|instance|model|provider)\b", ".*", expression))
        server.ask("query", query=filled)
