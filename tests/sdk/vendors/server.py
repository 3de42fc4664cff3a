"""Where each vendor's API is, and what all of them have in common.

    POST /chat/v1/chat/completions                                  OpenAI's chat
    POST /responses/openai/v1/responses                             OpenAI's Responses, as Azure's v1 API has them
    POST /anthropic/v1/messages, …/count_tokens; GET …/v1/models    Anthropic
    POST /gemini/v1beta/models/M:generateContent, :streamGenerateContent?alt=sse, :countTokens
    POST /bedrock/model/M/converse, …/converse-stream               AWS Bedrock
    POST /azure/openai/deployments/M/chat/completions               Azure's classic API
    POST /ollama/v1/chat/completions, …/responses, …/messages; GET /ollama/api/tags

    GET  /_requests     all that arrived, in order; `problem` says what was wrong with one
    POST /_reset        forgets
"""

import json
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

from anthropic import Anthropic, OllamaAnthropic
from bedrock import Bedrock
from chat import Azure, Chat, Ollama
from check import Wrong, require
from gemini import Gemini
from responses import OllamaResponses, Responses
from scene import Trouble, play

VENDORS = {
    ("chat", "v1/chat/completions"): Chat,
    ("responses", "openai/v1/responses"): Responses,
    ("anthropic", "v1/messages"): Anthropic,
    ("anthropic", "v1/messages/count_tokens"): Anthropic,
    ("ollama", "v1/chat/completions"): Ollama,
    ("ollama", "v1/responses"): OllamaResponses,
    ("ollama", "v1/messages"): OllamaAnthropic,
}
TROUBLES = {"rate": "太快了，等一等", "overload": "过载了", "context": "This model's maximum context length is 128000 tokens", "thread": "no threads"}
# Only clients have it: it must not get here.
CLIENT_KEY = "sk-everything"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    entries = []

    def do_GET(self):
        body = self.read_body()
        url = urlsplit(self.path)
        if url.path == "/_reset":
            self.entries.clear()
            return self.send_json({})
        if url.path == "/_requests":
            return self.send_json({"requests": self.entries})
        if url.path == "/ollama/api/tags":
            return self.send_json({"models": [{"name": "llama4:8b", "model": "llama4:8b"}]})
        if url.path == "/anthropic/v1/models":
            model = {"type": "model", "id": "claude-opus-5-5", "display_name": "Claude", "created_at": "2026-09-01T00:00:00Z"}
            return self.send_json({"data": [model], "has_more": False, "first_id": model["id"], "last_id": model["id"]})
        self.answer(url, body)

    do_POST = do_GET

    def answer(self, url, body):
        account, _, path = url.path.lstrip("/").partition("/")
        vendor, model, action = self.vendor(account, path)
        if vendor is None:
            return self.send_json({"error": {"message": f"nothing is at {url.path}"}}, 404)
        headers = {name.lower(): value for name, value in self.headers.items()}
        entry = {"vendor": account, "path": path, "headers": headers, "body": None, "problem": None}
        self.entries.append(entry)
        kind = "wrong"
        try:
            entry["body"] = data = json.loads(body)
            require(CLIENT_KEY not in body.decode() + str(headers) + self.path, "the key of the client has come through")
            require("llmgw." not in body.decode(), "a mark of the gateway's has come through")
            require(headers.get("content-type") == "application/json", "content-type must be application/json")
            kind = "key"
            if account == "bedrock":
                vendor.signed(self.command, url.path, headers, body)
            else:
                query = parse_qs(url.query)
                if account == "gemini":
                    require((query.pop("alt", None) == ["sse"]) == (action == "streamGenerateContent"), "without alt=sse it is no SSE")
                vendor.key(headers, query)
            kind = "wrong"
            if action == "countTokens":
                data = data.get("generateContentRequest", data)
                data.pop("model", None)
            counting = {"counting": True} if action == "count_tokens" else {}
            asked = vendor.read(model or data.get("model"), data, **counting)
            if action == "count_tokens":
                return self.send_json({"input_tokens": 17})
            if action == "countTokens":
                return self.send_json({"totalTokens": 17})
            asked.stream = asked.stream or action in ("streamGenerateContent", "converse-stream")
            answer = play(vendor.vendor, asked)
            if not asked.stream:
                return self.send_json(vendor.whole(asked, answer))
            self.send_stream(vendor.frames(asked, answer), "application/vnd.amazon.eventstream" if account == "bedrock" else "text/event-stream")
        except Trouble as trouble:
            status, more, value = vendor.error(trouble.args[0], TROUBLES[trouble.args[0]])
            self.send_json(value, status, more)
        except (Wrong, AttributeError, KeyError, TypeError, ValueError, IndexError) as wrong:
            entry["problem"] = f"{type(wrong).__name__}: {wrong}"
            status, more, value = vendor.error(kind, str(wrong))
            self.send_json(value, status, more)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def vendor(self, account, path):
        """Who answers, the model of the path, and what is wanted of it."""
        if (account, path) in VENDORS:
            return VENDORS[account, path](), None, path.rpartition("/")[2]
        if account == "gemini" and path.startswith("v1beta/models/"):
            model, _, action = path.removeprefix("v1beta/models/").rpartition(":")
            return Gemini(), unquote(model), action
        if account == "bedrock" and path.startswith("model/"):
            model, _, action = path.removeprefix("model/").rpartition("/")
            return Bedrock(), unquote(model), action
        if account == "azure" and path.startswith("openai/deployments/") and path.endswith("/chat/completions"):
            return Azure(), unquote(path.split("/")[2]), None
        return None, None, None

    def read_body(self):
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def send_json(self, value, status=200, headers=()):
        body = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_stream(self, frames, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for frame in frames:
            # Nobody promises whole frames, or whole characters.
            middle = next((i + 1 for i, byte in enumerate(frame) if byte >= 0xC0), len(frame) // 2)
            for piece in (frame[:middle], frame[middle:]):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b"")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass
