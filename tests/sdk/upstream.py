"""An OpenAI-shaped upstream for the SDK suites: it answers, checks and remembers. It is no mock of any one vendor.

Started as a process. Prints `{"url": "http://127.0.0.1:PORT"}` and serves until its stdin closes. Standard library only.

An account is the first part of a path: `/main/v1/chat/completions` wants the key `sk-upstream-main`.
What goes wrong is chosen by the model's name: see `MODELS` and `misbehave`.

    GET  /_requests                        all that arrived, in order
    GET  /_wait?model=M&state=S            the first request to model M that reaches state S: received, answered or closed
    POST /_release                         lets the model `late` answer
    POST /_reset                           forgets, releases included
"""

import base64
import hashlib
import json
import math
import select
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

ERRORS = {
    400: ("invalid_request_error", "invalid_value", "参数不对"),
    401: ("invalid_request_error", "invalid_api_key", "密钥无效"),
    403: ("permission_error", "region_not_supported", "地区不支持"),
    404: ("invalid_request_error", "model_not_found", "没有这个模型"),
    409: ("conflict", "conflict", "冲突"),
    422: ("invalid_request_error", "unprocessable", "无法处理"),
    429: ("requests", "rate_limit_exceeded", "请求太多"),
    500: ("server_error", "server_error", "上游内部错误"),
    503: ("service_unavailable_error", "server_is_overloaded", "上游过载"),
}
MODELS = [
    "chat",
    "org/chat-large",
    "embed",
    "instruct",
    "moderate",
    "paint",
    "speak",
    "hear",
    "rank",
    "slow",  # says one piece, then nothing until the peer goes away
    "late",  # silent, headers included, until it is released
    "cut",  # breaks the connection in the middle of the text
    "cut-clean",  # ends the body properly, but without a finish reason
    "overloaded",  # an error event inside a 200, before any text
    "wrong-later",  # an error event inside a 200, after some text
] + [f"error-{status}" for status in ERRORS]

CREATED = 1_700_000_000
SPEECH = bytes(range(256)) * 300
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256))).decode()
# A peer that never leaves must not keep a test waiting for ever.
PATIENCE = 30.0


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_address[1]}"}), flush=True)
    # A suite that was killed closes the pipe, so nothing is left behind.
    sys.stdin.buffer.read()


class Journal:
    """What arrived, and how it went. Waiting is for an event, never for a time."""

    def __init__(self):
        self.entries = []
        self.released = False
        self.changed = threading.Condition()

    def add(self, entry):
        with self.changed:
            self.entries.append(entry)
            self.changed.notify_all()

    def mark(self, entry, state):
        with self.changed:
            entry["state"] = state
            self.changed.notify_all()

    def clear(self):
        with self.changed:
            self.entries, self.released = [], False

    def release(self):
        with self.changed:
            self.released = True
            self.changed.notify_all()

    def wait_for_release(self):
        with self.changed:
            self.changed.wait_for(lambda: self.released, PATIENCE)

    def all(self):
        with self.changed:
            return json.dumps({"requests": self.entries}, ensure_ascii=False)

    def wait(self, model, state, seconds):
        def found():
            # `received` is every entry's first state, and true of it for good.
            return next((e for e in self.entries if e["model"] == model and state in ("received", e["state"])), None)

        with self.changed:
            self.changed.wait_for(found, seconds)
            return found()


