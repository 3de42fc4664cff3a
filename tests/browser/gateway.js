// Starts `llmgw serve` on ports the system chooses, with a configuration of its own, and ends it by its id.

import { execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PATIENCE = 20_000;
const here = fileURLToPath(new URL('.', import.meta.url));
const target = resolve(here, '../..', process.env.CARGO_TARGET_DIR || 'target');
const binary = process.env.LLMGW_BIN || join(target, 'debug/llmgw');

/** As gateway.yaml has them. */
export const ADMIN_KEY = 'admin-0123456789';
const KEYS = { shop: 'sk-shop-0123456789', research: 'sk-research-0123456789' };

/** A gateway of gateway.yaml, which `change` may have changed. */
export async function start({ change = (text) => text } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'llmgw-browser-'));
  const file = join(home, 'gateway.yaml');
  copyFileSync(join(here, 'gateway.yaml'), file);
  rewrite(file, change);
  // Nothing of the person who runs this: no keys, no proxy, no data directory.
  const env = { PATH: process.env.PATH, HOME: home };
  const serve = ['serve', '--config', 'gateway.yaml', '--port', '0', '--no-watch'];
  const child = spawn(binary, serve, { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    const log = gather(child.stderr);
    const wanted = /^admin:.*port:/m.test(readFileSync(file, 'utf8')) ? 2 : 1;
    const lines = await firstLines(child, wanted, log);
    const [url, adminUrl] = lines.map((line) => line.match(/^listening on (http:\/\/127\.0\.0\.1:\d+)/)[1]);
    return new Gateway({ child, env, home, file, url, root: adminUrl ? `${adminUrl}/` : `${url}/admin/` });
  } catch (error) {
    await end(child);
    rmSync(home, { recursive: true });
    throw error;
  }
}

/** A running gateway; `root` is where its dashboard begins. */
class Gateway {
  constructor(parts) {
    Object.assign(this, parts);
  }

  /** Asks a model, and waits for the whole answer; says which provider gave it. */
  async chat(model, { prompt = '你好', key = 'shop', stream = false } = {}) {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEYS[key]}` };
    const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content: prompt }] });
    const answer = await fetch(`${this.url}/v1/chat/completions`, { method: 'POST', headers, body });
    const text = await answer.text();
    return { status: answer.status, provider: answer.headers.get('x-llmgw-provider'), id: answer.headers.get('x-request-id'), text };
  }

  /** What a script of the administrator's gets. */
  async admin(path) {
    const answer = await fetch(this.root + path, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    return { status: answer.status, text: await answer.text() };
  }

  /** What a command of the same configuration prints. */
  async command(...words) {
    const { stdout } = await promisify(execFile)(binary, ['--config', 'gateway.yaml', ...words], { cwd: this.home, env: this.env });
    return stdout;
  }

  /** Waits until request `id` is in the ledger, which it is once the gateway has done with its answer. */
  async recorded(id) {
    const deadline = Date.now() + PATIENCE;
    while ((await this.admin(`requests/${id}`)).status === 404) {
      if (Date.now() > deadline) throw new Error(`request ${id} was never recorded`);
    }
  }

  /** Rewrites the configuration file; nothing reloads it by itself. */
  change(change) {
    rewrite(this.file, change);
  }

  async stop() {
    await end(this.child);
    rmSync(this.home, { recursive: true });
  }
}

function rewrite(file, change) {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

/** The log's last lines: shown when the gateway does not get ready. */
function gather(stream) {
  const lines = [];
  createInterface({ input: stream }).on('line', (line) => lines.push(line) > 50 && lines.shift());
  return lines;
}

function firstLines(child, count, log) {
  return new Promise((found, failed) => {
    const fail = (what) => failed(new Error([`llmgw ${what}`, ...log].join('\n')));
    const timer = setTimeout(() => fail('did not get ready'), PATIENCE);
    child.once('error', failed);
    child.once('close', (code) => fail(`ended with ${code}`));
    const lines = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (lines.push(line) !== count) return;
      clearTimeout(timer);
      found(lines);
    });
  });
}

function end(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return undefined;
  return new Promise((ended) => {
    child.once('exit', ended);
    child.kill('SIGTERM');
  });
}
