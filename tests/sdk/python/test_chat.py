"""Chat: synchronous and asynchronous, whole and streamed, tools and JSON."""

import asyncio
import json
from typing import Literal

import pydantic
import pytest

WHO = [{"role": "user", "content": "你是谁？"}]
ANSWER = "你好，我是上游 🐉。\n你说的是：你是谁？"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                "required": ["city"],
            },
        },
    }
    for name, description in [("weather", "查天气"), ("time", "查时间")]
]
ARGUMENTS = {"city": "北京", "days": 25}


def test_an_answer(client, upstream):
    completion = client.chat.completions.create(model="chat", messages=WHO, temperature=0.5, seed=7, user="小明")
    assert completion.choices[0].message.content == ANSWER
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "chat-2026-11-20"
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    assert completion.usage.prompt_tokens == 4
    # What the SDK has no name for arrives too.
    assert completion.model_extra["上游字段"] == {"未知": [1, 2.5]}
    assert upstream.one()["body"] == {"messages": WHO, "model": "chat", "temperature": 0.5, "seed": 7, "user": "小明"}


def test_an_alias_reaches_the_upstream_under_its_own_name(client, upstream):
    completion = client.chat.completions.create(model="gpt-4", messages=WHO)
    assert completion.choices[0].message.content == ANSWER
    assert upstream.one()["body"] == {"messages": WHO, "model": "chat"}


@pytest.mark.parametrize("model, sent", [("org/chat-large", "org/chat-large"), ("vendor/large", "org/chat-large"), ("spare/chat", "chat"), ("main/org/chat-large", "org/chat-large"), ("auto", "chat")])  # fmt: skip
def test_names_with_slashes_and_auto(client, upstream, model, sent):
    assert client.chat.completions.create(model=model, messages=WHO).choices[0].message.content == ANSWER
    assert upstream.one()["model"] == sent


def test_unknown_fields_and_headers_pass(client, upstream):
    extra = {"厂商字段": {"深": [True, None, 1.5]}}
    client.chat.completions.create(model="chat", messages=WHO, extra_body=extra, extra_headers={"x-team": "blue"})
    entry = upstream.one()
    assert entry["body"] == {"messages": WHO, "model": "chat", **extra}
    headers = dict(entry["headers"])
    assert headers["x-team"] == "blue"
    assert headers["user-agent"].startswith("OpenAI/Python ")
    assert headers["authorization"] == "Bearer sk-upstream-main"
    assert "sk-everything" not in json.dumps(entry)
    assert headers.get("accept-encoding", "identity") == "identity"


def test_a_long_conversation_with_parts(client, upstream):
    messages = [
        {"role": "system", "content": "你是一只龙。"},
        {"role": "user", "content": [{"type": "text", "text": "看："}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}}]},
        {"role": "assistant", "content": "好。" * 20_000},
        {"role": "user", "content": [{"type": "text", "text": "然后？"}]},
    ]  # fmt: skip
    completion = client.chat.completions.create(model="chat", messages=messages)
    assert completion.choices[0].message.content.endswith("你说的是：然后？")
    assert upstream.one()["body"]["messages"] == messages


