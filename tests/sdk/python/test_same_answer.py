"""The same question by the SDK, by curl and by llmgw's own command line has the same answer."""

import json
import subprocess

import openai

WHO = [{"role": "user", "content": "你是谁？"}]
ANSWER = "你好，我是上游 🐉。\n你说的是：你是谁？"


def curl(gateway, path, body, *options):
    command = ["curl", "-sS", "--noproxy", "*", "--max-time", "20", gateway.url + path, "-H", "authorization: Bearer sk-everything", "-H", "content-type: application/json", "--data-binary", "@-", *options]  # fmt: skip
    return subprocess.run(command, input=json.dumps(body), capture_output=True, text=True, check=True, timeout=30).stdout


def test_sdk_curl_and_command_line(client, gateway, upstream):
    by_sdk = client.chat.completions.create(model="gpt-4", messages=WHO)
    by_curl = json.loads(curl(gateway, "/v1/chat/completions", {"model": "gpt-4", "messages": WHO}))
    # Not a field is lost or made up.
    assert by_sdk.model_dump(exclude_unset=True) == by_curl

    ran = gateway.run("chat", "--model", "gpt-4", "--format", "json", "你是谁？")
    assert ran.returncode == 0, ran.stderr
    by_command = json.loads(ran.stdout)
    assert by_command["object"] == "chat.completion"
    assert by_command["model"] == by_curl["model"]
    assert by_command["choices"][0]["message"]["content"] == by_curl["choices"][0]["message"]["content"] == ANSWER
    assert by_command["choices"][0]["finish_reason"] == "stop"
    usage = ["prompt_tokens", "completion_tokens", "total_tokens"]
    assert [by_command["usage"][name] for name in usage] == [by_curl["usage"][name] for name in usage]
    assert [entry["model"] for entry in upstream.requests()] == ["chat"] * 3
    assert all(entry["body"]["messages"] == WHO for entry in upstream.requests())


def test_streams_too(client, gateway, upstream):
    body = {"model": "gpt-4", "messages": WHO, "stream": True}
    events = curl(gateway, "/v1/chat/completions", body, "-N").split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    by_curl = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    by_sdk = [chunk.model_dump(exclude_unset=True) for chunk in client.chat.completions.create(**body)]
    assert by_sdk == by_curl

    ran = gateway.run("chat", "--model", "gpt-4", "--format", "jsonl", "你是谁？")
    assert ran.returncode == 0, ran.stderr
    chunks = [json.loads(line) for line in ran.stdout.splitlines()]
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]) == ANSWER


def test_plain_text_and_a_piped_prompt(gateway, upstream):
    ran = gateway.run("chat", "-m", "gpt-4", stdin="你是谁？")
    assert (ran.returncode, ran.stdout.rstrip("\n")) == (0, ANSWER), ran.stderr


def test_failures_end_the_command_with_1_and_unknown_models_with_2(gateway, upstream):
    assert gateway.run("chat", "-m", "error-500", "你好").returncode == 1
    ran = gateway.run("chat", "-m", "no-such-model", "你好")
    assert (ran.returncode, ran.stdout) == (2, "")


def test_an_error_is_the_same_by_curl(gateway, client, upstream):
    try:
        client.chat.completions.create(model="error-422", messages=WHO)
    except openai.UnprocessableEntityError as error:
        by_sdk = error.body
    body = {"model": "error-422", "messages": WHO}
    assert json.loads(curl(gateway, "/v1/chat/completions", body))["error"] == by_sdk
