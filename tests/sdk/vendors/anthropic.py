"""Anthropic's Messages, with the rules of its newest models: no sampling, no budgets, no words put into its mouth."""

import json

from check import Wrong, closed, each, matches, name, object_schema, require, shape, size, text
from scene import THOUGHT, Asked, Trouble, cut, proof, sse

MEDIA = ["image/jpeg", "image/png", "image/gif", "image/webp"]
ERRORS = {
    "wrong": (400, "invalid_request_error"),
    "key": (401, "authentication_error"),
    "model": (404, "not_found_error"),
    "rate": (429, "rate_limit_error"),
    "overload": (529, "overloaded_error"),
    "context": (400, "invalid_request_error"),
    "thread": (400, "invalid_request_error"),
}


def marks(value, path):
    shape(value, path, {"type": ["ephemeral"]}, {"ttl": ["5m", "1h"]})


class Anthropic:
    vendor = "anthropic"

    def key(self, headers, query):
        require(headers.get("x-api-key") == "sk-anthropic" and "authorization" not in headers, "invalid x-api-key")
        require(headers.get("anthropic-version") in ("2023-06-01", "2026-10-21"), "anthropic-version: header is required")

    def error(self, kind, message):
        status, type_ = ERRORS[kind]
        message = "prompt is too long: 250000 tokens > 200000 maximum" if kind == "context" else message
        headers = {"retry-after": "7"} if kind == "rate" else {}
        details = {"details": {"error_code": "thread_unsupported_request"}} if kind == "thread" else {}
        return status, headers, {"type": "error", "error": {"type": type_, "message": message, **details}, "request_id": "req_1"}

    # What arrives

    def read(self, model, body, counting=False):
        def tool(value, path):
            optional = {"type": ["custom"], "description": str, "cache_control": marks, "strict": bool, "eager_input_streaming": bool}
            shape(value, path, {"name": name(most=128), "input_schema": object_schema}, optional)
            if value.get("strict"):
                closed(value["input_schema"], path)

        def choice(value, path):
            named = {"name": str} if value.get("type") == "tool" else {}
            optional = {} if value.get("type") == "none" else {"disable_parallel_tool_use": bool}
            shape(value, path, {"type": ["auto", "any", "tool", "none"], **named}, optional)

        def output(value, path):
            def form(value, path):
                shape(value, path, {"type": ["json_schema"], "schema": dict})
                closed(value["schema"], path)

            shape(value, path, {}, {"effort": ["low", "medium", "high", "xhigh", "max"], "format": form})

        def thinking(value, path):
            display = {"display": ["summarized", "omitted"]} if value.get("type") == "adaptive" else {}
            shape(value, path, {"type": ["adaptive", "disabled"]}, display)

        def system(value, path):
            if not isinstance(value, str):
                each(lambda v, p: shape(v, p, {"type": ["text"], "text": text}, {"cache_control": marks}), 1)(value, path)

        optional = {
            "system": system, "tools": each(tool), "tool_choice": choice, "thinking": thinking, "output_config": output,
            "stop_sequences": each(text), "stream": bool, "metadata": lambda v, p: shape(v, p, {"user_id": str}),
            "service_tier": ["auto", "standard_only"], "cache_control": marks, "thread": dict,
        }  # fmt: skip
        limit = {} if counting else {"max_tokens": int}
        shape(body, "body", {"model": text, "messages": each(dict, 1), **limit}, optional)
        require("tool_choice" not in body or body.get("tools"), "tool_choice may only be specified while providing tools")
        if "thread" in body:
            raise Trouble("thread")
        asked = Asked(model, bool(body.get("stream")))
        self.read_messages(body["messages"], asked)
        wanted = body.get("tool_choice", {"type": "auto"})
        if wanted["type"] != "none":
            asked.tools = [(t["name"], t["input_schema"]) for t in body.get("tools", [])]
        if wanted["type"] in ("any", "tool"):
            asked.forced = wanted.get("name") or asked.tools[0][0]
        form = (body.get("output_config") or {}).get("format")
        asked.schema = form and form["schema"]
        return asked

    def read_messages(self, messages, asked):
        require(messages[0].get("role") == "user", "messages: first message must use the user role")
        require(messages[-1].get("role") == "user", "This model does not support assistant message prefill")
        waiting = []
        for index, message in enumerate(messages):
            path = f"messages.{index}"
            shape(message, path, {"role": ["user", "assistant"], "content": (str, list)})
            content = message["content"]
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            require(blocks, f"{path}: all messages must have non-empty content")
            if message["role"] == "assistant":
                require(not waiting, f"{path}: `tool_use` ids were found without `tool_result` blocks: {waiting}")
                asked.results = []
                waiting = [block["id"] for block in self.of_model(blocks, path, asked)]
            else:
                waiting = self.of_user(blocks, path, asked, waiting)
                require(not waiting, f"{path}: `tool_use` ids were found without `tool_result` blocks immediately after: {waiting}")
        require(not waiting, f"`tool_use` ids without `tool_result`: {waiting}")

    def of_model(self, blocks, path, asked):
        calls = []
        for index, block in enumerate(blocks):
            at, kind = f"{path}.content.{index}", block.get("type")
            if kind == "text":
                shape(block, at, {"type": str, "text": text}, {"cache_control": marks, "citations": (list, type(None))})
            elif kind == "tool_use":
                shape(block, at, {"type": str, "id": name(most=256), "name": name(most=128), "input": dict}, {"cache_control": marks, "caller": dict})
                calls.append(block)
            elif kind == "thinking":
                shape(block, at, {"type": str, "thinking": str, "signature": str})
                intact = (block["thinking"], block["signature"]) == (THOUGHT, proof(self.vendor))
                require(intact, f"{at}: Invalid `signature` in `thinking` block")
                asked.proofs.append(block["signature"])
            else:
                raise Wrong(f"{at}.type: {kind!r}")
        return calls

    def of_user(self, blocks, path, asked, waiting):
        waiting, words, images, results, others = list(waiting), [], [], [], False
        for index, block in enumerate(blocks):
            at, kind = f"{path}.content.{index}", block.get("type")
            if kind == "tool_result":
                require(not others, f"{at}: `tool_result` blocks must come first")
                optional = {"content": (str, list), "is_error": bool, "cache_control": marks}
                shape(block, at, {"type": str, "tool_use_id": str}, optional)
                require(block["tool_use_id"] in waiting, f"{at}: unexpected `tool_use_id`: {block['tool_use_id']}")
                waiting.remove(block["tool_use_id"])
                content = block.get("content", "")
                inner = [{"type": "text", "text": content}] if content and isinstance(content, str) else content or []
                results.append("".join(self.part(part, at, images) for part in inner))
            else:
                others = True
                words.append(self.part(block, at, images))
        if any(words) or images:
            asked.text, asked.images = "".join(words), images
        asked.results = results
        return waiting

    def part(self, block, path, images):
        if block.get("type") == "image":
            source = lambda v, p: shape(v, p, {"type": ["base64"], "media_type": MEDIA, "data": str})  # noqa: E731
            shape(block, path, {"type": str, "source": source}, {"cache_control": marks})
            images.append((block["source"]["media_type"], size(block["source"]["data"], path)))
            return ""
        shape(block, path, {"type": ["text"], "text": text}, {"cache_control": marks, "citations": (list, type(None))})
        return block["text"]

    # What is answered

    def blocks(self, answer):
        """Each whole block, how it starts, and its deltas."""
        if answer.thought:
            whole = {"type": "thinking", "thinking": answer.thought, "signature": proof(self.vendor)}
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in cut(answer.thought, 3)]
            deltas.append({"type": "signature_delta", "signature": whole["signature"]})
            yield whole, {**whole, "thinking": "", "signature": ""}, deltas
        if answer.text:
            whole = {"type": "text", "text": answer.text}
            yield whole, {**whole, "text": ""}, [{"type": "text_delta", "text": piece} for piece in answer.pieces()]
        for call in answer.calls:
            whole = {"type": "tool_use", "id": "toolu_" + call.id, "name": call.name, "input": json.loads(call.arguments)}
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *cut(call.arguments, 5)]]
            yield whole, {**whole, "input": {}}, deltas

    def whole(self, asked, answer):
        content = [whole for whole, _, _ in self.blocks(answer)]
        return {**self.head(asked), "content": content, **self.end(answer), "usage": self.usage(answer)}

    def frames(self, asked, answer):
        def frame(kind, value):
            return sse({"type": kind, **value}, kind)

        message = {**self.head(asked), "content": [], "stop_reason": None, "stop_sequence": None}
        yield frame("message_start", {"message": {**message, "usage": {**self.usage(answer), "output_tokens": 1}}})
        yield frame("ping", {})
        for index, (_, start, deltas) in enumerate(self.blocks(answer)):
            yield frame("content_block_start", {"index": index, "content_block": start})
            for delta in deltas[: 2 if answer.breaks else None]:
                yield frame("content_block_delta", {"index": index, "delta": delta})
            if answer.breaks:
                yield frame("error", {"error": {"type": "overloaded_error", "message": "Overloaded"}})
                return
            yield frame("content_block_stop", {"index": index})
        yield frame("message_delta", {"delta": self.end(answer), "usage": {"output_tokens": answer.output}})
        yield frame("message_stop", {})

    def head(self, asked):
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": asked.model}

    def end(self, answer):
        names = {"stop": "end_turn", "calls": "tool_use", "length": "max_tokens", "refusal": "refusal"}
        return {"stop_reason": names[answer.end], "stop_sequence": None}

    def usage(self, answer):
        fresh, read, wrote = answer.input
        return {"input_tokens": fresh, "cache_read_input_tokens": read, "cache_creation_input_tokens": wrote,
                "output_tokens": answer.output, "output_tokens_details": {"thinking_tokens": answer.reasoned}}  # fmt: skip


class OllamaAnthropic(Anthropic):
    vendor = "ollama"

    def key(self, headers, query):
        pass
