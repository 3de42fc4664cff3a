// A colleague asks: "my request went to another provider a minute ago. Who failed, why, and what did it cost?" In named
// steps, in the dashboard and in a terminal, and both say the same.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertNoMishaps, launch, newcomer, signIn, watched } from './browser.js';
import { start } from './gateway.js';

let gateway, browser;

before(async () => {
  gateway = await start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test('who failed, why, and what did it cost', { timeout: 60_000 }, async (t) => {
  const page = await watched(await newcomer(browser), gateway.root);
  const on = (name) => page.locator(`[data-test=${name}]`);
  let id, inTerminal, cost;

  await t.test('1. chats go well, and one fails over', async (t) => {
    await gateway.chat('claude', { key: 'research' });
    const answer = await gateway.chat('gpt-4', { prompt: '用一句话介绍长城。', stream: true });
    await gateway.chat('team/中文模型');
    ({ id } = answer);
    await gateway.recorded(id);
    assert.deepEqual([answer.status, answer.provider], [200, 'openai']);
    t.diagnostic(`the client had ${answer.status} from ${answer.provider}, request ${id}`);
  });

  await t.test('2. sign in, and go to the requests', async () => {
    await page.goto(gateway.root);
    await signIn(page);
    await page.locator('[data-test=nav-requests]').click();
    assertNoMishaps(page, /401/);
    await on('requests').waitFor();
  });

  await t.test('3. filter by model, and open the one', async () => {
    await on('filters').locator('[name=model]').selectOption('gpt-4');
    await page.waitForURL(/model=gpt-4/);
    assert.equal(await on('requests').locator('tbody tr').count(), 1);
    await page.locator(`a[href$="requests/${id}"]`).click();
    assert.equal(await on('request-id').textContent(), id);
  });

  await t.test('4. read who failed, why, and what it cost', async (t) => {
    const [failed, answered] = await on('waterfall').locator(':scope > li').all();
    assert.match(await failed.textContent(), /overloaded.*503/s);
    const reason = await failed.locator('.lane-reason').textContent();
    assert.match(reason, /The mock was told to fail with 503/);
    const facts = await answered.textContent();
    assert.match(facts, /openai.*200/s);
    [cost] = facts.match(/\$0\.\d+/);
    t.diagnostic(`failed: overloaded, for: ${reason.trim()}; answered: openai, cost ${cost}`);
  });

  await t.test('5. its lines in the log say so too', async () => {
    await on('to-log').click();
    await page.locator('main', { hasText: 'trying the next upstream' }).waitFor();
    assert.match(await page.locator('main').textContent(), /upstream failed.*provider="overloaded"/s);
    assertNoMishaps(page);
  });

  await t.test('6. the same in a terminal: llmgw logs, llmgw why', async (t) => {
    assert.match(await gateway.command('logs', '--model', 'gpt-4'), new RegExp(id));
    inTerminal = await gateway.command('why', id);
    assert.match(inTerminal, /overloaded\/gpt-4o +503 upstream_error/);
    assert.match(inTerminal, /The mock was told to fail with 503/);
    assert.match(inTerminal, /openai\/gpt-4o +200 ok/);
    for (const line of inTerminal.trimEnd().split('\n')) t.diagnostic(line);
  });

  await t.test('7. and both name the same price', () => {
    const [, precise] = inTerminal.match(/^cost +\$([\d.]+)/m);
    assert.ok(Math.abs(Number(precise) - Number(cost.slice(1))) < 0.0001, `${precise} and ${cost}`);
  });
});
