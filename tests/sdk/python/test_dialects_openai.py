"""The official OpenAI SDK's chat, before an upstream of every dialect."""

import base64
import json

import openai
import pytest
from dialects import CUT_SHORT, GIVEN, PARAMETERS, PNG, REFUSAL, SEEN, THOUGHT, UPSTREAMS, City, after_tools, answer

TOOLS = [{"type": "function", "function": {"name": name, "description": name, "parameters": PARAMETERS}} for name in ("weather", "time")]

each_upstream = pytest.mark.parametrize("via", UPSTREAMS)


@pytest.fixture
def client(dialects):
    with openai.OpenAI(base_url=dialects.url + "/v1", api_key="sk-everything", max_retries=0, timeout=20) as client:
        yield client


def user(said):
    return [{"role": "user", "content": said}]


def ask(client, via, messages, streamed=False, **more):
    """The completion, accumulated by the SDK's own helper where it is streamed."""
    if not streamed:
        return client.chat.completions.create(model=f"via-{via}", messages=messages, **more)
    with client.chat.completions.stream(model=f"via-{via}", messages=messages, **more) as stream:
        return stream.until_done().get_final_completion()


def echo(message):
    """The message as the next request has it: the helper keeps the places of calls in a stream."""
    message = message.model_dump(exclude_none=True)
    for call in message["tool_calls"]:
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    return message


@each_upstream
def test_an_answer_to_all_kinds_of_turns(client, via):
    turns = [{"role": "system", "content": "短一点"}, *user("先问"), {"role": "assistant", "content": "先答"}, *user("再"), *user("问")]
    completion = ask(client, via, turns, max_completion_tokens=100)
    choice = completion.choices[0]
    assert choice.message.content.startswith("你好，我在上游 🐉。\n你说的是：") and choice.message.content.endswith("问")
    assert (choice.finish_reason, choice.message.role, choice.message.tool_calls) == ("stop", "assistant", None)
    usage = completion.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (20, 9, 29)


@each_upstream
def test_a_stream_comes_in_pieces_and_ends_with_its_usage(client, via):
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model=f"via-{via}", messages=user("缓存"), stream=True, stream_options=options))
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(pieces) > 3 and "".join(pieces) == answer("缓存")
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert len({chunk.id for chunk in chunks if chunk.id}) == 1
    usage = chunks[-1].usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens_details.cached_tokens) == (20, 9, 5)


@each_upstream
def test_a_stream_without_usage_has_none(client, via):
    chunks = list(client.chat.completions.create(model=f"via-{via}", messages=user("你好"), stream=True))
    assert all(chunk.usage is None for chunk in chunks)
    assert all(chunk.choices for chunk in chunks) or via == "azure"


@each_upstream
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_called_in_parallel_and_their_results_are_read(client, via, streamed):
    turns = user("天气和时间都要")
    completion = ask(client, via, turns, streamed, tools=TOOLS)
    message = completion.choices[0].message
    assert completion.choices[0].finish_reason == "tool_calls"
    assert [call.function.name for call in message.tool_calls] == ["weather", "time"]
    assert all(json.loads(call.function.arguments) == GIVEN for call in message.tool_calls)
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name}：晴"} for call in message.tool_calls]
    last = ask(client, via, [*turns, echo(message), *results], streamed, tools=TOOLS)
    assert last.choices[0].message.content == after_tools(via, thought=False)


@each_upstream
@pytest.mark.parametrize("streamed", [False, True])
def test_reasoning_is_read_and_its_signature_comes_back(client, via, streamed):
    turns = user("想想天气和时间，都要")
    more = {"tools": TOOLS, "reasoning_effort": "high"}
    if streamed:
        message = by_hand(client, via, turns, **more)
    else:
        message = ask(client, via, turns, **more).choices[0].message
        message = echo(message)
    assert message.get("reasoning_content", message.get("reasoning")) == THOUGHT
    results = [{"role": "tool", "tool_call_id": call["id"], "content": f"{call['function']['name']}：晴"} for call in message["tool_calls"]]
    last = ask(client, via, [*turns, message, *results], streamed, **more)
    assert last.choices[0].message.content == after_tools(via, thought=True)


