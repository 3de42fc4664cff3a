"""OpenAI's Responses, at a host that has no chats: the gateway knows it by Azure's v1 API and a model that is served there only."""

import json

from chat import ERRORS, FUNCTION
from check import Wrong, closed, data_url, each, matches, name, require, shape, text, within
from scene import Asked, cut, proof, sse

EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Responses:
    vendor = "responses"

    def key(self, headers, query):
        require(headers.get("api-key") == f"sk-{self.vendor}" and "authorization" not in headers, "Incorrect API key provided")

    def error(self, kind, message):
        status, type_, code = ERRORS[kind]
        headers = {"retry-after": "7"} if kind == "rate" else {}
        return status, headers, {"error": {"message": message, "type": type_, "param": None, "code": code}}

    # What arrives

    def read(self, model, body):
        def reasoning(value, path):
            shape(value, path, {}, {"effort": [*EFFORTS, None], "summary": ["auto", "concise", "detailed", None]})

        def form(value, path):
            if value.get("type") == "json_schema":
                return shape(value, path, {"type": str, "name": name(), "schema": dict}, {"strict": bool, "description": str})
            shape(value, path, {"type": ["text", "json_object"]})

        def tool(value, path):
            shape(value, path, {"type": ["function"], **{k: FUNCTION[k] for k in ("name", "parameters")}}, FUNCTION)
            if value.get("strict"):
                closed(value["parameters"], path)

        def choice(value, path):
            if isinstance(value, dict):
                return shape(value, path, {"type": ["function"], "name": str})
            matches(value, path, ["none", "auto", "required"])

        def instructed(value, path):
            shape(value, path, {}, {"format": form, "verbosity": ["low", "medium", "high"]})

        optional = {
            "instructions": (str, type(None)), "tools": each(tool), "tool_choice": choice, "parallel_tool_calls": bool,
            "max_output_tokens": lambda v, p: require(type(v) is int and v >= 16, f"{p}: integer_below_min_value"),
            "temperature": within(0, 2), "top_p": within(0, 1), "reasoning": reasoning, "text": instructed, "store": bool,
            "include": each(["reasoning.encrypted_content"]), "stream": bool, "metadata": dict, "safety_identifier": str, "user": str,
            "prompt_cache_key": str, "truncation": ["auto", "disabled"],
        }  # fmt: skip
        shape(body, "body", {"model": text, "input": (str, list)}, optional)
        asked = Asked(model, bool(body.get("stream")))
        items = body["input"]
        self.read_items([{"role": "user", "content": items}] if isinstance(items, str) else items, asked)
        wanted = body.get("tool_choice", "auto")
        if wanted != "none":
            asked.tools = [(t["name"], t["parameters"]) for t in body.get("tools", [])]
        if isinstance(wanted, dict) or wanted == "required":
            asked.forced = wanted["name"] if isinstance(wanted, dict) else asked.tools[0][0]
        wanted = (body.get("text") or {}).get("format") or {}
        if wanted.get("type") == "json_schema":
            closed(wanted["schema"], "text.format.schema") if wanted.get("strict") else None
            asked.schema = wanted["schema"]
        self.tools = body.get("tools", [])
        return asked

    def read_items(self, items, asked):
        require(items, "input: empty")
        waiting, answered, reasoned = {}, set(), False
        for index, item in enumerate(items):
            path, kind = f"input[{index}]", item.get("type", "message")
            require(not (reasoned and item.get("role") in ("user", "system", "developer")), f"{path}: a reasoning item without what follows")
            reasoned = kind == "reasoning"
            if kind == "message":
                role = item.get("role")
                require(role in ("user", "system", "developer", "assistant"), f"{path}.role: {role!r}")
                optional = {"type": str}
                if role == "assistant":
                    optional |= {"id": str, "status": str, "phase": (str, type(None))}
                shape(item, path, {"role": str, "content": (str, list)}, optional)
                said, images = self.read_parts(item["content"], role, path)
                if role == "user":
                    require(waiting.keys() == answered, f"No tool output found for function call {sorted(waiting.keys() - answered)}")
                    asked.text, asked.images, asked.results = said, images, []
            elif kind == "function_call":
                shape(item, path, {"type": str, "call_id": text, "name": name(), "arguments": str}, {"id": str, "status": str})
                require(isinstance(json.loads(item["arguments"]), dict), f"{path}.arguments: not an object")
                require("llmgw." not in item["call_id"] and len(item["call_id"]) <= 64, f"{path}.call_id: {item['call_id']!r}")
                require(item.get("id", "fc_").startswith("fc_"), f"{path}.id: expected an ID that begins with 'fc'")
                waiting[item["call_id"]] = item["name"]
            elif kind == "function_call_output":
                shape(item, path, {"type": str, "call_id": str, "output": (str, list)}, {"id": str, "status": str})
                require(item["call_id"] in waiting, f"{path}: No tool call found for function call output")
                answered.add(item["call_id"])
                asked.results.append(self.read_parts(item["output"], "tool", path)[0])
            elif kind == "reasoning":
                optional = {"encrypted_content": (str, type(None)), "content": (list, type(None)), "status": (str, type(None))}
                # Codex sends none, and is understood.
                shape(item, path, {"type": str, "summary": list}, {"id": str, **optional})
                require(item.get("id", "rs_").startswith("rs_"), f"{path}.id: expected an ID that begins with 'rs'")
                require(item.get("encrypted_content") == proof(self.vendor), f"{path}: the encrypted content could not be verified")
                asked.proofs.append(item["encrypted_content"])
            else:
                raise Wrong(f"{path}.type: {kind!r}")
        require(waiting.keys() == answered, f"No tool output found for function call {sorted(waiting.keys() - answered)}")

    def read_parts(self, content, role, path):
        if isinstance(content, str):
            return content, []
        words, images = [], []
        for index, part in enumerate(content):
            at, kind = f"{path}.content[{index}]", part.get("type")
            if role == "assistant":
                require(kind in ("output_text", "refusal"), f"{at}.type: {kind!r}")
                shape(part, at, {"type": str}, {"text": text, "refusal": str, "annotations": list, "logprobs": (list, type(None))})
            elif kind == "input_image":
                shape(part, at, {"type": str, "image_url": str}, {"detail": ["auto", "low", "high", "original"]})
                images.append(data_url(part["image_url"], at))
            else:
                shape(part, at, {"type": ["input_text"], "text": text})
                words.append(part["text"])
        return "".join(words), images

    # What is answered

    def items(self, answer):
        """Each output item with the events between its start and its end."""
        if answer.thought:
            part = {"type": "summary_text", "text": answer.thought}
            item = {"type": "reasoning", "id": "rs_1", "summary": [part], "encrypted_content": proof(self.vendor)}
            start = {**item, "summary": [], "encrypted_content": ""}
            at = {"item_id": "rs_1", "summary_index": 0}
            events = [("reasoning_summary_part.added", {**at, "part": {**part, "text": ""}})]
            events += [("reasoning_summary_text.delta", {**at, "delta": piece}) for piece in cut(answer.thought, 3)]
            events += [("reasoning_summary_text.done", {**at, "text": answer.thought}), ("reasoning_summary_part.done", {**at, "part": part})]
            yield start, events, item
        if answer.text:
            refusal = answer.end == "refusal"
            kind, member = ("refusal", "refusal") if refusal else ("output_text", "text")
            empty = {"type": kind, member: ""} if refusal else {"type": kind, member: "", "annotations": [], "logprobs": []}
            part = {**empty, member: answer.text}
            item = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]}
            at, logprobs = {"item_id": "msg_1", "content_index": 0}, {} if refusal else {"logprobs": []}
            events = [("content_part.added", {**at, "part": empty})]
            events += [(f"{kind}.delta", {**at, **logprobs, "delta": piece}) for piece in answer.pieces()]
            events += [(f"{kind}.done", {**at, **logprobs, member: answer.text}), ("content_part.done", {**at, "part": part})]
            yield {**item, "status": "in_progress", "content": []}, events, item
        for call in answer.calls:
            own = {"type": "function_call", "id": "fc_" + call.id, "call_id": call.id, "name": call.name}
            at = {"item_id": own["id"]}
            events = [("function_call_arguments.delta", {**at, "delta": piece}) for piece in cut(call.arguments, 5)]
            events.append(("function_call_arguments.done", {**at, "arguments": call.arguments, "name": call.name}))
            item = {**own, "arguments": call.arguments, "status": "completed"}
            yield {**item, "arguments": "", "status": "in_progress"}, events, item

    def whole(self, asked, answer):
        length = answer.end == "length"
        done = {"status": "incomplete" if length else "completed", "output": [item for _, _, item in self.items(answer)]}
        reason = {"incomplete_details": {"reason": "max_output_tokens"} if length else None}
        return {**self.head(asked), **done, **reason, "usage": self.usage(answer)}

    def frames(self, asked, answer):
        count = 0

        def frame(kind, value):
            nonlocal count
            count += 1
            return sse({"type": kind, "sequence_number": count - 1, **value}, kind)

        begun = {**self.head(asked), "status": "in_progress", "output": [], "usage": None}
        yield frame("response.created", {"response": begun})
        yield frame("response.in_progress", {"response": begun})
        for index, (start, events, item) in enumerate(self.items(answer)):
            at = {"output_index": index}
            yield frame("response.output_item.added", {**at, "item": start})
            for kind, value in events[: 3 if answer.breaks else None]:
                yield frame(f"response.{kind}", {**at, **value})
            if answer.breaks:
                yield frame("error", {"code": "server_is_overloaded", "message": "The server is overloaded", "param": None})
                return
            yield frame("response.output_item.done", {**at, "item": item})
        whole = self.whole(asked, answer)
        yield frame(f"response.{whole['status']}", {"response": whole})

    def head(self, asked):
        return {"id": "resp_1", "object": "response", "created_at": 1_700_000_000, "error": None, "incomplete_details": None,
                "instructions": None, "model": asked.model, "parallel_tool_calls": True, "tool_choice": "auto", "tools": self.tools,
                "temperature": 1.0, "top_p": 1.0, "store": False, "metadata": {}}  # fmt: skip

    def usage(self, answer):
        fresh, read, wrote = answer.input
        given = fresh + read + wrote
        return {"input_tokens": given, "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": wrote},
                "output_tokens": answer.output, "output_tokens_details": {"reasoning_tokens": answer.reasoned},
                "total_tokens": given + answer.output}  # fmt: skip


class OllamaResponses(Responses):
    vendor = "ollama"

    def key(self, headers, query):
        pass
