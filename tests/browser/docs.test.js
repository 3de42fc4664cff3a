// The documentation of the API in Swagger UI: it loads, it lists, and what it offers to try works.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertNoMishaps, launch, newcomer, overflow, watched } from './browser.js';
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

test('operations are listed, and one is tried with a key', { timeout: 60_000 }, async () => {
  const page = await watched(await newcomer(browser), gateway.url);
  await page.goto(`${gateway.url}/docs`);
  const models = page.locator('.opblock-get', { has: page.locator('[data-path="/v1/models"]') });
  await models.waitFor();
  assert.ok((await page.locator('.opblock').count()) > 20, 'all of them');
  // Of what the page opens with; inside an operation it is Swagger UI's own matter.
  assert.deepEqual(await overflow(page, 390), []);
  assert.ok((await page.title()).length > 0);
  assert.match(await page.locator('html').getAttribute('lang'), /^en/);

  await page.locator('.auth-wrapper .authorize').first().click();
  const dialog = page.locator('.modal-ux');
  await dialog.locator('input').first().fill('sk-shop-0123456789');
  await dialog.locator('button.authorize').first().click();
  await dialog.locator('button.btn-done').first().click();

  await models.locator('.opblock-summary-control').click();
  await models.locator('.try-out__btn').click();
  await models.locator('.execute').click();
  const answer = models.locator('.live-responses-table');
  assert.match(await answer.locator('.response-col_status').last().textContent(), /200/);
  assert.match(await answer.textContent(), /gpt-4/);
  assertNoMishaps(page);
  await page.context().close();
});
