//! A stream of an upstream.

use crate::dialects::members::Members;
use crate::dialects::openai_responses::error;
use crate::dialects::openai_responses::response::{ItemReader, Said, Thoughts, conclude, read_logprobs};
use crate::dialects::sse::Frame;
use crate::dialects::{Decoder, DialectError};
use crate::hub::Event;

/// Reads a stream. An item is told as it comes, and what of it did not come in pieces when it is done.
#[derive(Debug, Default)]
pub struct Reader {
    items: ItemReader,
    /// Items so far, by their place in the output. Few: looked through from behind.
    told: Vec<(u64, Said)>,
    is_started: bool,
    is_over: bool,
}

impl Decoder for Reader {
    fn decode(&mut self, frame: &Frame, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let data = frame.data();
        let data = data.trim_ascii();
        // OpenAI sends no terminator; servers that imitate it do.
        if data.is_empty() || data.starts_with(b"[DONE]") {
            return Ok(());
        }
        let mut members = Members::of_body(data)?;
        match members.text("type")? {
            Some(kind) => self.event(&kind, members, events),
            None => {
                if members.has("error") {
                    events.push(Event::Error(error::read_event(&mut members)));
                }
                Ok(())
            }
        }
    }
}

impl Reader {
    fn event(&mut self, kind: &str, mut members: Members<'_>, events: &mut Vec<Event>) -> Result<(), DialectError> {
        match kind {
            "response.created" | "response.queued" | "response.in_progress" => {
                let response = members.object("response")?;
                response.map_or(Ok(()), |mut response| self.start(&mut response, events))
            }
            "response.completed" => self.end(members, "completed", events),
            "response.incomplete" => self.end(members, "incomplete", events),
            "response.failed" | "response.cancelled" => self.end(members, "failed", events),
            "error" => {
                events.push(Event::Error(error::read_event(&mut members)));
                Ok(())
            }
            "response.output_item.added" => self.added(members, events),
            "response.output_item.done" => {
                let Some(item) = members.object("item")? else { return Ok(()) };
                let (items, said) = self.place(&mut members)?;
                items.item(item, said, events)
            }
            _ => self.piece(kind, members, events),
        }
    }

    fn start(&mut self, response: &mut Members<'_>, events: &mut Vec<Event>) -> Result<(), DialectError> {
        if !std::mem::replace(&mut self.is_started, true) {
            let id = response.text("id")?.unwrap_or_default();
            self.items.response.clone_from(&id);
            events.push(Event::Start { id, model: response.text("model")?.unwrap_or_default() });
        }
        Ok(())
    }

    /// The item that an event is about.
    fn place(&mut self, members: &mut Members<'_>) -> Result<(&mut ItemReader, &mut Said), DialectError> {
        let place = members.get("output_index", "a whole number")?.unwrap_or(0);
        let at = match self.told.iter().rposition(|(other, _)| *other == place) {
            Some(at) => at,
            None => {
                // From now on it is too late for a start.
                self.is_started = true;
                self.told.push((place, Said::default()));
                self.told.len() - 1
            }
        };
        Ok((&mut self.items, &mut self.told[at].1))
    }

    /// An item begins; whatever stood at its place is done. Some servers announce nothing.
    fn added(&mut self, mut members: Members<'_>, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let Some(mut item) = members.object("item")? else { return Ok(()) };
        let place = members.get("output_index", "a whole number")?.unwrap_or(0);
        self.is_started = true;
        let mut said = Said::default();
        let kind = item.text("type")?;
        // Without a name it is told when it is whole.
        if item.has("name") {
            match kind.as_deref() {
                Some("function_call") => self.items.announce(&mut item, false, &mut said, events)?,
                Some("custom_tool_call") => self.items.announce(&mut item, true, &mut said, events)?,
                _ => {}
            }
        }
        self.told.push((place, said));
        Ok(())
    }

    /// A piece of an item. Events that are not known are ignored.
    fn piece(&mut self, kind: &str, mut members: Members<'_>, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let kind = kind.strip_prefix("response.").unwrap_or(kind);
        let known = PIECES.iter().find(|(name, ..)| *name == kind);
        let Some((_, member, piece)) = known else { return Ok(()) };
        let index_name = if *piece == Piece::Summary { "summary_index" } else { "content_index" };
        let index = members.get(index_name, "a whole number")?.unwrap_or(0);
        let value = members.take(member);
        let logprobs = members.take("logprobs");
        let (items, said) = self.place(&mut members)?;
        let Some(value) = value.filter(|_| !said.is_done) else { return Ok(()) };
        let is_delta = *member == "delta";
        match piece {
            Piece::Text | Piece::Refusal if is_delta => items.say(index, &value.text()?, *piece == Piece::Text, said, events),
            Piece::Text | Piece::Refusal => items.rest(index, &value.text()?, *piece == Piece::Text, said, events),
            Piece::Content | Piece::Summary => {
                let list = if *piece == Piece::Content { Thoughts::Content } else { Thoughts::Summary };
                match is_delta {
                    true => items.think(index, &value.text()?, list, said, events),
                    false => items.think_rest(index, &value.text()?, list, said, events),
                }
            }
            Piece::Call if is_delta => items.call_more(&value.text()?, said, events),
            Piece::Call => items.call_rest(&value.text()?, said, events),
            Piece::Annotation => items.annotation(&value, said, events)?,
            Piece::Whole => items.piece(index, value.object()?, said, events)?,
        }
        if is_delta && *piece == Piece::Text {
            events.extend(logprobs.and_then(|list| read_logprobs(&list)));
        }
        Ok(())
    }

    fn end(&mut self, mut members: Members<'_>, status: &str, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let Some(mut response) = members.object("response")? else {
            return Err(DialectError::Missing { path: members.path_of("response") });
        };
        if std::mem::replace(&mut self.is_over, true) {
            return Ok(());
        }
        self.start(&mut response, events)?;
        // A server that streams nothing but the end. Where items did come they count: places need not agree.
        if self.told.is_empty() {
            for item in response.list("output")? {
                self.items.item(item.object()?, &mut Said::default(), events)?;
            }
        }
        conclude(response, Some(status), self.items.calls > 0, events)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Text,
    Refusal,
    Summary,
    Content,
    Call,
    Annotation,
    Whole,
}

/// Events that bring a piece of an item: their names, which member brings it, and what it is.
const PIECES: [(&str, &str, Piece); 14] = [
    ("output_text.delta", "delta", Piece::Text),
    ("function_call_arguments.delta", "delta", Piece::Call),
    ("reasoning_summary_text.delta", "delta", Piece::Summary),
    ("reasoning_text.delta", "delta", Piece::Content),
    ("refusal.delta", "delta", Piece::Refusal),
    ("custom_tool_call_input.delta", "delta", Piece::Call),
    ("output_text.annotation.added", "annotation", Piece::Annotation),
    ("output_text.done", "text", Piece::Text),
    ("refusal.done", "refusal", Piece::Refusal),
    ("reasoning_summary_text.done", "text", Piece::Summary),
    ("reasoning_text.done", "text", Piece::Content),
    ("function_call_arguments.done", "arguments", Piece::Call),
    ("custom_tool_call_input.done", "input", Piece::Call),
    ("content_part.done", "part", Piece::Whole),
];
