"""A client for llmgw, a gateway in front of large language models: one file, nothing but Python's standard library.

    import llmgw

    print(llmgw.chat("你好", "gpt-4", max_tokens=50, temperature=0.7))
    for piece in llmgw.stream("你好", "gpt-4"):
        print(piece, end="", flush=True)
    print(llmgw.list_models())

It speaks text over OpenAI's chat completions, and no more: for tools, images or asyncio, give OpenAI's SDK the same
address. It never tries again, because the gateway already does.

Needs Python 3.8. Run as a program it tests itself, without a gateway and without a network: python3 llmgw.py
"""

import codecs
import http.client
import io
import ipaddress
import itertools
import json
import os
import socket
import urllib.error
import urllib.request
from typing import Iterator, List, Optional
from urllib.parse import urlsplit

__all__ = ["LlmgwError", "chat", "list_models", "stream"]

BASE_URL = "http://localhost:8000"

# A little longer than the gateway works on one request by default (600 s), so that its own error arrives.
TIMEOUT = 610.0

# An error that is longer is not read to its end.
LONGEST_ERROR = 1 << 20

# What is shorter is no secret, and masking it would only make messages unreadable.
SHORTEST_SECRET = 6


class LlmgwError(Exception):
    """Whatever went wrong: what the gateway said, or why it said nothing.

    `message` is for people. `status` is that of HTTP: 200 if the error came inside of an answer, None if none came.
    `code` is the gateway's (its docs/errors.md lists them), or one of this client's: `connection_failed`, `timeout`,
    `answer_cut`, `invalid_response`, `invalid_argument`; None if the sender gave none. `request_id` finds the request
    in the gateway's log: `llmgw why ID`.
    """

    def __init__(
        self, message: str, status: Optional[int] = None, code: Optional[str] = None, request_id: Optional[str] = None
    ):
        super().__init__(message)
        self.message, self.status, self.code, self.request_id = message, status, code, request_id

    def __str__(self):
        known = {"status": self.status, "code": self.code, "request": self.request_id}
        details = ", ".join(f"{name} {value}" for name, value in known.items() if value is not None)
        return f"{self.message} ({details})" if details else self.message


def chat(
    prompt: Optional[str],
    model: str = "auto",
    *,
    system: Optional[str] = None,
    messages: Optional[List[dict]] = None,
    max_tokens: Optional[int] = None,
    temperature: Optional[float] = None,
    base_url: Optional[str] = None,
    api_key: Optional[str] = None,
    timeout: Optional[float] = TIMEOUT,
) -> str:
    """Asks a model, and returns its whole answer.

    `messages` is the conversation before the prompt, in OpenAI's form; with it, `prompt` may be None. `system` goes
    first. What is None is not sent, and the model's default holds. `base_url` comes from $LLMGW_BASE_URL if it is not
    given, and may end in `/v1`; `api_key` comes from $LLMGW_API_KEY. `timeout` is how many seconds may pass without
    a byte. Raises LlmgwError.
    """
    gateway = _Gateway(base_url, api_key, timeout)
    with gateway.open("/chat/completions", _body(prompt, model, system, messages, max_tokens, temperature)) as response:
        answer = gateway.json(response)
        text = _text(answer, "message")
        if text is None:
            raise gateway.error("the answer has no message", response, "invalid_response")
        return text


