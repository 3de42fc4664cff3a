// What happens is seen as it happens: figures, requests, usage and the log, without a reload.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, beforeEach, test } from 'node:test';
import { assertNoMishaps, isLive, launch, newcomer, watched } from './browser.js';
import { start } from './gateway.js';

let gateway, browser, page;

before(async () => {
  gateway = await start();
  browser = await launch();
  page = await watched(await newcomer(browser, { root: gateway.root, acceptDownloads: true }), gateway.root);
});

// What another test has left behind is not this one's.
beforeEach(() => page.mishaps.splice(0));

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const LIMIT = { timeout: 30_000 };
const on = (name) => page.locator(`[data-test=${name}]`);
const rows = (options) => on('requests').locator('tbody tr', options);

/** Goes there and leaves a mark that only a reload would take away. */
async function open(path) {
  await page.goto(gateway.root + path);
  await page.evaluate(() => (window.loadedOnce = true));
  await isLive(page);
}

async function assertNotReloaded() {
  assert.equal(await page.evaluate(() => window.loadedOnce), true);
  assertNoMishaps(page);
}

test('the overview counts a chat', LIMIT, async () => {
  await open('');
  const attempts = page.locator('tr[data-key=anthropic] [data-name=Attempts]');
  assert.equal(await attempts.textContent(), '0');
  await gateway.chat('claude');
  await page.locator('tr[data-key=anthropic] [data-name=Attempts]', { hasText: /^1$/ }).waitFor();
  await assertNotReloaded();
});

test('the overview shows what is in flight, while it is', LIMIT, async () => {
  await open('');
  const inFlight = page.locator('tr[data-key=distant] [data-name="In flight"]', { hasText: /^[1-9]$/ });
  // Asked again and again until it was seen: how fast a page is renewed is not what is tested here.
  let seen = false;
  const asked = (async () => {
    while (!seen) await gateway.chat('slow');
  })();
  await inFlight.waitFor();
  seen = true;
  await asked;
  await page.locator('tr[data-key=distant] [data-name="In flight"]', { hasText: /^0$/ }).waitFor();
  await assertNotReloaded();
});

test('a request appears in the list, the newest first', LIMIT, async () => {
  await open('requests');
  await gateway.chat('claude', { key: 'research' });
  await rows({ hasText: 'research' }).first().waitFor();
  await gateway.chat('team/中文模型');
  await page.locator('[data-test=requests] tbody tr:first-child', { hasText: 'team/中文模型' }).waitFor();
  await assertNotReloaded();
});

test('filters narrow the list, and go again', LIMIT, async () => {
  await gateway.chat('claude', { key: 'research' });
  await gateway.chat('switched');
  await gateway.recorded((await gateway.chat('hopeless')).id);
  await page.goto(`${gateway.root}requests`);
  const all = await rows().count();
  await on('filters').locator('[name=key]').selectOption('research');
  await page.waitForURL(/key=research/);
  const narrowed = await rows().locator('[data-name="Key name"], [data-name=Key]').allTextContents();
  assert.ok(narrowed.length > 0 && narrowed.length < all, `${narrowed.length} of ${all}`);
  assert.deepEqual([...new Set(narrowed)], ['research']);

  await on('filters').locator('[name=outcome]').selectOption('failed');
  await page.waitForURL(/outcome=failed/);
  assert.equal(await rows().count(), 0, 'research had no failure');

  await on('filters').locator('[name=key]').selectOption('');
  await page.waitForURL((url) => !/key=\w/.test(url.search) && /outcome=failed/.test(url.search));
  assert.match(await rows().first().textContent(), /hopeless/);
  assertNoMishaps(page);
});

test('a request with a failover names who failed, why, and what it cost', LIMIT, async () => {
  const { id, provider } = await gateway.chat('gpt-4', { prompt: '<b>secret prompt</b>' });
  assert.equal(provider, 'openai');
  await gateway.recorded(id);
  await page.goto(`${gateway.root}requests`);
  await page.locator(`a[href$="requests/${id}"]`).click();
  await on('waterfall').waitFor();
  assert.equal(await on('request-id').textContent(), id);
  const attempts = on('waterfall').locator(':scope > li');
  assert.equal(await attempts.count(), 2);
  assert.match(await attempts.nth(0).textContent(), /overloaded.*503/s);
  assert.match(await attempts.nth(0).locator('.lane-reason').textContent(), /503|overloaded/);
  assert.match(await attempts.nth(1).textContent(), /openai.*200/s);
  assert.ok((await attempts.nth(1).locator('svg rect').count()) > 0, 'its time is drawn');
  assert.match(await attempts.nth(1).textContent(), /\$0\.\d+/);
  assert.match(await on('flow').textContent(), /overloaded.*openai/s);
  assert.equal((await page.content()).includes('secret prompt'), false, 'what was asked is nobody’s business');
  assertNoMishaps(page);
});

test('usage grows, and is exported as CSV', LIMIT, async () => {
  await open('usage?by=key&window=24h');
  await gateway.chat('claude', { key: 'research' });
  await on('usage').locator('tr[data-key="u-research"]').waitFor();
  await assertNotReloaded();
  const [download] = await Promise.all([page.waitForEvent('download'), on('csv').click()]);
  assert.match(download.suggestedFilename(), /^llmgw-usage-by-key-.*\.csv$/);
  const [head, ...lines] = (await readFile(await download.path(), 'utf8')).trim().split(/\r?\n/);
  assert.match(head, /,requests,.*cost/);
  assert.ok(lines.some((line) => line.includes('research')), lines.join('\n'));
  assertNoMishaps(page);
});

test('a line of the log appears, and only of the levels that one wants', LIMIT, async () => {
  await open('log');
  const { id } = await gateway.chat('hopeless');
  await page.locator('main', { hasText: id }).waitFor();
  await assertNotReloaded();
  await page.goto(`${gateway.root}log?level=error`);
  const told = await page.locator('main').textContent();
  assert.doesNotMatch(told, /\bINFO\b/);
  assertNoMishaps(page);
});
