"""The client of one file in `clients/python`, against the gateway; and its own tests, and its demonstration, as programs."""

import os
import re
import socket
import subprocess
import sys

import pytest
from conftest import ROOT

CLIENT = ROOT / "clients" / "python"
sys.path.insert(0, str(CLIENT))
import llmgw  # noqa: E402

WHO = [{"role": "user", "content": "你是谁？"}]
ANSWER = "你好，我是上游 🐉。\n你说的是：你是谁？"
KEY = "sk-everything"


@pytest.fixture
def environment(gateway, upstream, monkeypatch):
    """What a person exports; a proxy that leads nowhere is there too."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("LLMGW_BASE_URL", gateway.url)
    monkeypatch.setenv("LLMGW_API_KEY", KEY)


def whole(model, **options):
    return llmgw.chat("你是谁？", model, **options)


def streamed(model, **options):
    return "".join(llmgw.stream("你是谁？", model, **options))


BOTH = pytest.mark.parametrize("ask", [whole, streamed])


def run(*command, **variables):
    """A program of the client's directory, with nothing but the standard library to import."""
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8", **variables}
    command = [sys.executable, "-B", "-S", "-W", "error", *command]
    return subprocess.run(command, env=environment, cwd=CLIENT, capture_output=True, encoding="utf-8", timeout=60)


@BOTH
def test_an_answer(environment, upstream, ask):
    assert ask("gpt-4") == ANSWER
    body = upstream.one()["body"]
    assert (body["model"], body["messages"]) == ("chat", WHO)
    assert set(body) <= {"model", "messages", "stream", "stream_options"}


@BOTH
def test_all_parameters_reach_the_upstream(environment, upstream, ask):
    before = [{"role": "user", "content": "一"}, {"role": "assistant", "content": "二"}]
    assert ask("chat", system="简短", messages=before, max_tokens=50, temperature=0.7) == ANSWER
    body = upstream.one()["body"]
    assert body["messages"] == [{"role": "system", "content": "简短"}, *before, *WHO]
    assert (body["max_tokens"], body["temperature"]) == (50, 0.7)


def test_auto_is_the_default(environment, upstream):
    assert llmgw.chat("你是谁？") == "".join(llmgw.stream("你是谁？")) == ANSWER


def test_a_stream_comes_in_pieces(environment):
    pieces = list(llmgw.stream("你是谁？", "chat"))
    assert len(pieces) > 1 and all(pieces)


def test_arguments_win_over_the_environment(gateway, environment, monkeypatch):
    monkeypatch.setenv("LLMGW_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("LLMGW_API_KEY", "sk-wrong")
    for base_url in (gateway.url, gateway.url + "/v1/"):
        assert whole("gpt-4", base_url=base_url, api_key=KEY) == ANSWER
        assert "gpt-4" in llmgw.list_models(base_url=base_url, api_key=KEY)


def test_the_list_of_models(environment):
    assert {"gpt-4", "vendor/large", "main/chat", "auto"} <= set(llmgw.list_models())
    assert "vendor/large" not in llmgw.list_models(api_key="sk-narrow")


@BOTH
@pytest.mark.parametrize(
    "model, status, code",
    [
        ("error-400", 400, "invalid_value"),
        ("error-422", 422, "unprocessable"),
        ("error-429", 429, "rate_limit_exceeded"),
        ("error-500", 502, "upstream_error"),
        ("expired/chat", 502, "upstream_credentials_exhausted"),
        ("no-such-model", 404, "model_not_found"),
    ],
)
def test_errors(environment, ask, model, status, code):
    with pytest.raises(llmgw.LlmgwError) as raised:
        ask(model)
    error = raised.value
    assert (error.status, error.code) == (status, code)
    assert error.message and error.request_id


@BOTH
def test_an_unknown_model_names_the_nearest(environment, ask):
    with pytest.raises(llmgw.LlmgwError, match="did you mean.*gpt-4"):
        ask("gpt4")


@BOTH
@pytest.mark.parametrize("key", ["sk-wrong", ""])
def test_a_wrong_key(environment, ask, key):
    with pytest.raises(llmgw.LlmgwError) as raised:
        ask("gpt-4", api_key=key)
    assert (raised.value.status, raised.value.code) == (401, "invalid_api_key")
    assert not key or key not in repr(vars(raised.value))


def test_a_model_that_the_key_may_not_use(environment):
    with pytest.raises(llmgw.LlmgwError) as raised:
        whole("main/chat", api_key="sk-narrow")
    assert (raised.value.status, raised.value.code) == (403, "model_not_allowed")


@pytest.mark.parametrize("model", ["cut", "cut-clean", "wrong-later", "after-cut"])
def test_a_stream_that_breaks_keeps_its_text_and_raises(environment, model):
    text = ""
    with pytest.raises(llmgw.LlmgwError) as raised:
        for piece in llmgw.stream("你是谁？", model):
            text += piece
    assert text == ANSWER[:6]
    # An error that the gateway wrote, not a connection that it let break.
    assert raised.value.code not in (None, "answer_cut")
    assert (raised.value.status, bool(raised.value.request_id)) == (200, True)


def test_leaving_a_stream_frees_the_upstream(environment, upstream):
    stream = llmgw.stream("你是谁？", "slow")
    assert next(stream)
    stream.close()
    upstream.wait("slow", "closed")


def test_a_timeout_frees_the_upstream(environment, upstream):
    with pytest.raises(llmgw.LlmgwError) as raised:
        whole("slow", timeout=0.5)
    assert (raised.value.status, raised.value.code) == (None, "timeout")
    upstream.wait("slow", "closed")


def test_its_own_tests():
    ran = run("llmgw.py")
    assert ran.returncode == 0, ran.stderr
    assert "OK" in ran.stderr


def test_its_own_tests_can_fail(tmp_path):
    source = (CLIENT / "llmgw.py").read_text(encoding="utf-8")
    broken = tmp_path / "llmgw.py"
    broken.write_text(source.replace('if data == "[DONE]":', 'if data == "[END]":'), encoding="utf-8")
    ran = run(str(broken))
    assert ran.returncode == 1 and "FAILED" in ran.stderr, ran.stderr


def test_the_demonstration(gateway, upstream):
    ran = run("demo.py", "gpt-4", LLMGW_BASE_URL=gateway.url, LLMGW_API_KEY=KEY)
    assert ran.returncode == 0, ran.stderr
    assert "gpt-4" in ran.stdout and "你说的是：你是谁？" in ran.stdout and "你说的是：Who are you?" in ran.stdout
    assert len(upstream.requests()) == 2


def test_the_demonstration_says_what_to_start():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        ran = run("demo.py", LLMGW_BASE_URL=f"http://127.0.0.1:{bound.getsockname()[1]}")
    assert ran.returncode == 1
    assert "llmgw serve" in ran.stderr and "请在另一个终端启动" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_demonstration_asks_for_a_key(gateway):
    ran = run("demo.py", LLMGW_BASE_URL=gateway.url)
    assert ran.returncode == 1 and "LLMGW_API_KEY" in ran.stderr


def test_what_the_readme_shows(environment, upstream, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (CLIENT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        exec(block, {"llmgw": llmgw})  # noqa: S102
    shown = capsys.readouterr().out
    assert "你说的是：你好" in shown and "你说的是：Say hello" in shown and "'gpt-4'" in shown
    assert "404 model_not_found" in shown
