//! A stream, as the [framer](super::eventstream) hands it out.

use super::response::{citation, encrypted, ending, finish, picture, signed, start, tool_call};
use super::{error, look};
use crate::dialects::members::Members;
use crate::dialects::sse::Frame;
use crate::dialects::{Decoder, DialectError};
use crate::hub::{Event, Signature};

/// Reads one stream. Blocks come one after the other and text has no beginning of its own; a block that begins before the
/// one before it has ended is understood all the same.
#[derive(Debug, Default)]
pub struct Stream {
    /// Tool calls so far, by their position in the answer.
    calls: Vec<Call>,
    /// Reasoning that has not ended.
    thought: Option<Thought>,
    /// Format of the image whose block began last.
    image_format: String,
}

#[derive(Debug)]
struct Call {
    block: u64,
    /// No arguments came so far.
    is_empty: bool,
}

#[derive(Debug)]
struct Thought {
    block: u64,
    signature: Option<Signature>,
}

impl Decoder for Stream {
    fn decode(&mut self, frame: &Frame, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let data = frame.data();
        let members = || Members::of_body(&data);
        match look::name(frame.bytes()) {
            b"messageStart" => events.push(start()),
            b"contentBlockStart" => self.begin(members()?, events)?,
            b"contentBlockDelta" => self.go_on(members()?, events)?,
            b"contentBlockStop" => self.stop(place(&mut members()?)?, events),
            b"messageStop" => {
                self.end_thought(events);
                self.calls.iter_mut().enumerate().for_each(|(index, call)| call.end(index, events));
                events.extend(finish(&mut members()?)?);
            }
            b"metadata" => ending(&mut members()?, events),
            b"exception" => events.extend(error::read(&mut members()?)?.map(Event::Error)),
            // Other events, and comments.
            _ => {}
        }
        Ok(())
    }
}

impl Stream {
    fn begin(&mut self, mut members: Members<'_>, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let block = place(&mut members)?;
        self.end_thought(events);
        let Some(mut start) = members.object("start")? else { return Ok(()) };
        if let Some(mut call) = start.object("toolUse")? {
            events.push(tool_call(&mut call, self.calls.len() as u32)?);
            self.calls.push(Call { block, is_empty: true });
        }
        if let Some(mut image) = start.object("image")? {
            self.image_format = image.text("format")?.unwrap_or_default();
        }
        Ok(())
    }

    fn go_on(&mut self, mut members: Members<'_>, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let block = place(&mut members)?;
        if self.thought.as_ref().is_some_and(|thought| thought.block != block) {
            self.end_thought(events);
        }
        let Some(mut delta) = members.object("delta")? else { return Ok(()) };
        events.extend(delta.text("text")?.filter(|text| !text.is_empty()).map(Event::Text));
        if let Some(mut call) = delta.object("toolUse")? {
            self.add_arguments(block, call.text("input")?.unwrap_or_default(), events)?;
        }
        if let Some(mut reasoning) = delta.object("reasoningContent")? {
            let thought = self.thought.get_or_insert(Thought { block, signature: None });
            events.extend(reasoning.text("text")?.filter(|text| !text.is_empty()).map(Event::Reasoning));
            let signature = reasoning.text("signature")?.map(signed);
            let signature = signature.or(reasoning.text("redactedContent")?.map(encrypted));
            thought.add(signature);
        }
        if let Some(told) = delta.object("citation")? {
            events.push(Event::Citation(citation(told)?));
        }
        // [?] One delta is taken to hold a whole image.
        if let Some(mut image) = delta.object("image")? {
            events.extend(picture(&mut image, &self.image_format)?);
        }
        Ok(())
    }

    fn add_arguments(&mut self, block: u64, text: String, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let Some(index) = self.calls.iter().rposition(|call| call.block == block) else {
            return Err(DialectError::Malformed("the input of a tool call came before the call".to_owned()));
        };
        if !text.is_empty() {
            self.calls[index].is_empty = false;
            events.push(Event::ToolArguments { index: index as u32, text });
        }
        Ok(())
    }

    fn stop(&mut self, block: u64, events: &mut Vec<Event>) {
        self.end_thought(events);
        if let Some((index, call)) = self.calls.iter_mut().enumerate().rfind(|(_, call)| call.block == block) {
            call.end(index, events);
        }
    }

    fn end_thought(&mut self, events: &mut Vec<Event>) {
        events.extend(self.thought.take().map(|thought| Event::ReasoningEnd { signature: thought.signature, id: None }));
    }
}

impl Call {
    /// A tool that takes nothing gets no input in a stream, and `{}` in a whole reply.
    fn end(&mut self, index: usize, events: &mut Vec<Event>) {
        if std::mem::take(&mut self.is_empty) {
            events.push(Event::ToolArguments { index: index as u32, text: "{}".to_owned() });
        }
    }
}

impl Thought {
    /// Signatures come whole; should one come in pieces, they belong together.
    fn add(&mut self, piece: Option<Signature>) {
        match (&mut self.signature, piece) {
            (Some(known), Some(more)) => known.data.push_str(&more.data),
            (known @ None, more) => *known = more,
            (Some(_), None) => {}
        }
    }
}

/// Which block an event is about.
fn place(members: &mut Members<'_>) -> Result<u64, DialectError> {
    Ok(members.get("contentBlockIndex", "a number")?.unwrap_or(0))
}
