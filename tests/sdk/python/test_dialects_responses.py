"""OpenAI's Responses through the official SDK, before an upstream of every dialect."""

import json

import openai
import pytest
from dialects import CUT_SHORT, GIVEN, PARAMETERS, PNG, REFUSAL, SEEN, THOUGHT, UPSTREAMS, City, after_tools, answer

TOOLS = [{"type": "function", "name": name, "description": name, "parameters": PARAMETERS, "strict": False} for name in ("weather", "time")]

pytestmark = pytest.mark.parametrize("via", UPSTREAMS)


@pytest.fixture
def client(dialects):
    with openai.OpenAI(base_url=dialects.url + "/v1", api_key="sk-everything", max_retries=0, timeout=20) as client:
        yield client


def ask(client, via, given, streamed=False, **more):
    """The response, accumulated by the SDK's own helper where it is streamed."""
    if not streamed:
        return client.responses.create(model=f"via-{via}", input=given, store=False, **more)
    with client.responses.stream(model=f"via-{via}", input=given, store=False, **more) as stream:
        return stream.until_done().get_final_response()


def test_an_answer(client, via):
    response = ask(client, via, "缓存", instructions="短一点", max_output_tokens=100)
    assert (response.output_text, response.status) == (answer("缓存"), "completed")
    usage = response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.input_tokens_details.cached_tokens) == (20, 9, 29, 5)


def test_a_stream_is_numbered_and_accumulated_to_the_same_response(client, via):
    with client.responses.stream(model=f"via-{via}", input="你好", store=False) as stream:
        events = list(stream)
        response = stream.get_final_response()
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 3 and "".join(deltas) == answer("你好") == response.output_text
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    assert response.usage.total_tokens == 29


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("thought", [False, True])
def test_tools_are_called_and_all_items_come_back(client, via, streamed, thought):
    asked = [{"role": "user", "content": "想想天气和时间，都要" if thought else "天气和时间都要"}]
    more = {"tools": TOOLS}
    if thought:
        more |= {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    response = ask(client, via, asked, streamed, **more)
    calls = [item for item in response.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [("weather", GIVEN), ("time", GIVEN)]
    reasoning = [item for item in response.output if item.type == "reasoning"]
    if thought:
        parts = reasoning[0].summary or reasoning[0].content
        assert "".join(part.text for part in parts) == THOUGHT and response.output[0].type == "reasoning"
    outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": f"{call.name}：晴"} for call in calls]
    echoed = [item.to_dict(exclude_none=True) for item in response.output]
    for item in echoed:
        item.pop("parsed_arguments", None)
    last = ask(client, via, [*asked, *echoed, *outputs], streamed, **more)
    assert last.output_text == after_tools(via, thought, own=True)


@pytest.mark.parametrize("choice, called", [("required", "weather"), ({"type": "function", "name": "time"}, "time"), ("none", None)])
def test_the_choice_of_a_tool_is_obeyed(client, via, choice, called):
    response = ask(client, via, "天气", tools=TOOLS, tool_choice=choice)
    assert [item.name for item in response.output if item.type == "function_call"] == ([called] if called else [])


def test_an_answer_is_parsed_by_its_schema(client, via):
    response = client.responses.parse(model=f"via-{via}", input="一座城市", text_format=City, store=False)
    assert response.output_parsed == City(name="北京", people=25, kinds=["北京"])


def test_an_image_is_seen(client, via):
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
    response = ask(client, via, [{"role": "user", "content": [image, {"type": "input_text", "text": "这是什么？"}]}])
    assert response.output_text == SEEN


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_that_is_too_long_is_incomplete(client, via, streamed):
    if streamed:
        *_, last = client.responses.create(model=f"via-{via}", input="很长", store=False, stream=True)
        assert last.type == "response.incomplete"
        response = last.response
    else:
        response = ask(client, via, "很长")
    assert (response.output_text, response.status, response.incomplete_details.reason) == (CUT_SHORT, "incomplete", "max_output_tokens")


def test_a_refusal_is_told(client, via):
    response = ask(client, via, "拒绝")
    if via in ("openai", "responses", "azure", "ollama"):
        assert response.output[0].content[0].refusal == REFUSAL
    else:
        assert (response.status, response.incomplete_details.reason) == ("incomplete", "content_filter")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("said, raised", [
    ("太快", openai.RateLimitError), ("过载", openai.InternalServerError), ("太大", openai.BadRequestError),
])  # fmt: skip
def test_errors_are_raised_as_their_own_class(client, via, said, raised, streamed):
    with pytest.raises(raised) as error:
        ask(client, via, said, streamed)
    if raised is openai.BadRequestError:
        assert error.value.code == "context_length_exceeded"


def test_a_stream_that_breaks_off_raises_after_what_was_said(client, via):
    said = ""
    with pytest.raises(openai.APIError):
        for event in client.responses.create(model=f"via-{via}", input="断开", store=False, stream=True):
            said += event.delta if event.type == "response.output_text.delta" else ""
            # As OpenAI writes it, and as it is passed on untouched, the SDK takes it for an event like any other.
            if event.type == "error" and via in ("responses", "ollama"):
                raise openai.APIError(event.message, request=None, body=None)
    assert said and answer("断开").startswith(said)
