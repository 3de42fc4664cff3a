// The official Node SDK against `llmgw serve`. The Python suite asks more; this one asks what the two SDKs do differently.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { start } from './processes.js';

const WHO = [{ role: 'user', content: '你是谁？' }];
const ANSWER = '你好，我是上游 🐉。\n你说的是：你是谁？';
const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const WEATHER = { type: 'function', function: { name: 'weather', description: '查天气', parameters: PARAMETERS } };

let gateway, upstream, client;

before(async () => {
  gateway = await start();
  upstream = gateway.upstream;
  client = connect();
});
after(() => gateway?.stop());
beforeEach(() => upstream.reset());

function connect(options = {}) {
  return new OpenAI({ baseURL: gateway.url + '/v1', apiKey: 'sk-everything', maxRetries: 0, timeout: 20_000, ...options });
}

function ask(model, options = {}, request = {}) {
  return client.chat.completions.create({ model, messages: WHO, ...options }, request);
}

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');

test('an answer', async () => {
  const completion = await ask('gpt-4');
  assert.equal(completion.choices[0].message.content, ANSWER);
  assert.equal(completion.choices[0].finish_reason, 'stop');
  assert.deepEqual(completion['上游字段'], { 未知: [1, 2.5] });
  const [entry] = await upstream.requests();
  assert.deepEqual(entry.body, { model: 'chat', messages: WHO });
  assert.ok(!JSON.stringify(entry).includes('sk-everything'));
});

test('many answers at once', async () => {
  const questions = Array.from({ length: 20 }, (_, number) => `第 ${number} 问`);
  const completions = await Promise.all(questions.map((content) => ask('chat', { messages: [{ role: 'user', content }] })));
  const texts = completions.map((completion) => completion.choices[0].message.content);
  assert.deepEqual(texts, questions.map((content) => `你好，我是上游 🐉。\n你说的是：${content}`));
});

test('a stream', async () => {
  const chunks = await all(await ask('chat', { stream: true }));
  assert.equal(textOf(chunks), ANSWER);
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
  assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && chunk.usage == null));
});

test('a stream with usage', async () => {
  const chunks = await all(await ask('chat', { stream: true, stream_options: { include_usage: true } }));
  assert.deepEqual(chunks.at(-1).choices, []);
  // The upstream counts characters as Python does: the dragon is one.
  assert.equal(chunks.at(-1).usage.total_tokens, 4 + [...ANSWER].length);
});

test('a stream by the helper', async () => {
  const runner = client.chat.completions.stream({ model: 'chat', messages: WHO });
  let text = '';
  runner.on('content', (delta) => (text += delta));
  assert.equal(await runner.finalContent(), ANSWER);
  assert.equal(text, ANSWER);
});

for (const stream of [false, true]) {
  test(`a tool is run and its result sent back${stream ? ', streamed' : ''}`, async () => {
    const asked = [];
    const weather = (given) => {
      asked.push(given);
      return `${given.city}：晴`;
    };
    const tool = { ...WEATHER, function: { ...WEATHER.function, function: weather, parse: JSON.parse } };
    const runner = client.chat.completions.runTools({ model: 'chat', messages: WHO, tools: [tool], stream });
    assert.equal(await runner.finalContent(), '工具说：北京：晴');
    assert.deepEqual(asked, [{ city: '北京' }]);
    const [first, second] = await upstream.requests();
    assert.equal(JSON.stringify(first.body.tools[0].function.parameters), JSON.stringify(PARAMETERS));
    assert.deepEqual(second.body.messages.map((message) => message.role), ['user', 'assistant', 'tool']);
  });
}

test('JSON mode', async () => {
  const messages = [{ role: 'user', content: '用 JSON 回答' }];
  const completion = await ask('chat', { messages, response_format: { type: 'json_object' } });
  assert.deepEqual(JSON.parse(completion.choices[0].message.content), { 回答: '用 JSON 回答', 数字: 42 });
});

test('structured output', async () => {
  const format = zodResponseFormat(z.object({ city: z.string(), days: z.number(), kind: z.enum(['城市', '国家']) }), 'journey');
  const completion = await client.chat.completions.parse({ model: 'chat', messages: WHO, response_format: format });
  assert.deepEqual(completion.choices[0].message.parsed, { city: '北京', days: 0.5, kind: '城市' });
});

test('embeddings, by default as base64, are those asked for as floats', async () => {
  const plain = await client.embeddings.create({ model: 'embed', input: ['你好', '世界'] });
  const floats = await client.embeddings.create({ model: 'embed', input: ['你好', '世界'], encoding_format: 'float' });
  assert.deepEqual(plain.data, floats.data);
  assert.equal(plain.data[0].embedding.length, 8);
  const formats = (await upstream.requests()).map((entry) => entry.body.encoding_format);
  assert.deepEqual(formats, ['base64', 'float']);
});

