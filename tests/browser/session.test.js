// The way in and out, and around by the keyboard alone.

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

async function arrive(path = '', options = {}) {
  const context = await newcomer(browser, options);
  const page = await watched(context, gateway.root);
  await page.goto(gateway.root + path);
  return page;
}

test('a wrong key is refused, the right one leads to where one wanted to go, and signing out ends it', { timeout: 30_000 }, async () => {
  const page = await arrive('providers');
  await signIn(page, 'not-the-key');
  const mistake = page.locator('#mistake');
  assert.equal(await mistake.textContent(), 'This is not the admin key.');
  assert.equal(await page.locator('#key').getAttribute('aria-invalid'), 'true');
  assert.equal(await page.locator('#key').inputValue(), '', 'the key is not sent back');
  assertNoMishaps(page, /401/);

  await signIn(page);
  await page.locator('[data-test=providers]').waitFor();
  assert.equal(page.url(), `${gateway.root}providers`);
  const [session] = (await page.context().cookies()).filter(({ name }) => name === 'llmgw_session');
  assert.equal(session.httpOnly, true);
  assert.equal(session.sameSite, 'Strict');
  assert.equal(await page.evaluate(() => document.cookie.includes('llmgw_session')), false);

  await page.locator('[data-test=sign-out]').click();
  await page.locator('[data-test=login]').waitFor();
  assertNoMishaps(page);
  // Nor does the old session count any more, for whoever kept it.
  await page.context().addCookies([session]);
  await page.goto(`${gateway.root}providers`);
  await page.locator('[data-test=login]').waitFor();
  await page.context().close();
});

test('the language and the theme change with a click, and stay', { timeout: 30_000 }, async () => {
  const page = await arrive('providers', { root: gateway.root });
  const html = page.locator('html');
  await page.locator('[data-test=language]').click();
  await page.locator('html[lang=zh-CN]').waitFor();
  assert.equal(page.url(), `${gateway.root}providers`, 'the same page');
  assert.equal(await page.locator('h1').textContent(), '供应商');
  const stored = page.waitForResponse((response) => response.url().includes('prefer?theme=dark'));
  await page.locator('[data-theme-choice=dark]').click();
  await page.locator('html[data-theme=dark]').waitFor();
  await stored;
  await page.reload();
  assert.equal(await html.getAttribute('data-theme'), 'dark');
  assert.equal(await html.getAttribute('lang'), 'zh-CN');
  await page.locator('[data-test=language]').click();
  await page.locator('html[lang=en]').waitFor();
  assertNoMishaps(page);
  await page.context().close();
});

test('without a choice, the theme is the system’s', { timeout: 30_000 }, async () => {
  const grounds = [];
  for (const colorScheme of ['light', 'dark']) {
    const page = await arrive('', { colorScheme });
    grounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await page.context().close();
  }
  assert.notEqual(grounds[0], grounds[1]);
});

test('the keyboard alone signs in, skips to the content and goes to every page', { timeout: 45_000 }, async () => {
  const page = await arrive();
  // The field has the focus: one types the key at once.
  assert.equal(await page.evaluate(() => document.activeElement.id), 'key');
  await page.keyboard.type('admin-0123456789');
  await page.keyboard.press('Enter');
  await page.locator('nav').waitFor();

  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip', 'the first thing that Tab reaches');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');

  for (const [id, path] of [['providers', 'providers'], ['models', 'models'], ['configuration', 'configuration'], ['overview', '']]) {
    await page.evaluate(() => document.activeElement.blur());
    await tabTo(page, `[data-test=nav-${id}]`);
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, 'none', `one sees where one is: ${id}`);
    await page.keyboard.press('Enter');
    await page.waitForURL(gateway.root + path);
    assert.equal(await page.locator(`[data-test=nav-${id}]`).getAttribute('aria-current'), 'page');
  }

  await page.goto(`${gateway.root}models`);
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'model', '`/` searches');
  await page.keyboard.type('gpt-4');
  await page.keyboard.press('Enter');
  await page.locator('[data-test=plan]').waitFor();
  assertNoMishaps(page, /401/);
  await page.context().close();
});

async function tabTo(page, selector) {
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
  }
  assert.fail(`Tab does not reach ${selector}`);
}
