//! OpenAI's legacy Completions: a text, and how it goes on.
//!
//! Clients of it reach chats: the prompt is what the user says. What only a completion can do (a suffix, an echo, log
//! probabilities of its own shape) no chat can. Upstreams of it are spoken to by such clients only, untouched: their
//! replies look like those of [chats](crate::dialects::openai_chat), and no request is ever translated for them.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

use crate::dialects::hints::LeftOut;
use crate::dialects::members::{Members, Value};
use crate::dialects::openai_chat::request::{read_sampling, read_stop, read_stream, unsupported};
use crate::dialects::openai_chat::stream::{DONE, Reader};
use crate::dialects::openai_chat::usage::WireUsage;
use crate::dialects::openai_chat::{self, error, finish_word, response, write_data, write_frame};
use crate::dialects::sse::Frame;
use crate::dialects::{Addressee, Chunk, ClientDialect, Decoder, DialectError, Encoded, Encoder, Glance, Occasion, UpstreamDialect};
use crate::hub::{Answer, ApiError, Content, Event, FinishReason, Message, Part, Request, Role, Usage};

/// OpenAI's legacy Completions.
#[derive(Clone, Copy, Debug)]
pub struct TextCompletion;

impl ClientDialect for TextCompletion {
    fn decode_request(&self, body: &[u8]) -> Result<Request, DialectError> {
        decode(body)
    }

    fn encode_response(&self, answer: Answer, occasion: &Occasion) -> Vec<u8> {
        encode(&answer, occasion)
    }

    fn encoder(&self, occasion: Occasion) -> Box<dyn Encoder> {
        Box::new(Writer::new(occasion))
    }

    fn encode_error(&self, status: u16, error: &ApiError) -> Vec<u8> {
        error::encode(status, error)
    }

    fn encode_stream_error(&self, error: &ApiError) -> Bytes {
        error::frame(error)
    }
}

impl UpstreamDialect for TextCompletion {
    fn encode_request(&self, _: &Request, _: Addressee<'_>) -> Result<Encoded, DialectError> {
        Err(unsupported("a conversation"))
    }

    fn decode_response(&self, body: &[u8]) -> Result<Answer, DialectError> {
        response::decode(body)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(Reader::default())
    }

    fn token_limits(&self) -> &'static [&'static str] {
        &["max_tokens", "max_completion_tokens"]
    }

    fn chunk(&self, frame: &Frame) -> Chunk {
        openai_chat::chunk(&frame.data())
    }

    fn is_of_interest(&self, frame: &[u8]) -> bool {
        openai_chat::is_of_interest(frame)
    }

    fn glance(&self, body: &Bytes) -> Option<Glance> {
        openai_chat::glance(body)
    }
}

/// Reads a request. A limit that is not given is the model's own, not the sixteen tokens that it was for completions.
fn decode(body: &[u8]) -> Result<Request, DialectError> {
    let mut members = Members::of_body(body)?;
    let mut left = LeftOut::default();
    let mut request = Request { model: members.required_text("model")?, ..Request::default() };
    let prompt = read_prompt(&members.required("prompt")?)?;
    request.messages = vec![Message::new(Role::User, vec![Part::text(prompt)])];
    refuse(&mut members)?;
    request.max_tokens = members.get("max_tokens", "a number of tokens")?;
    read_sampling(&mut members, &mut request)?;
    request.stop = read_stop(&mut members)?;
    request.user = members.text("user")?;
    read_stream(&mut members, &mut request, &mut left)?;
    left.rest(&members);
    request.left_out = left.into_paths();
    Ok(request)
}

/// One text, by itself or in a list.
fn read_prompt(prompt: &Value<'_>) -> Result<String, DialectError> {
    const EXPECTED: &str = "a string";
    if prompt.is_text() {
        return prompt.text();
    }
    let list = prompt.list().map_err(|_| prompt.invalid(EXPECTED))?;
    match list.as_slice() {
        [] => Err(prompt.invalid(EXPECTED)),
        [text] if text.is_text() => text.text(),
        [text, ..] if text.is_text() => Err(unsupported("more than one prompt (`prompt`)")),
        _ => Err(unsupported("a prompt in tokens (`prompt`)")),
    }
}

