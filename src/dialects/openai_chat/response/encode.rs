//! A reply for a client.

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::super::reasoning::{self, Detail};
use super::super::usage::WireUsage;
use super::super::wire::{Annotation, ExtraContent, WireCall, WireImage, finish_word, whole_arguments};
use crate::dialects::Occasion;
use crate::dialects::data_url::DataUrl;
use crate::hub::{Answer, Content, Raw, Source, Thought, ToolCall};

#[derive(Serialize)]
struct Body<'a> {
    id: String,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [WireChoice<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WireUsage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
}

#[derive(Serialize)]
struct WireChoice<'a> {
    index: u64,
    message: WireMessage<'a>,
    logprobs: Option<Logprobs<'a>>,
    finish_reason: &'static str,
}

/// Clients with strict types want `content` and `refusal` to be there, null or not.
#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Detail>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<WireImage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent>,
}

/// `logprobs`: lists, one behind the other, as one.
#[derive(Serialize)]
pub(in super::super) struct Logprobs<'a> {
    content: Lists<'a>,
    refusal: Option<()>,
}

struct Lists<'a>(&'a [Raw]);

impl<'a> Logprobs<'a> {
    pub(in super::super) fn of(lists: &'a [Raw]) -> Logprobs<'a> {
        Logprobs { content: Lists(lists), refusal: None }
    }
}

impl Serialize for Lists<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_seq(None)?;
        for list in self.0 {
            // What is no list has no log probabilities.
            for item in serde_json::from_str::<Vec<&RawValue>>(list.text()).unwrap_or_default() {
                all.serialize_element(item)?;
            }
        }
        all.end()
    }
}

/// Writes a reply.
pub fn encode(answer: &Answer, occasion: &Occasion) -> Vec<u8> {
    let message = message(answer);
    let finish_reason = finish_word(answer.finish.as_ref(), !message.tool_calls.is_empty());
    let logprobs = (!answer.logprobs.is_empty()).then(|| Logprobs::of(&answer.logprobs));
    let body = Body {
        id: answer_id(&answer.id, occasion),
        object: "chat.completion",
        created: occasion.now,
        model: if answer.model.is_empty() { &occasion.request.model } else { &answer.model },
        choices: [WireChoice { index: 0, message, logprobs, finish_reason }],
        usage: answer.usage.map(WireUsage::from),
        service_tier: answer.service_tier.as_deref(),
    };
    // Strings, numbers and what was JSON before always serialise.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The upstream's id, if it looks like one of OpenAI's.
pub(in super::super) fn answer_id(id: &str, occasion: &Occasion) -> String {
    const PREFIX: &str = "chatcmpl-";
    if id.starts_with(PREFIX) { id.to_owned() } else { occasion.id(PREFIX, 0) }
}

fn message(answer: &Answer) -> WireMessage<'_> {
    let mut message = WireMessage {
        role: "assistant",
        content: None,
        refusal: None,
        reasoning_content: None,
        reasoning_details: Vec::new(),
        annotations: Vec::new(),
        images: Vec::new(),
        tool_calls: Vec::new(),
        extra_content: None,
    };
    // Details repeat the text, so they are written only where there is more to say than it.
    let has_details = answer.parts.iter().any(|part| matches!(&part.content, Content::Reasoning(Thought { signature: Some(_), .. })));
    let mut said = 0;
    for part in &answer.parts {
        match &part.content {
            Content::Text(text) => {
                append(&mut message.content, &text.text);
                let begin = said;
                said += text.text.chars().count() as u64;
                message.annotations.extend(text.citations.iter().filter_map(|source| Annotation::of(source.clone(), begin, said, None)));
                if message.extra_content.is_none() {
                    message.extra_content = text.signature.as_ref().map(ExtraContent::of);
                }
            }
            Content::Refusal(text) => append(&mut message.refusal, text),
            Content::Reasoning(thought) => {
                append(&mut message.reasoning_content, &thought.text);
                if has_details {
                    message.reasoning_details.extend(reasoning::write(thought, message.reasoning_details.len()));
                }
            }
            Content::ToolCall(call) => message.tool_calls.push(wire_call(call)),
            Content::Image { source: Source::Base64 { media_type, data }, .. } => {
                message.images.push(WireImage::new(DataUrl { media_type, data }, None));
            }
            // No model answers with them.
            Content::Image { .. } | Content::Audio { .. } | Content::File { .. } | Content::ToolResult { .. } => {}
        }
    }
    if message.refusal.is_none() && message.tool_calls.is_empty() {
        message.content.get_or_insert_default();
    }
    message
}

/// Nothing stays nothing.
fn append(whole: &mut Option<String>, piece: &str) {
    if !piece.is_empty() {
        whole.get_or_insert_default().push_str(piece);
    }
}

fn wire_call(call: &ToolCall) -> WireCall<'_> {
    let input = if call.is_custom { &call.arguments } else { whole_arguments(&call.arguments) };
    let extra_content = call.signature.as_ref().map(ExtraContent::of);
    WireCall { extra_content, ..WireCall::new(call.id.as_str().into(), &call.name, input.into(), call.is_custom) }
}
