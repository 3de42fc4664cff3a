"""The official Anthropic SDK, before an upstream that speaks OpenAI's chat: what it accumulates, loops over and raises."""

import anthropic
import pytest
from anthropic import beta_tool

WHO = [{"role": "user", "content": "你是谁？"}]
ANSWER = "你好，我是上游 🐉。\n你说的是：你是谁？"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}
TOOLS = [
    {"name": "weather", "description": "查天气", "input_schema": SCHEMA},
    {"name": "time", "description": "查时间", "input_schema": SCHEMA},
]


@pytest.fixture
def claude(gateway):
    """As a person configures the SDK, but that a failure is seen at once."""
    with anthropic.Anthropic(base_url=gateway.url, api_key="sk-everything", max_retries=0, timeout=20) as claude:
        yield claude


def test_an_answer(claude, upstream):
    message = claude.messages.create(model="chat", max_tokens=100, system="短一点", messages=WHO)
    assert [(block.type, block.text) for block in message.content] == [("text", ANSWER)]
    assert (message.role, message.stop_reason, message.model) == ("assistant", "end_turn", "chat-2026-11-20")
    assert message.id.startswith("msg_") and message.usage.input_tokens == 7
    sent = upstream.one()["body"]
    assert sent["messages"] == [{"role": "system", "content": "短一点"}, *WHO]
    assert sent["max_tokens"] == 100 and "stream" not in sent


def test_a_stream_is_accumulated_to_the_same_message(claude, upstream):
    with claude.messages.stream(model="chat", max_tokens=100, messages=WHO) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert len(pieces) > 3 and "".join(pieces) == ANSWER
    assert (message.content[0].text, message.stop_reason) == (ANSWER, "end_turn")
    assert message.usage.output_tokens > 0
    assert upstream.one()["body"]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_called_in_parallel_and_their_results_are_read(claude, upstream, streamed):
    ask = {"model": "chat", "max_tokens": 100, "tools": TOOLS}
    if streamed:
        with claude.messages.stream(messages=WHO, **ask) as stream:
            message = stream.get_final_message()
    else:
        message = claude.messages.create(messages=WHO, **ask)
    calls = [block for block in message.content if block.type == "tool_use"]
    assert message.stop_reason == "tool_use" and [call.name for call in calls] == ["weather", "time"]
    assert all(call.input["city"] for call in calls)
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": f"{call.name}：晴"}]} for call in calls]
    turns = [*WHO, {"role": "assistant", "content": [block.to_dict() for block in message.content]}, {"role": "user", "content": results}]
    last = claude.messages.create(messages=turns, **ask)
    assert last.content[0].text == "工具说：weather：晴；time：晴"
    assert [sent["role"] for sent in upstream.requests()[-1]["body"]["messages"]] == ["user", "assistant", "tool", "tool"]


def test_the_tool_runner_comes_to_an_end(claude):
    asked = []

    @beta_tool
    def weather(city: str) -> str:
        """查天气

        Args:
            city: 城市
        """
        asked.append(city)
        return f"{city}：晴"

    message = claude.beta.messages.tool_runner(model="chat", max_tokens=100, tools=[weather], messages=WHO).until_done()
    assert len(asked) == 1 and message.content[0].text == f"工具说：{asked[0]}：晴"


def test_a_named_tool_is_forced(claude, upstream):
    choice = {"type": "tool", "name": "time", "disable_parallel_tool_use": True}
    message = claude.messages.create(model="chat", max_tokens=100, tools=TOOLS, tool_choice=choice, messages=WHO)
    assert [block.name for block in message.content] == ["time"] and message.stop_reason == "tool_use"
    assert upstream.one()["body"]["tool_choice"] == {"type": "function", "function": {"name": "time"}}


def test_an_image_and_hints_that_are_left_out(claude, upstream):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    content = [image, {"type": "text", "text": "这是什么？", "cache_control": {"type": "ephemeral"}}]
    raw = claude.messages.with_raw_response.create(model="chat", max_tokens=100, messages=[{"role": "user", "content": content}])
    assert raw.headers["x-llmgw-dropped"] == "cache_control"
    (message,) = upstream.one()["body"]["messages"]
    assert message["content"][0] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


@pytest.mark.parametrize("model, raised", [
    ("error-400", anthropic.BadRequestError),
    ("nobody", anthropic.NotFoundError),
    ("error-422", anthropic.UnprocessableEntityError),
    ("error-429", anthropic.RateLimitError),
    ("error-409", anthropic.ConflictError),
])  # fmt: skip
def test_errors_are_raised_as_their_own_class(claude, model, raised):
    with pytest.raises(raised) as error:
        claude.messages.create(model=f"main/{model}" if model.startswith("error") else model, max_tokens=100, messages=WHO)
    assert error.value.body["type"] == "error" and error.value.body["error"]["message"]
    if error.value.status_code == 429:
        assert error.value.body["error"]["type"] == "rate_limit_error"


def test_a_wrong_key_and_a_wrong_request(gateway, claude):
    with anthropic.Anthropic(base_url=gateway.url, api_key="sk-wrong", max_retries=0) as stranger:
        with pytest.raises(anthropic.AuthenticationError):
            stranger.messages.create(model="chat", max_tokens=100, messages=WHO)
    turns = [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_0", "content": "晴"}]}]
    with pytest.raises(anthropic.BadRequestError, match="tool_use_id"):
        claude.messages.create(model="chat", max_tokens=100, messages=turns)


def test_a_stream_that_breaks_off_raises_after_what_was_said(claude):
    said = ""
    with pytest.raises(anthropic.APIStatusError):
        with claude.messages.stream(model="cut", max_tokens=100, messages=WHO) as stream:
            for piece in stream.text_stream:
                said += piece
    assert said and ANSWER.startswith(said)


def test_a_failure_before_the_first_word_moves_on(claude):
    with claude.messages.stream(model="after-overload", max_tokens=100, messages=WHO) as stream:
        assert stream.get_final_text() == ANSWER


def test_tokens_are_counted_and_models_listed(claude):
    raw = claude.messages.with_raw_response.count_tokens(model="chat", messages=WHO)
    assert raw.headers["x-llmgw-estimated"] == "true" and 0 < raw.parse().input_tokens < 100
    listed = claude.models.list(limit=2)
    assert len(listed.data) == 2 and listed.has_more
    names = [model.id for model in listed]
    assert len(names) == len(set(names)) > 10 and "gpt-4" in names
    assert claude.models.retrieve("gpt-4").type == "model"
