"""OpenAI's chat, and those that speak it: Azure's classic API and Ollama."""

import json

from check import Wrong, data_url, each, matches, name, object_schema, require, shape, text, within
from scene import Asked, cut, sse

ANY = (str, int, float, bool, dict, list, type(None))
FUNCTION = {"name": name(), "description": str, "parameters": object_schema, "strict": (bool, type(None))}
ERRORS = {
    "wrong": (400, "invalid_request_error", "invalid_value"),
    "key": (401, "invalid_request_error", "invalid_api_key"),
    "model": (404, "invalid_request_error", "model_not_found"),
    "rate": (429, "requests", "rate_limit_exceeded"),
    "overload": (503, "service_unavailable_error", "server_is_overloaded"),
    "context": (400, "invalid_request_error", "context_length_exceeded"),
}


class Chat:
    vendor = "openai"
    errors = ERRORS

    def key(self, headers, query):
        require(headers.get("authorization") == f"Bearer sk-{self.vendor}", "Incorrect API key provided")

    def error(self, kind, message):
        status, type_, code = self.errors[kind]
        headers = {"retry-after": "7"} if kind == "rate" else {}
        return status, headers, {"error": {"message": message, "type": type_, "param": None, "code": code}}

    # What arrives

    def read(self, model, body):
        optional = {
            "stream": bool, "stream_options": lambda v, p: shape(v, p, {}, {"include_usage": bool}), "n": [1],
            "max_tokens": int, "max_completion_tokens": int, "temperature": within(0, 2), "top_p": within(0, 1),
            "frequency_penalty": within(-2, 2), "presence_penalty": within(-2, 2), "seed": int, "stop": (str, list), "user": str,
            "tools": each(tool, 1), "tool_choice": choice, "parallel_tool_calls": bool, "response_format": form,
            "reasoning_effort": ["none", "minimal", "low", "medium", "high", "xhigh", "max"], "store": bool, "metadata": dict,
            "safety_identifier": str, "prompt_cache_key": str, "verbosity": ["low", "medium", "high"], "thinking": dict,
        }  # fmt: skip
        shape(body, "body", {"model": text, "messages": each(dict, 1)}, optional)
        require("stream_options" not in body or body.get("stream"), "stream_options is only allowed with stream")
        for member in ("tool_choice", "parallel_tool_calls"):
            require(member not in body or body.get("tools"), f"{member} is only allowed when tools are specified")
        require(not ("max_tokens" in body and "max_completion_tokens" in body), "max_tokens and max_completion_tokens are exclusive")
        asked = Asked(model, bool(body.get("stream")))
        asked.usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self.read_messages(body["messages"], asked)
        wanted = body.get("tool_choice", "auto")
        if wanted != "none":
            asked.tools = [(t["function"]["name"], t["function"].get("parameters", {})) for t in body.get("tools", [])]
        if isinstance(wanted, dict):
            asked.forced = wanted["function"]["name"]
        elif wanted == "required":
            asked.forced = asked.tools[0][0]
        wanted = body.get("response_format", {})
        if wanted.get("type") == "json_schema":
            asked.schema = wanted["json_schema"]["schema"]
        return asked

    def read_messages(self, messages, asked):
        waiting = []
        for index, message in enumerate(messages):
            path = f"messages[{index}]"
            role = message.get("role")
            require(role == "tool" or not waiting, f"{path}: tool_call_ids without a response: {waiting}")
            if role in ("system", "developer"):
                shape(message, path, {"role": str, "content": contents(("text",))}, {"name": str})
            elif role == "user":
                shape(message, path, {"role": str, "content": contents(("text", "image_url", "file", "input_audio"))}, {"name": str})
                asked.text, asked.images, asked.results = *said(message["content"], path), []
            elif role == "assistant":
                thoughts = {member: ANY for member in ("reasoning_content", "reasoning", "reasoning_details")}
                answer = {"content": (str, list, type(None)), "refusal": (str, type(None)), "tool_calls": each(called, 1), "name": str, "annotations": list}
                shape(message, path, {"role": str}, {**answer, **thoughts})
                require(message.get("content") or message.get("tool_calls"), f"{path}: content or tool_calls must be set")
                waiting = [call["id"] for call in message.get("tool_calls", [])]
                asked.results = []
            elif role == "tool":
                shape(message, path, {"role": str, "content": contents(("text",)), "tool_call_id": str})
                require(message["tool_call_id"] in waiting, f"{path}: tool_call_id is not of the preceding tool_calls")
                waiting.remove(message["tool_call_id"])
                asked.results.append(said(message["content"], path)[0])
            else:
                raise Wrong(f"{path}.role: {role!r}")
        require(not waiting, f"tool_call_ids without a response: {waiting}")

    # What is answered

    def whole(self, asked, answer):
        message = {"role": "assistant", "content": answer.text or None, "refusal": None, "annotations": []}
        if answer.end == "refusal":
            message = {**message, "content": None, "refusal": answer.text}
        if answer.thought:
            message[self.thoughts] = answer.thought
        if answer.calls:
            message["tool_calls"] = [written(call) for call in answer.calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.end(answer)}
        return {**self.head(asked, "chat.completion"), "choices": [choice], "usage": self.usage(answer)}

    def frames(self, asked, answer):
        head = self.head(asked, "chat.completion.chunk")
        deltas = [{"role": "assistant", "content": "", "refusal": None}]
        deltas += [{self.thoughts: piece} for piece in cut(answer.thought, 3)]
        member = "refusal" if answer.end == "refusal" else "content"
        deltas += [{member: piece} for piece in answer.pieces()[: 2 if answer.breaks else None]]
        for index, call in enumerate(answer.calls):
            first = {"index": index, **written(call)}
            deltas.append({"tool_calls": [{**first, "function": {"name": call.name, "arguments": ""}}]})
            deltas += [{"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in cut(call.arguments, 5)]
        for delta in deltas:
            yield sse({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]})
        if answer.breaks:
            yield sse(self.error("overload", "The server is overloaded")[2])
            return
        yield sse({**head, "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": self.end(answer)}]})
        if asked.usage:
            yield sse({**head, "choices": [], "usage": self.usage(answer)})
        yield b"data: [DONE]\n\n"

    thoughts = "reasoning_content"

    def head(self, asked, kind):
        return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": asked.model}

    def end(self, answer):
        return {"calls": "tool_calls", "refusal": "stop"}.get(answer.end, answer.end)

    def usage(self, answer):
        fresh, read, wrote = answer.input
        prompt = fresh + read + wrote
        return {"prompt_tokens": prompt, "completion_tokens": answer.output, "total_tokens": prompt + answer.output,
                "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": wrote},
                "completion_tokens_details": {"reasoning_tokens": answer.reasoned}}  # fmt: skip


