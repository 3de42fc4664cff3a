"""All but chat: embeddings, models, moderations, images, audio, files, rerank, legacy completions."""

import hashlib
import io

import pytest

SPEECH = bytes(range(256)) * 300
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def test_embeddings_in_the_default_form(client, upstream):
    """The SDK asks for base64 by itself, and decodes."""
    reply = client.embeddings.create(model="embed", input=["你好", "世界"])
    assert upstream.one()["body"]["encoding_format"] == "base64"
    assert [item.index for item in reply.data] == [0, 1]
    assert [len(item.embedding) for item in reply.data] == [8, 8]
    assert reply.data[0].embedding != reply.data[1].embedding
    assert all(isinstance(number, float) and number * 256 == int(number * 256) for number in reply.data[0].embedding)


def test_embeddings_are_the_same_as_floats_and_as_base64(client, upstream):
    floats = client.embeddings.create(model="embed", input="你好", encoding_format="float", dimensions=40)
    default = client.embeddings.create(model="embed", input="你好", dimensions=40)
    assert floats.data[0].embedding == default.data[0].embedding
    assert len(floats.data[0].embedding) == 40
    asked = client.embeddings.create(model="embed", input="你好", encoding_format="base64", dimensions=40)
    assert isinstance(asked.data[0].embedding, str)


def test_embeddings_of_tokens(client, upstream):
    assert len(client.embeddings.create(model="embed", input=[[1, 2], [3]]).data) == 2
    assert len(client.embeddings.create(model="embed", input=[1, 2, 3]).data) == 1


def test_the_list_of_models(client, upstream):
    models = {model.id: model for model in client.models.list()}
    assert {"auto", "gpt-4", "vendor/large", "chat", "main/chat", "spare/chat", "org/chat-large", "main/org/chat-large", "embed"} <= set(models)
    assert all(model.object == "model" and model.owned_by for model in models.values())
    assert models["spare/chat"].owned_by == "spare"


@pytest.mark.parametrize("name", ["gpt-4", "vendor/large", "org/chat-large", "main/org/chat-large", "auto"])
def test_one_model(client, upstream, name):
    assert client.models.retrieve(name).id == name


def test_a_key_sees_only_its_models(client, upstream):
    names = {model.id for model in client.with_options(api_key="sk-narrow").models.list()}
    assert names == {"gpt-4", "public-one"}


def test_moderations(client, upstream):
    reply = client.moderations.create(model="moderate", input="打他！")
    assert reply.results[0].flagged
    assert reply.results[0].categories.violence


def test_images(client, upstream):
    reply = client.images.generate(model="paint", prompt="一条龙", size="1024x1024")
    assert reply.data[0].revised_prompt == "画：一条龙"
    assert upstream.one()["body"] == {"model": "paint", "prompt": "一条龙", "size": "1024x1024"}


def test_an_image_edit(client, upstream):
    reply = client.images.edit(model="paint", prompt="加一只猫", image=("龙.png", io.BytesIO(PNG), "image/png"))
    assert reply.data[0].revised_prompt == "画：加一只猫"
    part = next(part for part in upstream.one()["parts"] if part["filename"])
    assert part["sha256"] == hashlib.sha256(PNG).hexdigest()


def test_speech(client, upstream):
    assert client.audio.speech.create(model="speak", voice="alloy", input="你好").read() == SPEECH


def test_speech_as_it_comes(client, upstream):
    with client.audio.speech.with_streaming_response.create(model="speak", voice="alloy", input="你好") as reply:
        assert reply.headers["content-type"] == "audio/mpeg"
        assert b"".join(reply.iter_bytes()) == SPEECH


def test_a_transcription(client, upstream):
    reply = client.audio.transcriptions.create(model="hear", file=("声音.mp3", SPEECH, "audio/mpeg"), language="zh")
    assert reply.text.startswith(f"听到 {len(SPEECH)} 字节")
    entry = upstream.one()
    assert {part["name"]: part["text"] for part in entry["parts"] if not part["filename"]} == {"model": "hear", "language": "zh"}
    (sound,) = (part for part in entry["parts"] if part["filename"])
    assert (sound["type"], sound["sha256"]) == ("audio/mpeg", hashlib.sha256(SPEECH).hexdigest())


def test_a_transcription_as_text(client, upstream):
    reply = client.audio.transcriptions.create(model="main/hear", file=("声音.mp3", SPEECH), response_format="text")
    assert reply.startswith(f"听到 {len(SPEECH)} 字节")
    assert upstream.one()["model"] == "hear"


def test_files(client, upstream):
    client = client.with_options(default_headers={"x-llmgw-provider": "spare"})
    uploaded = client.files.create(file=("数据.jsonl", SPEECH * 40), purpose="batch")
    assert uploaded.bytes == len(SPEECH) * 40
    entry = upstream.one()
    assert (entry["account"], entry["parts"][-1]["sha256"]) == ("spare", hashlib.sha256(SPEECH * 40).hexdigest())
    assert [file.id for file in client.files.list()] == ["file-1"]
    assert client.files.retrieve("file-1").filename == "数据.jsonl"
    assert client.files.content("file-1").read() == SPEECH
    assert client.files.delete("file-1").deleted
    # Who answers is the gateway's business, not the upstream's.
    assert all(name != "x-llmgw-provider" for entry in upstream.requests() for name, _ in entry["headers"])


def test_rerank(client, upstream):
    body = {"model": "rank", "query": "龙", "documents": ["龙", "猫", "狗"], "top_n": 2}
    reply = client.post("/rerank", body=body, cast_to=object)
    assert [result["index"] for result in reply["results"]] == [0, 1]


def test_legacy_completions(client, upstream):
    assert client.completions.create(model="instruct", prompt="从前有座山").choices[0].text == "从前有座山……后来呢？"


def test_legacy_completions_streamed(client, upstream):
    stream = client.completions.create(model="instruct", prompt="从前有座山", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == "从前有座山……后来呢？"
