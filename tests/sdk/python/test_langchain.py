"""LangChain in every dialect of clients, before an upstream that speaks OpenAI's chat."""

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

ANSWER = "你好，我是上游 🐉。\n你说的是：你是谁？"


@tool
def weather(city: str) -> str:
    """查天气"""
    return f"{city}：晴"


@pytest.fixture(params=["openai_chat", "openai_responses", "anthropic"])
def model(request, gateway):
    settings = {"api_key": "sk-everything", "max_retries": 0, "timeout": 20}
    if request.param == "anthropic":
        return ChatAnthropic(model="chat", base_url=gateway.url, max_tokens=100, **settings)
    return ChatOpenAI(model="chat", base_url=gateway.url + "/v1", use_responses_api=request.param == "openai_responses", **settings)


def test_an_answer_whole_and_streamed(model):
    asked = [SystemMessage("短一点"), HumanMessage("你是谁？")]
    answer = model.invoke(asked)
    assert answer.text == ANSWER and answer.usage_metadata["input_tokens"] == 7
    pieces = list(model.stream(asked))
    assert len(pieces) > 3 and "".join(piece.text for piece in pieces) == ANSWER


def test_a_tool_is_called_and_its_result_read(model):
    model = model.bind_tools([weather])
    asked = [HumanMessage("天气？")]
    answer = model.invoke(asked)
    (call,) = answer.tool_calls
    result = weather.invoke(call)
    assert isinstance(result, ToolMessage) and result.content.endswith("：晴")
    last = model.invoke([*asked, answer, result])
    assert last.text == f"工具说：{result.content}"
