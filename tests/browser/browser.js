// A browser, and pages that are watched: whatever a reader would never see, but should never happen, fails the test.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { ADMIN_KEY } from './gateway.js';

/** Nothing that these tests wait for takes longer, on a busy machine either. */
const PATIENCE = 15_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function launch() {
  const args = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  // Playwright adds an empty directory for the user's data, and removes it.
  return chromium.launch({ executablePath: process.env.LLMGW_CHROMIUM || '/usr/bin/chromium', headless: true, chromiumSandbox: false, args });
}

/** A browser of somebody who was never here before; with `root`, of somebody who has signed in there. */
export async function newcomer(browser, { root, ...options } = {}) {
  const context = await browser.newContext({ locale: 'en-US', timezoneId: 'Asia/Shanghai', viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  if (root) {
    const page = await context.newPage();
    await page.goto(root);
    await signIn(page);
    // Closed while it leaves for the next page, it would never be.
    await page.locator('[data-test=sign-out]').waitFor();
    await page.close();
  }
  return context;
}

export async function signIn(page, key = ADMIN_KEY) {
  await page.locator('#key').fill(key);
  await page.locator('[data-test=login] button').click();
}

/** A page whose mishaps are written down. */
export async function watched(context, root) {
  const page = await context.newPage();
  const mishaps = [];
  const { origin } = new URL(root);
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && mishaps.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => mishaps.push(`exception: ${error.message}`));
  page.on('dialog', async (dialog) => {
    mishaps.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== 'data:' && url.protocol !== 'blob:') mishaps.push(`to another origin: ${url}`);
  });
  page.on('requestfailed', (request) => {
    // Leaving a page ends what it follows.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') mishaps.push(`failed: ${request.url()}: ${request.failure()?.errorText}`);
  });
  page.on('response', (response) => response.status() >= 400 && mishaps.push(`${response.status()}: ${response.url()}`));
  page.mishaps = mishaps;
  return page;
}

/** Nothing went wrong since this was last asked, but what matches `expected`. */
export function assertNoMishaps(page, expected = /^$/) {
  assert.deepEqual(page.mishaps.splice(0).filter((mishap) => !expected.test(mishap)), []);
}

/** The page hears of what happens. */
export async function isLive(page) {
  await page.locator('#live[data-state=on]').waitFor();
}

/** Barriers to people who cannot see or point well, as far as a program finds them. */
export async function barriers(page) {
  // Not as a script of the page, which its content security policy forbids.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.slice(0, 3).map(({ target, any }) => `${target} ${any[0]?.message ?? ''}`).join('; ')}`);
}

/** What is wider than a screen of `width`, which nobody wants to scroll sideways. */
export async function overflow(page, width) {
  const before = page.viewportSize();
  await page.setViewportSize({ width, height: 844 });
  const wide = await page.evaluate((allowed) => {
    if (document.documentElement.scrollWidth <= allowed) return [];
    const all = [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > allowed + 1);
    return all.slice(0, 5).map((element) => `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') ?? ''}">`);
  }, width);
  await page.setViewportSize(before);
  return wide;
}
