"""A fresh machine: no file, no key. The built-in mock answers, and says that it does."""

import socket

import openai
import pytest
from conftest import PATIENCE, serving


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 11434)) == 0:
            pytest.skip("a local Ollama answers, so this machine is not fresh")
    with serving(tmp_path_factory.mktemp("home")) as gateway:
        yield gateway


@pytest.fixture
def client(gateway):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="none", max_retries=0, timeout=PATIENCE) as client:
        yield client


def test_the_main_job(gateway):
    ran = gateway.run("chat", "你是谁")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()
    assert "mock" in ran.stderr


def test_any_model_answers(client, gateway):
    messages = [{"role": "user", "content": "你是谁"}]
    whole = client.chat.completions.create(model="gpt-4", messages=messages).choices[0].message.content
    chunks = list(client.chat.completions.create(model="gpt-4", messages=messages, stream=True))
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert whole == streamed != ""
    ran = gateway.run("chat", "--model", "gpt-4", "你是谁")
    assert ran.stdout.rstrip("\n") == whole


def test_embeddings_too(client):
    (item,) = client.embeddings.create(model="text-embedding-3-small", input="你好").data
    assert item.embedding and all(isinstance(number, float) for number in item.embedding)


def test_the_server_says_so_as_well(gateway):
    assert "mock" in gateway.process.log.read_text()