class Refused(Exception):
    """An answer in the error envelope."""

    def __init__(self, status, message=None, headers=()):
        kind, code, default = ERRORS[status]
        super().__init__(message or default)
        self.status, self.headers = status, dict(headers)
        self.body = {"error": {"message": message or default, "type": kind, "param": None, "code": code}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    journal = Journal()

    def do_GET(self):
        self.answer()

    do_POST = do_DELETE = do_GET

    def answer(self):
        body = self.read_body()
        url = urlsplit(self.path)
        if url.path.startswith("/_"):
            return self.control(url)
        entry = self.record(url, body)
        try:
            self.check(entry)
            self.misbehave_before(entry)
            self.route(entry, body)
            if entry["state"] == "received":
                self.journal.mark(entry, "answered")
        except Refused as refused:
            self.send_json(refused.body, refused.status, refused.headers)
            self.journal.mark(entry, "answered")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            self.journal.mark(entry, "closed")

    def control(self, url):
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/_reset":
            self.journal.clear()
            return self.send_json({})
        if url.path == "/_release":
            self.journal.release()
            return self.send_json({})
        if url.path == "/_wait":
            entry = self.journal.wait(query["model"], query["state"], float(query.get("seconds", 20)))
            return self.send_json({"request": entry})
        self.send_bytes(self.journal.all().encode(), "application/json")

    # What arrives

    def read_body(self):
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def record(self, url, body):
        account, _, path = url.path.lstrip("/").partition("/v1/")
        entry = {
            "account": account,
            "method": self.command,
            "path": unquote(path),
            "query": url.query,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "size": len(body),
            "model": None,
            "body": None,
            "parts": None,
            "problem": None,
            "state": "received",
        }
        try:
            kind = self.headers.get_content_type()
            if body and kind == "application/json":
                entry["body"] = json.loads(body.decode("utf-8"))
                entry["model"] = entry["body"].get("model")
            elif kind == "multipart/form-data":
                entry["parts"] = multipart(self.headers.get_param("boundary"), body)
                entry["model"] = field(entry["parts"], "model")
        except ValueError as error:
            entry["problem"] = str(error)
        self.journal.add(entry)
        return entry

    def check(self, entry):
        if entry["problem"]:
            raise Refused(400, entry["problem"])
        if self.headers.get("authorization") != f"Bearer sk-upstream-{entry['account']}":
            raise Refused(401)
        if self.command == "POST" and entry["body"] is None and entry["parts"] is None:
            raise Refused(400, f"既不是 JSON 也不是表单：{self.headers.get_content_type()}")
        if entry["model"] is not None and entry["model"] not in MODELS:
            raise Refused(404, f"没有这个模型：{entry['model']}")

    def misbehave_before(self, entry):
        model = entry["model"] or ""
        if model == "late":
            self.journal.wait_for_release()
        if model.startswith("error-"):
            status = int(model.removeprefix("error-"))
            raise Refused(status, headers={"retry-after": "0"} if status == 429 else {})
        if model == "slow" and not (entry["body"] or {}).get("stream"):
            self.wait_for_the_peer_to_leave(entry)
            raise ConnectionResetError

    def wait_for_the_peer_to_leave(self, entry):
        readable, _, _ = select.select([self.connection], [], [], PATIENCE)
        if readable and not self.connection.recv(1, socket.MSG_PEEK):
            self.close_connection = True
            self.journal.mark(entry, "closed")

    # What is answered

    def route(self, entry, body):
        method, path, data = entry["method"], entry["path"], entry["body"]
        simple = {
            "embeddings": embeddings,
            "moderations": moderations,
            "images/generations": pictures,
            "rerank": rerank,
        }
        if method == "POST" and path in simple:
            return self.send_json(simple[path](data))
        if method == "POST" and path == "chat/completions":
            return self.generate(entry, Chat(data))
        if method == "POST" and path == "completions":
            return self.generate(entry, Completion(data))
        if method == "POST" and path == "audio/speech":
            require(data.get("voice") and data.get("input"), "缺少 voice 或 input")
            return self.send_stream([SPEECH[i : i + 1000] for i in range(0, len(SPEECH), 1000)], "audio/mpeg")
        if method == "POST" and path == "audio/transcriptions":
            return self.transcribe(entry["parts"])
        if method == "POST" and path == "images/edits":
            require(upload(entry["parts"], "image"), "缺少 image")
            return self.send_json(pictures({"prompt": field(entry["parts"], "prompt")}))
        if method == "GET" and path == "models":
            data = [{"id": model, "object": "model", "created": CREATED, "owned_by": "上游"} for model in MODELS]
            return self.send_json({"object": "list", "data": data})
        if path == "files" or path.startswith("files/"):
            return self.files(method, path, entry["parts"])
        raise Refused(404, f"没有这个地址：{method} {path}")

    def generate(self, entry, work):
        if not work.stream:
            return self.send_json(work.whole(), headers={"x-request-id": "req_上游".encode().hex()})
        model, frames = entry["model"], work.frames()
        if model == "overloaded":
            frames = [frames[0], sse(Refused(503).body)]
        elif model == "wrong-later":
            frames = [*frames[:3], sse(Refused(500).body)]
        elif model in ("cut", "cut-clean", "slow"):
            frames = frames[:3]
        self.start_stream("text/event-stream; charset=utf-8")
        for frame in frames:
            # Cut in the middle of a character where there is one: nobody promises whole frames, or whole characters.
            middle = next((i + 1 for i, byte in enumerate(frame) if byte >= 0xC0), len(frame) // 2)
            self.send_chunk(frame[:middle])
            self.send_chunk(frame[middle:])
        if model == "slow":
            self.wait_for_the_peer_to_leave(entry)
        elif model == "cut":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.send_chunk(b"")

    def transcribe(self, parts):
        sound = upload(parts, "file")
        require(sound, "缺少 file")
        text = f"听到 {sound['size']} 字节，文件名 {sound['filename']}"
        if field(parts, "response_format") == "text":
            return self.send_bytes(text.encode(), "text/plain; charset=utf-8")
        self.send_json({"text": text, "usage": {"type": "duration", "seconds": 3}})

    def files(self, method, path, parts):
        def file(name, size):
            return {"id": "file-1", "object": "file", "bytes": size, "created_at": CREATED, "filename": name,
                    "purpose": "batch", "status": "processed"}  # fmt: skip

        if method == "POST":
            part = upload(parts, "file")
            require(part and field(parts, "purpose"), "缺少 file 或 purpose")
            return self.send_json(file(part["filename"], part["size"]))
        if method == "DELETE":
            return self.send_json({"id": path.removeprefix("files/"), "object": "file", "deleted": True})
        if path.endswith("/content"):
            return self.send_stream([SPEECH[:1000], SPEECH[1000:]], "application/octet-stream")
        if path == "files":
            return self.send_json({"object": "list", "data": [file("数据.jsonl", 12)], "has_more": False})
        self.send_json(file("数据.jsonl", 12))

    # Bytes

    def send_json(self, value, status=200, headers=()):
        self.send_bytes(json.dumps(value, ensure_ascii=False).encode(), "application/json", status, headers)

    def send_bytes(self, body, kind, status=200, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_stream(self, pieces, kind):
        self.start_stream(kind)
        for piece in [*pieces, b""]:
            self.send_chunk(piece)

    def start_stream(self, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def send_chunk(self, piece):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def log_message(self, *_):
        pass


class Chat:
    """One chat completion, decided by its request alone: the same request gets the same answer, id included."""

    def __init__(self, data):
        messages = data.get("messages")
        require(isinstance(messages, list) and messages, "messages 不能为空")
        self.data, self.messages = data, messages
        self.stream = bool(data.get("stream"))
        require(self.stream or "stream_options" not in data, "stream_options 只能与 stream 一起用")
        check_tool_messages(messages)
        self.id = "chatcmpl-" + digest(messages)
        self.calls = self.tool_calls()
        self.text = "" if self.calls else self.answer()

    def answer(self):
        said = text_of(self.messages[-1].get("content"))
        wanted = self.data.get("response_format") or {"type": "text"}
        if wanted["type"] == "json_object":
            everything = " ".join(text_of(message.get("content")) for message in self.messages)
            require("json" in everything.lower(), "消息里必须有 JSON 这个词")
            return json.dumps({"回答": said, "数字": 42}, ensure_ascii=False)
        if wanted["type"] == "json_schema":
            schema = wanted["json_schema"]["schema"]
            return json.dumps(example(schema, schema), ensure_ascii=False)
        if self.messages[-1]["role"] == "tool":
            return "工具说：" + "；".join(text_of(m["content"]) for m in self.messages if m["role"] == "tool")
        return f"你好，我是上游 🐉。\n你说的是：{said}"

    def tool_calls(self):
        tools, choice = self.data.get("tools") or [], self.data.get("tool_choice", "auto")
        if choice == "none" or self.messages[-1]["role"] == "tool":
            return []
        if isinstance(choice, dict):
            tools = [tool for tool in tools if tool["function"]["name"] == choice["function"]["name"]]
            require(tools, "tool_choice 指向不存在的工具")
        if self.data.get("parallel_tool_calls") is False:
            tools = tools[:1]
        return [
            {"id": f"call_{digest(self.messages)}_{index}", "type": "function",
             "function": {"name": tool["function"]["name"], "arguments": arguments(tool["function"])}}
            for index, tool in enumerate(tools)
        ]  # fmt: skip

    def finish_reason(self):
        forced = isinstance(self.data.get("tool_choice"), dict)
        return "tool_calls" if self.calls and not forced else "stop"

    def usage(self):
        prompt = sum(len(text_of(message.get("content"))) for message in self.messages)
        completion = len(self.text) + sum(len(call["function"]["arguments"]) for call in self.calls)
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
                "prompt_tokens_details": {"cached_tokens": 0}}  # fmt: skip

    def whole(self):
        message = {"role": "assistant", "content": self.text or None, "refusal": None, "annotations": []}
        if self.calls:
            message["tool_calls"] = self.calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason()}
        return {**self.head("chat.completion"), "choices": [choice], "usage": self.usage(), "上游字段": {"未知": [1, 2.50]}}

    def frames(self):
        with_usage = (self.data.get("stream_options") or {}).get("include_usage")
        deltas = [{"role": "assistant", "content": None if self.calls else "", "refusal": None}]
        deltas += [{"content": self.text[i : i + 3]} for i in range(0, len(self.text), 3)]
        for index, call in enumerate(self.calls):
            function = {"name": call["function"]["name"], "arguments": ""}
            deltas.append({"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": function}]})
            written = call["function"]["arguments"]
            for i in range(0, len(written), 4):
                deltas.append({"tool_calls": [{"index": index, "function": {"arguments": written[i : i + 4]}}]})
        choices = [[{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}] for delta in deltas]
        choices.append([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": self.finish_reason()}])
        head = self.head("chat.completion.chunk")
        if not with_usage:
            return [*(sse({**head, "choices": choice}) for choice in choices), b"data: [DONE]\n\n"]
        frames = [sse({**head, "choices": choice, "usage": None}) for choice in choices]
        return [*frames, sse({**head, "choices": [], "usage": self.usage()}), b"data: [DONE]\n\n"]

    def head(self, kind):
        return {"id": self.id, "object": kind, "created": CREATED, "model": f"{self.data['model']}-2026-11-20",
                "system_fingerprint": "fp_上游", "service_tier": "default"}  # fmt: skip


class Completion:
    """The legacy endpoint: the prompt and a little more."""

    def __init__(self, data):
        self.data, self.stream = data, bool(data.get("stream"))
        require(isinstance(data.get("prompt"), str), "prompt 必须是字符串")
        self.text = data["prompt"] + "……后来呢？"

    def choice(self, text, finish):
        return [{"index": 0, "text": text, "logprobs": None, "finish_reason": finish}]

    def whole(self):
        usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
        return {**self.head(), "choices": self.choice(self.text, "stop"), "usage": usage}

    def frames(self):
        pieces = [self.text[i : i + 2] for i in range(0, len(self.text), 2)]
        frames = [sse({**self.head(), "choices": self.choice(piece, None)}) for piece in pieces]
        return [*frames, sse({**self.head(), "choices": self.choice("", "stop")}), b"data: [DONE]\n\n"]

    def head(self):
        return {"id": "cmpl-1", "object": "text_completion", "created": CREATED, "model": self.data["model"]}


def embeddings(data):
    inputs = data["input"] if isinstance(data["input"], list) else [data["input"]]
    inputs = [inputs] if inputs and isinstance(inputs[0], int) else inputs
    vectors = [vector(given, data.get("dimensions", 8)) for given in inputs]
    if data.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack(f"<{len(v)}f", *v)).decode() for v in vectors]
    items = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    usage = {"prompt_tokens": len(inputs), "total_tokens": len(inputs)}
    return {"object": "list", "data": items, "model": data["model"], "usage": usage}


