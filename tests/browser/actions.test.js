// Every button does what it says, and the page shows what came of it.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { assertNoMishaps, isLive, launch, newcomer, watched } from './browser.js';
import { start } from './gateway.js';

let gateway, browser, page;

before(async () => {
  gateway = await start();
  browser = await launch();
  page = await watched(await newcomer(browser, { root: gateway.root }), gateway.root);
});

// What another test has left behind is not this one's.
beforeEach(() => page.mishaps.splice(0));

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const LIMIT = { timeout: 30_000 };
const on = (name) => page.locator(`[data-test=${name}]`);
const state = () => page.locator('#state .badge');

describe('a provider', () => {
  test('is tested: each model says how long it took and what it replied', LIMIT, async () => {
    await page.goto(`${gateway.root}providers/openai`);
    await on('test').click();
    const rows = on('test-results').locator('tbody tr');
    await rows.first().waitFor();
    assert.equal(await rows.count(), 3);
    assert.match(await rows.first().textContent(), /gpt-4o.*Answered\s*\d+ ms\s*你好！/s);
    assert.equal(page.url(), `${gateway.root}providers/openai`, 'in place');
    assertNoMishaps(page);
  });

  test('that fails its test says why', LIMIT, async () => {
    await page.goto(`${gateway.root}providers/overloaded`);
    await on('test').click();
    const row = on('test-results').locator('tbody tr').first();
    assert.match(await row.textContent(), /Failed.*503/s);
    assertNoMishaps(page);
  });

  test('is switched off, which chats notice, and on again', LIMIT, async () => {
    assert.equal((await gateway.chat('switched')).provider, 'deepseek');
    await page.goto(`${gateway.root}providers/deepseek`);
    await on('disable').click();
    await on('notice').waitFor();
    assert.match(await on('notice').textContent(), /deepseek/);
    assert.equal(await on('disable').count(), 0);
    assert.equal((await gateway.chat('switched')).provider, 'openai');

    await page.goto(`${gateway.root}models/plan?model=switched`);
    assert.match(await on('skipped').textContent(), /deepseek/, 'the plan says so too');

    await page.goto(`${gateway.root}providers/deepseek`);
    await on('enable').click();
    await on('disable').waitFor();
    assert.equal((await gateway.chat('switched')).provider, 'deepseek');
    assertNoMishaps(page);
  });

  test('that rests is seen to rest without a reload, and a reset ends it', LIMIT, async () => {
    await page.goto(`${gateway.root}providers/overloaded`);
    await on('reset').click();
    await on('notice').waitFor();
    await isLive(page);
    for (let failures = 0; failures < 3; failures += 1) assert.equal((await gateway.chat('hopeless')).status, 502);
    const resting = page.locator('#upstream-models tr', { hasText: 'gpt-4o' }).filter({ hasText: 'Cooling' });
    await resting.first().waitFor();
    await on('reset').click();
    await resting.first().waitFor({ state: 'detached' });
    assert.equal(page.url(), `${gateway.root}providers/overloaded`, 'in place');
    assertNoMishaps(page);
  });

  test('of the configuration’s own switch has no button that would not help', LIMIT, async () => {
    await page.goto(`${gateway.root}providers/retired`);
    assert.equal(await on('enable').count() + await on('disable').count(), 0);
    assert.match(await state().textContent(), /Disabled/);
    assertNoMishaps(page);
  });
});