def stream(
    prompt: Optional[str],
    model: str = "auto",
    *,
    system: Optional[str] = None,
    messages: Optional[List[dict]] = None,
    max_tokens: Optional[int] = None,
    temperature: Optional[float] = None,
    base_url: Optional[str] = None,
    api_key: Optional[str] = None,
    timeout: Optional[float] = TIMEOUT,
) -> Iterator[str]:
    """Asks a model, and yields its answer piece by piece. The arguments are those of `chat`.

    Nothing is sent before the first piece is asked for. An answer that breaks off raises LlmgwError after the pieces
    that came. Whoever stops early calls `close()` on the generator: it closes the connection, and the gateway then
    cancels the request.
    """
    gateway = _Gateway(base_url, api_key, timeout)
    body = dict(_body(prompt, model, system, messages, max_tokens, temperature), stream=True)
    with gateway.open("/chat/completions", body) as response:
        if response.headers.get_content_type() != "text/event-stream":
            gateway.json(response)
            raise gateway.error("the answer is no stream of events", response, "invalid_response")
        for event, data in _events(gateway.pieces(response)):
            if data == "[DONE]":
                return
            text = _text(gateway.parse(data, response), "delta")
            if event == "error":
                raise gateway.error("the answer broke off: " + _shown(data, gateway.key), response, "answer_cut")
            if text:
                yield text
        raise gateway.error("the answer broke off: its stream ended without [DONE]", response, "answer_cut")


def list_models(
    *, base_url: Optional[str] = None, api_key: Optional[str] = None, timeout: Optional[float] = TIMEOUT
) -> List[str]:
    """Returns the names of the models that this key may ask for. The arguments are those of `chat`."""
    gateway = _Gateway(base_url, api_key, timeout)
    with gateway.open("/models") as response:
        answer = gateway.json(response)
        try:
            return [str(model["id"]) for model in answer["data"]]
        except (KeyError, TypeError):
            raise gateway.error("the answer is no list of models", response, "invalid_response") from None


