//! Writes a stream.

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use super::super::reasoning::{self, Detail};
use super::super::response::{Logprobs, answer_id};
use super::super::usage::WireUsage;
use super::super::wire::{Annotation, ExtraContent, WireCall, WireImage, finish_word, whole_arguments};
use super::super::{error, write_data, write_frame};
use super::DONE;
use crate::dialects::data_url::DataUrl;
use crate::dialects::{Encoder, Occasion};
use crate::hub::{Citation, Event, FinishReason, Raw, Signature, Thought, Usage};

/// Writes one answer.
#[derive(Debug)]
pub struct Writer {
    occasion: Occasion,
    id: String,
    model: String,
    tier: Option<String>,
    /// The first chunk was written: it says whose turn it is.
    is_begun: bool,
    /// An error was the last word.
    is_over: bool,
    /// What is being thought: said again with its signature, for that is one of all of it.
    thought: String,
    details: usize,
    /// Characters said so far, and where the text that goes on begins among them.
    said: u64,
    begin: u64,
    is_speaking: bool,
    /// Sources of that text: told when it is whole, for some are of all of it.
    sources: Vec<Citation>,
    annotations: usize,
    is_text_signed: bool,
    images: usize,
    calls: Vec<Call>,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
}

#[derive(Debug)]
struct Call {
    /// The hub's index.
    index: u32,
    is_custom: bool,
    has_arguments: bool,
}

#[derive(Serialize)]
struct WireChunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    choices: &'a [WireChoice<'a>],
    /// Null in all chunks but the last, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<WireUsage>>,
}