def vector(given, dimensions):
    """Multiples of 1/256: exact as a float of 32 bits and of 64."""
    noise = hashlib.sha256(json.dumps(given, ensure_ascii=False).encode()).digest()
    return [(byte - 128) / 256 for byte in (noise * math.ceil(dimensions / 32))[:dimensions]]


def moderations(data):
    names = ["harassment", "hate", "violence"]
    result = {
        "flagged": "打" in text_of(data["input"]),
        "categories": {name: name == "violence" and "打" in text_of(data["input"]) for name in names},
        "category_scores": {name: 0.5 for name in names},
        "category_applied_input_types": {name: ["text"] for name in names},
    }
    return {"id": "modr-1", "model": data["model"], "results": [result]}


def pictures(data):
    require(data.get("prompt"), "缺少 prompt")
    return {"created": CREATED, "data": [{"b64_json": PICTURE, "revised_prompt": "画：" + data["prompt"]}]}


def rerank(data):
    scores = [{"index": i, "relevance_score": 1 / (i + 1)} for i, _ in enumerate(data["documents"])]
    return {"id": "rank-1", "results": scores[: data.get("top_n")]}


def check_tool_messages(messages):
    """OpenAI's rule: every tool call is answered before the conversation goes on."""
    open_calls = set()
    for message in messages:
        if message["role"] == "tool":
            require(message["tool_call_id"] in open_calls, f"没有调用 {message['tool_call_id']}")
            open_calls.discard(message["tool_call_id"])
            continue
        require(not open_calls, f"工具调用没有得到回答：{sorted(open_calls)}")
        open_calls = {call["id"] for call in message.get("tool_calls") or []}
    require(not open_calls, f"工具调用没有得到回答：{sorted(open_calls)}")


