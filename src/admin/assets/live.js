// Follows what happens, and renews the parts of the page that show it. The server makes all of it.

import { dress } from "./dress.js";
import { morph } from "./morph.js";

/// No page is asked for more often, however much happens.
const PAUSE = 1000;

/// What has ended is written a moment later.
const SETTLED = 350;

let waiting = null;
let last = 0;
const due = new Set();

export function follow() {
  const sign = document.getElementById("live");
  const topics = new Set([...document.querySelectorAll("[data-live]")].flatMap((part) => part.dataset.live.split(" ")));
  if (!sign || topics.size === 0) return;
  const source = new EventSource(`${document.body.dataset.root}api/live?topics=${[...topics].join(",")}`);
  source.onopen = () => say(sign, "on");
  source.onerror = () => {
    say(sign, "lost");
    // What was answered with an error is not asked again by the browser itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(again, 5000);
  };
  for (const topic of topics) {
    source.addEventListener(topic, (event) => {
      const heard = new CustomEvent(`llmgw:${topic}`, { detail: event.data, cancelable: true });
      if (document.dispatchEvent(heard)) renew(topic);
    });
  }
  document.addEventListener("visibilitychange", () => !document.hidden && due.size && renew());
}

/// Follows again, or shows where the key goes.
async function again() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  if (answer?.status === 401) return location.reload();
  follow();
}

function say(sign, state) {
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
