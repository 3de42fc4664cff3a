//! Reads a stream. A whole reply is read with it too, as a stream of whole blocks.

use serde_json::Value as Json;

use super::super::response::{Counts, read_citation, read_ending};
use super::super::{OWN, error};
use crate::dialects::members::{Members, Value};
use crate::dialects::sse::Frame;
use crate::dialects::{Decoder, DialectError};
use crate::hub::{Event, Form, Signature};

/// Reads one answer.
#[derive(Debug, Default)]
pub struct Reader {
    id: String,
    /// Tools called so far.
    calls: u32,
    counts: Counts,
    tier: Option<String>,
    /// Blocks that have begun, by their index. There is never more than one, except from servers that interleave calls.
    blocks: Vec<(u64, Block)>,
}

#[derive(Debug)]
enum Block {
    Text,
    Thinking {
        /// It said something.
        has_text: bool,
        signature: Option<Signature>,
    },
    Call {
        index: u32,
        /// What it was called with at its beginning: said at its end, if nothing else was.
        input: Option<String>,
    },
    /// A tool that Anthropic runs itself, and what came of it.
    Nothing,
}

impl Decoder for Reader {
    fn decode(&mut self, frame: &Frame, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let data = frame.data();
        // Some who imitate Anthropic end like OpenAI.
        if data.trim_ascii().is_empty() || data.starts_with(b"[DONE]") {
            return Ok(());
        }
        let no_event = |_| DialectError::Malformed("an event of the stream is no JSON object".to_owned());
        let mut members = Members::of_body(&data).map_err(no_event)?;
        let kind = members.text("type")?.unwrap_or_default();
        match kind.as_str() {
            "message_start" => {
                if let Some(mut message) = members.object("message")? {
                    self.begin(&mut message, events);
                }
            }
            "content_block_start" => {
                let block = members.required("content_block")?;
                self.open(index(&mut members)?, &block, events)?;
            }
            "content_block_delta" => {
                let delta = members.required("delta")?.object()?;
                self.delta(index(&mut members)?, delta, events)?;
            }
            "content_block_stop" => self.close(index(&mut members)?, events),
            "message_delta" => {
                self.count(members.take("usage"), events);
                if let Some(mut delta) = members.object("delta")? {
                    self.finish(&mut delta, events)?;
                }
            }
            "message_stop" => self.close_all(events),
            _ => events.extend(members.take("error").map(|error| Event::Error(error::read(error.raw.get())))),
        }
        Ok(())
    }
}

/// Servers that imitate Anthropic leave it out where there is but one block.
fn index(members: &mut Members<'_>) -> Result<u64, DialectError> {
    Ok(members.get("index", "a number")?.unwrap_or(0))
}

impl Reader {
    /// A message begins: who made it, and what it cost so far.
    pub(in super::super) fn begin(&mut self, message: &mut Members<'_>, events: &mut Vec<Event>) {
        let mut text = |name: &str| message.text(name).ok().flatten().unwrap_or_default();
        let (id, model) = (text("id"), text("model"));
        self.id.clone_from(&id);
        events.push(Event::Start { id, model });
        self.count(message.take("usage"), events);
    }

    fn count(&mut self, usage: Option<Value<'_>>, events: &mut Vec<Event>) {
        let Some(usage) = usage.and_then(|usage| serde_json::from_str::<Json>(usage.raw.get()).ok()) else { return };
        if let Some(counts) = Counts::read(&usage) {
            self.counts.update(counts);
            events.push(Event::Usage(self.counts.usage()));
        }
        let tier = usage.get("service_tier").and_then(Json::as_str);
        if let Some(tier) = tier.filter(|tier| self.tier.as_deref() != Some(*tier)) {
            self.tier = Some(tier.to_owned());
            events.push(Event::ServiceTier(tier.to_owned()));
        }
    }

    /// A block begins, perhaps with all that is in it.
    pub(in super::super) fn open(&mut self, index: u64, block: &Value<'_>, events: &mut Vec<Event>) -> Result<(), DialectError> {
        self.close(index, events);
        self.close_where(|block| !matches!(block, Block::Call { .. }), events);
        let mut members = block.object()?;
        let kind = members.text("type")?.unwrap_or_default();
        let begun = match kind.as_str() {
            "text" => {
                say(members.text("text")?, events);
                for citation in members.list("citations")? {
                    events.push(Event::Citation(read_citation(&citation)?));
                }
                Block::Text
            }
            "thinking" => {
                let has_text = think(members.text("thinking")?, events);
                Block::Thinking { has_text, signature: signed(members.text("signature")?) }
            }
            "redacted_thinking" => {
                let data = members.text("data")?.unwrap_or_default();
                events.push(Event::ReasoningEnd { signature: Some(Signature::new(OWN, Form::Encrypted, data)), id: None });
                Block::Nothing
            }
            "tool_use" => self.call(members, events)?,
            _ => Block::Nothing,
        };
        self.blocks.push((index, begun));
        Ok(())
    }

