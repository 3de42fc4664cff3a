// Forms that do something show what came of it in place: the page that the server answers with, without a new one.

import { dress } from "./dress.js";
import { morph } from "./morph.js";

export function listenToForms() {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-swap]")) return;
    event.preventDefault();
    const button = event.submitter;
    if (button.dataset.busy) return;
    const label = button.querySelector("span");
    const text = label?.textContent;
    button.dataset.busy = "yes";
    button.setAttribute("aria-disabled", "true");
    if (label && button.dataset.busyText) label.textContent = button.dataset.busyText;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "text/html" } });
      show(await answer.text(), answer.url);
    } catch {
      form.submit();
    } finally {
      delete button.dataset.busy;
      button.removeAttribute("aria-disabled");
      if (label) label.textContent = text;
    }
  });
}

/// What holds an address, which is meant from where its page is.
const ADDRESSES = ["action", "formaction", "href", "data-try", "data-root"];

/// Puts the page that was answered, at the address `from`, in the place of this one's content.
function show(html, from) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("main");
  const main = document.querySelector("main");
  if (!fresh) return location.reload();
  for (const name of ADDRESSES) {
    for (const element of fresh.querySelectorAll(`[${name}]`)) {
      const { pathname, search, hash } = new URL(element.getAttribute(name), from);
      element.setAttribute(name, pathname + search + hash);
    }
  }
  morph(main, document.adoptNode(fresh));
  dress(main);
  const notice = main.querySelector(".notice, [data-test=test-results]");
  notice?.scrollIntoView({ block: "nearest" });
}
