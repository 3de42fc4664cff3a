//! Writes a stream: one block after another, each begun by the first event of its kind.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use super::super::response::{Block, Input, Message, WireCitation, WireUsage, stop};
use super::super::{OWN, error, tool_id};
use super::complete::Progress;
use crate::dialects::{Encoder, Occasion};
use crate::hub::{Event, FinishReason, Form, Signature, Usage};

/// Writes one answer. An image that a model made has no block here, and log probabilities have no place.
#[derive(Debug)]
pub struct Writer {
    occasion: Occasion,
    is_begun: bool,
    /// An error was the last word.
    is_over: bool,
    /// Index of the block that is open, or of the next one.
    index: u64,
    open: Option<Open>,
    /// What has to wait until the call that is being written is whole: blocks do not interleave.
    waiting: VecDeque<Waiting>,
    usage: Usage,
    finish: Option<FinishReason>,
    has_calls: bool,
    is_refused: bool,
}

/// The block being written.
#[derive(Debug)]
enum Open {
    Text,
    Thinking,
    Call { index: u32, is_custom: bool, progress: Progress },
}

/// An event that waits, and a call's arguments that came meanwhile.
#[derive(Debug)]
struct Waiting {
    event: Event,
    arguments: String,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Data<'a> {
    MessageStart { message: Message<'a> },
    ContentBlockStart { index: u64, content_block: Block<'a> },
    ContentBlockDelta { index: u64, delta: Delta<'a> },
    ContentBlockStop { index: u64 },
    MessageDelta { delta: Ending<'a>, usage: WireUsage<'static> },
    MessageStop {},
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: Cow<'a, str> },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(rename = "citations_delta")]
    Citations { citation: WireCitation<'a> },
}

#[derive(Serialize)]
struct Ending<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
}

impl Data<'_> {
    fn name(&self) -> &'static str {
        match self {
            Data::MessageStart { .. } => "message_start",
            Data::ContentBlockStart { .. } => "content_block_start",
            Data::ContentBlockDelta { .. } => "content_block_delta",
            Data::ContentBlockStop { .. } => "content_block_stop",
            Data::MessageDelta { .. } => "message_delta",
            Data::MessageStop {} => "message_stop",
        }
    }

    fn write(&self, out: &mut BytesMut) {
        let Ok(data) = serde_json::to_vec(self) else { return };
        for piece in [b"event: ", self.name().as_bytes(), b"\ndata: ", &data, b"\n\n"] {
            out.put_slice(piece);
        }
    }
}

impl Encoder for Writer {
    fn encode(&mut self, event: Event, out: &mut BytesMut) {
        if self.is_over {
            return;
        }
        match event {
            Event::Start { id, model } => self.begin(&id, &model, out),
            Event::Usage(usage) => self.usage = usage,
            Event::Finish(reason) => self.finish = Some(reason),
            Event::Error(failure) => {
                out.put_slice(&error::frame(&failure));
                self.is_over = true;
            }
            Event::ServiceTier(_) | Event::Logprobs(_) | Event::Image { .. } => {}
            event => {
                self.begin("", "", out);
                self.take(event, out);
            }
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.is_over {
            return;
        }
        self.begin("", "", out);
        while let Some(waiting) = self.waiting.pop_front() {
            self.write_waiting(waiting, out);
        }
        self.close(out);
        let (stop_reason, stop_sequence) = stop(self.finish.as_ref(), self.has_calls, self.is_refused);
        let delta = Ending { stop_reason, stop_sequence };
        Data::MessageDelta { delta, usage: WireUsage::of(self.usage) }.write(out);
        Data::MessageStop {}.write(out);
    }
}

impl Writer {
    /// Before the first event.
    pub fn new(occasion: Occasion) -> Writer {
        Writer {
            occasion,
            is_begun: false,
            is_over: false,
            index: 0,
            open: None,
            waiting: VecDeque::new(),
            usage: Usage::default(),
            finish: None,
            has_calls: false,
            is_refused: false,
        }
    }

    /// Begins the message, once; what it costs is only known in the end.
    fn begin(&mut self, id: &str, model: &str, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.is_begun, true) {
            Data::MessageStart { message: Message::begin(id, model, &self.occasion) }.write(out);
        }
    }

    /// Writes a piece of content, or lets it wait.
    fn take(&mut self, event: Event, out: &mut BytesMut) {
        if let Event::ToolArguments { index, text } = &event {
            let of_call = |waiting: &&mut Waiting| matches!(waiting.event, Event::ToolCall { index: other, .. } if other == *index);
            match self.waiting.iter_mut().rev().find(of_call) {
                Some(waiting) => waiting.arguments.push_str(text),
                None => self.arguments(*index, text, out),
            }
        } else if self.is_within_a_call() {
            self.wait(event);
        } else {
            self.write(event, out);
        }
        while !self.is_within_a_call() {
            let Some(waiting) = self.waiting.pop_front() else { return };
            self.write_waiting(waiting, out);
        }
    }

