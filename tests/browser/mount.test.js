// The dashboard works wherever it is: behind a proxy that puts something before its path, and on a port of its own.

import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { assertNoMishaps, isLive, launch, newcomer, signIn, watched } from './browser.js';
import { start } from './gateway.js';

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/** A reverse proxy that serves `upstream` below /llm, and nothing else. */
async function proxy(upstream) {
  const server = createServer((incoming, answer) => {
    if (!incoming.url.startsWith('/llm/')) return answer.writeHead(418).end();
    const headers = { ...incoming.headers, 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'http' };
    const options = { method: incoming.method, headers };
    const onward = request(upstream + incoming.url.slice('/llm'.length), options, (answered) => {
      answer.writeHead(answered.statusCode, answered.headers);
      // What is streamed is not gathered.
      answer.flushHeaders();
      answered.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const stop = () => new Promise((stopped) => {
    server.close(stopped);
    server.closeAllConnections();
  });
  const cut = () => server.closeAllConnections();
  return { root: `http://127.0.0.1:${server.address().port}/llm/admin/`, cut, stop };
}

/** Signs in at `root`, goes to every page by its links, acts, tries a model, watches a chat arrive, and signs out. */
async function use(gateway, root) {
  const context = await newcomer(browser);
  const page = await watched(context, root);
  await page.goto(`${root}providers`);
  await signIn(page);
  await page.waitForURL(`${root}providers`);
  const links = page.locator('nav a');
  for (let index = 0; index < (await links.count()); index += 1) {
    const link = links.nth(index);
    const path = await link.evaluate((element) => element.href);
    assert.ok(path.startsWith(root), `${path} stays below ${root}`);
    await link.click();
    await page.waitForURL(path);
    await page.locator('h1').waitFor();
  }
  await page.goto(`${root}providers`);
  await page.locator('tr[data-key=openai] a').click();
  await page.locator('[data-test=reset]').click();
  await page.locator('[data-test=notice]').waitFor();

  await page.goto(`${root}models/plan?model=claude`);
  await page.locator('#prompt').fill('你好');
  await page.locator('[data-send]').click();
  await page.locator('[data-figures]:not(:empty)').waitFor();
  assert.match(await page.locator('[data-test=answer]').textContent(), /你好/);

  await page.goto(root);
  await isLive(page);
  await gateway.chat('team/中文模型');
  await page.locator('tr[data-key=智谱] [data-name=Attempts]', { hasText: /^1$/ }).waitFor();

  await page.locator('[data-test=language]').click();
  await page.locator('html[lang=zh-CN]').waitFor();
  await page.locator('[data-test=sign-out]').click();
  await page.locator('[data-test=login]').waitFor();
  assert.equal(page.url(), `${root}login`);
  assertNoMishaps(page, /401/);
  await context.close();
}

test('below another path, behind a reverse proxy that strips it', { timeout: 60_000 }, async () => {
  const gateway = await start();
  const before = await proxy(gateway.url);
  try {
    await use(gateway, before.root);
  } finally {
    await before.stop();
    await gateway.stop();
  }
});

test('at the root of a port of its own', { timeout: 60_000 }, async () => {
  const gateway = await start({ change: (text) => text.replace(/^admin: \{/m, 'admin: { port: 0,') });
  try {
    assert.match(gateway.root, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.equal((await fetch(`${gateway.url}/admin/`)).status, 404, 'not on the other');
    await use(gateway, gateway.root);
  } finally {
    await gateway.stop();
  }
});

test('without any key, for whoever is on this machine', { timeout: 30_000 }, async () => {
  const keyless = (text) => text.replace(/^admin:.*\n/m, '').replace(/^auth:\n(?: .*\n)+/m, '');
  const gateway = await start({ change: keyless });
  try {
    const page = await watched(await newcomer(browser), gateway.root);
    await page.goto(gateway.root);
    await page.locator('[data-test=providers]').waitFor();
    assert.equal(await page.locator('[data-test=sign-out]').count(), 0, 'there is nothing to sign out of');
    await page.goto(`${gateway.root}providers/openai`);
    await page.locator('[data-test=reset]').click();
    await page.locator('[data-test=notice]').waitFor();
    assertNoMishaps(page);
    await page.context().close();
  } finally {
    await gateway.stop();
  }
});

test('a page whose connection was cut says so, and catches up by itself', { timeout: 60_000 }, async () => {
  const gateway = await start();
  const before = await proxy(gateway.url);
  try {
    const page = await watched(await newcomer(browser, { root: before.root }), before.root);
    await page.goto(before.root);
    await isLive(page);
    await page.evaluate(() => (window.loadedOnce = true));
    const lost = page.locator('#live[data-state=lost]').waitFor();
    before.cut();
    await lost;
    await gateway.chat('team/中文模型');
    await page.locator('tr[data-key=智谱] [data-name=Attempts]', { hasText: /^1$/ }).waitFor();
    await isLive(page);
    assert.equal(await page.evaluate(() => window.loadedOnce), true);
    assertNoMishaps(page, /ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/);
    await page.context().close();
  } finally {
    await before.stop();
    await gateway.stop();
  }
});
