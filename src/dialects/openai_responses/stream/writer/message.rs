//! Messages: texts, refusals, sources, log probabilities.

use super::{Open, Writer};
use crate::dialects::openai_responses::items::WireCitation;
use crate::dialects::openai_responses::response::{Item, Piece};
use crate::dialects::openai_responses::stream::frames::{Body, Part, Sink};
use crate::hub::{Citation, Raw};

/// A message that is open, and the last of its pieces with it.
#[derive(Debug)]
pub(super) struct Spoken {
    id: String,
    pieces: Vec<Piece>,
}

impl Spoken {
    /// The members that every event about the last piece has.
    fn body(&self, kind: &'static str, output_index: u64) -> Body<'_> {
        let content_index = self.pieces.len().saturating_sub(1) as u64;
        let (output_index, content_index) = (Some(output_index), Some(content_index));
        Body { kind, item_id: Some(&self.id), output_index, content_index, ..Body::default() }
    }
}

impl Writer {
    /// Where log probabilities are to come, a text waits for them.
    pub(super) fn text(&mut self, text: String, sink: &mut Sink<'_>) {
        if self.draft.occasion.request.logprobs.is_some() {
            self.unsaid = text;
            return;
        }
        self.say(&text, &[], sink);
    }

    pub(super) fn say_unsaid(&mut self, sink: &mut Sink<'_>) {
        let text = std::mem::take(&mut self.unsaid);
        self.say(&text, &[], sink);
    }

    pub(super) fn logprobs(&mut self, list: &Raw, sink: &mut Sink<'_>) {
        let text = std::mem::take(&mut self.unsaid);
        let entries: Vec<&serde_json::value::RawValue> = serde_json::from_str(list.text()).unwrap_or_default();
        let entries: Vec<Raw> = entries.into_iter().map(Raw::from).collect();
        self.say(&text, &entries, sink);
    }

    fn say(&mut self, delta: &str, entries: &[Raw], sink: &mut Sink<'_>) {
        let is_text = matches!(&self.open, Some(Open::Message(spoken)) if matches!(spoken.pieces.last(), Some(Piece::OutputText { .. })));
        // Without words there is nothing to begin; log probabilities may belong to what was said before.
        if delta.is_empty() && (entries.is_empty() || !is_text) {
            return;
        }
        if !is_text {
            self.begin_piece(Piece::OutputText { text: String::new(), annotations: Vec::new(), logprobs: Vec::new() }, sink);
        }
        let place = self.place();
        let Some(Open::Message(spoken)) = &mut self.open else { return };
        if let Some(Piece::OutputText { text, logprobs, .. }) = spoken.pieces.last_mut() {
            text.push_str(delta);
            logprobs.extend_from_slice(entries);
        }
        let body = spoken.body("response.output_text.delta", place);
        self.frames.write(Body { delta: Some(delta), logprobs: Some(entries), ..body }, sink);
    }

    pub(super) fn refusal(&mut self, delta: &str, sink: &mut Sink<'_>) {
        if delta.is_empty() {
            return;
        }
        if !matches!(&self.open, Some(Open::Message(spoken)) if matches!(spoken.pieces.last(), Some(Piece::Refusal { .. }))) {
            self.begin_piece(Piece::Refusal { refusal: String::new() }, sink);
        }
        let place = self.place();
        let Some(Open::Message(spoken)) = &mut self.open else { return };
        if let Some(Piece::Refusal { refusal }) = spoken.pieces.last_mut() {
            refusal.push_str(delta);
        }
        let body = spoken.body("response.refusal.delta", place);
        self.frames.write(Body { delta: Some(delta), ..body }, sink);
    }

    /// A source of the text that is open. Those that are not on the web have no words here.
    pub(super) fn citation(&mut self, mut citation: Citation, sink: &mut Sink<'_>) {
        let place = self.place();
        let Some(Open::Message(spoken)) = &mut self.open else { return };
        let Some(Piece::OutputText { text, annotations, .. }) = spoken.pieces.last_mut() else { return };
        let end = text.chars().count() as u64;
        citation.range.get_or_insert((end, end));
        let Some(annotation) = WireCitation::of(&citation, end) else { return };
        let annotation_index = Some(annotations.len() as u64);
        annotations.push(citation.clone());
        let body = spoken.body("response.output_text.annotation.added", place);
        self.frames.write(Body { annotation_index, annotation: Some(annotation), ..body }, sink);
    }

    /// Begins `piece`, and the message before it if none is open.
    fn begin_piece(&mut self, piece: Piece, sink: &mut Sink<'_>) {
        match self.open.take() {
            Some(Open::Message(spoken)) => {
                self.close_piece(&spoken, sink);
                self.open = Some(Open::Message(spoken));
            }
            other => {
                self.open = other;
                self.begin_message(sink);
            }
        }
        let place = self.place();
        let Some(Open::Message(spoken)) = &mut self.open else { return };
        spoken.pieces.push(piece);
        let body = spoken.body("response.content_part.added", place);
        self.frames.write(Body { part: spoken.pieces.last().map(Part::Content), ..body }, sink);
    }

    fn begin_message(&mut self, sink: &mut Sink<'_>) {
        self.settle(sink);
        let id = self.item_id("msg_");
        self.add_item(&Item::Message { id: &id, status: "in_progress", role: "assistant", content: &[] }, sink);
        self.open = Some(Open::Message(Spoken { id, pieces: Vec::new() }));
    }

    fn close_piece(&mut self, spoken: &Spoken, sink: &mut Sink<'_>) {
        let place = self.place();
        let done = match spoken.pieces.last() {
            None => return,
            Some(Piece::OutputText { text, logprobs, .. }) => {
                Body { text: Some(text), logprobs: Some(logprobs), ..spoken.body("response.output_text.done", place) }
            }
            Some(Piece::Refusal { refusal }) => Body { refusal: Some(refusal), ..spoken.body("response.refusal.done", place) },
        };
        self.frames.write(done, sink);
        let body = spoken.body("response.content_part.done", place);
        self.frames.write(Body { part: spoken.pieces.last().map(Part::Content), ..body }, sink);
    }

    pub(super) fn close_message(&mut self, spoken: Spoken, sink: &mut Sink<'_>) {
        self.close_piece(&spoken, sink);
        let status = self.draft.item_status();
        self.end_item(&Item::Message { id: &spoken.id, status, role: "assistant", content: &spoken.pieces }, sink);
    }
}
