"""OpenAI's SDK, chat and Responses, before an upstream that speaks Anthropic's dialect; that one is a gateway too, before an
upstream that speaks chat. So everything is translated twice, and the first translation is read as a client's request."""

import json

import openai
import pydantic
import pytest

from conftest import PATIENCE, SDK, serving

WHO = [{"role": "user", "content": "你是谁？"}]
ANSWER = "你好，我是上游 🐉。\n你说的是：你是谁？"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": name, "description": name, "parameters": PARAMETERS}} for name in ("weather", "time")]


@pytest.fixture(scope="module")
def chained(gateway, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("chained"), "--config", str(SDK / "chained.yaml"), UPSTREAM=gateway.url) as chained:
        yield chained


@pytest.fixture
def client(chained):
    with openai.OpenAI(base_url=chained.url + "/v1", api_key="none", max_retries=0, timeout=PATIENCE) as client:
        yield client


def test_an_answer_whole_and_streamed(client, upstream):
    messages = [{"role": "system", "content": "短一点"}, *WHO]
    completion = client.chat.completions.create(model="chat", messages=messages, max_tokens=50)
    assert (completion.choices[0].message.content, completion.choices[0].finish_reason) == (ANSWER, "stop")
    assert completion.usage.prompt_tokens == 7
    assert upstream.one()["body"]["messages"] == messages
    with client.chat.completions.stream(model="chat", messages=messages, stream_options={"include_usage": True}) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert (final.choices[0].message.content, final.choices[0].finish_reason) == (ANSWER, "stop")
    assert final.usage.completion_tokens == completion.usage.completion_tokens


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_called_in_parallel_and_their_results_are_read(client, upstream, streamed):
    if streamed:
        with client.chat.completions.stream(model="chat", messages=WHO, tools=TOOLS) as stream:
            for _ in stream:
                pass
            message = stream.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(model="chat", messages=WHO, tools=TOOLS).choices[0].message
    assert [call.function.name for call in message.tool_calls] == ["weather", "time"]
    assert all(json.loads(call.function.arguments)["city"] for call in message.tool_calls)
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name}：晴"} for call in message.tool_calls]
    turns = [*WHO, message.to_dict(), *results]
    last = client.chat.completions.create(model="chat", messages=turns, tools=TOOLS)
    assert last.choices[0].message.content == "工具说：weather：晴；time：晴"
    assert [sent["role"] for sent in upstream.requests()[-1]["body"]["messages"]] == ["user", "assistant", "tool", "tool"]


def test_an_answer_is_parsed_by_its_schema(client):
    class City(pydantic.BaseModel):
        name: str
        people: int

    parsed = client.chat.completions.parse(model="chat", messages=WHO, response_format=City).choices[0].message.parsed
    assert isinstance(parsed, City)


def test_an_image_arrives(client, upstream):
    url = "data:image/png;base64,iVBORw0KGgo="
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "这是什么？"}]
    client.chat.completions.create(model="chat", messages=[{"role": "user", "content": content}])
    (message,) = upstream.one()["body"]["messages"]
    assert message["content"][0] == {"type": "image_url", "image_url": {"url": url}}


def test_responses_whole_and_streamed(client):
    response = client.responses.create(model="chat", instructions="短一点", input="你是谁？")
    assert (response.output_text, response.status) == (ANSWER, "completed")
    with client.responses.stream(model="chat", input="你是谁？") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == ANSWER


def test_errors_keep_their_status_and_a_stream_that_breaks_off_raises(client):
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="error-429", messages=WHO)
    with pytest.raises(openai.BadRequestError, match="参数不对"):
        client.chat.completions.create(model="claude/main/error-400", messages=WHO)
    said = ""
    with pytest.raises(openai.APIError):
        for chunk in client.chat.completions.create(model="cut", messages=WHO, stream=True):
            said += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    assert said and ANSWER.startswith(said)
