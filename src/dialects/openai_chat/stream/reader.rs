//! Reads a stream. A whole reply is read with it too, as a stream of one chunk.

use serde_json::Value;

use super::super::wire::{ExtraContent, citation};
use super::super::{reasoning, usage};
use super::DONE;
use super::calls::{Calls, Piece};
use crate::dialects::data_url::DataUrl;
use crate::dialects::members::Members;
use crate::dialects::sse::Frame;
use crate::dialects::{Decoder, DialectError};
use crate::hub::{ApiError, Citation, Event, FinishReason, Raw};

/// Reads one answer, the first of several.
#[derive(Debug, Default)]
pub struct Reader {
    id: String,
    is_begun: bool,
    is_finished: bool,
    /// Reasoning comes as a text of its own, so that details only repeat it.
    has_plain_reasoning: bool,
    /// The whole answer's sources were told.
    is_sourced: bool,
    tier: String,
    calls: Calls,
}

/// Where something stands in a chunk.
enum Step {
    Member(&'static str),
    Item(usize),
}

/// One choice, and where it stands.
struct Choice<'a> {
    /// The chunk's bytes, for what must be carried as it was written.
    data: &'a [u8],
    position: usize,
    value: &'a Value,
    /// `delta`, or `message`.
    member: &'static str,
}

impl Decoder for Reader {
    fn decode(&mut self, frame: &Frame, events: &mut Vec<Event>) -> Result<(), DialectError> {
        self.read(&frame.data(), events)
    }
}

impl Reader {
    /// Reads the data of one frame.
    pub(super) fn read(&mut self, data: &[u8], events: &mut Vec<Event>) -> Result<(), DialectError> {
        if data.trim_ascii().is_empty() {
            return Ok(());
        }
        if data.starts_with(DONE) {
            self.end(events);
            return Ok(());
        }
        let value = serde_json::from_slice(data).map_err(|error| DialectError::Malformed(format!("a chunk is no JSON: {error}")))?;
        self.chunk(data, &value, events);
        Ok(())
    }

    /// Reads a chunk, or a whole reply.
    pub(in super::super) fn chunk(&mut self, data: &[u8], value: &Value, events: &mut Vec<Event>) {
        events.extend(ApiError::from_value(value).map(Event::Error));
        let choices = value["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.begin(value, !choices.is_empty(), events);
        if let Some((position, choice)) = choices.iter().enumerate().find(|(_, choice)| choice["index"].as_u64().unwrap_or(0) == 0) {
            // Some send whole messages in a stream.
            let member = if choice["delta"].is_object() { "delta" } else { "message" };
            self.choice(&Choice { data, position, value: choice, member }, value, events);
        }
        if let Some(tier) = text(&value["service_tier"]).filter(|tier| *tier != self.tier) {
            self.tier.clone_from(&tier);
            events.push(Event::ServiceTier(tier));
        }
        events.extend(usage::of(value).map(Event::Usage));
    }

    /// The answer is complete. Some do not say why where tools are to be called.
    pub(in super::super) fn end(&mut self, events: &mut Vec<Event>) {
        if !self.is_finished && !self.calls.is_empty() {
            self.is_finished = true;
            events.push(Event::Finish(FinishReason::ToolCalls));
        }
    }

    /// The first chunk that has an id, a model or a choice: Azure's first has none of them.
    fn begin(&mut self, value: &Value, has_choice: bool, events: &mut Vec<Event>) {
        if self.is_begun {
            return;
        }
        let (id, model) = (text(&value["id"]), text(&value["model"]));
        if id.is_none() && model.is_none() && !has_choice {
            return;
        }
        self.is_begun = true;
        self.id = id.unwrap_or_default();
        events.push(Event::Start { id: self.id.clone(), model: model.unwrap_or_default() });
    }

    fn choice(&mut self, choice: &Choice<'_>, whole: &Value, events: &mut Vec<Event>) {
        let delta = choice.delta();
        self.reasoning(delta, events);
        content(delta, events);
        events.extend(text(&choice.value["text"]).map(Event::Text));
        events.extend(list(&delta["annotations"]).iter().filter_map(citation).map(Event::Citation));
        self.sources(whole, delta, events);
        events.extend(ExtraContent::read(&delta["extra_content"]).map(Event::TextSignature));
        events.extend(text(&delta["refusal"]).map(Event::Refusal));
        list(&delta["images"]).iter().for_each(|image| events.extend(read_image(image)));
        for position in 0..list(&delta["tool_calls"]).len() {
            self.calls.take(choice.call(position), &self.id, events);
        }
        if delta["function_call"].is_object() {
            self.calls.take(choice.function_call(), &self.id, events);
        }
        events.extend(choice.logprobs().map(Event::Logprobs));
        self.finish(choice.value, events);
    }

    /// Details have what the text has, and a signature perhaps.
    fn reasoning(&mut self, delta: &Value, events: &mut Vec<Event>) {
        let plain = ["reasoning_content", "reasoning", "reasoning_text"].iter().find_map(|member| text(&delta[member]));
        let thoughts = reasoning::read(list(&delta["reasoning_details"]));
        let is_signed = thoughts.iter().any(|thought| thought.signature.is_some());
        let is_told = is_signed && thoughts.iter().any(|thought| !thought.text.is_empty());
        let had_plain = self.has_plain_reasoning;
        self.has_plain_reasoning |= plain.is_some();
        if let Some(plain) = plain.filter(|_| had_plain || !is_told) {
            events.push(Event::Reasoning(plain));
        }
        for thought in thoughts {
            let is_new = if is_signed { !had_plain } else { !self.has_plain_reasoning };
            events.extend(Some(thought.text).filter(|text| is_new && !text.is_empty()).map(Event::Reasoning));
            if is_signed {
                events.push(Event::ReasoningEnd { signature: thought.signature, id: thought.id });
            }
        }
    }

    /// Perplexity names the sources of the whole answer beside it, again in each chunk.
    fn sources(&mut self, whole: &Value, delta: &Value, events: &mut Vec<Event>) {
        if self.is_sourced || text(&delta["content"]).is_none() {
            return;
        }
        let results: Vec<Citation> = list(&whole["search_results"]).iter().filter_map(citation).collect();
        let addresses = || list(&whole["citations"]).iter().filter_map(text).map(|url| Citation { url: Some(url), ..Citation::default() });
        let sources = if results.is_empty() { addresses().collect() } else { results };
        self.is_sourced = !sources.is_empty();
        events.extend(sources.into_iter().map(Event::Citation));
    }

    fn finish(&mut self, choice: &Value, events: &mut Vec<Event>) {
        let Some(word) = text(&choice["finish_reason"]) else { return };
        let reason = match FinishReason::from_openai(&word) {
            FinishReason::Stop if !self.calls.is_empty() => FinishReason::ToolCalls,
            FinishReason::Stop => stopped_by(&choice["stop_reason"]).map_or(FinishReason::Stop, FinishReason::StopSequence),
            other => other,
        };
        self.is_finished = true;
        events.push(Event::Finish(reason));
    }
}

impl<'a> Choice<'a> {
    fn delta(&self) -> &'a Value {
        &self.value[self.member]
    }