def arguments(function):
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    return json.dumps(example(schema, schema), ensure_ascii=False)


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
    if schema["type"] == "object":
        return {name: example(inner, root) for name, inner in schema.get("properties", {}).items()}
    if schema["type"] == "array":
        return [example(schema["items"], root)]
    return {"string": "北京", "integer": 25, "number": 0.5, "boolean": True, "null": None}[schema["type"]]


def multipart(boundary, body):
    """The parts of a form, or a ValueError: a gateway that touches a form breaks it here."""
    if not boundary:
        raise ValueError("表单没有 boundary")
    line = b"--" + boundary.encode()
    if not body.startswith(line + b"\r\n"):
        raise ValueError("表单不是以 boundary 开头")
    if not body.rstrip(b"\r\n").endswith(b"\r\n" + line + b"--"):
        raise ValueError("表单没有结束")
    pieces = (b"\r\n" + body).split(b"\r\n" + line)[1:-1]
    return [part(piece) for piece in pieces]


def part(piece):
    head, separator, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("utf-8").split("\r\n"))
    headers = {name.lower(): value for name, value in headers.items()}
    disposition = headers.get("content-disposition", "")
    if not separator or not disposition.startswith("form-data"):
        raise ValueError("表单的一部分没有 Content-Disposition")
    parameters = dict(item.strip().split("=", 1) for item in disposition.split(";")[1:])
    filename = parameters.get("filename", "").strip('"') or None
    return {
        "name": parameters["name"].strip('"'),
        "filename": filename,
        "type": headers.get("content-type"),
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "text": None if filename else content.decode("utf-8"),
    }


def field(parts, name):
    return next((part["text"] for part in parts or [] if part["name"] == name and not part["filename"]), None)


def upload(parts, name):
    return next((part for part in parts or [] if part["name"] in (name, name + "[]") and part["filename"]), None)


def text_of(content):
    if isinstance(content, list):
        return "".join(item if isinstance(item, str) else item.get("text", "") for item in content)
    return content or ""


def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def sse(value):
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def require(condition, message):
    if not condition:
        raise Refused(400, message)


if __name__ == "__main__":
    main()
