//! Chat and text completions, whole and streamed.

use http::Response;
use serde_json::{Value, json};

use super::say;
use super::schema;
use super::wire::{self, CREATED, Failure};
use super::{Asked, UpstreamBody};
use crate::transport::memory::Step;

/// More choices than anyone compares.
const MOST_CHOICES: u64 = 8;

/// A prompt with these words gets a tool call, if tools are given.
const CALL_WORDS: &str = "call the tool";

/// What is answered, the same for every choice.
struct Answer {
    text: String,
    call: Option<ToolCall>,
    finish: &'static str,
    prompt_tokens: u64,
}

struct ToolCall {
    id: String,
    name: String,
    arguments: String,
}

/// `POST /chat/completions`
pub fn chat(asked: &Asked<'_>) -> Result<Response<UpstreamBody>, Failure> {
    let Some(messages) = asked.body["messages"].as_array().filter(|messages| !messages.is_empty()) else {
        return Err(Failure::invalid("`messages` must be a list of at least one message", Some("messages")));
    };
    let answer = answer(asked, messages);
    if is_streamed(asked) {
        return Ok(wire::events(chat_events(asked, &answer)));
    }
    let choices: Vec<Value> = (0..choices(asked))
        .map(|index| {
            let mut message = json!({"role": "assistant", "content": answer.text, "refusal": null});
            if let Some(call) = &answer.call {
                message["content"] = Value::Null;
                message["tool_calls"] = json!([
                    {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                ]);
            }
            json!({"index": index, "message": message, "logprobs": null, "finish_reason": answer.finish})
        })
        .collect();
    Ok(wire::json(&whole(asked, "chat.completion", &choices, &answer)))
}

/// `POST /completions`
pub fn completion(asked: &Asked<'_>) -> Result<Response<UpstreamBody>, Failure> {
    let prompt = match &asked.body["prompt"] {
        Value::Null => return Err(Failure::invalid("`prompt` is missing", Some("prompt"))),
        prompt => say::text(prompt),
    };
    let said = say::echo(asked.model(), &prompt);
    let answer = limited(asked, Answer { text: said, call: None, finish: "stop", prompt_tokens: say::tokens(&prompt) });
    let choice = |index: u64, text: &str, finish: Value| json!({"text": text, "index": index, "logprobs": null, "finish_reason": finish});
    if !is_streamed(asked) {
        let choices: Vec<Value> = (0..choices(asked)).map(|index| choice(index, &answer.text, answer.finish.into())).collect();
        return Ok(wire::json(&whole(asked, "text_completion", &choices, &answer)));
    }
    let mut stream = Stream::new(asked, "text_completion");
    for index in 0..choices(asked) {
        for piece in say::pieces(&answer.text) {
            stream.wait(piece);
            stream.choice(choice(index, piece, Value::Null));
        }
        stream.choice(choice(index, "", answer.finish.into()));
    }
    Ok(wire::events(stream.finish(&answer)))
}

fn answer(asked: &Asked<'_>, messages: &[Value]) -> Answer {
    let prompt_tokens = messages.iter().map(|message| say::tokens(&say::text(&message["content"]))).sum::<u64>().max(1);
    let last = messages.last().unwrap_or(&Value::Null);
    let prompt = messages.iter().rev().find(|message| message["role"] == "user").map(|message| say::text(&message["content"]));
    let prompt = if last["role"] == "tool" { say::text(&last["content"]) } else { prompt.unwrap_or_default() };
    if let Some(call) = tool_call(asked, &prompt, last["role"] == "tool") {
        return Answer { text: String::new(), call: Some(call), finish: "tool_calls", prompt_tokens };
    }
    let said = say::echo(asked.model(), &prompt);
    let format = &asked.body["response_format"];
    let text = match format["type"].as_str() {
        Some("json_object") => json!({"reply": said}).to_string(),
        Some("json_schema") => schema::example(&format["json_schema"]["schema"], &said).to_string(),
        _ => said,
    };
    limited(asked, Answer { text, call: None, finish: "stop", prompt_tokens })
}

fn limited(asked: &Asked<'_>, mut answer: Answer) -> Answer {
    let limit = asked.body["max_completion_tokens"].as_u64().or_else(|| asked.body["max_tokens"].as_u64());
    let (kept, is_cut) = say::limited(&answer.text, limit.unwrap_or(u64::MAX));
    if is_cut {
        answer.text.truncate(kept.len());
        answer.finish = "length";
    }
    answer
}

fn tool_call(asked: &Asked<'_>, prompt: &str, has_result: bool) -> Option<ToolCall> {
    let tools = asked.body["tools"].as_array()?;
    let choice = &asked.body["tool_choice"];
    let named = choice["function"]["name"].as_str();
    let is_wanted = choice != "none" && !has_result && prompt.to_lowercase().contains(CALL_WORDS);
    if choice != "required" && named.is_none() && !is_wanted {
        return None;
    }
    let is_meant = |tool: &&Value| named.is_none_or(|name| tool["function"]["name"] == name);
    let function = &tools.iter().find(is_meant)?["function"];
    let arguments = function.get("parameters").map_or_else(|| json!({}), |schema| schema::example(schema, prompt));
    Some(ToolCall {
        id: format!("call_mock_{}", asked.number),
        name: function["name"].as_str()?.to_owned(),
        arguments: arguments.to_string(),
    })
}

fn chat_events(asked: &Asked<'_>, answer: &Answer) -> Vec<Step> {
    let choice =
        |index: u64, delta: Value, finish: Value| json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": finish});
    let mut stream = Stream::new(asked, "chat.completion.chunk");
    for index in 0..choices(asked) {
        if let Some(ToolCall { id, name, arguments }) = &answer.call {
            let start = json!({"index": 0, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
            stream.choice(choice(index, json!({"role": "assistant", "content": null, "tool_calls": [start]}), Value::Null));
            for piece in say::pieces(arguments) {
                stream.wait(piece);
                let part = json!({"index": 0, "function": {"arguments": piece}});
                stream.choice(choice(index, json!({"tool_calls": [part]}), Value::Null));
            }
        } else {
            stream.choice(choice(index, json!({"role": "assistant", "content": "", "refusal": null}), Value::Null));
            for piece in say::pieces(&answer.text) {
                stream.wait(piece);
                stream.choice(choice(index, json!({"content": piece}), Value::Null));
            }
        }
        stream.choice(choice(index, json!({}), answer.finish.into()));
    }
    stream.finish(answer)
}

/// The events of one stream; usage stands in each of them or in none.
struct Stream<'a> {
    asked: &'a Asked<'a>,
    object: &'static str,
    has_usage: bool,
    steps: Vec<Step>,
}

impl<'a> Stream<'a> {
    fn new(asked: &'a Asked<'a>, object: &'static str) -> Stream<'a> {
        Stream { asked, object, has_usage: asked.body["stream_options"]["include_usage"] == true, steps: Vec::new() }
    }

    fn wait(&mut self, piece: &str) {
        let pause = self.asked.pause * u32::try_from(say::tokens(piece)).unwrap_or(u32::MAX);
        if !pause.is_zero() {
            self.steps.push(Step::Wait(pause));
        }
    }

    fn choice(&mut self, choice: Value) {
        self.chunk(&[choice], Value::Null);
    }

    fn chunk(&mut self, choices: &[Value], usage: Value) {
        let mut chunk = head(self.asked, self.object, choices);
        if self.has_usage {
            chunk["usage"] = usage;
        }
        self.steps.push(wire::event(&chunk));
    }

    fn finish(mut self, answer: &Answer) -> Vec<Step> {
        if self.has_usage {
            self.chunk(&[], usage(self.asked, answer));
        }
        self.steps
    }
}

fn whole(asked: &Asked<'_>, object: &str, choices: &[Value], answer: &Answer) -> Value {
    let mut whole = head(asked, object, choices);
    whole["usage"] = usage(asked, answer);
    whole
}

fn head(asked: &Asked<'_>, object: &str, choices: &[Value]) -> Value {
    let prefix = if object == "text_completion" { "cmpl" } else { "chatcmpl" };
    json!({
        "id": format!("{prefix}-mock-{}", asked.number),
        "object": object,
        "created": CREATED,
        "model": asked.model(),
        "system_fingerprint": "fp_mock",
        "choices": choices,
    })
}

fn usage(asked: &Asked<'_>, answer: &Answer) -> Value {
    let arguments = answer.call.as_ref().map_or("", |call| call.arguments.as_str());
    let completion = (say::tokens(&answer.text) + say::tokens(arguments)) * choices(asked);
    json!({
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": answer.prompt_tokens + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

fn choices(asked: &Asked<'_>) -> u64 {
    asked.body["n"].as_u64().unwrap_or(1).clamp(1, MOST_CHOICES)
}

fn is_streamed(asked: &Asked<'_>) -> bool {
    asked.body["stream"] == true
}