/// What no chat can do.
fn refuse(members: &mut Members<'_>) -> Result<(), DialectError> {
    if members.text("suffix")?.is_some_and(|suffix| !suffix.is_empty()) {
        return Err(unsupported("a text before a suffix (`suffix`)"));
    }
    if members.get("echo", "true or false")? == Some(true) {
        return Err(unsupported("the prompt repeated (`echo`)"));
    }
    if members.take("logprobs").is_some() {
        return Err(unsupported("log probabilities of a completion (`logprobs`)"));
    }
    for name in ["n", "best_of"] {
        if members.get::<u64>(name, "a whole number")?.is_some_and(|number| number > 1) {
            return Err(DialectError::Unsupported { feature: format!("more than one choice (`{name}`)").into() });
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: &'a [Choice<'a>],
    /// Null in all chunks but the last, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<WireUsage>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    text: &'a str,
    index: u64,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

impl<'a> Choice<'a> {
    fn new(text: &'a str, finish_reason: Option<&'static str>) -> Choice<'a> {
        Choice { text, index: 0, logprobs: None, finish_reason }
    }
}

/// The upstream's id, if it looks like one of OpenAI's.
fn answer_id(id: &str, occasion: &Occasion) -> String {
    const PREFIX: &str = "cmpl-";
    if id.starts_with(PREFIX) { id.to_owned() } else { occasion.id(PREFIX, 0) }
}

/// Writes a reply: what the model says. For what else it does or thinks there is no room.
fn encode(answer: &Answer, occasion: &Occasion) -> Vec<u8> {
    let pieces = answer.parts.iter().map(|part| match &part.content {
        Content::Text(text) => text.text.as_str(),
        Content::Refusal(text) => text,
        _ => "",
    });
    let text: String = pieces.collect();
    let body = Body {
        id: &answer_id(&answer.id, occasion),
        object: "text_completion",
        created: occasion.now,
        model: if answer.model.is_empty() { &occasion.request.model } else { &answer.model },
        choices: &[Choice::new(&text, Some(finish_word(answer.finish.as_ref(), false)))],
        usage: answer.usage.map(|usage| Some(usage.into())),
    };
    // Strings and numbers always serialise.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Writes a stream.
#[derive(Debug)]
struct Writer {
    occasion: Occasion,
    id: String,
    model: String,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    /// An error was the last word.
    is_over: bool,
}

impl Writer {
    fn new(occasion: Occasion) -> Writer {
        let (id, model) = (answer_id("", &occasion), occasion.request.model.clone());
        Writer { occasion, id, model, finish: None, usage: None, is_over: false }
    }

    fn write(&self, choices: &[Choice<'_>], usage: Option<WireUsage>, out: &mut BytesMut) {
        let usage = self.occasion.request.include_usage.then_some(usage);
        let (id, model, created) = (self.id.as_str(), self.model.as_str(), self.occasion.now);
        write_frame(&Body { id, object: "text_completion", created, model, choices, usage }, out);
    }
}

impl Encoder for Writer {
    fn encode(&mut self, event: Event, out: &mut BytesMut) {
        if self.is_over {
            return;
        }
        match event {
            Event::Start { id, model } => {
                self.id = answer_id(&id, &self.occasion);
                if !model.is_empty() {
                    self.model = model;
                }
            }
            Event::Text(text) | Event::Refusal(text) if !text.is_empty() => self.write(&[Choice::new(&text, None)], None, out),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finish(reason) => self.finish = Some(reason),
            Event::Error(failure) => {
                out.put_slice(&error::frame(&failure));
                self.is_over = true;
            }
            _ => {}
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.is_over {
            return;
        }
        self.write(&[Choice::new("", Some(finish_word(self.finish.as_ref(), false)))], None, out);
        if let Some(usage) = self.usage.filter(|_| self.occasion.request.include_usage) {
            self.write(&[], Some(usage.into()), out);
        }
        write_data(DONE, out);
    }
}

#[cfg(test)]
mod tests;
