//! What replies say: whole ones, and those that each frame of a stream is.

use serde_json::value::RawValue;

use super::citations::{self, Said};
use super::wire::{Candidate, FunctionCall, Part, PromptFeedback, Reply};
use super::{logprobs, wire};
use crate::dialects::DialectError;
use crate::hub::{Answer, ApiError, Citation, Event, FinishReason, Form, Kind, Signature, Usage};

/// Reads a whole reply. A list of replies is what a stream without server-sent events is.
pub fn decode(body: &[u8]) -> Result<Answer, DialectError> {
    let mut events = Vec::new();
    Reader::default().read(body, &mut events)?;
    if events.is_empty() {
        return Err(DialectError::Malformed("the reply holds neither an answer nor an error".to_owned()));
    }
    Ok(Answer::of(events))
}

/// Reads the replies of one answer, one after the other.
#[derive(Debug, Default)]
pub struct Reader {
    has_started: bool,
    id: String,
    /// Tool calls so far.
    calls: u32,
    /// Told last: every frame repeats it.
    usage: Option<Usage>,
    /// Told last: older models tell it in every frame.
    finish: Option<FinishReason>,
    said: Said,
    /// Told so far: a later frame may repeat them.
    cited: Vec<Citation>,
}

/// Why an answer ended, in Gemini's words. What is not here is handed on as it is.
static FINISHES: [(&str, FinishReason); 18] = [
    ("STOP", FinishReason::Stop),
    ("MAX_TOKENS", FinishReason::Length),
    ("CONTINUATION", FinishReason::Length),
    ("SAFETY", FinishReason::ContentFilter),
    ("RECITATION", FinishReason::ContentFilter),
    ("LANGUAGE", FinishReason::ContentFilter),
    ("BLOCKLIST", FinishReason::ContentFilter),
    ("PROHIBITED_CONTENT", FinishReason::ContentFilter),
    ("SPII", FinishReason::ContentFilter),
    ("IMAGE_SAFETY", FinishReason::ContentFilter),
    ("IMAGE_PROHIBITED_CONTENT", FinishReason::ContentFilter),
    ("IMAGE_RECITATION", FinishReason::ContentFilter),
    ("IMAGE_OTHER", FinishReason::ContentFilter),
    ("NO_IMAGE", FinishReason::ContentFilter),
    ("MODEL_ARMOR", FinishReason::ContentFilter),
    ("ESCALATION", FinishReason::ContentFilter),
    ("PUP_LIMITED_DISABLED", FinishReason::ContentFilter),
    ("OTHER", FinishReason::ContentFilter),
];

/// Ends of an answer that failed, and what to say where Gemini says nothing.
const FAILURES: [(&str, &str); 6] = [
    ("MALFORMED_FUNCTION_CALL", "the model wrote a tool call that cannot be read"),
    ("UNEXPECTED_TOOL_CALL", "the model called a tool that was not declared"),
    ("TOO_MANY_TOOL_CALLS", "the model called too many tools in a row"),
    ("MALFORMED_RESPONSE", "the model wrote an answer that cannot be read"),
    ("MISSING_THOUGHT_SIGNATURE", "a tool call in the history lacks its thought signature"),
    ("FINISH_REASON_UNSPECIFIED", "the answer ended for no reason that is told"),
];

impl Reader {
    /// Reads one reply, an error, or a list of them; puts what it says behind what `events` holds.
    pub fn read(&mut self, data: &[u8], events: &mut Vec<Event>) -> Result<(), DialectError> {
        let text = String::from_utf8_lossy(data);
        if !text.trim_ascii_start().starts_with('[') {
            return self.read_one(&text, events);
        }
        let list: Vec<&RawValue> = serde_json::from_str(&text).map_err(malformed)?;
        list.iter().try_for_each(|reply| self.read_one(reply.get(), events))
    }

    fn read_one(&mut self, text: &str, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let reply: Reply<'_> = serde_json::from_str(text).map_err(malformed)?;
        if let Some(error) = reply.error.and_then(|_| ApiError::read(text.as_bytes())) {
            events.push(Event::Error(error));
            return Ok(());
        }
        if !reply.is_one() {
            return Ok(());
        }
        if !std::mem::replace(&mut self.has_started, true) {
            self.id = reply.response_id.unwrap_or_default();
            events.push(Event::Start { id: self.id.clone(), model: reply.model_version.unwrap_or_default() });
        }
        let candidates = reply.candidates.unwrap_or_default();
        let is_unanswered = candidates.is_empty();
        // Nobody asks for more than one answer.
        let candidate = candidates.into_iter().find(|candidate| candidate.index.unwrap_or(0) == 0);
        let mut candidate = candidate.unwrap_or_default();
        for part in candidate.content.take().and_then(|content| content.parts).unwrap_or_default() {
            self.read_part(part, events);
        }
        self.read_asides(&candidate, events);
        let usage = reply.usage_metadata.and_then(wire::usage).filter(|usage| self.usage != Some(*usage));
        self.usage = usage.or(self.usage);
        events.extend(usage.map(Event::Usage));
        self.read_finish(candidate, events);
        if let Some(feedback) = reply.prompt_feedback.filter(|_| is_unanswered) {
            self.read_block(feedback, events);
        }
        Ok(())
    }

