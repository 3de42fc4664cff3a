// What the pages can do beyond links and forms. Every page works without it.

import { follow, listen } from "./live.js";
import { followLog } from "./log.js";
import { dress } from "./dress.js";
import { listenToForms } from "./forms.js";
import { listenToTrials } from "./trial.js";

/// Colours change at once; the server remembers them for the next page.
document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-theme-choice]");
  if (!choice || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  document.documentElement.dataset.theme = choice.dataset.themeChoice;
  for (const other of document.querySelectorAll("[data-theme-choice]")) {
    other.toggleAttribute("aria-current", other === choice);
    if (other === choice) other.setAttribute("aria-current", "true");
  }
  fetch(choice.href, { redirect: "manual" });
});

/// `/` goes to where one searches.
document.addEventListener("keydown", (event) => {
  const busy = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || busy || event.metaKey || event.ctrlKey || event.altKey) return;
  const search = document.querySelector("main input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
});

/// A choice among filters is meant.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
});

/// The server writes times as this reader's clock has them, from the next page on.
const root = new URL(document.body.dataset.root, location.href).pathname;
document.cookie = `llmgw_clock=${-new Date().getTimezoneOffset()}; path=${root}; max-age=31536000; samesite=lax`;

/// On a narrow screen the sections are a row that is longer than the screen.
document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

listenToForms();
listenToTrials();
dress(document);
follow();
followLog(listen);