    /// Whether a call is being written and more of it is to come.
    fn is_within_a_call(&self) -> bool {
        matches!(&self.open, Some(Open::Call { progress, .. }) if !progress.is_complete())
    }

    fn wait(&mut self, event: Event) {
        match (self.waiting.back_mut().map(|last| &mut last.event), &event) {
            (Some(Event::Text(said)), Event::Text(text)) => said.push_str(text),
            _ => self.waiting.push_back(Waiting { event, arguments: String::new() }),
        }
    }

    fn write_waiting(&mut self, Waiting { event, arguments }: Waiting, out: &mut BytesMut) {
        let index = if let Event::ToolCall { index, .. } = &event { Some(*index) } else { None };
        self.write(event, out);
        index.into_iter().for_each(|index| self.arguments(index, &arguments, out));
    }

    fn write(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Text(text) => self.text(&text, out),
            Event::Refusal(text) => {
                self.is_refused = true;
                self.text(&text, out);
            }
            Event::Citation(citation) if matches!(self.open, Some(Open::Text)) => {
                self.delta(Delta::Citations { citation: WireCitation::of(&citation) }, out);
            }
            Event::TextSignature(signature) => self.whole(Block::signature(&signature), out),
            Event::Reasoning(text) if !text.is_empty() => {
                self.think(out);
                self.delta(Delta::Thinking { thinking: &text }, out);
            }
            Event::ReasoningEnd { signature, .. } => self.end_thinking(signature.as_ref(), out),
            Event::ToolCall { index, id, name, is_custom, signature } => {
                if let Some(signature) = &signature {
                    self.whole(Block::signature(signature), out);
                }
                self.has_calls = true;
                let block = Block::ToolUse { id: tool_id(&id), name: &name, input: Input::Nothing {} };
                self.begin_block(Open::Call { index, is_custom, progress: Progress::default() }, block, out);
                if is_custom {
                    self.delta(Delta::InputJson { partial_json: CUSTOM_BEGIN.into() }, out);
                }
            }
            // A source of no text; and all else is not content.
            _ => {}
        }
    }

    fn text(&mut self, text: &str, out: &mut BytesMut) {
        if text.is_empty() {
            return;
        }
        if !matches!(self.open, Some(Open::Text)) {
            self.begin_block(Open::Text, Block::Text { text: "", citations: Vec::new() }, out);
        }
        self.delta(Delta::Text { text }, out);
    }

    fn think(&mut self, out: &mut BytesMut) {
        if !matches!(self.open, Some(Open::Thinking)) {
            self.begin_block(Open::Thinking, Block::Thinking { thinking: "", signature: "".into() }, out);
        }
    }

    /// A signature ends the block that it signs; one of nothing visible is a block of its own.
    fn end_thinking(&mut self, signature: Option<&Signature>, out: &mut BytesMut) {
        let is_open = matches!(self.open, Some(Open::Thinking));
        if let Some(signature) = signature {
            if !is_open && signature.form == Form::Encrypted {
                return self.whole(Block::signature(signature), out);
            }
            self.think(out);
            self.delta(Delta::Signature { signature: signature.within(OWN) }, out);
        }
        if is_open || signature.is_some() {
            self.close(out);
        }
    }

    /// A piece of what the open call is called with. There is no room for what comes for a call that is whole.
    fn arguments(&mut self, index: u32, text: &str, out: &mut BytesMut) {
        let Some(Open::Call { index: open, is_custom, progress }) = &mut self.open else { return };
        if *open != index || text.is_empty() {
            return;
        }
        let partial_json = if *is_custom {
            escaped(text).into()
        } else {
            progress.take(text);
            text.into()
        };
        self.delta(Delta::InputJson { partial_json }, out);
    }

    fn begin_block(&mut self, open: Open, content_block: Block<'_>, out: &mut BytesMut) {
        self.close(out);
        Data::ContentBlockStart { index: self.index, content_block }.write(out);
        self.open = Some(open);
    }

    fn delta(&self, delta: Delta<'_>, out: &mut BytesMut) {
        Data::ContentBlockDelta { index: self.index, delta }.write(out);
    }

    /// A block without deltas.
    fn whole(&mut self, content_block: Block<'_>, out: &mut BytesMut) {
        self.close(out);
        Data::ContentBlockStart { index: self.index, content_block }.write(out);
        self.end_block(out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        let Some(open) = self.open.take() else { return };
        if matches!(open, Open::Call { is_custom: true, .. }) {
            self.delta(Delta::InputJson { partial_json: CUSTOM_END.into() }, out);
        }
        self.end_block(out);
    }

    fn end_block(&mut self, out: &mut BytesMut) {
        Data::ContentBlockStop { index: self.index }.write(out);
        self.index += 1;
    }
}

/// A custom tool's text, as the only member of an object.
const CUSTOM_BEGIN: &str = "{\"input\":\"";
const CUSTOM_END: &str = "\"}";

/// `text` as it stands within a JSON string.
fn escaped(text: &str) -> String {
    let quoted = crate::dialects::json::quote(text);
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}
