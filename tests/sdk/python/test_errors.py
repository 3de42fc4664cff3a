"""What goes wrong, as the SDK's user meets it: the class of the exception, its fields, and whether the SDK tries again."""

import asyncio

import openai
import pytest

WHO = [{"role": "user", "content": "你是谁？"}]
ANSWER = "你好，我是上游 🐉。\n你说的是：你是谁？"


def ask(client, model="chat", **options):
    return client.chat.completions.create(model=model, messages=WHO, **options)


def text_of(stream):
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "model, kind, status, code",
    [
        ("error-400", openai.BadRequestError, 400, "invalid_value"),
        ("error-422", openai.UnprocessableEntityError, 422, "unprocessable"),
        ("error-404", openai.NotFoundError, 404, "model_not_found"),
        ("error-409", openai.ConflictError, 409, "conflict"),
        ("error-429", openai.RateLimitError, 429, "rate_limit_exceeded"),
        ("error-500", openai.InternalServerError, 502, "upstream_error"),
        ("error-503", openai.InternalServerError, 502, "upstream_error"),
        ("expired/chat", openai.InternalServerError, 502, "upstream_credentials_exhausted"),
        ("no-such-model", openai.NotFoundError, 404, "model_not_found"),
    ],
)
def test_exception_classes(client, upstream, model, kind, status, code, stream):
    with pytest.raises(kind) as raised:
        ask(client, model, stream=stream)
    error = raised.value
    assert (error.status_code, error.code) == (status, code)
    assert error.request_id
    assert set(error.body) >= {"message", "type", "param", "code"}


def test_the_upstream_s_own_words_arrive(client, upstream):
    with pytest.raises(openai.UnprocessableEntityError, match="无法处理"):
        ask(client, "error-422")
    assert len(upstream.requests()) == 1


def test_an_unknown_model_names_the_nearest(client, upstream):
    with pytest.raises(openai.NotFoundError, match="gpt-4") as raised:
        ask(client, "gpt4")
    assert raised.value.body["param"] == "model"
    assert upstream.requests() == []


@pytest.mark.parametrize("key", ["sk-wrong", "sk-upstream-main", "sk-everythin"])
def test_a_wrong_key(client, upstream, key):
    with pytest.raises(openai.AuthenticationError) as raised:
        ask(client.with_options(api_key=key))
    assert raised.value.code == "invalid_api_key"
    assert key not in str(raised.value)
    assert upstream.requests() == []


def test_a_model_that_the_key_may_not_use(client, upstream):
    narrow = client.with_options(api_key="sk-narrow")
    assert ask(narrow, "gpt-4").choices[0].message.content == ANSWER
    with pytest.raises(openai.PermissionDeniedError) as raised:
        ask(narrow, "main/chat")
    assert raised.value.code == "model_not_allowed"


def test_an_endpoint_that_the_key_may_not_use(client, upstream):
    narrow = client.with_options(api_key="sk-narrow", default_headers={"x-llmgw-provider": "main"})
    with pytest.raises(openai.PermissionDeniedError):
        narrow.files.list()
    assert upstream.requests() == []


def test_files_without_a_provider(client, upstream):
    with pytest.raises(openai.NotFoundError):
        client.files.list()


@pytest.mark.parametrize("body, code", [({"model": "chat"}, "invalid_request"), ({"messages": WHO}, "invalid_request")])
def test_a_request_without_what_it_needs(client, upstream, body, code):
    with pytest.raises(openai.BadRequestError) as raised:
        client.post("/chat/completions", body=body, cast_to=object)
    assert raised.value.code == code
    assert upstream.requests() == []


def test_the_sdk_does_not_try_again_what_the_gateway_gave_up(gateway, upstream):
    """Stacked retries would be three times three."""
    sent = []
    hooks = {"request": [sent.append]}
    with openai.DefaultHttpxClient(event_hooks=hooks) as transport:
        client = openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk-everything", http_client=transport)
        assert client.max_retries == 2
        with pytest.raises(openai.InternalServerError) as raised:
            ask(client, "error-500")
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert "上游内部错误" in raised.value.message or "500" in raised.value.message
    assert len(sent) == 1
    # The gateway itself did try: routing.max_attempts times.
    assert len(upstream.requests("error-500")) == 3


def test_an_upstream_that_takes_too_long(client, upstream):
    with pytest.raises(openai.InternalServerError) as raised:
        ask(client, "hasty/slow")
    assert (raised.value.status_code, raised.value.code) == (504, "upstream_timeout")
    upstream.wait("slow", "closed")


@pytest.mark.parametrize("model", ["error-429", "error-500", "error-503", "error-409"])
def test_the_upstream_is_asked_once_an_attempt(client, upstream, model):
    with pytest.raises(openai.APIStatusError) as raised:
        ask(client, model)
    assert len(upstream.requests()) == int(raised.value.response.headers["x-llmgw-attempts"]) == 3


@pytest.mark.parametrize("model", ["after-500", "after-429", "after-401", "after-overload"])
def test_the_next_route_answers(client, upstream, model):
    chunks = list(ask(client, model, stream=True))
    assert text_of(chunks) == ANSWER
    assert [chunk.choices[0].finish_reason for chunk in chunks].count("stop") == 1
    assert sum(chunk.choices[0].delta.role == "assistant" for chunk in chunks) == 1
    assert upstream.requests()[-1]["account"] == "spare"


@pytest.mark.parametrize("model", ["after-500", "after-429", "after-401"])
def test_the_next_route_answers_whole(client, upstream, model):
    raw = client.chat.completions.with_raw_response.create(model=model, messages=WHO)
    assert raw.headers["x-llmgw-provider"] == "spare"
    assert raw.parse().choices[0].message.content == ANSWER


def test_the_attempts_are_counted(client, upstream):
    raw = client.chat.completions.with_raw_response.create(model="after-500", messages=WHO)
    assert raw.headers["x-llmgw-attempts"] == "2"
    assert [entry["account"] for entry in upstream.requests()] == ["main", "spare"]


@pytest.mark.parametrize("model", ["cut", "cut-clean", "wrong-later", "after-cut"])
def test_a_stream_that_breaks_keeps_its_text_and_raises(client, upstream, model):
    text, finished = "", False
    with pytest.raises(openai.APIError) as raised:
        for chunk in ask(client, model, stream=True):
            text += chunk.choices[0].delta.content or ""
            finished |= chunk.choices[0].finish_reason is not None
    assert text == ANSWER[:6]
    assert not finished
    # An error that the gateway wrote, not a connection that it let break.
    assert not isinstance(raised.value, openai.APIConnectionError)
    assert raised.value.body["message"]
    # Text had gone out: nobody else was asked, and nothing is said twice.
    assert len(upstream.requests()) == 1


def test_leaving_a_stream_frees_the_upstream(client, upstream):
    stream = ask(client, "slow", stream=True)
    assert next(chunk for chunk in stream if chunk.choices[0].delta.content)
    stream.close()
    upstream.wait("slow", "closed")


def test_leaving_before_the_answer_frees_the_upstream(async_client, upstream):
    async def work():
        async with async_client:
            task = asyncio.create_task(ask(async_client, "slow"))
            await asyncio.to_thread(upstream.wait, "slow", "received")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(upstream.wait, "slow", "closed")

    asyncio.run(work())
    assert len(upstream.requests()) == 1


def test_a_client_s_own_timeout_frees_the_upstream(client, upstream):
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.5), "slow")
    upstream.wait("slow", "closed")
