// What a page gets once it is shown, and again where it was renewed: the reader's own time, filters, copying.

export function dress(part) {
  for (const time of part.querySelectorAll("time[datetime]")) localise(time);
  for (const input of part.querySelectorAll("input[data-filter]")) filter(input);
  for (const button of part.querySelectorAll("button[data-copy]")) copy(button);
}

const language = () => document.documentElement.lang;

/// The server says when in UTC.
export function localise(time) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) return;
  const pad = (number) => String(number).padStart(2, "0");
  const day = `${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  const today = at.toDateString() === new Date().toDateString();
  const exact = `${clock}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  const text = time.dataset.form === "exact" ? exact : time.dataset.form !== "full" && today ? clock : `${day} ${clock}`;
  if (time.textContent !== text) time.textContent = text;
  time.title = at.toLocaleString(language(), { dateStyle: "full", timeStyle: "long" });
}

/// Shows what holds the words that are typed, as they are typed.
function filter(input) {
  const apply = () => {
    const list = document.querySelector(input.dataset.filter);
    if (!list) return;
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let any = false;
    for (const item of list.querySelectorAll("[data-filter-item]")) {
      const name = item.dataset.filterItem.toLowerCase();
      item.hidden = !words.every((word) => name.includes(word));
      any ||= !item.hidden;
    }
    for (const group of list.querySelectorAll("[data-filter-group]")) {
      group.hidden = !group.querySelector("[data-filter-item]:not([hidden])");
    }
    const nothing = document.getElementById("no-match");
    if (nothing) nothing.hidden = any || words.length === 0;
  };
  if (!input.dataset.dressed) {
    input.dataset.dressed = "yes";
    input.addEventListener("input", apply);
  }
  apply();
}

function copy(button) {
  if (button.dataset.dressed || !navigator.clipboard) return;
  button.dataset.dressed = "yes";
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
    const label = button.querySelector("span");
    const before = label.textContent;
    label.textContent = button.dataset.done;
    setTimeout(() => (label.textContent = before), 1500);
  });
}
