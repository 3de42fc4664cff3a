// Every page, in both languages and both themes: nothing fails in the browser, nothing leaves the origin, nothing bars
// anybody, nothing is wider than a phone.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertNoMishaps, barriers, launch, newcomer, overflow, watched } from './browser.js';
import { start } from './gateway.js';

const LANGUAGES = { en: 'en', zh: 'zh-CN' };
const THEMES = ['light', 'dark'];
const PHONE = 390;

let gateway, browser, failedOver;
const pages = new Map();

before(async () => {
  gateway = await start();
  browser = await launch();
  // Something to show on every page: a failover, an error, a stream, both keys.
  failedOver = await gateway.chat('gpt-4');
  await gateway.chat('hopeless');
  await gateway.chat('claude', { key: 'research', stream: true });
  await gateway.chat('no-such-model');
  await gateway.chat('<script>alert(1)</script>');
  const { id } = await gateway.chat('team/中文模型', { prompt: '<img src=x onerror=alert(2)>' });
  await gateway.recorded(id);
  for (const language of Object.keys(LANGUAGES)) {
    for (const theme of THEMES) pages.set(`${language} ${theme}`, await preferring(language, theme));
  }
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

async function preferring(lang, theme) {
  const context = await newcomer(browser, { root: gateway.root });
  const page = await watched(context, gateway.root);
  await page.goto(`${gateway.root}prefer?lang=${lang}&theme=${theme}&next=`);
  return page;
}

const PAGES = {
  overview: () => '',
  providers: () => 'providers',
  'a provider that fails': () => 'providers/overloaded',
  'a provider that is off': () => 'providers/retired',
  models: () => 'models',
  'a plan': () => 'models/plan?model=gpt-4',
  'a plan of a name that is HTML': () => `models/plan?model=${encodeURIComponent('<script>alert(1)</script>')}`,
  requests: () => 'requests',
  'requests that match nothing': () => 'requests?model=nothing',
  'one request': () => `requests/${failedOver.id}`,
  usage: () => 'usage?by=key',
  log: () => 'log',
  configuration: () => 'configuration',
};

for (const [name, path] of Object.entries(PAGES)) {
  describe(name, () => {
    for (const [language, lang] of Object.entries(LANGUAGES)) {
      for (const theme of THEMES) test(`${language}, ${theme}`, { timeout: 30_000 }, () => walk(path(), { language, lang, theme }));
    }
  });
}

async function walk(path, { language, lang, theme }) {
  const page = pages.get(`${language} ${theme}`);
  await page.goto(gateway.root + path);
  const html = page.locator('html');
  assert.equal(await html.getAttribute('lang'), lang);
  assert.equal(await html.getAttribute('data-theme'), theme);
  assert.match(await page.title(), /^\S.* · llmgw$/);
  assert.equal(await page.locator('h1').count(), 1);
  assert.equal(await page.locator('nav [aria-current=page]').count(), 1);
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await overflow(page, PHONE), []);
  assertNoMishaps(page);
}

for (const [language, lang] of Object.entries(LANGUAGES)) {
  for (const theme of THEMES) {
    test(`the way in, ${language}, ${theme}`, { timeout: 30_000 }, async () => {
      const context = await newcomer(browser, { locale: lang, colorScheme: theme });
      const page = await watched(context, gateway.root);
      await page.goto(`${gateway.root}login`);
      assert.equal(await page.locator('html').getAttribute('lang'), lang, 'as the browser asks');
      assert.deepEqual(await barriers(page), []);
      assert.deepEqual(await overflow(page, PHONE), []);
      assertNoMishaps(page);
      await context.close();
    });
  }
}

test('a page that is not there says so, inside', { timeout: 30_000 }, async () => {
  const page = pages.get('en light');
  await page.goto(`${gateway.root}nothing/of/this/name`);
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await overflow(page, PHONE), []);
  assertNoMishaps(page, /404/);
});
