"""OpenAI's Responses through the official SDK, before an upstream that speaks chat only."""

import openai
import pydantic
import pytest

ANSWER = "你好，我是上游 🐉。\n你说的是：你是谁？"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}
TOOLS = [{"type": "function", "name": name, "description": name, "parameters": PARAMETERS, "strict": False} for name in ("weather", "time")]


def test_an_answer(client, upstream):
    response = client.responses.create(model="chat", instructions="短一点", input="你是谁？", max_output_tokens=100)
    assert (response.output_text, response.status, response.model) == (ANSWER, "completed", "chat-2026-11-20")
    assert response.id.startswith("resp_") and response.usage.input_tokens == 7
    assert response.instructions == "短一点" and response.max_output_tokens == 100
    sent = upstream.one()["body"]
    assert sent["messages"] == [{"role": "system", "content": "短一点"}, {"role": "user", "content": "你是谁？"}]


def test_a_stream_is_accumulated_to_the_same_response(client):
    with client.responses.stream(model="chat", input="你是谁？") as stream:
        events = list(stream)
        response = stream.get_final_response()
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 3 and "".join(deltas) == ANSWER == response.output_text
    assert [event.sequence_number for event in events if hasattr(event, "sequence_number")] == list(range(len(events)))
    assert events[0].type == "response.created" and events[-1].type == "response.completed"


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_called_in_parallel_and_their_results_are_read(client, upstream, streamed):
    asked = [{"role": "user", "content": "你是谁？"}]
    if streamed:
        with client.responses.stream(model="chat", input=asked, tools=TOOLS) as stream:
            response = stream.get_final_response()
    else:
        response = client.responses.create(model="chat", input=asked, tools=TOOLS)
    calls = [item for item in response.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["weather", "time"]
    echoed = [{"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments} for call in calls]
    outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": f"{call.name}：晴"} for call in calls]
    last = client.responses.create(model="chat", input=[*asked, *echoed, *outputs], tools=TOOLS)
    assert last.output_text == "工具说：weather：晴；time：晴"
    assert [sent["role"] for sent in upstream.requests()[-1]["body"]["messages"]] == ["user", "assistant", "tool", "tool"]


def test_an_answer_is_parsed_by_its_schema(client, upstream):
    class City(pydantic.BaseModel):
        name: str
        people: int

    response = client.responses.parse(model="chat", input="北京", text_format=City)
    assert isinstance(response.output_parsed, City)
    assert upstream.one()["body"]["response_format"]["json_schema"]["schema"]["properties"].keys() == {"name", "people"}


def test_what_cannot_be_said_is_refused_by_name(client):
    with pytest.raises(openai.BadRequestError, match="web_search"):
        client.responses.create(model="chat", input="你好", tools=[{"type": "web_search"}])
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="nobody", input="你好")


def test_a_stream_that_breaks_off_raises_after_what_was_said(client):
    said = ""
    with pytest.raises(openai.APIError):
        for event in client.responses.create(model="cut", input="你是谁？", stream=True):
            said += event.delta if event.type == "response.output_text.delta" else ""
    assert said and ANSWER.startswith(said)


def test_a_conversation_goes_on_from_its_last_response(client, upstream):
    first = client.responses.create(model="chat", input="你是谁？")
    second = client.responses.create(model="chat", input="再说一遍", previous_response_id=first.id)
    assert (second.previous_response_id, second.output_text) == (first.id, ANSWER.replace("你是谁？", "再说一遍"))
    with client.responses.stream(model="chat", input="还有呢", previous_response_id=second.id) as stream:
        third = stream.get_final_response()
    sent = upstream.requests()[-1]["body"]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user", "assistant", "user"]
    assert client.responses.retrieve(third.id).output_text == third.output_text
    said = list(client.responses.input_items.list(third.id, order="asc", limit=2))
    assert [item.content[0].text for item in said] == ["你是谁？", first.output_text, "再说一遍", second.output_text, "还有呢"]


def test_what_is_forgotten_cannot_be_gone_on_from(client):
    first = client.responses.create(model="chat", input="你是谁？")
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError, match=first.id):
        client.responses.retrieve(first.id)
    unkept = client.responses.create(model="chat", input="你是谁？", store=False)
    for earlier in (first, unkept):
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(model="chat", input="再说一遍", previous_response_id=earlier.id)
        assert refused.value.code == "previous_response_not_found" and refused.value.param == "previous_response_id"