class _Gateway:
    """Where the gateway is and how it is asked. All errors are made here, so that none of them shows the key."""

    def __init__(self, base_url, api_key, timeout):
        self.timeout = timeout
        self.key = (os.environ.get("LLMGW_API_KEY", "") if api_key is None else api_key).strip()
        # http.client would name the whole header in its own exception.
        if not all("!" <= character <= "~" for character in self.key):
            raise LlmgwError("the API key has characters that a header cannot carry", code="invalid_argument")
        self.base, self.host = _address(base_url or os.environ.get("LLMGW_BASE_URL", "").strip() or BASE_URL)

    def open(self, path, body=None):
        """Sends a request; returns the response, which the caller closes, or raises what the gateway said instead."""
        headers = {"Accept": "application/json, text/event-stream", "User-Agent": "llmgw-python"}
        if self.key:
            headers["Authorization"] = "Bearer " + self.key
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            try:
                data = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
            except (TypeError, ValueError) as error:
                raise self.error(f"the request cannot be written as JSON: {error}", None, "invalid_argument") from None
        request = urllib.request.Request(self.base + "/v1" + path, data, headers)
        # A proxy does not know this machine's loopback.
        proxies = urllib.request.ProxyHandler({} if _is_loopback(self.host) else None)
        try:
            return urllib.request.build_opener(proxies, _NoRedirects()).open(request, timeout=self.timeout)
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise self.refusal(refusal) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self.failure(error) from None

    def pieces(self, response):
        """Yields the bytes of a body as they arrive."""
        while True:
            try:
                piece = response.read1(1 << 16)
            except (OSError, http.client.HTTPException) as error:
                raise self.failure(error, response) from None
            if not piece:
                return
            yield piece

    def json(self, response):
        """Reads a whole body, and returns its JSON."""
        try:
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self.failure(error, response) from None
        return self.parse(body, response)

    def parse(self, text, response):
        """Returns the object in `text`, unless it is an error: those may come under status 200 too."""
        value = _object(text)
        if value is None:
            raise self.error("the answer is no JSON object: " + _shown(text, self.key), response, "invalid_response")
        if value.get("error"):
            message, code = _told(value["error"])
            raise self.error(message, response, code)
        return value

    def refusal(self, response):
        """What a status other than 2xx says: an error envelope, or a page of something between us and the gateway."""
        try:
            body = response.read(LONGEST_ERROR)
        except (OSError, http.client.HTTPException):
            body = b""
        value = _object(body)
        if value and value.get("error"):
            message, code = _told(value["error"])
            return self.error(message, response, code)
        message = f"{self.base} answered {response.code} without an error of llmgw's; is this its address?"
        if response.headers.get("location"):
            message += " It points to " + response.headers["location"]
        elif body.strip():
            message += " It said: " + _shown(body, self.key)
        return self.error(message, response)

    def failure(self, error, response=None):
        """What a connection's failure means: before the answer's head if `response` is None, else after it."""
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        # Two classes before Python 3.10.
        if isinstance(reason, (socket.timeout, TimeoutError)):
            return self.error(f"nothing came from {self.base} in time (timeout={self.timeout})", response, "timeout")
        if isinstance(reason, ConnectionRefusedError):
            message = f"nothing listens at {self.base}: start `llmgw serve`, or name its address in LLMGW_BASE_URL"
            return self.error(message, None, "connection_failed")
        reason = str(reason) or type(reason).__name__
        if response is None:
            return self.error(f"no answer from {self.base}: {reason}", None, "connection_failed")
        return self.error(f"the answer broke off: {reason}", response, "answer_cut")

    def error(self, message, response=None, code=None):
        """An LlmgwError in which the key is masked, whoever repeated it."""
        status = response.getcode() if response is not None else None
        request_id = response.headers.get("x-request-id") if response is not None else None
        return LlmgwError(_masked(message, self.key), status, _masked(code, self.key), _masked(request_id, self.key))


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: urllib would send the key along, to wherever it leads."""

    def redirect_request(self, *_):
        return None


def _address(base_url):
    """Splits an address into what comes before `/v1`, and its host."""
    base = base_url.rstrip("/")
    base = base[: -len("/v1")] if base.endswith("/v1") else base
    try:
        parts = urlsplit(base)
        # Reading the port checks it.
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    # A password in it would show in every error, so it is neither taken nor repeated.
    if not good or "@" in parts.netloc or parts.query or parts.fragment:
        raise LlmgwError(
            f"`base_url` must be like {BASE_URL}: http or https, a host, no user and no query", code="invalid_argument"
        )
    return base, parts.hostname


def _is_loopback(host):
    """Whether a host is this machine, as far as its name tells."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _body(prompt, model, system, messages, max_tokens, temperature):
    """The request of a chat completion."""
    conversation = list(messages or [])
    if system is not None:
        conversation.insert(0, {"role": "system", "content": system})
    if prompt is not None:
        conversation.append({"role": "user", "content": prompt})
    elif not messages:
        raise LlmgwError("there is neither a prompt nor messages", code="invalid_argument")
    body = {"model": model, "messages": conversation, "max_tokens": max_tokens, "temperature": temperature}
    return {name: value for name, value in body.items() if value is not None}


def _events(pieces):
    """Yields name and data of each server-sent event, however its bytes were cut; half an event is none."""
    # Holds back the half of a character, and a CR that may be half of a line's end.
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")("replace"), translate=True)
    rest, event, data = "", "", []
    for piece in itertools.chain(pieces, [b""]):
        *lines, rest = (rest + decoder.decode(piece, final=not piece)).split("\n")
        for line in lines:
            # The field of a comment is empty.
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "data":
                data.append(value)
            elif field == "event":
                event = value
            elif not line:
                if data:
                    yield event, "\n".join(data)
                event, data = "", []


def _text(answer, part):
    """What the first choice says, in its `message` or its `delta`; None if there is no choice."""
    try:
        said = answer["choices"][0][part]
        text = said.get("content") or said.get("refusal") or ""
        # Some vendors' reasoning models answer in parts.
        return text if isinstance(text, str) else "".join(item.get("text", "") for item in text)
    except (AttributeError, IndexError, KeyError, TypeError):
        return None


def _told(error):
    """Message and code of what is under `error`; some servers have only a text there."""
    if not isinstance(error, dict):
        return str(error), None
    code = error.get("code") or error.get("type")
    return str(error.get("message") or error), None if code is None else str(code)