    fn call(&mut self, mut members: Members<'_>, events: &mut Vec<Event>) -> Result<Block, DialectError> {
        let index = self.calls;
        self.calls += 1;
        let id = members.text("id")?.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("{}call_{index}", self.id));
        let name = members.required_text("name")?;
        events.push(Event::ToolCall { index, id, name, is_custom: false, signature: None });
        let input = members.take("input").map_or_else(|| "{}".to_owned(), |input| input.raw.get().to_owned());
        Ok(Block::Call { index, input: Some(input) })
    }

    fn delta(&mut self, index: u64, mut delta: Members<'_>, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let block = self.blocks.iter_mut().find(|(other, _)| *other == index).map(|(_, block)| block);
        if matches!(block, Some(Block::Nothing)) {
            return Ok(());
        }
        let kind = delta.text("type")?.unwrap_or_default();
        match (kind.as_str(), block) {
            ("text_delta", _) => say(delta.text("text")?, events),
            ("citations_delta", _) => {
                if let Some(citation) = delta.take("citation") {
                    events.push(Event::Citation(read_citation(&citation)?));
                }
            }
            ("input_json_delta", Some(Block::Call { index, input })) => {
                if let Some(text) = delta.text("partial_json")?.filter(|text| !text.is_empty()) {
                    *input = None;
                    events.push(Event::ToolArguments { index: *index, text });
                }
            }
            ("input_json_delta", _) => {
                return Err(DialectError::Malformed(format!("the stream has a tool's input in block {index}, which is none")));
            }
            ("thinking_delta", Some(Block::Thinking { has_text, .. })) => *has_text |= think(delta.text("thinking")?, events),
            ("signature_delta", Some(Block::Thinking { signature, .. })) => *signature = signed(delta.text("signature")?),
            // A block that was never begun.
            ("thinking_delta", None) => {
                let has_text = think(delta.text("thinking")?, events);
                self.blocks.push((index, Block::Thinking { has_text, signature: None }));
            }
            ("signature_delta", None) => {
                self.blocks.push((index, Block::Thinking { has_text: false, signature: signed(delta.text("signature")?) }));
            }
            ("thinking_delta", Some(_)) => {
                think(delta.text("thinking")?, events);
            }
            _ => {}
        }
        Ok(())
    }

    /// A block is whole; nothing, if there is none.
    pub(in super::super) fn close(&mut self, index: u64, events: &mut Vec<Event>) {
        if let Some(at) = self.blocks.iter().position(|(other, _)| *other == index) {
            let (_, block) = self.blocks.remove(at);
            end(block, events);
        }
    }

    fn close_all(&mut self, events: &mut Vec<Event>) {
        self.close_where(|_| true, events);
    }

    fn close_where(&mut self, is_over: impl Fn(&Block) -> bool, events: &mut Vec<Event>) {
        for (_, block) in self.blocks.extract_if(.., |(_, block)| is_over(block)) {
            end(block, events);
        }
    }

    /// The message ends, if it says why.
    pub(in super::super) fn finish(&mut self, ending: &mut Members<'_>, events: &mut Vec<Event>) -> Result<(), DialectError> {
        self.close_all(events);
        events.extend(read_ending(ending)?);
        Ok(())
    }
}

fn end(block: Block, events: &mut Vec<Event>) {
    match block {
        Block::Thinking { has_text: false, signature: None } => {}
        Block::Thinking { signature, .. } => events.push(Event::ReasoningEnd { signature, id: None }),
        Block::Call { index, input: Some(text) } => events.push(Event::ToolArguments { index, text }),
        Block::Call { input: None, .. } | Block::Text | Block::Nothing => {}
    }
}

fn say(text: Option<String>, events: &mut Vec<Event>) {
    events.extend(text.filter(|text| !text.is_empty()).map(Event::Text));
}

/// Whether there was something to say.
fn think(text: Option<String>, events: &mut Vec<Event>) -> bool {
    let text = text.filter(|text| !text.is_empty());
    let is_some = text.is_some();
    events.extend(text.map(Event::Reasoning));
    is_some
}

fn signed(signature: Option<String>) -> Option<Signature> {
    signature.filter(|signature| !signature.is_empty()).map(|signature| Signature::new(OWN, Form::Signed, signature))
}
