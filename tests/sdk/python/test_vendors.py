"""The upstreams of `vendors` are worth something only if they refuse what the vendors do, in the vendors' words."""

import json
import urllib.error
import urllib.request

import anthropic
import openai
import pytest

CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}]}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "晴"}
HELLO = {"role": "user", "content": "你好"}
GEMINI_CALL = [
    {"role": "user", "parts": [{"text": "天气"}]},
    {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {}}}]},
    {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"output": "晴"}}}]},
]
MESSAGES = {"model": "m", "max_tokens": 9, "messages": [HELLO]}
CLAUDE = {"x-api-key": "sk-anthropic", "anthropic-version": "2023-06-01"}
GOOGLE = {"x-goog-api-key": "sk-gemini"}


def post(url, body, headers):
    headers = {"content-type": "application/json", **headers}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize("path, body, headers, says", [
    ("anthropic/v1/messages", MESSAGES, {}, "invalid x-api-key"),
    ("anthropic/v1/messages", {**MESSAGES, "temperature": 1}, CLAUDE, "temperature: extra inputs are not permitted"),
    ("anthropic/v1/messages", {"model": "m", "messages": [HELLO]}, CLAUDE, "max_tokens: missing"),
    ("anthropic/v1/messages", {**MESSAGES, "messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, CLAUDE, "not be empty"),
    ("anthropic/v1/messages", {**MESSAGES, "messages": [HELLO, CALL, {"role": "user", "content": [{"type": "text", "text": "好"}, RESULT]}]}, CLAUDE, "first"),
    ("anthropic/v1/messages", {**MESSAGES, "messages": [HELLO, CALL, HELLO]}, CLAUDE, "without `tool_result`"),
    ("anthropic/v1/messages", {**MESSAGES, "metadata": {"user_id": "llmgw.x"}}, CLAUDE, "a mark"),
    ("anthropic/v1/messages", {**MESSAGES, "metadata": {"user_id": "sk-everything"}}, CLAUDE, "the key of the client"),
    ("gemini/v1beta/models/m:generateContent", {"contents": GEMINI_CALL}, GOOGLE, "thought_signature"),
    ("gemini/v1beta/models/m:generateContent", {"contents": GEMINI_CALL[:2]}, GOOGLE, "thought_signature"),
    ("gemini/v1beta/models/m:generateContent", {"contents": GEMINI_CALL[:1], "stream": True}, GOOGLE, "stream: extra"),
    ("bedrock/model/m/converse", {"messages": []}, {"authorization": "Bearer sk"}, "Missing Authentication Token"),
    ("azure/openai/deployments/m/chat/completions", {"messages": [HELLO]}, {"api-key": "sk-azure"}, "Resource not found"),
    ("responses/openai/v1/responses", {"model": "m", "input": "你好", "stop": ["x"]}, {"api-key": "sk-responses"}, "stop: extra"),
    ("chat/v1/chat/completions", {"model": "m", "messages": [HELLO], "stream_options": {}}, {"authorization": "Bearer sk-openai"}, "with stream"),
])  # fmt: skip
def test_a_wrong_request_is_refused(vendors_process, path, body, headers, says):
    status, answer = post(f"{vendors_process.url}/{path}", body, headers)
    assert status in (400, 401, 403) and says in json.dumps(answer, ensure_ascii=False)


def test_the_sdks_understand_it_without_a_gateway(vendors_process):
    url = vendors_process.url
    with openai.OpenAI(base_url=f"{url}/chat/v1", api_key="sk-openai", max_retries=0) as client:
        assert client.chat.completions.create(model="m", messages=[HELLO]).choices[0].message.content.endswith("你好")
    with anthropic.Anthropic(base_url=f"{url}/ollama", api_key="none", max_retries=0) as client:
        assert client.messages.create(**MESSAGES).content[0].text.endswith("你好")
