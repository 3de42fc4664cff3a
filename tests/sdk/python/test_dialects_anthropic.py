"""The official Anthropic SDK, before an upstream of every dialect."""

import anthropic
import pytest
from anthropic import beta_tool
from dialects import CUT_SHORT, GIVEN, PARAMETERS, PNG, REFUSAL, SEEN, THOUGHT, UPSTREAMS, City, after_tools, answer

TOOLS = [{"name": name, "description": name, "input_schema": PARAMETERS} for name in ("weather", "time")]

each_upstream = pytest.mark.parametrize("via", UPSTREAMS)


@pytest.fixture
def claude(dialects):
    with anthropic.Anthropic(base_url=dialects.url, api_key="sk-everything", max_retries=0, timeout=20) as claude:
        yield claude


def user(said):
    return [{"role": "user", "content": said}]


def ask(claude, via, messages, streamed=False, max_tokens=4000, **more):
    """The message, accumulated by the SDK's own helper where it is streamed."""
    more |= {"model": f"via-{via}", "messages": messages, "max_tokens": max_tokens}
    if not streamed:
        return claude.messages.create(**more)
    with claude.messages.stream(**more) as stream:
        return stream.get_final_message()


@each_upstream
def test_an_answer_to_all_kinds_of_turns(claude, via):
    turns = [*user("先问"), {"role": "assistant", "content": "先答"}, *user([{"type": "text", "text": "缓存"}])]
    message = ask(claude, via, turns, system=[{"type": "text", "text": "短一点"}])
    assert [(block.type, block.text) for block in message.content] == [("text", answer("缓存"))]
    assert (message.role, message.stop_reason) == ("assistant", "end_turn")
    usage = message.usage
    read, wrote = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    # Gemini does not tell what it writes to a cache.
    assert (usage.input_tokens, read, wrote, usage.output_tokens) == ((15, 5, 0, 9) if via == "gemini" else (12, 5, 3, 9))


@each_upstream
def test_a_stream_is_accumulated_to_the_same_message(claude, via):
    with claude.messages.stream(model=f"via-{via}", max_tokens=100, messages=user("你好")) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert len(pieces) > 3 and "".join(pieces) == answer("你好") == message.content[0].text
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 9)


@each_upstream
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("thought", [False, True])
def test_tools_are_called_and_all_blocks_come_back(claude, via, streamed, thought):
    turns = user("想想天气和时间，都要" if thought else "天气和时间都要")
    more = {"tools": TOOLS, **({"thinking": {"type": "adaptive", "display": "summarized"}} if thought else {})}
    message = ask(claude, via, turns, streamed, **more)
    assert message.stop_reason == "tool_use"
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [(call.name, call.input) for call in calls] == [("weather", GIVEN), ("time", GIVEN)]
    if thought:
        assert (message.content[0].type, message.content[0].thinking) == ("thinking", THOUGHT)
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": f"{call.name}：晴"} for call in calls]
    blocks = [block.to_dict(exclude_none=True) for block in message.content]
    last = ask(claude, via, [*turns, {"role": "assistant", "content": blocks}, *user(results)], streamed, **more)
    assert last.content[0].text == after_tools(via, thought, own=True)


@each_upstream
@pytest.mark.parametrize("streamed", [False, True])
def test_the_tool_runner_comes_to_an_end(claude, via, streamed):
    asked = []

    @beta_tool
    def weather(city: str) -> str:
        """查天气

        Args:
            city: 城市
        """
        asked.append(city)
        return f"{city}：晴"

    more = {"tools": [weather], "messages": user("天气"), "model": f"via-{via}", "max_tokens": 4000}
    if streamed:
        for stream in claude.beta.messages.tool_runner(stream=True, **more):
            message = stream.get_final_message()
    else:
        message = claude.beta.messages.tool_runner(**more).until_done()
    assert asked == ["北京"] and message.content[0].text.startswith("工具说：北京：晴")


