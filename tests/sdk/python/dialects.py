"""What the suites over all dialects have in common: what they say, and what the upstreams of `vendors` answer."""

import pydantic

UPSTREAMS = ["openai", "responses", "anthropic", "gemini", "bedrock", "azure", "ollama"]
# Their reasoning is signed, or encrypted, and has to come back to them.
SIGNING = ["responses", "anthropic", "gemini", "bedrock"]
THOUGHT = "先想一想：天气要查。"
REFUSAL = "这个我不能说。"
CUT_SHORT = "从前有座山，山里有"
# Eight bytes, and the size that upstreams tell.
PNG = "iVBORw0KGgo="
SEEN = "看到 image/png 8 字节"

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
GIVEN = {"city": "北京", "days": 25}
BOTH = "工具说：weather：晴；time：晴"



def answer(said):
    return f"你好，我在上游 🐉。\n你说的是：{said}"


def after_tools(upstream, thought, own=False):
    """What is said when both tools have been called; who signed a thought says whether it came back.

    Gemini signs calls, too. Ollama signs if it is spoken to as others are: `own`, in the client's dialect.
    """
    signed = thought and (upstream in SIGNING or own and upstream == "ollama") or upstream == "gemini"
    return BOTH + ("（签名回来了）" if signed else "")


class City(pydantic.BaseModel):
    name: str
    people: int
    kinds: list[str]