    fn read_part(&mut self, part: Part<'_>, events: &mut Vec<Event>) {
        let is_thought = part.thought == Some(true);
        let signature = part.thought_signature.filter(|data| !data.is_empty());
        let signature = signature.map(|data| Signature::new(Kind::Gemini, Form::Signed, data));
        if let Some(call) = part.function_call {
            return self.read_call(call, signature, events);
        }
        if let Some(image) = part.inline_data.filter(|blob| !is_thought && blob.mime_type.starts_with("image/")) {
            events.push(Event::Image { media_type: image.mime_type, data: image.data });
        }
        let Some(text) = part.text else { return };
        if is_thought {
            events.extend(filled(text).map(Event::Reasoning));
            events.extend(signature.map(|signature| Event::ReasoningEnd { signature: Some(signature), id: None }));
            return;
        }
        self.said.add(&text);
        events.extend(filled(text).map(Event::Text));
        events.extend(signature.map(Event::TextSignature));
    }

    /// A call comes whole. Without an id it gets one that no other answer has, as far as Gemini gave this one an id.
    fn read_call(&mut self, call: FunctionCall<'_>, signature: Option<Signature>, events: &mut Vec<Event>) {
        let index = self.calls;
        self.calls += 1;
        let made = || match self.id.as_str() {
            "" => format!("call_{index}"),
            answer => format!("call_{answer}_{index}"),
        };
        let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(made);
        events.push(Event::ToolCall { index, id, name: call.name, is_custom: false, signature });
        let text = call.args.map_or_else(|| "{}".to_owned(), |args| without_blanks(args.get()));
        events.push(Event::ToolArguments { index, text });
    }

    /// What stands beside the text: sources and probabilities.
    fn read_asides(&mut self, candidate: &Candidate<'_>, events: &mut Vec<Event>) {
        let told = candidate.grounding_metadata.map(|raw| citations::read(raw, self.said)).unwrap_or_default();
        for citation in told {
            if !self.cited.contains(&citation) {
                self.cited.push(citation.clone());
                events.push(Event::Citation(citation));
            }
        }
        events.extend(candidate.logprobs_result.and_then(logprobs::read).map(Event::Logprobs));
    }

    fn read_finish(&mut self, candidate: Candidate<'_>, events: &mut Vec<Event>) {
        let Some(word) = candidate.finish_reason else { return };
        if let Some((_, words)) = FAILURES.iter().find(|(known, _)| *known == word) {
            let message = candidate.finish_message.and_then(filled).unwrap_or_else(|| (*words).to_owned());
            events.push(Event::Error(ApiError { message, kind: word, code: String::new() }));
            return;
        }
        let reason = FINISHES.iter().find(|(known, _)| *known == word).map(|(_, reason)| reason.clone());
        self.end(reason.unwrap_or(FinishReason::Other(word)), events);
    }

    /// A prompt that was refused is a success with no answer in it.
    fn read_block(&mut self, feedback: PromptFeedback, events: &mut Vec<Event>) {
        let Some(reason) = feedback.block_reason else { return };
        let words = format!("The prompt was blocked: {reason}");
        let message = feedback.block_reason_message.and_then(filled);
        events.push(Event::Refusal(message.map_or_else(|| words.clone(), |message| format!("{words} ({message})"))));
        self.end(FinishReason::ContentFilter, events);
    }

    fn end(&mut self, reason: FinishReason, events: &mut Vec<Event>) {
        // Gemini has no word for an end at which tools are to be called.
        let reason = if reason == FinishReason::Stop && self.calls > 0 { FinishReason::ToolCalls } else { reason };
        if self.finish.as_ref() != Some(&reason) {
            self.finish = Some(reason.clone());
            events.push(Event::Finish(reason));
        }
    }
}

fn malformed(error: serde_json::Error) -> DialectError {
    DialectError::Malformed(error.to_string())
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Valid JSON without what stands between its words: whole replies come in many indented lines.
fn without_blanks(json: &str) -> String {
    let (mut text, mut is_within, mut is_escaped) = (String::with_capacity(json.len()), false, false);
    for c in json.chars() {
        if is_within || !c.is_ascii_whitespace() {
            text.push(c);
        }
        is_within ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
    }
    text
}