describe('a model', () => {
  test('is found as one types', LIMIT, async () => {
    await page.goto(`${gateway.root}models`);
    await on('model-name').fill('中文');
    const shown = page.locator('[data-filter-item]:visible');
    await page.waitForFunction(() => [...document.querySelectorAll('[data-filter-item]')].filter((item) => item.checkVisibility()).length === 1);
    assert.equal(await shown.getAttribute('data-filter-item'), 'team/中文模型');
    await on('model-name').fill('no such model');
    await page.locator('#no-match').waitFor();
    assertNoMishaps(page);
  });

  test('has a plan with the order of its routes', LIMIT, async () => {
    await page.goto(`${gateway.root}models/plan?model=gpt-4-eu`);
    assert.deepEqual(await on('plan').locator('.route-name a').allTextContents(), ['openai', 'anthropic', '智谱']);
    assertNoMishaps(page);
  });

  test('answers in the playground as it speaks, in Chinese', LIMIT, async () => {
    await page.goto(`${gateway.root}models/plan?model=claude`);
    // Every text that was shown, in order.
    await page.evaluate(() => {
      const answer = document.querySelector('[data-answer]');
      window.shown = [];
      new MutationObserver(() => window.shown.push(answer.textContent)).observe(answer, { childList: true, characterData: true, subtree: true });
    });
    await page.locator('#prompt').fill('用一句话介绍长城，再说说它有多长、什么时候修建、由谁修建、为什么修建');
    await page.locator('[data-send]').click();
    const figures = page.locator('[data-figures]:not(:empty)');
    await figures.waitFor();
    const whole = await on('answer').textContent();
    assert.match(whole, /长城/);
    assert.doesNotMatch(whole, /\uFFFD/);
    const partial = (await page.evaluate(() => window.shown)).filter((text) => text !== whole && whole.startsWith(text));
    assert.ok(partial.length > 1, `it came in pieces: ${partial.length}`);
    assert.match(await figures.textContent(), /anthropic \/ claude-sonnet-4-5.*\d+ → \d+/);
    assertNoMishaps(page);
  });

  test('that is asked for too long is stopped', LIMIT, async () => {
    await page.goto(`${gateway.root}models/plan?model=slow`);
    await page.locator('#prompt').fill('你好');
    await page.locator('[data-send]').click();
    await page.locator('[data-stop]').click();
    await page.locator('[data-figures]:not(:empty)').waitFor();
    assert.equal(await page.locator('[data-stop]').isVisible(), false);
    assertNoMishaps(page);
  });

  test('that fails says why in the playground', LIMIT, async () => {
    await page.goto(`${gateway.root}models/plan?model=hopeless`);
    await page.locator('#prompt').fill('你好');
    await page.locator('[data-send]').click();
    await page.locator('[data-answer].tone-bad').waitFor();
    assert.match(await on('answer').textContent(), /overloaded/);
    assertNoMishaps(page, /50[23]/);
  });

  test('whose name is a script, and a prompt that is HTML, are text', LIMIT, async () => {
    const name = '<script>alert(1)</script>';
    await page.goto(`${gateway.root}models`);
    const link = page.locator('#shelves a', { hasText: name });
    assert.equal(await link.first().textContent(), name);
    await link.first().click();
    assert.equal(await on('plan-model').textContent(), name);
    await page.locator('#prompt').fill('<img src=x onerror=alert(2)><script>alert(3)</script>');
    await page.locator('[data-send]').click();
    await page.locator('[data-figures]:not(:empty)').waitFor();
    assert.match(await on('answer').textContent(), /<img src=x onerror=alert\(2\)>/);
    assert.equal(await on('answer').locator('*').count(), 0);
    assertNoMishaps(page);
  });
});

describe('the configuration', () => {
  test('shows what a changed file would change, and then changes it', LIMIT, async () => {
    await page.goto(`${gateway.root}configuration`);
    gateway.change((text) => text.replace('name: distant, type: mock, latency: 900ms', 'name: distant, type: mock, latency: 5ms'));
    await on('check').click();
    await on('changes').waitFor();
    assert.match(await on('changes').textContent(), /distant.*900ms.*5ms/s);
    assert.equal(await on('notice').count(), 0, 'nothing is done yet');
    await on('reload').click();
    await on('notice').waitFor();
    assert.match(await on('changes').textContent(), /distant.*900ms.*5ms/s);
    await on('check').click();
    await page.waitForFunction(() => !document.querySelector('[data-test=changes] tbody'));
    assertNoMishaps(page);
  });

  test('refuses a broken file, names the place, and goes on with the old one', LIMIT, async () => {
    await page.goto(`${gateway.root}configuration`);
    gateway.change((text) => text.replace('routing:', 'rooting:'));
    await on('reload').click();
    await on('notice').waitFor();
    assert.match(await on('notice').textContent(), /rooting/);
    assert.equal((await gateway.chat('claude')).status, 200);
    gateway.change((text) => text.replace('rooting:', 'routing:'));
    await on('reload').click();
    await page.locator('.notice.ok').waitFor();
    assertNoMishaps(page, /400/);
  });

  test('shows no secret', LIMIT, async () => {
    await page.goto(`${gateway.root}configuration`);
    const html = await page.content();
    for (const secret of ['admin-0123456789', 'sk-shop-0123456789']) assert.equal(html.includes(secret), false);
  });
});