def _object(text):
    """The JSON object in a text or its bytes, or None."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _shown(text, key):
    """The beginning of what was no JSON, on one line. Masked before it is cut: half a key is not recognised."""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    text = " ".join(_masked(text, key).split())
    return text if len(text) <= 200 else text[:200] + "…"


def _masked(text, key):
    """A text without the key."""
    return text.replace(key, "***") if text and len(key) >= SHORTEST_SECRET else text


if __name__ == "__main__":
    import select
    import threading
    import unittest
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    PATIENCE = 10
    KEY = "sk-secret-0123456789"

    class StandIn(BaseHTTPRequestHandler):
        """A gateway that answers whatever the test wants: `server.answer(self)`. Remembers what it was sent."""

        protocol_version = "HTTP/1.1"

        def do_GET(self):
            """Takes the request, and lets the test answer it."""
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            sent = {"path": self.path, "headers": self.headers, "body": json.loads(body) if body else None}
            self.server.requests.append(sent)
            try:
                self.server.answer(self)
            except ConnectionError:
                self.close_connection = True

        do_POST = do_GET

        def head(self, status, **headers):
            """Sends status and headers; `_` in a name stands for `-`."""
            self.send_response(status)
            for name, value in {"x_request_id": "req-1", **headers}.items():
                self.send_header(name.replace("_", "-"), str(value))
            self.end_headers()

        def whole(self, body, status=200, **headers):
            """Answers with text as it is, and with anything else as JSON."""
            body = (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()
            self.head(status, **{"content_type": "application/json", "content_length": len(body), **headers})
            self.wfile.write(body)

        def begin(self, *pieces):
            """Begins a stream; each piece is a chunk of its own, which the client reads apart from the next."""
            self.head(200, content_type="text/event-stream; charset=utf-8", transfer_encoding="chunked")
            for piece in pieces:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

        def events(self, *pieces):
            """Answers with a whole stream."""
            self.begin(*pieces)
            self.wfile.write(b"0\r\n\r\n")

        def wait_for_the_client_to_leave(self):
            """Returns whether it left before patience ended."""
            readable, _, _ = select.select([self.connection], [], [], PATIENCE)
            self.close_connection = True
            try:
                return bool(readable) and not self.connection.recv(1)
            except ConnectionError:
                return True

        def log_message(self, *_):
            """Says nothing."""

    def envelope(message, code):
        """An error as llmgw writes it."""
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}

    def message(content):
        """An answer as llmgw writes it."""
        return {"choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]}

    def delta(text, end="\n"):
        """An event with a piece of text."""
        chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        return ("data: " + json.dumps(chunk, ensure_ascii=False) + end + end).encode()

    DONE = b"data: [DONE]\n\n"

    class Case(unittest.TestCase):
        """A stand-in for each test, and an environment in which nothing but it is named."""

        def setUp(self):
            """Starts it; proxies of the environment lead nowhere."""
            self.server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
            self.server.daemon_threads = True
            self.server.requests = []
            self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
            thread = threading.Thread(target=self.server.serve_forever, args=[0.01])
            thread.start()
            self.addCleanup(self.server.server_close)
            self.addCleanup(thread.join)
            self.addCleanup(self.server.shutdown)
            before = dict(os.environ)
            self.addCleanup(lambda: (os.environ.clear(), os.environ.update(before)))
            for name in list(os.environ):
                if name.lower().endswith("_proxy") or name.startswith("LLMGW_"):
                    del os.environ[name]
            os.environ.update(LLMGW_BASE_URL=self.url, LLMGW_API_KEY=KEY, http_proxy="http://127.0.0.1:1")

        def answers(self, answer):
            """Sets how the stand-in answers from now on."""
            self.server.answer = answer

        def sent(self):
            """The only request that was made."""
            (request,) = self.server.requests
            return request

        def fails(self, call, status, code, *words):
            """The error that a call raises; it never shows the key."""
            with self.assertRaises(LlmgwError) as raised:
                call()
            error = raised.exception
            self.assertEqual((error.status, error.code), (status, code), error)
            for word in words:
                self.assertIn(word, str(error))
            # Nor its half.
            self.assertNotIn(KEY[:10], repr([str(error), error.args, vars(error)]))
            return error

    class Asking(Case):
        """What is sent."""

        def test_all_parameters(self):
            self.answers(lambda peer: peer.whole(message("好")))
            before = [{"role": "user", "content": "一"}, {"role": "assistant", "content": "二"}]
            said = chat("你好", "gpt-4", system="简短", messages=before, max_tokens=50, temperature=0.7)
            self.assertEqual(said, "好")
            sent = self.sent()
            self.assertEqual(sent["path"], "/v1/chat/completions")
            self.assertEqual(sent["headers"]["authorization"], "Bearer " + KEY)
            self.assertEqual(sent["headers"]["content-type"], "application/json")
            messages = [{"role": "system", "content": "简短"}, *before, {"role": "user", "content": "你好"}]
            body = {"model": "gpt-4", "messages": messages, "max_tokens": 50, "temperature": 0.7}
            self.assertEqual(sent["body"], body)
            self.assertEqual(len(before), 2)

        def test_what_is_not_given_is_not_sent(self):
            self.answers(lambda peer: peer.whole(message("")))
            self.assertEqual(chat("hi", api_key=""), "")
            self.assertEqual(self.sent()["body"], {"model": "auto", "messages": [{"role": "user", "content": "hi"}]})
            self.assertIsNone(self.sent()["headers"]["authorization"])

        def test_zero_is_sent(self):
            self.answers(lambda peer: peer.whole(message("")))
            chat("hi", temperature=0, max_tokens=0)
            self.assertEqual((self.sent()["body"]["temperature"], self.sent()["body"]["max_tokens"]), (0, 0))

        def test_a_stream_sends_the_same(self):
            self.answers(lambda peer: peer.events(DONE))
            self.assertEqual(list(stream("你好", "gpt-4", system="简短", max_tokens=50, temperature=0.7)), [])
            messages = [{"role": "system", "content": "简短"}, {"role": "user", "content": "你好"}]
            body = {"model": "gpt-4", "messages": messages, "max_tokens": 50, "temperature": 0.7, "stream": True}
            self.assertEqual(self.sent()["body"], body)

        def test_messages_without_a_prompt(self):
            self.answers(lambda peer: peer.whole(message("")))
            chat(None, messages=[{"role": "user", "content": "hi"}])
            self.assertEqual(self.sent()["body"]["messages"], [{"role": "user", "content": "hi"}])

        def test_arguments_that_make_no_request(self):
            for prompt, more in [
                (None, {}),
                (None, {"messages": []}),
                ("hi", {"messages": [{1, 2}]}),
                ("hi", {"temperature": float("nan")}),
                ("\ud800", {}),
            ]:
                with self.subTest(prompt=prompt, **more):
                    self.fails(lambda prompt=prompt, more=more: chat(prompt, **more), None, "invalid_argument")
                    self.fails(lambda prompt=prompt, more=more: next(stream(prompt, **more)), None, "invalid_argument")
            self.assertEqual(self.server.requests, [])

        def test_the_address_with_and_without_v1(self):
            self.answers(lambda peer: peer.whole({"data": [{"id": "gpt-4"}, {"id": "深度/chat"}]}))
            for end in ["", "/", "/v1", "/v1/"]:
                self.assertEqual(list_models(base_url=self.url + end), ["gpt-4", "深度/chat"])
            self.assertEqual(list_models(base_url=self.url + "/behind"), ["gpt-4", "深度/chat"])
            paths = [request["path"] for request in self.server.requests]
            self.assertEqual(paths, ["/v1/models"] * 4 + ["/behind/v1/models"])

        def test_addresses_that_are_none(self):
            for address in ["localhost:8000", "ftp://localhost", "http://", "http://h:port", f"http://me:{KEY}@h", "http://h?q"]:
                with self.subTest(address):
                    self.fails(lambda address=address: list_models(base_url=address), None, "invalid_argument", BASE_URL)
            self.fails(lambda: list_models(base_url="http://a b"), None, "connection_failed")

        def test_a_proxy_is_for_other_machines_only(self):
            self.answers(lambda peer: peer.whole({"data": []}))
            self.assertEqual(list_models(), [])
            os.environ["http_proxy"] = self.url
            self.assertEqual(list_models(base_url="http://llmgw.invalid:8000"), [])
            paths = [request["path"] for request in self.server.requests]
            self.assertEqual(paths, ["/v1/models", "http://llmgw.invalid:8000/v1/models"])
            loopback = ["localhost", "127.0.0.1", "127.1.2.3", "::1", "a.localhost"]
            self.assertTrue(all(_is_loopback(host) for host in loopback))
            self.assertFalse(any(_is_loopback(host) for host in ["localhost.example", "10.0.0.1", "::2"]))

    class Failing(Case):
        """What goes wrong with whole answers."""

        def test_a_wrong_key(self):
            self.answers(lambda peer: peer.whole(envelope(f"the key `{KEY}` is none", "invalid_api_key"), 401))
            for call in [lambda: chat("hi"), lambda: next(stream("hi")), list_models]:
                error = self.fails(call, 401, "invalid_api_key", "the key `***` is none", "status 401", "req-1")
                self.assertEqual((error.message, error.request_id), ("the key `***` is none", "req-1"))

        def test_the_key_in_every_place(self):
            self.answers(lambda peer: peer.whole("x" * 190 + KEY, 500, x_request_id=KEY))
            self.fails(lambda: chat("hi"), 500, None)
            self.answers(lambda peer: peer.whole("x" * 190 + KEY))
            self.fails(lambda: chat("hi"), 200, "invalid_response")
            self.answers(lambda peer: peer.whole({"error": {"code": KEY, "text": KEY}}, 500))
            self.fails(lambda: chat("hi"), 500, "***")
            for bad in [KEY + "\nx-more: 1", KEY + " x", KEY + "龙"]:
                self.fails(lambda bad=bad: chat("hi", api_key=bad), None, "invalid_argument")

        def test_an_unknown_model_comes_with_a_hint(self):
            hint = "the model `gpt4` does not exist; did you mean `gpt-4`?"
            self.answers(lambda peer: peer.whole(envelope(hint, "model_not_found"), 404))
            self.assertEqual(self.fails(lambda: chat("hi", "gpt4"), 404, "model_not_found").message, hint)

        def test_every_attempt_failed(self):
            self.answers(lambda peer: peer.whole(envelope("每条路由都失败了", "upstream_error"), 502))
            self.fails(lambda: chat("hi"), 502, "upstream_error", "每条路由都失败了")
            self.assertEqual(len(self.server.requests), 1)

        def test_other_shapes_of_errors(self):
            for body, code, word in [
                ({"error": "only a text"}, None, "only a text"),
                ({"error": {"message": "m", "type": "t"}}, "t", "m"),
                ({"error": {"message": "m", "code": 1301}}, "1301", "m"),
                ("<h1>Bad\n Gateway</h1>", None, "is this its address? It said: <h1>Bad Gateway</h1>"),
                ("", None, "is this its address?"),
                ([], None, "is this its address?"),
            ]:
                with self.subTest(body):
                    self.answers(lambda peer, body=body: peer.whole(body, 502))
                    self.fails(lambda: chat("hi"), 502, code, word)

        def test_an_error_inside_of_a_200(self):
            self.answers(lambda peer: peer.whole(envelope("过载", "overloaded")))
            self.fails(lambda: chat("hi"), 200, "overloaded", "过载")
            self.fails(lambda: list(stream("hi")), 200, "overloaded", "过载")

        def test_a_redirect_is_not_followed(self):
            elsewhere = self.url + "/elsewhere"
            for status in [301, 302, 303, 307, 308]:
                self.answers(lambda peer, status=status: peer.whole("", status, location=elsewhere))
                self.fails(lambda: chat("hi"), status, None, elsewhere)
                self.fails(list_models, status, None, elsewhere)
            self.assertNotIn("/elsewhere", [request["path"] for request in self.server.requests])

        def test_answers_that_are_none(self):
            for body in ["{", "[]", "null", "", "[" * 100_000, {}, {"choices": []}, {"choices": [{}]}, {"choices": [{"message": "x"}]}]:
                self.answers(lambda peer, body=body: peer.whole(body))
                self.fails(lambda: chat("hi"), 200, "invalid_response")
            for body in ["{", {}, {"data": 1}, {"data": ["x"]}, {"data": [{}]}]:
                self.answers(lambda peer, body=body: peer.whole(body))
                self.fails(list_models, 200, "invalid_response")

        def test_answers_in_parts_and_refusals(self):
            parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "你"}, {"type": "text", "text": "好"}]
            self.answers(lambda peer: peer.whole(message(parts)))
            self.assertEqual(chat("hi"), "你好")
            self.answers(lambda peer: peer.whole({"choices": [{"message": {"content": None, "refusal": "不"}}]}))
            self.assertEqual(chat("hi"), "不")

        def test_a_body_that_breaks_off(self):
            self.answers(lambda peer: peer.head(200, content_type="application/json", content_length=99, connection="close"))
            self.assertEqual(self.fails(lambda: chat("hi"), 200, "answer_cut").request_id, "req-1")

        def test_an_answer_without_a_head(self):
            self.answers(lambda peer: setattr(peer, "close_connection", True))
            self.fails(lambda: chat("hi"), None, "connection_failed", self.url)

        def test_nothing_listens(self):
            with socket.socket() as bound:
                bound.bind(("127.0.0.1", 0))
                address = f"http://127.0.0.1:{bound.getsockname()[1]}"
                self.fails(lambda: chat("hi", base_url=address), None, "connection_failed", address, "start `llmgw serve`")

        def test_a_timeout(self):
            left = threading.Event()
            self.answers(lambda peer: peer.wait_for_the_client_to_leave() and left.set())
            self.fails(lambda: chat("hi", timeout=0.05), None, "timeout", "timeout=0.05")
            self.assertTrue(left.wait(PATIENCE))

        def test_an_error_can_be_pickled(self):
            import pickle

            error = pickle.loads(pickle.dumps(LlmgwError("m", 404, "c", "r")))
            self.assertEqual((str(error), error.status), ("m (status 404, code c, request r)", 404))
            self.assertEqual(str(LlmgwError("m")), "m")

    class Streaming(Case):
        """Streams, well and badly made."""

        def pieces(self, *pieces):
            """What a stream yields; all that was read before an error counts."""
            self.answers(lambda peer: peer.events(*pieces))
            return list(stream("hi"))

        def breaks(self, answer, code, *words):
            """What a stream yields before its error."""
            self.answers(answer)
            said = []
            self.fails(lambda: said.extend(iter(stream("hi"))), 200, code, *words)
            return said

        def test_pieces_arrive_one_by_one(self):
            read = threading.Event()

            def answer(peer):
                peer.begin(delta("你"))
                read.wait(PATIENCE)
                peer.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(delta("好") + DONE), delta("好") + DONE))

            self.answers(answer)
            said = stream("hi")
            self.assertEqual(next(said), "你")
            read.set()
            self.assertEqual(list(said), ["好"])

        def test_every_end_of_line_in_every_cut(self):
            for end in ["\n", "\r\n", "\r"]:
                whole = delta("你好🐉\u2028", end) + delta(" x", end) + DONE.replace(b"\n", end.encode())
                for size in [1, 2, 3, 5, len(whole)]:
                    with self.subTest(end=end, size=size):
                        cut = [whole[at : at + size] for at in range(0, len(whole), size)]
                        self.assertEqual(self.pieces(*cut), ["你好🐉\u2028", " x"])

        def test_what_is_no_text(self):
            role = b'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n'
            usage = b'data: {"choices":[],"usage":{"total_tokens":3}}\n\n'
            others = b": keepalive\n\n:\n\nid: 7\nretry: 10\n\nevent: error\n\n\n\n"
            self.assertEqual(self.pieces(role, others, delta("好"), usage, others, DONE), ["好"])

        def test_data_of_several_lines_and_without_a_space(self):
            event = b'\xef\xbb\xbfdata:{"choices":\ndata: [{"delta":\n: between\ndata:{"content":"a b"}}]}\n\n'
            self.assertEqual(self.pieces(event, b"data:[DONE]\n\n"), ["a b"])
            self.assertEqual(list(_events([b"event: e\ndata:  x\ndata\n\ndata:y\n\n"])), [("e", " x\n"), ("", "y")])

        def test_nothing_is_read_after_the_end(self):
            self.assertEqual(self.pieces(delta("好"), DONE, delta("more"), b"data: {\n\n"), ["好"])

        def test_an_error_event_after_content(self):
            event = ("data: " + json.dumps(envelope("the answer broke off: 上游断开", "upstream_error")) + "\n\n").encode()
            said = self.breaks(lambda peer: peer.events(delta("你"), event), "upstream_error", "上游断开", "req-1")
            self.assertEqual(said, ["你"])
            named = b'event: error\ndata: {"message":"no envelope"}\n\n'
            self.assertEqual(self.breaks(lambda peer: peer.events(delta("你"), named), "answer_cut", "no envelope"), ["你"])

        def test_a_stream_without_its_end(self):
            said = self.breaks(lambda peer: peer.events(delta("你")), "answer_cut", "[DONE]")
            self.assertEqual(said, ["你"])
            self.assertEqual(self.breaks(lambda peer: peer.events(), "answer_cut"), [])
            half = delta("好").rstrip()
            self.assertEqual(self.breaks(lambda peer: peer.events(delta("你"), half), "answer_cut"), ["你"])

        def test_a_connection_that_breaks(self):
            def cut(peer):
                peer.begin(delta("你"), delta("好")[:20])
                peer.close_connection = True

            self.assertEqual(self.breaks(cut, "answer_cut"), ["你"])

        def test_data_that_is_no_json(self):
            said = self.breaks(lambda peer: peer.events(delta("你"), b"data: {oops\n\n"), "invalid_response", "{oops")
            self.assertEqual(said, ["你"])

        def test_an_answer_that_is_no_stream(self):
            self.assertEqual(self.breaks(lambda peer: peer.whole(message("好")), "invalid_response"), [])
            self.assertEqual(self.breaks(lambda peer: peer.whole("<p>", content_type="text/html"), "invalid_response", "<p>"), [])

        def test_silence_within_a_stream(self):
            self.answers(lambda peer: (peer.begin(delta("你")), peer.wait_for_the_client_to_leave()))
            said = stream("hi", timeout=0.2)
            self.assertEqual(next(said), "你")
            self.fails(lambda: next(said), 200, "timeout")

        def test_closing_closes_the_connection(self):
            left = threading.Event()
            self.answers(lambda peer: (peer.begin(delta("你")), peer.wait_for_the_client_to_leave() and left.set()))
            said = stream("hi")
            self.assertEqual(next(said), "你")
            self.assertFalse(left.is_set())
            said.close()
            self.assertTrue(left.wait(PATIENCE))
            self.assertEqual(list(said), [])

        def test_nothing_is_sent_before_the_first_piece(self):
            stream("hi").close()
            self.assertEqual(self.server.requests, [])

    unittest.main()