test('models, also with slashes', async () => {
  const names = (await all(client.models.list())).map((model) => model.id);
  for (const name of ['auto', 'gpt-4', 'chat', 'main/chat', 'org/chat-large']) {
    assert.ok(names.includes(name), name);
    assert.equal((await client.models.retrieve(name)).id, name);
  }
});

test('speech and transcription', async () => {
  const speech = await client.audio.speech.create({ model: 'speak', voice: 'alloy', input: '你好' });
  const sound = Buffer.from(await speech.arrayBuffer());
  assert.equal(sound.length, 256 * 300);
  const file = await OpenAI.toFile(sound, '声音.mp3', { type: 'audio/mpeg' });
  const heard = await client.audio.transcriptions.create({ model: 'hear', file });
  assert.ok(heard.text.startsWith(`听到 ${sound.length} 字节`), heard.text);
});

test('a file is sent to the provider that a header names', async () => {
  const files = connect({ defaultHeaders: { 'x-llmgw-provider': 'spare' } }).files;
  const lines = Buffer.from('{"龙": 1}\n');
  const file = await OpenAI.toFile(lines, '数据.jsonl');
  assert.equal((await files.create({ file, purpose: 'batch' })).bytes, lines.length);
  assert.equal((await upstream.requests())[0].account, 'spare');
  assert.deepEqual((await all(files.list())).map((file) => file.id), ['file-1']);
});

test('a raw response', async () => {
  const { data, response, request_id } = await ask('gpt-4').withResponse();
  assert.equal(data.choices[0].message.content, ANSWER);
  assert.equal(response.headers.get('x-llmgw-provider'), 'main');
  assert.equal(response.headers.get('x-llmgw-attempts'), '1');
  assert.ok(request_id);
});

for (const stream of [false, true]) {
  for (const [model, type, status, code] of [
    ['error-400', OpenAI.BadRequestError, 400, 'invalid_value'],
    ['error-422', OpenAI.UnprocessableEntityError, 422, 'unprocessable'],
    ['error-429', OpenAI.RateLimitError, 429, 'rate_limit_exceeded'],
    ['error-500', OpenAI.InternalServerError, 502, 'upstream_error'],
    ['no-such-model', OpenAI.NotFoundError, 404, 'model_not_found'],
  ]) {
    test(`${model} is a ${type.name}${stream ? ', streamed' : ''}`, async () => {
      await assert.rejects(ask(model, { stream }), (error) => {
        assert.ok(error instanceof type, `${error}`);
        assert.deepEqual([error.status, error.code], [status, code]);
        assert.ok(error.requestID);
        return true;
      });
    });
  }
}

test('a wrong key and a model that the key may not use', async () => {
  const request = { model: 'main/chat', messages: WHO };
  await assert.rejects(connect({ apiKey: 'sk-wrong' }).chat.completions.create(request), OpenAI.AuthenticationError);
  await assert.rejects(connect({ apiKey: 'sk-narrow' }).chat.completions.create(request), OpenAI.PermissionDeniedError);
  assert.deepEqual(await upstream.requests(), []);
});

test('the SDK does not try again what the gateway gave up', async () => {
  let sent = 0;
  const counting = (...request) => {
    sent += 1;
    return fetch(...request);
  };
  const patient = connect({ maxRetries: 2, fetch: counting });
  await assert.rejects(patient.chat.completions.create({ model: 'error-500', messages: WHO }), OpenAI.InternalServerError);
  assert.equal(sent, 1);
});

for (const model of ['after-500', 'after-429', 'after-401', 'after-overload']) {
  test(`the next route answers ${model}, and once`, async () => {
    assert.equal(textOf(await all(await ask(model, { stream: true }))), ANSWER);
    assert.equal((await upstream.requests()).at(-1).account, 'spare');
  });
}

for (const model of ['cut', 'cut-clean', 'wrong-later', 'after-cut']) {
  test(`a stream that breaks (${model}) keeps its text and throws`, async () => {
    let text = '';
    const read = async () => {
      for await (const chunk of await ask(model, { stream: true })) text += chunk.choices[0].delta.content ?? '';
    };
    await assert.rejects(read(), (error) => error instanceof OpenAI.APIError && !(error instanceof OpenAI.APIConnectionError));
    assert.equal(text, [...ANSWER].slice(0, 6).join(''));
    assert.equal((await upstream.requests()).length, 1);
  });
}

test('aborting a stream frees the upstream', async () => {
  const stream = await ask('slow', { stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0].delta.content) break;
  }
  stream.controller.abort();
  await upstream.wait('slow', 'closed');
});

test('aborting before the answer frees the upstream', async () => {
  const controller = new AbortController();
  const answer = ask('slow', {}, { signal: controller.signal });
  const rejected = assert.rejects(answer, OpenAI.APIUserAbortError);
  await upstream.wait('slow', 'received');
  controller.abort();
  await rejected;
  await upstream.wait('slow', 'closed');
});