@each_upstream
@pytest.mark.parametrize("choice, called", [({"type": "any"}, "weather"), ({"type": "tool", "name": "time"}, "time"), ({"type": "none"}, None)])
def test_the_choice_of_a_tool_is_obeyed(claude, via, choice, called):
    message = ask(claude, via, user("天气"), tools=TOOLS, tool_choice=choice)
    assert [block.name for block in message.content if block.type == "tool_use"] == ([called] if called else [])


@each_upstream
@pytest.mark.parametrize("streamed", [False, True])
def test_text_and_a_call_come_in_one_answer(claude, via, streamed):
    message = ask(claude, via, user("边说边查天气"), streamed, tools=TOOLS)
    # The signature of Gemini's call has a block of its own.
    assert [block.type for block in message.content if block.type != "redacted_thinking"] == ["text", "tool_use"]


@each_upstream
def test_an_answer_is_parsed_by_its_schema(claude, via):
    message = claude.messages.parse(model=f"via-{via}", max_tokens=4000, messages=user("一座城市"), output_format=City)
    assert message.parsed_output == City(name="北京", people=25, kinds=["北京"])


@each_upstream
def test_an_image_is_seen(claude, via):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    assert ask(claude, via, user([image, {"type": "text", "text": "这是什么？"}])).content[0].text == SEEN


@each_upstream
@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_that_is_too_long_is_cut_short(claude, via, streamed):
    message = ask(claude, via, user("很长"), streamed, max_tokens=16)
    assert (message.content[0].text, message.stop_reason) == (CUT_SHORT, "max_tokens")


@each_upstream
@pytest.mark.parametrize("streamed", [False, True])
def test_a_refusal_is_told(claude, via, streamed):
    message = ask(claude, via, user("拒绝"), streamed)
    assert message.stop_reason == "refusal"
    if via != "gemini":
        assert message.content[0].text == REFUSAL


@each_upstream
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("said, raised, kind", [
    ("太快", anthropic.RateLimitError, "rate_limit_error"),
    ("过载", anthropic.OverloadedError, "overloaded_error"),
    ("太大", anthropic.BadRequestError, "invalid_request_error"),
])  # fmt: skip
def test_errors_are_raised_as_their_own_class(claude, via, said, raised, kind, streamed):
    # Only those that speak Anthropic's dialect have a status for it; of others' 503 there is no more to tell than that they failed.
    if said == "过载" and via not in ("anthropic", "ollama"):
        raised, kind = anthropic.InternalServerError, "api_error"
    with pytest.raises(raised) as error:
        ask(claude, via, user(said), streamed)
    assert error.value.body["error"]["type"] == kind


@each_upstream
def test_a_stream_that_breaks_off_raises_after_what_was_said(claude, via):
    said = ""
    with pytest.raises(anthropic.APIStatusError):
        with claude.messages.stream(model=f"via-{via}", max_tokens=4000, messages=user("断开")) as stream:
            for piece in stream.text_stream:
                said += piece
    assert said and answer("断开").startswith(said)


@each_upstream
def test_tokens_are_counted(claude, via):
    raw = claude.messages.with_raw_response.count_tokens(model=f"via-{via}", messages=user("你好"), system="短一点", tools=TOOLS)
    counted = raw.parse().input_tokens
    assert counted == 17 if raw.headers.get("x-llmgw-estimated") != "true" else 0 < counted < 400
    assert via != "anthropic" or counted == 17


def test_all_upstreams_are_listed(claude):
    assert {model.id for model in claude.models.list()} >= {f"via-{via}" for via in UPSTREAMS}


# Bedrock does not tell.
@pytest.mark.parametrize("via", [via for via in UPSTREAMS if via != "bedrock"])
def test_how_long_to_wait_is_passed_on(claude, via):
    with pytest.raises(anthropic.RateLimitError) as error:
        ask(claude, via, user("太快"))
    assert int(error.value.response.headers["retry-after"]) in (6, 7)