#[derive(Default, Serialize)]
struct WireChoice<'a> {
    index: u64,
    delta: Delta<'a>,
    logprobs: Option<Logprobs<'a>>,
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<Vec<Detail>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<[Annotation; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<[WireImage<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[WireCall<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent>,
}

impl Encoder for Writer {
    fn encode(&mut self, event: Event, out: &mut BytesMut) {
        if self.is_over {
            return;
        }
        match event {
            Event::Start { id, model } => self.name(&id, model),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finish(reason) => self.finish = Some(reason),
            Event::ServiceTier(tier) => self.tier = Some(tier),
            Event::Error(failure) => {
                out.put_slice(&error::frame(&failure));
                self.is_over = true;
            }
            Event::Text(text) => self.text(&text, out),
            Event::Citation(source) => {
                self.speak();
                self.sources.push(source);
            }
            Event::TextSignature(signature) => self.text_signature(&signature, out),
            Event::Reasoning(text) => self.reasoning(&text, out),
            Event::ReasoningEnd { signature, id } => self.reasoning_end(signature, id, out),
            Event::Refusal(text) if text.is_empty() => self.hush(out),
            Event::Refusal(text) => self.delta(Delta { refusal: Some(Some(&text)), ..Delta::default() }, out),
            Event::ToolCall { index, id, name, is_custom, signature } => {
                self.call(Call { index, is_custom, has_arguments: false }, (&id, &name), signature, out);
            }
            Event::ToolArguments { index, text } => self.arguments(index, text, out),
            Event::Image { media_type, data } => self.image(DataUrl { media_type: &media_type, data: &data }, out),
            Event::Logprobs(list) => self.logprobs(&list, out),
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.is_over {
            return;
        }
        self.hush(out);
        self.begin(Some(""), out);
        self.complete_calls(out);
        let finish_reason = Some(finish_word(self.finish.as_ref(), !self.calls.is_empty()));
        self.chunk(&[WireChoice { finish_reason, ..WireChoice::default() }], None, out);
        if let Some(usage) = self.usage.filter(|_| self.occasion.request.include_usage) {
            self.chunk(&[], Some(usage.into()), out);
        }
        write_data(DONE, out);
    }
}

impl Writer {
    /// Of the answer to what was asked there.
    pub fn new(occasion: Occasion) -> Writer {
        let mut writer = Writer {
            id: String::new(),
            model: String::new(),
            tier: None,
            is_begun: false,
            is_over: false,
            thought: String::new(),
            details: 0,
            said: 0,
            begin: 0,
            is_speaking: false,
            sources: Vec::new(),
            annotations: 0,
            is_text_signed: false,
            images: 0,
            calls: Vec::new(),
            usage: None,
            finish: None,
            occasion,
        };
        writer.name("", String::new());
        writer
    }

    fn name(&mut self, id: &str, model: String) {
        self.id = answer_id(id, &self.occasion);
        self.model = if model.is_empty() { self.occasion.request.model.clone() } else { model };
    }

    /// The first chunk, if it was not written. Its content is null where what follows is none.
    fn begin(&mut self, content: Option<&str>, out: &mut BytesMut) {
        if !self.is_begun {
            self.is_begun = true;
            let delta = Delta { role: Some("assistant"), content: Some(content), refusal: Some(None), ..Delta::default() };
            self.chunk(&[WireChoice { delta, ..WireChoice::default() }], None, out);
        }
    }

    /// Writes what is no text, and ends what was being said or thought before it.
    fn delta(&mut self, delta: Delta<'_>, out: &mut BytesMut) {
        self.hush(out);
        self.thought.clear();
        self.begin(None, out);
        self.chunk(&[WireChoice { delta, ..WireChoice::default() }], None, out);
    }

    /// Writes what belongs to something that goes on.
    fn beside(&mut self, delta: Delta<'_>, out: &mut BytesMut) {
        self.begin(Some(""), out);
        self.chunk(&[WireChoice { delta, ..WireChoice::default() }], None, out);
    }

    fn chunk(&self, choices: &[WireChoice<'_>], usage: Option<WireUsage>, out: &mut BytesMut) {
        let chunk = WireChunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.occasion.now,
            model: &self.model,
            service_tier: self.tier.as_deref(),
            choices,
            usage: self.occasion.request.include_usage.then_some(usage),
        };
        write_frame(&chunk, out);
    }

    fn text(&mut self, text: &str, out: &mut BytesMut) {
        if text.is_empty() {
            return;
        }
        self.speak();
        self.said += text.chars().count() as u64;
        self.beside(Delta { content: Some(Some(text)), ..Delta::default() }, out);
    }

    /// A text begins, if none goes on.
    fn speak(&mut self) {
        self.thought.clear();
        if !std::mem::replace(&mut self.is_speaking, true) {
            self.begin = self.said;
        }
    }

    /// The text that goes on, if any, is whole.
    fn hush(&mut self, out: &mut BytesMut) {
        self.is_speaking = false;
        for source in std::mem::take(&mut self.sources) {
            let Some(annotation) = Annotation::of(source, self.begin, self.said, Some(self.annotations)) else { continue };
            self.annotations += 1;
            self.beside(Delta { annotations: Some([annotation]), ..Delta::default() }, out);
        }
    }

    /// Only one has room: SDKs would run two together.
    fn text_signature(&mut self, signature: &Signature, out: &mut BytesMut) {
        self.speak();
        if !std::mem::replace(&mut self.is_text_signed, true) {
            self.beside(Delta { extra_content: Some(ExtraContent::of(signature)), ..Delta::default() }, out);
        }
    }

    fn reasoning(&mut self, text: &str, out: &mut BytesMut) {
        self.hush(out);
        if !text.is_empty() {
            self.thought.push_str(text);
            self.begin(None, out);
            self.beside(Delta { reasoning_content: Some(text), ..Delta::default() }, out);
        }
    }

    fn reasoning_end(&mut self, signature: Option<Signature>, id: Option<String>, out: &mut BytesMut) {
        let text = std::mem::take(&mut self.thought);
        self.hush(out);
        if signature.is_some() {
            let details = reasoning::write(&Thought { text, signature, id }, self.details);
            self.details += details.len();
            self.delta(Delta { reasoning_details: Some(details), ..Delta::default() }, out);
        }
    }

    fn call(&mut self, call: Call, (id, name): (&str, &str), signature: Option<Signature>, out: &mut BytesMut) {
        let begun = WireCall {
            index: Some(self.calls.len()),
            extra_content: signature.as_ref().map(ExtraContent::of),
            ..WireCall::new(id.into(), name, "".into(), call.is_custom)
        };
        self.calls.push(call);
        self.delta(Delta { tool_calls: Some([begun]), ..Delta::default() }, out);
    }

    fn arguments(&mut self, index: u32, text: String, out: &mut BytesMut) {
        let Some(position) = self.calls.iter().rposition(|call| call.index == index) else { return };
        let Some(call) = self.calls.get_mut(position).filter(|_| !text.is_empty()) else { return };
        call.has_arguments = true;
        let piece = WireCall::piece(position, text.into(), call.is_custom);
        self.beside(Delta { tool_calls: Some([piece]), ..Delta::default() }, out);
    }

    /// Functions that were called without arguments get some: clients parse them.
    fn complete_calls(&mut self, out: &mut BytesMut) {
        for position in 0..self.calls.len() {
            if self.calls.get(position).is_some_and(|call| !call.is_custom && !call.has_arguments) {
                let piece = WireCall::piece(position, whole_arguments("").into(), false);
                self.delta(Delta { tool_calls: Some([piece]), ..Delta::default() }, out);
            }
        }
    }

    fn image(&mut self, url: DataUrl<'_>, out: &mut BytesMut) {
        let image = WireImage::new(url, Some(self.images));
        self.images += 1;
        self.delta(Delta { images: Some([image]), ..Delta::default() }, out);
    }

    fn logprobs(&mut self, list: &Raw, out: &mut BytesMut) {
        self.begin(Some(""), out);
        let logprobs = Some(Logprobs::of(std::slice::from_ref(list)));
        self.chunk(&[WireChoice { logprobs, ..WireChoice::default() }], None, out);
    }
}
