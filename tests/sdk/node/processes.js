// Starts the upstream and `llmgw serve` in front of it, both on ports the system chooses; ends them by their ids.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PATIENCE = 20_000;
const sdk = fileURLToPath(new URL('..', import.meta.url));
const target = resolve(sdk, '../..', process.env.CARGO_TARGET_DIR || 'target');
const binary = process.env.LLMGW_BIN || join(target, 'debug/llmgw');

export async function start({ upstream: serves = 'upstream.py', config = 'gateway.yaml' } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'llmgw-sdk-'));
  const running = [];
  const stop = async () => {
    // The gateway first: it must not meet an upstream that is gone.
    for (const child of running.reverse()) await end(child);
    rmSync(home, { recursive: true });
  };
  try {
    running.push(spawn('python3', [join(sdk, serves)], { stdio: ['pipe', 'pipe', 'inherit'] }));
    const upstream = new Upstream(JSON.parse(await firstLine(running[0])).url);
    // Nothing of the person who runs this: no keys, no proxy, no data directory.
    const env = { PATH: process.env.PATH, HOME: home, UPSTREAM: upstream.url };
    const serve = ['serve', '--config', join(sdk, config), '--port', '0', '--no-watch', '--log-level', 'error'];
    running.push(spawn(binary, serve, { env, stdio: ['ignore', 'pipe', 'inherit'] }));
    const url = (await firstLine(running[1])).match(/^listening on (http:\/\/127\.0\.0\.1:\d+)/)[1];
    return { url, upstream, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What the upstream saw, asked of itself. */
class Upstream {
  constructor(url) {
    this.url = url;
  }

  async ask(path, method = 'GET') {
    return (await fetch(this.url + path, { method })).json();
  }

  reset() {
    return this.ask('/_reset', 'POST');
  }

  /** All but the discovery of models, which the gateway does by itself. */
  async requests() {
    return (await this.ask('/_requests')).requests.filter((entry) => entry.path !== 'models');
  }

  /** Waits until a request to `model` is received, answered or closed. */
  async wait(model, state) {
    const query = new URLSearchParams({ model, state, seconds: PATIENCE / 1000 });
    const { request } = await this.ask(`/_wait?${query}`);
    if (!request) throw new Error(`no request to ${model} was ${state}`);
    return request;
  }
}

function firstLine(child) {
  return new Promise((found, failed) => {
    const name = child.spawnargs.join(' ');
    const timer = setTimeout(() => failed(new Error(`${name} did not get ready`)), PATIENCE);
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`${name} ended with ${code}`)));
    createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer);
      found(line);
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
