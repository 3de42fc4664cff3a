"""A server that is told to end lets its clients finish."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import openai
import pytest
from conftest import CONFIG, PATIENCE, serving

WHO = [{"role": "user", "content": "你是谁？"}]
ANSWER = "你好，我是上游 🐉。\n你说的是：你是谁？"


def accepts(url):
    """Whether new connections are still taken."""
    with socket.socket() as probe:
        return probe.connect_ex((urlsplit(url).hostname, urlsplit(url).port)) == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_running_request_is_finished(upstream, tmp_path, stream):
    with serving(tmp_path, "--config", str(CONFIG), UPSTREAM=upstream.url) as gateway, ThreadPoolExecutor(1) as pool:
        client = openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk-everything", max_retries=0, timeout=PATIENCE)

        def ask():
            with client:
                reply = client.chat.completions.create(model="late", messages=WHO, stream=stream)
                if stream:
                    return "".join(chunk.choices[0].delta.content or "" for chunk in reply)
                return reply.choices[0].message.content

        answer = pool.submit(ask)
        upstream.wait("late", "received")
        gateway.process.child.terminate()
        deadline = time.monotonic() + PATIENCE
        while accepts(gateway.url):
            assert time.monotonic() < deadline, "the server still takes connections"
        upstream.ask("/_release", method="POST")
        assert answer.result(PATIENCE) == ANSWER
        assert gateway.process.child.wait(PATIENCE) == 0
