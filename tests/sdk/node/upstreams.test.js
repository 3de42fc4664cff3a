// The official Node SDKs and Vercel's AI SDK, before an upstream of every dialect. The Python suite asks more.

import assert from 'node:assert/strict';
import { after, before, beforeEach, afterEach, describe, test } from 'node:test';

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';

import { start } from './processes.js';

const UPSTREAMS = ['openai', 'responses', 'anthropic', 'gemini', 'bedrock', 'azure', 'ollama'];
const City = z.object({ name: z.string(), people: z.number(), kinds: z.array(z.string()) });
const CITY = { name: '北京', people: 0.5, kinds: ['北京'] };
const Input = z.object({ city: z.string() });
const PNG = 'iVBORw0KGgo=';
const SEEN = '看到 image/png 8 字节';

const answer = (said) => `你好，我在上游 🐉。\n你说的是：${said}`;
const user = (content) => [{ role: 'user', content }];
const weather = ({ city }) => `${city}：晴`;

let gateway;

before(async () => (gateway = await start({ upstream: 'vendors', config: 'dialects.yaml' })));
after(() => gateway?.stop());
beforeEach(() => gateway.upstream.reset());
// None may have found fault with what it was sent.
afterEach(async () => assert.deepEqual((await gateway.upstream.requests()).map(({ problem }) => problem).filter(Boolean), []));

for (const via of UPSTREAMS) {
  const model = `via-${via}`;

  describe(`openai, ${model}`, () => {
    let client;
    before(() => (client = new OpenAI({ baseURL: gateway.url + '/v1', apiKey: 'sk-everything', maxRetries: 0, timeout: 20_000 })));

    test('a stream by the helper', async () => {
      const runner = client.chat.completions.stream({ model, messages: user('你好') });
      const pieces = [];
      runner.on('content', (piece) => pieces.push(piece));
      assert.equal(await runner.finalContent(), answer('你好'));
      assert.ok(pieces.length > 3);
    });

    for (const stream of [false, true]) {
      test(`tools are run${stream ? ' in a stream' : ''} until there is an answer`, async () => {
        const parameters = z.toJSONSchema(Input);
        const described = { name: 'weather', description: '查天气', parameters, parse: JSON.parse, function: weather };
        const tools = [{ type: 'function', function: described }];
        const runner = client.chat.completions.runTools({ model, stream, messages: user('天气'), tools });
        assert.match(await runner.finalContent(), /^工具说：北京：晴/);
      });
    }

    test('a response in a stream', async () => {
      const stream = client.responses.stream({ model, input: '你好', store: false });
      assert.equal((await stream.finalResponse()).output_text, answer('你好'));
    });

    test('an error is raised as its own class', async () => {
      await assert.rejects(client.chat.completions.create({ model, messages: user('太快') }), OpenAI.RateLimitError);
      await assert.rejects(client.responses.create({ model, input: '太大', store: false }), OpenAI.BadRequestError);
    });
  });

  describe(`anthropic, ${model}`, () => {
    let client;
    before(() => (client = new Anthropic({ baseURL: gateway.url, apiKey: 'sk-everything', maxRetries: 0, timeout: 20_000 })));
    const limit = { model, max_tokens: 4000 };

    test('a stream by the helper', async () => {
      const stream = client.messages.stream({ ...limit, messages: user('你好') });
      const pieces = [];
      stream.on('text', (piece) => pieces.push(piece));
      const message = await stream.finalMessage();
      assert.equal(message.content[0].text, answer('你好'));
      assert.deepEqual([message.stop_reason, message.usage.output_tokens], ['end_turn', 9]);
      assert.ok(pieces.length > 3);
    });

    for (const stream of [false, true]) {
      test(`tools are run${stream ? ' in a stream' : ''} until there is an answer`, async () => {
        const tools = [betaZodTool({ name: 'weather', description: '查天气', inputSchema: Input, run: weather })];
        const runner = client.beta.messages.toolRunner({ ...limit, stream, messages: user('天气'), tools });
        assert.match((await runner).content.find(({ type }) => type === 'text').text, /^工具说：北京：晴/);
      });
    }

    test('reasoning comes in a stream', async () => {
      const thinking = { type: 'adaptive', display: 'summarized' };
      const message = await client.messages.stream({ ...limit, thinking, messages: user('想') }).finalMessage();
      assert.deepEqual([message.content[0].type, message.content[0].thinking], ['thinking', '先想一想：天气要查。']);
    });

    test('an error is raised as its own class', async () => {
      await assert.rejects(client.messages.create({ ...limit, messages: user('太快') }), Anthropic.RateLimitError);
      await assert.rejects(client.messages.create({ ...limit, messages: user('太大') }), Anthropic.BadRequestError);
    });
  });

  for (const speaks of ['chat', 'responses', 'anthropic']) {
    describe(`ai with ${speaks}, ${model}`, () => {
      const more = { maxRetries: 0 };
      before(() => {
        const options = { baseURL: gateway.url + '/v1', apiKey: 'sk-everything' };
        more.model = speaks === 'anthropic' ? createAnthropic(options)(model) : createOpenAI(options)[speaks](model);
        // Nothing here keeps responses.
        more.providerOptions = speaks === 'responses' ? { openai: { store: false } } : {};
        if (speaks === 'anthropic') more.maxOutputTokens = 4000;
      });
      const tools = { weather: tool({ description: '查天气', inputSchema: Input, execute: weather }) };

      test('a text', async () => {
        const { text, usage, finishReason } = await generateText({ ...more, system: '短一点', prompt: '你好' });
        assert.deepEqual([text, finishReason, usage.outputTokens], [answer('你好'), 'stop', 9]);
      });

      test('tools are called in a stream until there is an answer', async () => {
        const result = streamText({ ...more, prompt: '想想天气', tools, stopWhen: stepCountIs(3), onError() {} });
        assert.match(await result.text, /^工具说：北京：晴/);
        assert.equal((await result.steps).length, 2);
      });

      test('an object by its schema', async () => {
        const { object } = await generateObject({ ...more, schema: City, prompt: '一座城市' });
        assert.deepEqual(object, CITY);
      });

      test('an image is seen', async () => {
        const content = [{ type: 'text', text: '这是什么？' }, { type: 'image', image: PNG, mediaType: 'image/png' }];
        assert.equal((await generateText({ ...more, messages: user(content) })).text, SEEN);
      });

      test('a stream that breaks off fails after what was said', async () => {
        let said = '';
        let failed;
        const { fullStream } = streamText({ ...more, prompt: '断开', onError() {} });
        for await (const part of fullStream) {
          if (part.type === 'text-delta') said += part.text;
          if (part.type === 'error') failed = part.error;
        }
        assert.ok(failed && said && answer('断开').startsWith(said), `${failed}: ${said}`);
      });
    });
  }
}
