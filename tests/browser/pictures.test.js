// Pictures of the pages for the documentation. Written only where LLMGW_SCREENSHOTS names a directory:
// LLMGW_SCREENSHOTS=docs/images node --test pictures.test.js. The directory is relative to the repository.

import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { isLive, launch, newcomer } from './browser.js';
import { start } from './gateway.js';

const wanted = process.env.LLMGW_SCREENSHOTS;
const folder = wanted && resolve(fileURLToPath(new URL('../..', import.meta.url)), wanted);
const MOST = 200 * 1024;
const DESK = { width: 1200, height: 760 };
const PHONE = { width: 390, height: 844 };

/** As a busy afternoon leaves it: a failover, a slow one, failures, two keys. */
async function work(gateway) {
  const questions = ['用一句话介绍长城。', 'Summarise this contract in five points.', '把这段话译成英文：山高月小，水落石出。', '写一首关于秋天的诗。'];
  const round = async (index) => {
    const prompt = questions[index % questions.length];
    await Promise.all([
      gateway.chat('claude', { prompt, key: 'research', stream: true }),
      gateway.chat(index % 3 === 0 ? 'gpt-4' : 'gpt-4o', { prompt, stream: index % 2 === 0 }),
      gateway.chat('switched', { prompt: prompt.repeat(3), stream: true }),
      gateway.chat('team/中文模型', { prompt, key: index % 2 ? 'shop' : 'research' }),
      gateway.chat('gpt-4o-mini', { prompt, key: 'research' }),
    ]);
  };
  for (let index = 0; index < 12; index += 1) await round(index);
  await Promise.all([gateway.chat('slow'), gateway.chat('no-such-model'), gateway.chat('hopeless')]);
  const failedOver = await gateway.chat('gpt-4', { prompt: questions[1], stream: true });
  await gateway.chat('switched', { prompt: questions[3], stream: true });
  await gateway.recorded(failedOver.id);
  return failedOver;
}

async function openPicture(context, root, path) {
  const page = await context.newPage();
  await page.goto(root + path);
  await page.evaluate(() => document.fonts.ready);
  if (await page.locator('[data-live]').count()) await isLive(page);
  return page;
}

async function play(page) {
  await page.locator('#prompt').fill('用一句话介绍长城。');
  await page.locator('[data-send]').click();
  await page.locator('[data-figures]:not(:empty)').waitFor();
}

async function take(page, name, options = {}) {
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, scale: 'css', animations: 'disabled', ...options });
  assert.ok(statSync(path).size < MOST, `${name}.png is ${statSync(path).size} bytes`);
}

test('pictures for the documentation', { timeout: 120_000, skip: !folder && 'LLMGW_SCREENSHOTS names no directory' }, async () => {
  mkdirSync(folder, { recursive: true });
  // Without names that no reader has.
  const change = (text) => text.replace(/^ {2}"<script>.*\n/m, '').replace('failures: 3', 'failures: 99');
  const gateway = await start({ change });
  let browser;
  try {
    browser = await launch();
    const failedOver = await work(gateway);
    const pages = {
      overview: '',
      providers: 'providers',
      models: 'models',
      playground: 'models/plan?model=gpt-4',
      requests: 'requests',
      request: `requests/${failedOver.id}`,
      usage: 'usage?by=model&window=24h',
      log: 'log',
    };
    const looks = [
      ['light', { colorScheme: 'light' }, Object.keys(pages)],
      ['dark', { colorScheme: 'dark' }, ['overview', 'request']],
      ['zh', { locale: 'zh-CN' }, ['overview', 'request', 'usage']],
      ['phone', { viewport: PHONE }, ['request']],
    ];
    for (const [look, options, names] of looks) {
      const context = await newcomer(browser, { root: gateway.root, viewport: DESK, ...options });
      for (const name of names) {
        const page = await openPicture(context, gateway.root, pages[name]);
        if (name === 'playground') await play(page);
        await take(page, `${name}-${look}`);
        await page.close();
      }
      await context.close();
    }
  } finally {
    await browser?.close();
    await gateway.stop();
  }
});