def by_hand(client, via, messages, **more):
    """A streamed message with its reasoning, which the SDK's helper does not know how to join."""
    joined = {"role": "assistant", "tool_calls": []}
    for chunk in client.chat.completions.create(model=f"via-{via}", messages=messages, stream=True, **more):
        delta = chunk.choices[0].delta.model_dump(exclude_none=True) if chunk.choices else {}
        for name in ("content", "reasoning_content", "reasoning"):
            if delta.get(name):
                joined[name] = joined.get(name, "") + delta[name]
        for detail in delta.get("reasoning_details", []):
            details = joined.setdefault("reasoning_details", [])
            same = next((old for old in details if old.get("index") == detail.get("index")), None)
            if same is None:
                details.append(detail)
            else:
                texts = {"text": same.get("text", "") + detail.get("text", "")} if "text" in same or "text" in detail else {}
                same.update({**detail, **texts})
        for call in delta.get("tool_calls", []):
            if call["index"] == len(joined["tool_calls"]):
                joined["tool_calls"].append({key: value for key, value in call.items() if key != "index"})
            else:
                joined["tool_calls"][call["index"]]["function"]["arguments"] += call["function"]["arguments"]
    return joined


@each_upstream
def test_tool_calls_of_another_upstream_go_on_here(client, via):
    other = "gemini" if via != "gemini" else "anthropic"
    turns = user("想想天气和时间，都要")
    message = ask(client, other, turns, tools=TOOLS, reasoning_effort="high").choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name}：晴"} for call in message.tool_calls]
    last = ask(client, via, [*turns, echo(message), *results], tools=TOOLS)
    assert last.choices[0].message.content == after_tools("openai", thought=False)


@each_upstream
@pytest.mark.parametrize("choice, called", [("required", "weather"), ({"type": "function", "function": {"name": "time"}}, "time"), ("none", None)])
def test_the_choice_of_a_tool_is_obeyed(client, via, choice, called):
    message = ask(client, via, user("天气"), tools=TOOLS, tool_choice=choice).choices[0].message
    assert [call.function.name for call in message.tool_calls or []] == ([called] if called else [])


@each_upstream
@pytest.mark.parametrize("streamed", [False, True])
def test_text_and_a_call_come_in_one_answer(client, via, streamed):
    message = ask(client, via, user("边说边查天气"), streamed, tools=TOOLS).choices[0].message
    assert (message.content, len(message.tool_calls)) == ("我去查查。", 1)


@each_upstream
def test_an_answer_is_parsed_by_its_schema(client, via):
    completion = client.chat.completions.parse(model=f"via-{via}", messages=user("一座城市"), response_format=City)
    assert completion.choices[0].message.parsed == City(name="北京", people=25, kinds=["北京"])


@each_upstream
def test_an_image_is_seen(client, via):
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    assert len(base64.b64decode(PNG)) == 8
    completion = ask(client, via, [{"role": "user", "content": [{"type": "text", "text": "这是什么？"}, image]}])
    assert completion.choices[0].message.content == SEEN


@each_upstream
@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_that_is_too_long_is_cut_short(client, via, streamed):
    # The helper itself raises at such an end.
    if streamed:
        chunks = [chunk for chunk in client.chat.completions.create(model=f"via-{via}", messages=user("很长"), stream=True) if chunk.choices]
        said, end = "".join(chunk.choices[0].delta.content or "" for chunk in chunks), chunks[-1].choices[0].finish_reason
    else:
        (choice,) = ask(client, via, user("很长"), max_tokens=16 if via != "azure" else openai.NOT_GIVEN).choices
        said, end = choice.message.content, choice.finish_reason
    assert (said, end) == (CUT_SHORT, "length")


@each_upstream
def test_a_refusal_is_told(client, via):
    (choice,) = ask(client, via, user("拒绝")).choices
    if via in ("openai", "responses", "azure", "ollama"):
        assert (choice.message.refusal, choice.finish_reason) == (REFUSAL, "stop")
    else:
        assert choice.finish_reason == "content_filter"


@each_upstream
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("said, raised", [
    ("太快", openai.RateLimitError), ("过载", openai.InternalServerError), ("太大", openai.BadRequestError),
])  # fmt: skip
def test_errors_are_raised_as_their_own_class(client, via, said, raised, streamed):
    with pytest.raises(raised) as error:
        ask(client, via, user(said), streamed)
    assert error.value.body["message"]
    if raised is openai.BadRequestError:
        assert error.value.code == "context_length_exceeded"


@each_upstream
def test_a_stream_that_breaks_off_raises_after_what_was_said(client, via):
    said = ""
    with pytest.raises(openai.APIError):
        for chunk in client.chat.completions.create(model=f"via-{via}", messages=user("断开"), stream=True):
            said += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    assert said and answer("断开").startswith(said)


# Bedrock does not tell.
@pytest.mark.parametrize("via", [via for via in UPSTREAMS if via != "bedrock"])
def test_how_long_to_wait_is_passed_on(client, via):
    with pytest.raises(openai.RateLimitError) as error:
        ask(client, via, user("太快"))
    assert int(error.value.response.headers["retry-after"]) in (6, 7)
