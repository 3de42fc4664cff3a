// Follows what happens, and renews the parts of the page that show it. The server makes all of it.

import { dress } from "./dress.js";
import { morph } from "./morph.js";

/// No page is asked for more often, however much happens.
const PAUSE = 1000;

/// What has ended is written a moment later.
const SETTLED = 350;

/// After so long it is tried again, where the server said no.
const PATIENCE = 5000;

let waiting = null;
let last = 0;
const due = new Set();

/// Renews the parts that follow something, whenever that happens.
export function follow() {
  const topics = [...new Set([...document.querySelectorAll("[data-live]")].flatMap((part) => part.dataset.live.split(" ")))];
  if (topics.length === 0) return;
  const asked = () => topics.join(",");
  for (const topic of topics) listen(topic, asked, () => renew(topic));
  // What ended after the page was made and before anybody listened was told to nobody.
  if (topics.includes("requests")) listen("open", asked, () => renew("requests"));
  document.addEventListener("visibilitychange", () => !document.hidden && due.size && renew());
}

const streams = new Map();

/// Hears of `topic`; those who ask for the same share one stream. `asked` says what the stream is to tell.
export function listen(topic, asked, hear) {
  const key = asked();
  if (!streams.has(key)) streams.set(key, { heard: [], asked });
  const stream = streams.get(key);
  stream.heard.push([topic, hear]);
  if (stream.heard.length === 1) queueMicrotask(() => open(stream));
}

function open(stream) {
  const sign = document.getElementById("live");
  const source = new EventSource(`${document.body.dataset.root}api/live?topics=${stream.asked()}`);
  for (const [topic, hear] of stream.heard) source.addEventListener(topic, hear);
  source.onopen = () => say(sign, "on");
  source.onerror = () => {
    say(sign, "lost");
    // The browser would ask for what it asked for at first; and what was refused it does not ask again.
    source.close();
    setTimeout(() => again(stream), source.readyState === EventSource.CLOSED ? PATIENCE : PAUSE);
  };
}

/// Follows again, or shows where the key goes.
async function again(stream) {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  if (answer?.status === 401) return location.reload();
  open(stream);
}

function say(sign, state) {
  if (!sign) return;
  sign.hidden = false;
  if (sign.dataset.state === state) return;
  sign.dataset.state = state;
  document.getElementById("live-text").textContent = state === "on" ? sign.dataset.on : sign.dataset.lost;
}

function renew(topic) {
  if (topic) due.add(topic);
  if (document.hidden || waiting) return;
  waiting = setTimeout(fetchAll, Math.max(SETTLED, last + PAUSE - Date.now()));
}

async function fetchAll() {
  const topics = new Set(due);
  due.clear();
  last = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.status === 401) return location.reload();
    if (answer.ok) take(await answer.text(), topics);
  } catch {
    // The stream says that the server is gone, and comes back with it.
  } finally {
    waiting = null;
    if (due.size) renew();
  }
}

function take(html, topics) {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = old.dataset.live.split(" ").some((topic) => topics.has(topic)) && page.getElementById(old.id);
    if (!fresh) continue;
    morph(old, document.adoptNode(fresh));
    dress(old.parentElement);
  }
}
