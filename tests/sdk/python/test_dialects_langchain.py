"""LangChain's models for OpenAI's chat, OpenAI's Responses and Anthropic, before an upstream of every dialect."""

import pytest
from dialects import GIVEN, UPSTREAMS, City, after_tools, answer
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

pytestmark = [
    pytest.mark.parametrize("via", UPSTREAMS),
    pytest.mark.parametrize("speaks", ["chat", "responses", "anthropic"]),
]


@tool
def weather(city: str, days: int) -> str:
    """查天气"""
    return "weather：晴"


@tool
def time(city: str, days: int) -> str:
    """查时间"""
    return "time：晴"


@pytest.fixture
def model(dialects, speaks, via):
    more = {"model": f"via-{via}", "api_key": "sk-everything", "max_retries": 0}
    if speaks == "anthropic":
        return ChatAnthropic(base_url=dialects.url, max_tokens=4000, **more)
    responses = {"use_responses_api": True, "store": False} if speaks == "responses" else {}
    return ChatOpenAI(base_url=dialects.url + "/v1", **responses, **more)


def test_an_answer(model):
    message = model.invoke([SystemMessage("短一点"), HumanMessage("你好")])
    assert message.text == answer("你好")
    assert (message.usage_metadata["input_tokens"], message.usage_metadata["output_tokens"]) == (20, 9)


def test_a_stream(model):
    pieces = [chunk.text for chunk in model.stream("你好") if chunk.text]
    assert len(pieces) > 3 and "".join(pieces) == answer("你好")


@pytest.mark.parametrize("streamed", [False, True])
def test_bound_tools_are_called_and_their_results_are_read(model, via, streamed):
    bound = model.bind_tools([weather, time])
    turns = [HumanMessage("天气和时间都要")]
    if streamed:
        message, *chunks = bound.stream(turns)
        for chunk in chunks:
            message += chunk
    else:
        message = bound.invoke(turns)
    assert [(call["name"], call["args"]) for call in message.tool_calls] == [("weather", GIVEN), ("time", GIVEN)]
    results = [ToolMessage({"weather": weather, "time": time}[call["name"]].invoke(call["args"]), tool_call_id=call["id"]) for call in message.tool_calls]
    last = bound.invoke([*turns, message, *results])
    assert last.text.startswith(after_tools("openai", thought=False))


def test_an_answer_has_its_schema(model, speaks):
    structured = model.with_structured_output(City, method="json_schema")
    assert structured.invoke("一座城市") == City(name="北京", people=25, kinds=["北京"])
