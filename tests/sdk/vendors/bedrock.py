"""AWS Bedrock's Converse: signed requests, and streams of binary frames."""

import hashlib
import hmac
import json
import struct
import zlib
from urllib.parse import quote

from check import Wrong, each, name, object_schema, require, shape, size, text, within
from scene import THOUGHT, Asked, cut, proof

REGION, ID, SECRET = "eu-central-1", "AKIDEXAMPLE", "wJalrXUtnFEMI"
ERRORS = {
    "wrong": (400, "ValidationException"),
    "key": (403, "InvalidSignatureException"),
    "model": (404, "ResourceNotFoundException"),
    "rate": (429, "ThrottlingException"),
    "overload": (503, "ServiceUnavailableException"),
    "context": (400, "ValidationException"),
}


class Bedrock:
    vendor = "bedrock"

    def error(self, kind, message):
        status, word = ERRORS[kind]
        message = "Input is too long for requested model." if kind == "context" else message
        return status, {"x-amzn-errortype": f"{word}:http://internal.amazon.com/coral/"}, {"message": message}

    def signed(self, method, path, headers, body):
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        require(scheme == "AWS4-HMAC-SHA256", "Missing Authentication Token")
        fields = dict(item.strip().split("=", 1) for item in rest.split(","))
        time = headers.get("x-amz-date", "")
        scope = f"{time[:8]}/{REGION}/bedrock/aws4_request"
        require(fields["Credential"] == f"{ID}/{scope}", "Credential should be scoped to a valid region and service")
        names = fields["SignedHeaders"].split(";")
        require("host" in names and "x-amz-date" in names, "'host' and 'x-amz-date' must be signed")
        digest = hashlib.sha256(body).hexdigest()
        require(headers.get("x-amz-content-sha256", digest) == digest, "The provided 'x-amz-content-sha256' does not match")
        lines = "".join(f"{header}:{' '.join(headers[header].split())}\n" for header in names)
        canonical = f"{method}\n{quote(path, safe='/-_.~')}\n\n{lines}\n{';'.join(names)}\n{digest}"
        key = f"AWS4{SECRET}".encode()
        for part in (time[:8], REGION, "bedrock", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        given = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        expected = hmac.digest(key, given.encode(), "sha256").hex()
        require(hmac.compare_digest(expected, fields["Signature"]), "The request signature we calculated does not match")

    # What arrives

    def read(self, model, body):
        def cache(value, path):
            shape(value, path, {"type": ["default"]}, {"ttl": ["5m", "1h"]})

        def inference(value, path):
            shape(value, path, {}, {"maxTokens": int, "temperature": within(0, 1), "topP": within(0, 1), "stopSequences": each(text, 1)})

        def spec(value, path):
            schema = lambda v, p: shape(v, p, {"json": object_schema})  # noqa: E731
            shape(value, path, {"name": name(), "inputSchema": schema}, {"description": text, "strict": bool})

        def tool(value, path):
            shape(value, path, {}, {"toolSpec": spec, "cachePoint": cache})
            require(len(value) == 1, f"{path}: a union has one member")

        def choice(value, path):
            shape(value, path, {}, {"auto": dict, "any": dict, "tool": lambda v, p: shape(v, p, {"name": str})})
            require(len(value) == 1, f"{path}: a union has one member")

        def output(value, path):
            schema = lambda v, p: shape(v, p, {"schema": str}, {"name": name(), "description": str})  # noqa: E731
            structure = lambda v, p: shape(v, p, {"jsonSchema": schema})  # noqa: E731
            form = lambda v, p: shape(v, p, {"type": ["json_schema"], "structure": structure})  # noqa: E731
            shape(value, path, {}, {"textFormat": form, "effort": ["low", "medium", "high", "xhigh", "max"]})

        def thinking(value, path):
            shape(value, path, {"type": ["enabled"], "budget_tokens": int})
            # Without one: the most that the model can say.
            limit = body.get("inferenceConfig", {}).get("maxTokens", 64_000)
            require(1024 <= value["budget_tokens"] < limit, f"{path}: budget_tokens must be at least 1024 and less than maxTokens")

        optional = {
            "system": each(lambda v, p: shape(v, p, {}, {"text": text, "cachePoint": cache}), 1), "inferenceConfig": inference,
            "toolConfig": lambda v, p: shape(v, p, {"tools": each(tool, 1)}, {"toolChoice": choice}), "outputConfig": output,
            "additionalModelRequestFields": lambda v, p: shape(v, p, {}, {"thinking": thinking, "top_k": int, "anthropic_beta": list}),
            "requestMetadata": dict,
        }  # fmt: skip
        shape(body, "body", {"messages": each(dict, 1)}, optional)
        asked = Asked(model)
        has_calls = self.read_messages(body["messages"], asked)
        config = body.get("toolConfig")
        require(config or not has_calls, "The toolConfig field must be defined when using toolUse and toolResult content blocks.")
        if config:
            specs = [t["toolSpec"] for t in config["tools"] if "toolSpec" in t]
            asked.tools = [(s["name"], s["inputSchema"]["json"]) for s in specs]
            wanted = config.get("toolChoice", {})
            if "any" in wanted or "tool" in wanted:
                asked.forced = wanted.get("tool", {}).get("name") or asked.tools[0][0]
        form = (body.get("outputConfig") or {}).get("textFormat")
        asked.schema = form and json.loads(form["structure"]["jsonSchema"]["schema"])
        return asked

    def read_messages(self, messages, asked):
        waiting, last, has_calls = [], "assistant", False
        for index, message in enumerate(messages):
            path = f"messages.{index}"
            shape(message, path, {"role": ["user", "assistant"], "content": each(dict, 1)})
            require(message["role"] != last, f"{path}: A conversation must alternate between user and assistant roles")
            last = message["role"]
            words, images, results, calls = [], [], [], []
            for number, block in enumerate(message["content"]):
                at = f"{path}.content.{number}"
                require(len(block) == 1, f"{at}: a union has one member")
                ((kind, value),) = block.items()
                if kind == "text":
                    text(value, at)
                    words.append(value)
                elif kind == "image":
                    self.image(value, at, images)
                elif kind == "toolUse" and last == "assistant":
                    shape(value, at, {"toolUseId": name("_.:-"), "name": name(), "input": dict})
                    require("llmgw." not in value["toolUseId"], f"{at}: a mark of the gateway's")
                    calls.append(value["toolUseId"])
                elif kind == "toolResult" and last == "user":
                    require(not words, f"{at}: tool results come first")
                    shape(value, at, {"toolUseId": str, "content": each(dict)}, {"status": ["success", "error"]})
                    require(value["toolUseId"] in waiting, f"{at}: no toolUse {value['toolUseId']}")
                    waiting.remove(value["toolUseId"])
                    for inner in value["content"]:
                        shape(inner, at, {}, {"text": text, "json": dict, "image": dict})
                    results.append("".join(inner.get("text", "") for inner in value["content"]))
                elif kind == "reasoningContent" and last == "assistant":
                    shape(value, at, {"reasoningText": lambda v, p: shape(v, p, {"text": str, "signature": str})})
                    thought = value["reasoningText"]
                    require((thought["text"], thought["signature"]) == (THOUGHT, proof(self.vendor)), f"{at}: Invalid signature")
                    asked.proofs.append(thought["signature"])
                elif kind == "cachePoint":
                    shape(value, at, {"type": ["default"]}, {"ttl": ["5m", "1h"]})
                else:
                    raise Wrong(f"{at}: {kind}")
            require(not waiting, f"{path}: Expected toolResult blocks for the following Ids: {waiting}")
            waiting, has_calls = calls, has_calls or bool(calls)
            if last == "user":
                asked.results = results
                if words or images:
                    asked.text, asked.images = "".join(words), images
        require(last == "user" and not waiting, "messages: must end with a user turn")
        return has_calls

    def image(self, value, path, images):
        source = lambda v, p: shape(v, p, {"bytes": str})  # noqa: E731
        shape(value, path, {"format": ["png", "jpeg", "gif", "webp"], "source": source})
        images.append((f"image/{value['format']}", size(value["source"]["bytes"], path)))

    # What is answered

    def whole(self, asked, answer):
        content = []
        if answer.thought:
            content.append({"reasoningContent": {"reasoningText": {"text": answer.thought, "signature": proof(self.vendor)}}})
        if answer.text:
            content.append({"text": answer.text})
        for call in answer.calls:
            content.append({"toolUse": {"toolUseId": self.id(call), "name": call.name, "input": json.loads(call.arguments)}})
        output = {"message": {"role": "assistant", "content": content}}
        return {"output": output, "stopReason": self.end(answer), "usage": self.usage(answer), "metrics": {"latencyMs": 1}}

    def frames(self, asked, answer):
        yield frame("messageStart", {"role": "assistant", "p": "abcd"})
        index = 0
        if answer.thought:
            deltas = [{"text": piece} for piece in cut(answer.thought, 3)] + [{"signature": proof(self.vendor)}]
            yield from block(index, [{"reasoningContent": delta} for delta in deltas])
            index += 1
        if answer.text:
            deltas = [{"text": piece} for piece in answer.pieces()]
            if answer.breaks:
                yield from list(block(index, deltas))[:2]
                yield frame("serviceUnavailableException", {"message": "Overloaded"}, ":exception-type", "exception")
                return
            yield from block(index, deltas)
            index += 1
        for call in answer.calls:
            deltas = [{"toolUse": {"input": piece}} for piece in cut(call.arguments, 5)]
            yield from block(index, deltas, {"toolUse": {"toolUseId": self.id(call), "name": call.name}})
            index += 1
        yield frame("messageStop", {"stopReason": self.end(answer)})
        yield frame("metadata", {"usage": self.usage(answer), "metrics": {"latencyMs": 1}})

    def id(self, call):
        return f"tooluse.{call.id}:1"

    def end(self, answer):
        return {"stop": "end_turn", "calls": "tool_use", "length": "max_tokens", "refusal": "content_filtered"}[answer.end]

    def usage(self, answer):
        fresh, read, wrote = answer.input
        return {"inputTokens": fresh, "cacheReadInputTokens": read, "cacheWriteInputTokens": wrote, "outputTokens": answer.output,
                "totalTokens": fresh + read + wrote + answer.output}  # fmt: skip


def block(index, deltas, start=None):
    at = {"contentBlockIndex": index}
    # There is no start of a text.
    if start:
        yield frame("contentBlockStart", {**at, "start": start})
    for delta in deltas:
        yield frame("contentBlockDelta", {**at, "delta": delta})
    yield frame("contentBlockStop", at)


def frame(kind, value, header=":event-type", message="event"):
    """One message of application/vnd.amazon.eventstream."""
    payload = json.dumps(value, ensure_ascii=False).encode()
    headers = b""
    for key, word in ((header, kind), (":content-type", "application/json"), (":message-type", message)):
        headers += bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(word)) + word.encode()
    prelude = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    whole = prelude + headers + payload
    return whole + struct.pack(">I", zlib.crc32(whole))
