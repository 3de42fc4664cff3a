// The log goes on while one reads it: new lines come in at the top.

import { localise } from "./dress.js";

/// As many as the server keeps.
const MOST = 1000;

export function followLog(listen) {
  const list = document.querySelector("[data-log]");
  if (!list) return;
  const template = document.getElementById("log-line");
  const pause = document.getElementById("pause");
  const waiting = [];
  const { after, level, text } = list.dataset;
  const add = (line) => {
    list.prepend(made(template, line));
    while (list.children.length > MOST) list.lastElementChild.remove();
    document.getElementById("log-empty").hidden = true;
  };
  pause.hidden = false;
  const label = pause.querySelector("span");
  const running = label.textContent;
  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    label.textContent = paused ? pause.dataset.paused : running;
    if (!paused) waiting.splice(0).forEach(add);
  });
  // The stream ends now and then, and goes on after the last line that came.
  let last = after;
  listen("log", () => `log&${new URLSearchParams({ level, text, after: last })}`, (event) => {
    const line = JSON.parse(event.data);
    last = line.sequence;
    if (pause.getAttribute("aria-pressed") === "true") waiting.push(line);
    else add(line);
  });
}

function made(template, line) {
  const item = template.content.firstElementChild.cloneNode(true);
  const [time, level, link] = [item.querySelector("time"), item.querySelector("b"), item.querySelector("a")];
  item.className = line.level;
  time.dateTime = line.time;
  localise(time);
  level.textContent = line.level;
  if (line.request) {
    link.href = `${document.body.dataset.root}requests/${encodeURIComponent(line.request)}`;
    link.textContent = line.request;
  } else {
    link.remove();
  }
  item.querySelector(".message").textContent = line.message;
  item.querySelector(".fields").textContent = line.fields;
  return item;
}
