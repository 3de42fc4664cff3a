// Trying a prompt: the answer appears as it comes.

export function listenToTrials() {
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-try]")) return;
    event.preventDefault();
    ask(event.target);
  });
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest("form[data-try]");
    if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}

async function ask(form) {
  const words = form.querySelector("[data-words]").dataset;
  const [said, figures] = [form.querySelector("[data-answer]"), form.querySelector("[data-figures]")];
  const [send, stop] = [form.querySelector("[data-send]"), form.querySelector("[data-stop]")];
  if (send.getAttribute("aria-disabled")) return;
  const cancel = new AbortController();
  const onStop = () => cancel.abort();
  stop.addEventListener("click", onStop);
  send.setAttribute("aria-disabled", "true");
  stop.hidden = false;
  said.className = "said";
  said.textContent = words.waiting;
  said.setAttribute("aria-busy", "true");
  figures.textContent = "";
  const began = performance.now();
  const seen = { text: "", reasoning: "", first: null, usage: null, failed: null };
  let answer = null;
  try {
    answer = await fetch(form.dataset.try, { method: "POST", body: JSON.stringify(body(form)), headers: { "content-type": "application/json", "x-csrf-token": form.elements.csrf.value }, signal: cancel.signal });
    if (!answer.ok) throw new Error((await answer.json()).error?.message ?? answer.status);
    await read(answer.body, (chunk) => {
      take(chunk, seen, began);
      said.textContent = seen.text || seen.reasoning;
      said.classList.toggle("muted", !seen.text);
    });
    if (seen.failed) throw new Error(seen.failed);
  } catch (error) {
    if (error.name !== "AbortError") {
      said.textContent = (seen.text ? `${seen.text}\n\n` : "") + error.message;
      said.classList.add("tone-bad");
    }
  } finally {
    said.removeAttribute("aria-busy");
    send.removeAttribute("aria-disabled");
    stop.hidden = true;
    stop.removeEventListener("click", onStop);
    figures.textContent = tell(answer, seen, words, performance.now() - began);
  }
}

function body(form) {
  const { model, prompt, system, temperature, max_tokens } = form.elements;
  const messages = [{ role: "user", content: prompt.value }];
  if (system.value.trim()) messages.unshift({ role: "system", content: system.value });
  const asked = { model: model.value, messages, stream: true, stream_options: { include_usage: true } };
  if (temperature.value) asked.temperature = Number(temperature.value);
  if (max_tokens.value) asked.max_tokens = Number(max_tokens.value);
  return asked;
}

/// Hands over every event of a stream.
async function read(stream, each) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split(/\r?\n\r?\n/);
    rest = events.pop();
    for (const event of events) {
      const data = event.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
      if (data && data !== "[DONE]") each(JSON.parse(data));
    }
  }
}

function take(chunk, seen, began) {
  if (chunk.error) seen.failed = chunk.error.message;
  if (chunk.usage) seen.usage = chunk.usage;
  const delta = chunk.choices?.[0]?.delta ?? {};
  const piece = delta.content ?? delta.refusal ?? "";
  const thought = delta.reasoning_content ?? delta.reasoning ?? "";
  if (seen.first === null && (piece || thought)) seen.first = performance.now() - began;
  seen.text += piece;
  seen.reasoning += thought;
}

function tell(answer, seen, words, total) {
  const took = (milliseconds) => (milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`);
  const by = ["x-llmgw-provider", "x-llmgw-model"].map((name) => decodeURIComponent(answer?.headers.get(name) ?? ""));
  const parts = [];
  if (by[0]) parts.push(`${words.by} ${by.join(" / ")}`);
  if (seen.first !== null) parts.push(`${words.first} ${took(seen.first)}`);
  parts.push(`${words.total} ${took(total)}`);
  if (seen.usage) parts.push(`${words.tokens} ${seen.usage.prompt_tokens} → ${seen.usage.completion_tokens}`);
  return parts.join(" · ");
}
