// Anthropic's Node SDK and the Vercel AI SDK against `llmgw serve`, before an upstream that speaks OpenAI's chat.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { generateText, Output, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

import { start } from './processes.js';

const WHO = [{ role: 'user', content: '你是谁？' }];
const ANSWER = '你好，我是上游 🐉。\n你说的是：你是谁？';
const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const TOOLS = [
  { name: 'weather', description: '查天气', input_schema: SCHEMA },
  { name: 'time', description: '查时间', input_schema: SCHEMA },
];

let gateway, upstream, claude, vendors;

before(async () => {
  gateway = await start();
  upstream = gateway.upstream;
  claude = new Anthropic({ baseURL: gateway.url, apiKey: 'sk-everything', maxRetries: 0, timeout: 20_000 });
  const settings = { baseURL: gateway.url + '/v1', apiKey: 'sk-everything' };
  const openai = createOpenAI(settings);
  vendors = {
    'OpenAI chat': openai.chat('chat'),
    'OpenAI Responses': openai.responses('chat'),
    Anthropic: createAnthropic(settings)('chat'),
  };
});
after(() => gateway?.stop());
beforeEach(() => upstream.reset());

test('Anthropic: an answer', async () => {
  const message = await claude.messages.create({ model: 'chat', max_tokens: 100, system: '短一点', messages: WHO });
  assert.deepEqual(message.content.map(({ type, text }) => [type, text]), [['text', ANSWER]]);
  assert.equal(message.stop_reason, 'end_turn');
  const [entry] = await upstream.requests();
  assert.deepEqual(entry.body.messages, [{ role: 'system', content: '短一点' }, ...WHO]);
});

test('Anthropic: a stream is accumulated to the same message', async () => {
  const stream = claude.messages.stream({ model: 'chat', max_tokens: 100, messages: WHO });
  let pieces = '';
  stream.on('text', (text) => (pieces += text));
  const message = await stream.finalMessage();
  assert.equal(pieces, ANSWER);
  assert.equal(message.content[0].text, ANSWER);
  assert.ok(message.usage.output_tokens > 0);
});

test('Anthropic: tools are called in parallel, streamed, and their results are read', async () => {
  const ask = { model: 'chat', max_tokens: 100, tools: TOOLS };
  const message = await claude.messages.stream({ ...ask, messages: WHO }).finalMessage();
  const calls = message.content.filter((block) => block.type === 'tool_use');
  assert.deepEqual(calls.map((call) => call.name), ['weather', 'time']);
  assert.ok(calls.every((call) => call.input.city));
  const results = calls.map((call) => ({ type: 'tool_result', tool_use_id: call.id, content: `${call.name}：晴` }));
  const turns = [...WHO, { role: 'assistant', content: message.content }, { role: 'user', content: results }];
  const last = await claude.messages.create({ ...ask, messages: turns });
  assert.equal(last.content[0].text, '工具说：weather：晴；time：晴');
});

test('Anthropic: errors are raised as their own class', async () => {
  const ask = (model) => claude.messages.create({ model, max_tokens: 100, messages: WHO });
  await assert.rejects(ask('main/error-429'), Anthropic.RateLimitError);
  await assert.rejects(ask('nobody'), Anthropic.NotFoundError);
  await assert.rejects(claude.messages.stream({ model: 'cut', max_tokens: 100, messages: WHO }).finalMessage(), Anthropic.APIError);
});

for (const name of ['OpenAI chat', 'OpenAI Responses', 'Anthropic']) {
  test(`Vercel AI, ${name}: an answer, whole and streamed`, async () => {
    const { text, finishReason, usage } = await generateText({ model: vendors[name], prompt: '你是谁？', maxRetries: 0 });
    assert.deepEqual([text, finishReason], [ANSWER, 'stop']);
    assert.ok(usage.inputTokens > 0);
    const stream = streamText({ model: vendors[name], prompt: '你是谁？', maxRetries: 0 });
    let pieces = '';
    for await (const piece of stream.textStream) pieces += piece;
    assert.equal(pieces, ANSWER);
  });

  test(`Vercel AI, ${name}: a tool is run and its result read`, async () => {
    const asked = [];
    const weather = tool({
      description: '查天气',
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => {
        asked.push(city);
        return `${city}：晴`;
      },
    });
    const tools = { weather };
    const { text } = await generateText({ model: vendors[name], prompt: '天气？', tools, stopWhen: stepCountIs(3), maxRetries: 0 });
    assert.equal(asked.length, 1);
    assert.ok(text.startsWith('工具说：') && text.includes('晴'), text);
  });

  test(`Vercel AI, ${name}: an object by its schema`, async () => {
    const schema = z.object({ name: z.string(), people: z.number() });
    const { output } = await generateText({ model: vendors[name], prompt: '北京', output: Output.object({ schema }), maxRetries: 0 });
    assert.equal(typeof output.people, 'number');
  });
}