    fn call(&self, position: usize) -> Piece {
        let call = &self.delta()["tool_calls"][position];
        let is_custom = call["custom"].is_object();
        let (kind, member) = if is_custom { ("custom", "input") } else { ("function", "arguments") };
        let path = [Step::Member("tool_calls"), Step::Item(position), Step::Member(kind), Step::Member(member)];
        Piece {
            place: call["index"].as_u64(),
            id: text(&call["id"]).unwrap_or_default(),
            name: text(&call[kind]["name"]).unwrap_or_default(),
            arguments: self.arguments(&call[kind][member], path),
            is_custom,
            signature: ExtraContent::read(&call["extra_content"]),
        }
    }

    /// The only call of an answer, in OpenAI's older words.
    fn function_call(&self) -> Piece {
        let call = &self.delta()["function_call"];
        let arguments = self.arguments(&call["arguments"], [Step::Member("function_call"), Step::Member("arguments")]);
        Piece { name: text(&call["name"]).unwrap_or_default(), arguments, ..Piece::default() }
    }

    /// A text; from some vendors an object, which is carried as it was written.
    fn arguments(&self, value: &Value, path: impl IntoIterator<Item = Step>) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            _ => self.raw([Step::Member(self.member)].into_iter().chain(path)).map_or_else(String::new, |raw| raw.text().to_owned()),
        }
    }

    fn logprobs(&self) -> Option<Raw> {
        if list(&self.value["logprobs"]["content"]).is_empty() {
            return None;
        }
        self.raw([Step::Member("logprobs"), Step::Member("content")])
    }

    /// What stands at `path` within the choice, as it was written.
    fn raw(&self, path: impl IntoIterator<Item = Step>) -> Option<Raw> {
        let mut value = Members::of_body(self.data).ok()?.take("choices")?;
        for step in std::iter::once(Step::Item(self.position)).chain(path) {
            value = match step {
                Step::Member(name) => value.object().ok()?.take(name)?,
                Step::Item(index) => value.list().ok()?.into_iter().nth(index)?,
            };
        }
        Some(value.raw.into())
    }
}

/// A text, or a list as Mistral has it.
fn content(delta: &Value, events: &mut Vec<Event>) {
    let content = &delta["content"];
    events.extend(text(content).map(Event::Text));
    for item in list(content) {
        match item["type"].as_str() {
            Some("thinking") => {
                events.extend(text(&item["thinking"]).map(Event::Reasoning));
                events.extend(list(&item["thinking"]).iter().filter_map(|piece| text(&piece["text"])).map(Event::Reasoning));
            }
            Some("image_url") => events.extend(read_image(item)),
            Some("refusal") => events.extend(text(&item["refusal"]).map(Event::Refusal)),
            _ => events.extend(text(&item["text"]).map(Event::Text)),
        }
    }
}

/// The stop sequence that vLLM names; others name their own word for the end of a turn.
fn stopped_by(reason: &Value) -> Option<String> {
    const WORDS: [&str; 5] = ["stop", "eos", "eos_token", "end_turn", "stop_sequence"];
    text(reason).filter(|text| !WORDS.contains(&text.as_str()))
}

/// An image within the message; one that is elsewhere cannot be shown.
fn read_image(image: &Value) -> Option<Event> {
    let DataUrl { media_type, data } = DataUrl::read(image["image_url"]["url"].as_str()?)?;
    Some(Event::Image { media_type: media_type.to_owned(), data: data.to_owned() })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
