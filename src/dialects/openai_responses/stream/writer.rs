//! A stream for a client.

mod call;
mod message;
mod thought;

use bytes::BytesMut;

use super::frames::{Body, Frames, Sink};
use crate::dialects::openai_responses::response::{Draft, Item};
use crate::dialects::{Encoder, Occasion};
use crate::hub::{ApiError, Event, Raw, ToolCall};
use call::Call;
use message::Spoken;
use thought::Thinking;

/// Writes a stream. One item is open at a time; what is done is kept, for the last event repeats it.
#[derive(Debug)]
pub struct Writer {
    draft: Draft,
    frames: Frames,
    open: Option<Open>,
    /// Calls that came while another one was open, with the arguments that came since.
    held: Vec<Call>,
    /// Text that waits for its log probabilities.
    unsaid: String,
    /// Nobody sees the frames.
    is_silent: bool,
    is_begun: bool,
    is_over: bool,
}

#[derive(Debug)]
enum Open {
    Message(Spoken),
    Thought(Thinking),
    Call(Call),
}

impl Encoder for Writer {
    fn encode(&mut self, event: Event, out: &mut BytesMut) {
        self.event(event, &mut Sink(Some(out)));
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.conclude(&mut Sink(Some(out)));
    }
}

impl Writer {
    /// Before the first event.
    pub fn new(occasion: Occasion) -> Writer {
        Writer {
            draft: Draft::new(occasion),
            frames: Frames::default(),
            open: None,
            held: Vec::new(),
            unsaid: String::new(),
            is_silent: false,
            is_begun: false,
            is_over: false,
        }
    }

    /// One that is only asked for what it ends with.
    pub fn silent(occasion: Occasion) -> Writer {
        Writer { is_silent: true, ..Writer::new(occasion) }
    }

    /// Takes in the next event without writing a frame.
    pub fn take(&mut self, event: Event) {
        self.event(event, &mut Sink(None));
    }

    /// The response of all events.
    pub fn finish(mut self) -> Vec<u8> {
        self.conclude(&mut Sink(None));
        self.draft.object(true).map(|object| object.text().as_bytes().to_vec()).unwrap_or_default()
    }

    fn event(&mut self, event: Event, sink: &mut Sink<'_>) {
        if self.is_over {
            return;
        }
        if let Event::Start { id, model } = event {
            if !self.is_begun {
                self.draft.name(id, model);
                self.begin(sink);
            }
            return;
        }
        self.begin(sink);
        if let Event::Logprobs(list) = event {
            return self.logprobs(&list, sink);
        }
        self.say_unsaid(sink);
        match event {
            Event::Text(text) => self.text(text, sink),
            Event::Refusal(text) => self.refusal(&text, sink),
            Event::Citation(citation) => self.citation(citation, sink),
            Event::TextSignature(signature) => self.signature_of_text(&signature, sink),
            Event::Reasoning(text) => self.think(&text, sink),
            Event::ReasoningEnd { signature, id } => self.end_thinking(signature.as_ref(), id, sink),
            Event::ToolCall { index, id, name, is_custom, signature } => {
                let call = ToolCall { id, name, arguments: String::new(), is_custom, signature };
                self.call(Call::new(index, call, &self.draft.occasion.request), sink);
            }
            Event::ToolArguments { index, text } => self.arguments(index, &text, sink),
            Event::Image { media_type, data } => self.image(&media_type, &data, sink),
            Event::Finish(reason) => self.draft.finish = Some(reason),
            Event::Usage(usage) => self.draft.usage = Some(usage),
            Event::ServiceTier(tier) => self.draft.service_tier = Some(tier),
            Event::Error(error) => self.fail(error, sink),
            Event::Start { .. } | Event::Logprobs(_) => {}
        }
    }

    fn begin(&mut self, sink: &mut Sink<'_>) {
        if std::mem::replace(&mut self.is_begun, true) || self.is_silent {
            return;
        }
        let object = self.draft.object(false);
        for kind in ["response.created", "response.in_progress"] {
            self.frames.write(Body { kind, response: object.as_ref(), ..Body::default() }, sink);
        }
    }

    fn fail(&mut self, error: ApiError, sink: &mut Sink<'_>) {
        self.draft.error = Some(error);
        self.conclude(sink);
    }

    fn conclude(&mut self, sink: &mut Sink<'_>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.begin(sink);
        self.say_unsaid(sink);
        self.settle(sink);
        if self.is_silent {
            return;
        }
        let kind = match self.draft.status() {
            "failed" => "response.failed",
            "incomplete" => "response.incomplete",
            _ => "response.completed",
        };
        let object = self.draft.object(true);
        self.frames.write(Body { kind, response: object.as_ref(), ..Body::default() }, sink);
    }

    /// Ends the open item, and tells the calls that waited for it.
    fn settle(&mut self, sink: &mut Sink<'_>) {
        self.close(sink);
        for call in std::mem::take(&mut self.held) {
            self.open_call(call, sink);
            self.close(sink);
        }
    }

    fn close(&mut self, sink: &mut Sink<'_>) {
        match self.open.take() {
            None => {}
            Some(Open::Message(spoken)) => self.close_message(spoken, sink),
            Some(Open::Thought(thinking)) => self.close_thought(thinking, None, None, sink),
            Some(Open::Call(call)) => self.close_call(call, sink),
        }
    }

    /// The place of the item that is open, or of the next one.
    fn place(&self) -> u64 {
        self.draft.output.len() as u64
    }

    /// An id for it.
    fn item_id(&self, prefix: &str) -> String {
        self.draft.occasion.id(prefix, self.place() + 1)
    }

    fn add_item(&mut self, item: &Item<'_>, sink: &mut Sink<'_>) {
        let (output_index, item) = (Some(self.place()), Raw::of(item));
        self.frames.write(Body { kind: "response.output_item.added", output_index, item: item.as_ref(), ..Body::default() }, sink);
    }

    fn end_item(&mut self, item: &Item<'_>, sink: &mut Sink<'_>) {
        let (output_index, item) = (Some(self.place()), Raw::of(item));
        self.frames.write(Body { kind: "response.output_item.done", output_index, item: item.as_ref(), ..Body::default() }, sink);
        self.draft.output.extend(item);
    }

    /// OpenAI's models make images by a tool of its own, and so it looks.
    fn image(&mut self, media_type: &str, data: &str, sink: &mut Sink<'_>) {
        self.settle(sink);
        let id = self.item_id("ig_");
        let output_format = media_type.strip_prefix("image/").unwrap_or(media_type);
        self.add_item(&Item::ImageGenerationCall { id: &id, status: "in_progress", output_format, result: None }, sink);
        self.end_item(&Item::ImageGenerationCall { id: &id, status: "completed", output_format, result: Some(data) }, sink);
    }
}
