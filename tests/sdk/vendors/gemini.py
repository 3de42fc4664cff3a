"""Google's Gemini, with the rules of its third generation: levels of thinking, and calls that come back with their signature."""

import base64
import json

from check import Wrong, each, matches, name, object_schema, require, shape, size, text, within
from scene import Asked, cut, proof, sse

ERRORS = {
    "wrong": (400, "INVALID_ARGUMENT"),
    "key": (400, "INVALID_ARGUMENT"),
    "model": (404, "NOT_FOUND"),
    "rate": (429, "RESOURCE_EXHAUSTED"),
    "overload": (503, "UNAVAILABLE"),
    "context": (400, "INVALID_ARGUMENT"),
}
# Google's own word for "this call is none of yours".
FOREIGN = base64.b64encode(b"skip_thought_signature_validator").decode()


class Gemini:
    vendor = "gemini"

    def key(self, headers, query):
        require(headers.get("x-goog-api-key") == "sk-gemini" and "authorization" not in headers, "API key not valid")
        require("key" not in query, "a key in the address is a key in a log")

    def error(self, kind, message):
        status, word = ERRORS[kind]
        message = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)." if kind == "context" else message
        details = []
        if kind == "rate":
            details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]
        if kind == "key":
            details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
        return status, {}, {"error": {"code": status, "message": message, "status": word, "details": details}}

    # What arrives

    def read(self, model, body):
        def thinking(value, path):
            shape(value, path, {}, {"includeThoughts": bool, "thinkingLevel": ["MINIMAL", "LOW", "MEDIUM", "HIGH", "minimal", "low", "medium", "high"]})

        def generation(value, path):
            optional = {
                "temperature": within(0, 2), "topP": within(0, 1), "topK": (int, float), "maxOutputTokens": int, "stopSequences": each(text),
                "candidateCount": [1], "seed": int, "presencePenalty": within(-2, 2), "frequencyPenalty": within(-2, 2),
                "responseMimeType": ["application/json", "text/plain"], "responseJsonSchema": dict, "thinkingConfig": thinking,
            }  # fmt: skip
            shape(value, path, {}, optional)
            require("responseJsonSchema" not in value or value.get("responseMimeType") == "application/json", f"{path}: needs responseMimeType")

        def declaration(value, path):
            shape(value, path, {"name": name("_.:-", 128)}, {"description": text, "parametersJsonSchema": object_schema})

        def calling(value, path):
            modes = ["AUTO", "ANY", "NONE", "VALIDATED"]
            shape(value, path, {"functionCallingConfig": lambda v, p: shape(v, p, {"mode": modes}, {"allowedFunctionNames": each(str, 1)})})

        optional = {
            "systemInstruction": lambda v, p: shape(v, p, {"parts": each(lambda v, p: shape(v, p, {"text": text}), 1)}, {"role": str}),
            "tools": each(lambda v, p: shape(v, p, {"functionDeclarations": each(declaration, 1)})),
            "toolConfig": calling, "generationConfig": generation, "safetySettings": list, "labels": dict,
        }  # fmt: skip
        shape(body, "body", {"contents": each(dict, 1)}, optional)
        asked = Asked(model)
        self.read_contents(body["contents"], asked)
        wanted = (body.get("toolConfig") or {}).get("functionCallingConfig", {"mode": "AUTO"})
        declared = [d for t in body.get("tools", []) for d in t["functionDeclarations"]]
        if wanted["mode"] != "NONE":
            asked.tools = [(d["name"], d.get("parametersJsonSchema", {"type": "object"})) for d in declared]
        if wanted["mode"] == "ANY":
            asked.forced = (wanted.get("allowedFunctionNames") or [asked.tools[0][0]])[0]
        config = body.get("generationConfig", {})
        asked.schema = config.get("responseJsonSchema")
        self.thoughts = (config.get("thinkingConfig") or {}).get("includeThoughts")
        return asked

    def read_contents(self, contents, asked):
        require(contents[0].get("role") == "user", "contents: must begin with a user turn")
        waiting, last = [], None
        for index, content in enumerate(contents):
            path = f"contents[{index}]"
            shape(content, path, {"role": ["user", "model"], "parts": each(dict, 1)})
            require(content["role"] != last, f"{path}: turns must alternate")
            last = content["role"]
            words, images, results, calls, signed = [], [], [], [], False
            for number, part in enumerate(content["parts"]):
                at = f"{path}.parts[{number}]"
                flags = {"thought": bool, "thoughtSignature": str} if last == "model" else {}
                if "functionCall" in part:
                    require(last == "model", f"{at}: a call of the user")
                    shape(part, at, {"functionCall": lambda v, p: shape(v, p, {"name": str}, {"args": dict, "id": str})}, flags)
                    signed = signed or "thoughtSignature" in part
                    require(calls or signed, f"{at}: Function call is missing a thought_signature in functionCall parts")
                    calls.append(part["functionCall"])
                elif "functionResponse" in part:
                    shape(part, at, {"functionResponse": lambda v, p: shape(v, p, {"name": str, "response": dict}, {"id": str, "parts": list})})
                    results.append(part["functionResponse"])
                elif "inlineData" in part:
                    shape(part, at, {"inlineData": lambda v, p: shape(v, p, {"mimeType": str, "data": str})}, flags)
                    images.append((part["inlineData"]["mimeType"], size(part["inlineData"]["data"], at)))
                else:
                    # A signature may stand alone, behind what it signs.
                    shape(part, at, {"text": str if "thoughtSignature" in part else text}, flags)
                    words.append(part["text"])
                if "thoughtSignature" in part:
                    signature = part["thoughtSignature"]
                    require(signature in (proof(self.vendor), FOREIGN), f"{at}: Corrupted thought signature: {signature!r}")
                    asked.proofs.append(signature)
            if waiting or results:
                answered = [(result["name"], result.get("id", id_)) for result, (_, id_) in zip(results, waiting, strict=False)]
                require(answered == waiting and len(results) == len(waiting), f"{path}: function responses {answered} do not equal the calls {waiting}")
            waiting = [(call["name"], call.get("id")) for call in calls]
            if last == "user":
                asked.results = [self.result(result["response"]) for result in results]
                if words or images:
                    asked.text, asked.images = "".join(words), images
        require(last == "user" and not waiting, "contents: must end with a user turn")

    def result(self, response):
        """Its one text, or all of it."""
        (first, *more) = response.values() if response else [""]
        return first if isinstance(first, str) and not more else json.dumps(response, ensure_ascii=False)

    # What is answered

    def parts(self, answer):
        if answer.thought and self.thoughts:
            yield from ({"text": piece, "thought": True} for piece in cut(answer.thought, 3))
        yield from ({"text": piece} for piece in answer.pieces())
        signature = {"thoughtSignature": proof(self.vendor)}
        for index, call in enumerate(answer.calls):
            called = {"functionCall": {"name": call.name, "args": json.loads(call.arguments)}}
            # Of parallel calls only the first is signed.
            yield {**called, **({} if index else signature)}
        if answer.thought and not answer.calls:
            yield {"text": "", **signature}

    def whole(self, asked, answer):
        if answer.end == "refusal":
            return {"promptFeedback": {"blockReason": "SAFETY"}, **self.tail(asked, answer)}
        parts = list(self.parts(answer))
        joined = []
        for part in parts:
            if joined and set(part) == {"text"} == set(joined[-1]) or set(part) == {"text", "thought"} and joined:
                joined[-1] = {**joined[-1], "text": joined[-1]["text"] + part["text"]}
            else:
                joined.append(part)
        return self.frame(asked, answer, joined, self.end(answer))

    def frames(self, asked, answer):
        if answer.end == "refusal":
            yield sse(self.whole(asked, answer), end="\r\n")
            return
        parts = list(self.parts(answer))
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            yield sse(self.frame(asked, answer, [part], self.end(answer) if last else None), end="\r\n")
            if answer.breaks and index:
                yield sse(self.error("overload", "The model is overloaded")[2], end="\r\n")
                return

    def frame(self, asked, answer, parts, end):
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0, **({"finishReason": end} if end else {})}
        return {"candidates": [candidate], **self.tail(asked, answer)}

    def end(self, answer):
        return "MAX_TOKENS" if answer.end == "length" else "STOP"

    def tail(self, asked, answer):
        fresh, read, wrote = answer.input
        prompt, thoughts = fresh + read + wrote, answer.reasoned
        usage = {"promptTokenCount": prompt, "cachedContentTokenCount": read, "candidatesTokenCount": answer.output - thoughts,
                 "thoughtsTokenCount": thoughts, "totalTokenCount": prompt + answer.output}  # fmt: skip
        return {"usageMetadata": usage, "modelVersion": asked.model, "responseId": "gemini-1"}
