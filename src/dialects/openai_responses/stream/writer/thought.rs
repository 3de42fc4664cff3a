//! Reasoning, and what stands as reasoning because it has no other place.

use super::{Open, Writer};
use crate::dialects::openai_responses::response::{Item, Summary};
use crate::dialects::openai_responses::stream::frames::{Body, Part, Sink};
use crate::dialects::openai_responses::{MADE_REASONING, OWN, SIGNS_CALL, SIGNS_TEXT};
use crate::hub::Signature;

/// A piece of reasoning that is open: some of it was said.
#[derive(Debug)]
pub(super) struct Thinking {
    id: String,
    text: String,
}

impl Writer {
    pub(super) fn think(&mut self, delta: &str, sink: &mut Sink<'_>) {
        if delta.is_empty() {
            return;
        }
        if !matches!(self.open, Some(Open::Thought(_))) {
            self.begin_thought(sink);
        }
        let place = Some(self.place());
        let Some(Open::Thought(Thinking { id, text })) = &mut self.open else { return };
        text.push_str(delta);
        let body = summary_body("response.reasoning_summary_text.delta", id, place);
        self.frames.write(Body { delta: Some(delta), ..body }, sink);
    }

    fn begin_thought(&mut self, sink: &mut Sink<'_>) {
        self.settle(sink);
        let (id, place) = (self.item_id(MADE_REASONING), Some(self.place()));
        self.add_item(&Item::Reasoning { id: &id, summary: &[], encrypted_content: None }, sink);
        let body = summary_body("response.reasoning_summary_part.added", &id, place);
        self.frames.write(Body { part: Some(Part::Summary(Summary::of(""))), ..body }, sink);
        self.open = Some(Open::Thought(Thinking { id, text: String::new() }));
    }

    /// A signature that ends no words is a thought of its own.
    pub(super) fn end_thinking(&mut self, signature: Option<&Signature>, id: Option<String>, sink: &mut Sink<'_>) {
        // OpenAI takes back what it encrypted under the name it gave it, or under none.
        let own_id = id.filter(|_| signature.is_some_and(|signature| signature.of(OWN).is_some()));
        let encrypted = signature.map(|signature| signature.within(OWN));
        match self.open.take() {
            Some(Open::Thought(thinking)) => self.close_thought(thinking, encrypted.as_deref(), own_id, sink),
            open => {
                self.open = open;
                if let Some(encrypted) = encrypted {
                    self.hidden(&encrypted, own_id, sink);
                }
            }
        }
    }

    /// The id of an item is in the frame that began it, so only where nobody sees frames can it become another one.
    pub(super) fn close_thought(&mut self, thinking: Thinking, encrypted: Option<&str>, own_id: Option<String>, sink: &mut Sink<'_>) {
        let Thinking { id, text } = thinking;
        let id = own_id.filter(|_| self.is_silent).unwrap_or(id);
        let (place, summary) = (Some(self.place()), Summary::of(&text));
        let body = summary_body("response.reasoning_summary_text.done", &id, place);
        self.frames.write(Body { text: Some(&text), ..body }, sink);
        let body = summary_body("response.reasoning_summary_part.done", &id, place);
        self.frames.write(Body { part: Some(Part::Summary(summary)), ..body }, sink);
        self.end_item(&Item::Reasoning { id: &id, summary: &[summary], encrypted_content: encrypted }, sink);
    }

    /// A thought without words.
    fn hidden(&mut self, encrypted: &str, own_id: Option<String>, sink: &mut Sink<'_>) {
        self.settle(sink);
        let id = own_id.unwrap_or_else(|| self.item_id(MADE_REASONING));
        self.add_item(&Item::Reasoning { id: &id, summary: &[], encrypted_content: None }, sink);
        self.end_item(&Item::Reasoning { id: &id, summary: &[], encrypted_content: Some(encrypted) }, sink);
    }

    /// Its call comes next.
    pub(super) fn signature_of_call(&mut self, signature: &Signature, sink: &mut Sink<'_>) {
        self.hidden(&format!("{SIGNS_CALL}{}", signature.marked()), None, sink);
    }

    pub(super) fn signature_of_text(&mut self, signature: &Signature, sink: &mut Sink<'_>) {
        self.hidden(&format!("{SIGNS_TEXT}{}", signature.marked()), None, sink);
    }
}

/// The members that every event about a thought's words has: all of them are one piece.
fn summary_body<'a>(kind: &'static str, id: &'a str, output_index: Option<u64>) -> Body<'a> {
    Body { kind, item_id: Some(id), output_index, summary_index: Some(0), ..Body::default() }
}
