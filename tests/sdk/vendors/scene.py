"""What is answered, whatever the dialect: each one reads its request into `Asked`, and writes an `Answer` its own way.

The last words of the user choose: see `play`.
"""

import hashlib
import json
from dataclasses import dataclass, field

THOUGHT = "先想一想：天气要查。"


@dataclass
class Asked:
    model: str
    stream: bool = False
    text: str = ""
    results: list = field(default_factory=list)  # texts of the tool results that the conversation ends with
    images: list = field(default_factory=list)  # (media type, size) of what the last turn shows
    tools: list = field(default_factory=list)  # (name, schema) of what may be called; empty when nothing may be
    forced: str | None = None  # the one tool that must be called
    schema: dict | None = None  # that of the answer
    proofs: list = field(default_factory=list)  # signatures that came back
    usage: bool = True  # whether a stream is to tell it


@dataclass
class Call:
    id: str
    name: str
    arguments: str


@dataclass
class Answer:
    text: str = ""
    thought: str = ""
    proof: str = ""  # that the thought is the vendor's own
    calls: list = field(default_factory=list)
    end: str = "stop"  # or calls, length, refusal
    breaks: bool = False  # in the middle of the text, with an error of the vendor
    cached: bool = False

    @property
    def input(self):
        """Tokens: fresh, read from a cache, written to one."""
        return (12, 5, 3) if self.cached else (20, 0, 0)

    @property
    def output(self):
        return 9

    @property
    def reasoned(self):
        """How many of the output are reasoning."""
        return 4 if self.thought else 0

    def pieces(self):
        return cut(self.text, 4)


class Trouble(Exception):
    """An answer that is an error: `rate`, `overload`, `context` or `thread`."""


def play(vendor, asked):
    said = asked.text
    for word, trouble in {"太快": "rate", "过载": "overload", "太大": "context"}.items():
        if word in said:
            raise Trouble(trouble)
    if asked.results:
        own = proof(vendor)
        back = "（签名回来了）" if own in asked.proofs else ""
        return Answer(text="工具说：" + "；".join(asked.results) + back)
    thinking = {"thought": THOUGHT, "proof": proof(vendor)} if "想" in said else {}
    if asked.tools and (asked.forced or "天气" in said):
        tools = [tool for tool in asked.tools if asked.forced in (None, tool[0])]
        calls = [call(vendor, index, *tool) for index, tool in enumerate(tools if "都" in said else tools[:1])]
        return Answer(calls=calls, end="calls", text="我去查查。" if "边说" in said else "", **thinking)
    if asked.schema is not None:
        return Answer(text=json.dumps(example(asked.schema, asked.schema), ensure_ascii=False))
    if "拒绝" in said:
        return Answer(text="这个我不能说。", end="refusal")
    if "很长" in said:
        return Answer(text="从前有座山，山里有", end="length")
    if asked.images:
        return Answer(text="看到" + "；".join(f" {media} {size} 字节" for media, size in asked.images))
    return Answer(text=f"你好，我在上游 🐉。\n你说的是：{said}", breaks="断开" in said, cached="缓存" in said, **thinking)


def proof(vendor):
    """In base64, as some of the vendors want it."""
    return "U2lnbmF0dXJl" + hashlib.sha256(vendor.encode()).hexdigest()[:12] + "/+=="


def call(vendor, index, name, schema):
    arguments = json.dumps(example(schema, schema), ensure_ascii=False)
    return Call(f"call_{vendor}_{hashlib.sha256(name.encode()).hexdigest()[:8]}_{index}", name, arguments)


def example(schema, root):
    """Some value that the schema allows."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/").removeprefix("#/definitions/")
        return example({**root.get("definitions", {}), **root.get("$defs", {})}[name], root)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], root)
    kind = schema.get("type", "object")
    if kind == "object":
        return {name: example(inner, root) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"], root)]
    return {"string": "北京", "integer": 25, "number": 0.5, "boolean": True, "null": None}[kind]


def cut(text, length):
    return [text[i : i + length] for i in range(0, len(text), length)]


def sse(value, event=None, end="\n"):
    head = f"event: {event}{end}" if event else ""
    return f"{head}data: {json.dumps(value, ensure_ascii=False)}{end}{end}".encode()