class Azure(Chat):
    """The classic API: a deployment in the path, a version, a key in a header of its own; a first chunk without choices."""

    vendor = "azure"

    def key(self, headers, query):
        require(headers.get("api-key") == "sk-azure" and "authorization" not in headers, "Access denied due to invalid subscription key")
        require(query == {"api-version": ["2024-10-21"]}, "Resource not found")

    def read(self, model, body):
        require("max_tokens" not in body, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead")
        return super().read(model, {**body, "model": model})

    def frames(self, asked, answer):
        filters = [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]
        yield sse({"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": filters})
        yield from super().frames(asked, answer)


class Ollama(Chat):
    vendor = "ollama"
    thoughts = "reasoning"

    def key(self, headers, query):
        pass

    def read(self, model, body):
        for message in body.get("messages", []):
            require(message.get("role") != "developer", "unknown role developer")
        return super().read(model, body)


def tool(value, path):
    def function(value, path):
        shape(value, path, {"name": name()}, FUNCTION)

    shape(value, path, {"type": ["function"], "function": function})


def choice(value, path):
    if isinstance(value, dict):
        shape(value, path, {"type": ["function"], "function": lambda v, p: shape(v, p, {"name": str})})
    else:
        matches(value, path, ["none", "auto", "required"])


def form(value, path):
    inner = {"name": name(), "schema": dict}
    schema = {"json_schema": lambda v, p: shape(v, p, inner, {"strict": (bool, type(None)), "description": str})}
    shape(value, path, {"type": ["text", "json_object", "json_schema"], **(schema if value.get("type") == "json_schema" else {})})


def called(value, path):
    def function(value, path):
        shape(value, path, {"name": name(), "arguments": str})
        require(isinstance(json.loads(value["arguments"]), dict), f"{path}.arguments: not an object")

    shape(value, path, {"id": text, "type": ["function"], "function": function})
    require("llmgw." not in value["id"], f"{path}.id: a mark of the gateway's")


def contents(kinds):
    def image(value, path):
        shape(value, path, {"url": str}, {"detail": ["auto", "low", "high", "original"]})

    shapes = {
        "text": {"text": text},
        "image_url": {"image_url": image},
        "file": {"file": dict},
        "input_audio": {"input_audio": dict},
    }

    def part(value, path):
        require(value.get("type") in kinds, f"{path}.type: {value.get('type')!r} is not one of {kinds}")
        shape(value, path, {"type": str, **shapes[value["type"]]})

    def check(value, path):
        if isinstance(value, list):
            each(part, 1)(value, path)
        else:
            matches(value, path, str)

    return check


def said(content, path):
    """The text and the images of a content."""
    if isinstance(content, str):
        return content, []
    images = [data_url(part["image_url"]["url"], path) for part in content if part["type"] == "image_url"]
    return "".join(part.get("text", "") for part in content), images


def written(call):
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