def test_a_stream(client, upstream):
    chunks = list(client.chat.completions.create(model="chat", messages=WHO, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
    assert [chunk.choices[0].finish_reason for chunk in chunks][-2:] == [None, "stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    # Usage was not asked for: the chunk without choices that the gateway asked for itself is not ours to see.
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    # One chunk for each of the upstream's: nothing was joined on the way.
    assert len(chunks) == 1 + -(-len(ANSWER) // 3) + 1
    assert upstream.one()["body"]["stream_options"] == {"include_usage": True}


def test_a_stream_with_usage(client, upstream):
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model="chat", messages=WHO, stream=True, stream_options=options))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 4 + len(ANSWER)
    assert all(chunk.choices and chunk.usage is None for chunk in chunks[:-1])


def test_a_stream_helper(client, upstream):
    with client.chat.completions.stream(model="chat", messages=WHO) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        assert text == ANSWER
        assert stream.get_final_completion().choices[0].message.content == ANSWER


def test_asynchronous_answers(async_client, upstream):
    async def ask(number):
        messages = [{"role": "user", "content": f"第 {number} 问"}]
        return (await async_client.chat.completions.create(model="chat", messages=messages)).choices[0].message.content

    async def work():
        async with async_client:
            return await asyncio.gather(*(ask(number) for number in range(20)))

    assert asyncio.run(work()) == [f"你好，我是上游 🐉。\n你说的是：第 {number} 问" for number in range(20)]


def test_asynchronous_streams(async_client, upstream):
    async def ask(number):
        messages = [{"role": "user", "content": f"第 {number} 问"}]
        stream = await async_client.chat.completions.create(model="chat", messages=messages, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def work():
        async with async_client:
            return await asyncio.gather(*(ask(number) for number in range(10)))

    assert asyncio.run(work()) == [f"你好，我是上游 🐉。\n你说的是：第 {number} 问" for number in range(10)]


def test_tools(client, upstream):
    first = client.chat.completions.create(model="chat", messages=WHO, tools=TOOLS, tool_choice="required")
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert [call.function.name for call in choice.message.tool_calls] == ["weather", "time"]
    assert all(json.loads(call.function.arguments) == ARGUMENTS for call in choice.message.tool_calls)

    results = [{"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name} 的结果"} for call in choice.message.tool_calls]
    second = client.chat.completions.create(model="chat", messages=[*WHO, choice.message, *results], tools=TOOLS)
    assert second.choices[0].message.content == "工具说：weather 的结果；time 的结果"
    # Schemas keep the order of their keys: providers' prompt caches depend on it.
    assert json.dumps(upstream.requests()[0]["body"]["tools"]) == json.dumps(TOOLS)


def test_one_named_tool_without_parallel_calls(client, upstream):
    named = {"type": "function", "function": {"name": "time"}}
    completion = client.chat.completions.create(model="chat", messages=WHO, tools=TOOLS, tool_choice=named, parallel_tool_calls=False)
    (call,) = completion.choices[0].message.tool_calls
    assert call.function.name == "time"
    assert completion.choices[0].finish_reason == "stop"


def test_streamed_tools(client, upstream):
    chunks = list(client.chat.completions.create(model="chat", messages=WHO, tools=TOOLS, tool_choice="required", stream=True))
    calls = {}
    for chunk in chunks:
        for part in chunk.choices[0].delta.tool_calls or []:
            call = calls.setdefault(part.index, {"id": part.id, "name": part.function.name, "arguments": ""})
            call["arguments"] += part.function.arguments or ""
    assert [call["name"] for call in calls.values()] == ["weather", "time"]
    assert all(call["id"] for call in calls.values())
    assert all(json.loads(call["arguments"]) == ARGUMENTS for call in calls.values())
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_streamed_tools_by_the_helper(client, upstream):
    strict = [{**tool, "function": {**tool["function"], "strict": True}} for tool in TOOLS]
    with client.chat.completions.stream(model="chat", messages=WHO, tools=strict, tool_choice="required") as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
    assert [(event.name, event.parsed_arguments) for event in done] == [("weather", ARGUMENTS), ("time", ARGUMENTS)]


def test_json_mode(client, upstream):
    messages = [{"role": "user", "content": "用 JSON 回答"}]
    completion = client.chat.completions.create(model="chat", messages=messages, response_format={"type": "json_object"})
    assert json.loads(completion.choices[0].message.content) == {"回答": "用 JSON 回答", "数字": 42}


class Place(pydantic.BaseModel):
    name: str
    kind: Literal["城市", "国家"]


class Journey(pydantic.BaseModel):
    title: str
    days: int
    places: list[Place]
    note: str | None


def test_structured_output(client, upstream):
    completion = client.chat.completions.parse(model="chat", messages=WHO, response_format=Journey)
    place = Place(name="北京", kind="城市")
    assert completion.choices[0].message.parsed == Journey(title="北京", days=25, places=[place], note="北京")
    assert upstream.one()["body"]["response_format"]["json_schema"]["strict"] is True


def test_structured_output_streamed(client, upstream):
    with client.chat.completions.stream(model="chat", messages=WHO, response_format=Journey) as stream:
        assert stream.get_final_completion().choices[0].message.parsed.days == 25


def test_a_raw_response(client, upstream):
    raw = client.chat.completions.with_raw_response.create(model="gpt-4", messages=WHO, extra_headers={"x-request-id": "问-1".encode().hex()})
    assert raw.headers["x-request-id"] == "问-1".encode().hex()
    assert raw.headers["x-upstream-request-id"] == "req_上游".encode().hex()
    assert raw.headers["x-llmgw-provider"] == "main"
    assert raw.headers["x-llmgw-model"] == "chat"
    assert raw.headers["x-llmgw-attempts"] == "1"
    assert float(raw.headers["x-llmgw-overhead-ms"]) >= 0
    assert raw.parse().choices[0].message.content == ANSWER


def test_every_answer_has_a_request_id(client, upstream):
    first, second = (client.chat.completions.create(model="chat", messages=WHO)._request_id for _ in range(2))
    assert first and second and first != second


def test_a_raw_stream(client, upstream):
    with client.chat.completions.with_streaming_response.create(model="chat", messages=WHO, stream=True) as raw:
        assert raw.headers["content-type"].startswith("text/event-stream")
        assert raw.headers["x-llmgw-provider"] == "main"
        lines = [line for line in raw.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    assert all(line.startswith("data: ") for line in lines)
