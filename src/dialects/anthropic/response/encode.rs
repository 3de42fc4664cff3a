//! Writes a whole answer, and what a stream writes piece by piece.

use std::borrow::Cow;

use serde::Serialize;

use super::super::{OWN, tool_id};
use crate::dialects::Occasion;
use crate::hub::{Answer, Citation, Content, FinishReason, Form, Raw, Signature, Text, Thought, ToolCall, Usage};

/// A message, whole or as it begins in a stream.
#[derive(Serialize)]
pub(in super::super) struct Message<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Block<'a>>,
    stop_reason: Option<&'static str>,
    stop_sequence: Option<&'a str>,
    usage: WireUsage<'a>,
}

/// A block of a message.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in super::super) enum Block<'a> {
    Text {
        text: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<WireCitation<'a>>,
    },
    Thinking {
        thinking: &'a str,
        signature: Cow<'a, str>,
    },
    RedactedThinking {
        data: Cow<'a, str>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Input<'a>,
    },
}

/// What a tool is called with: always an object.
#[derive(Serialize)]
#[serde(untagged)]
pub(in super::super) enum Input<'a> {
    Json(Raw),
    Custom {
        input: &'a str,
    },
    /// A model that wrote no JSON: its tool refuses it, which is better than a call without what it wanted to say.
    Invalid {
        invalid_arguments: &'a str,
    },
    Nothing {},
}

/// A source of a text. What other providers tell of it is less than Anthropic does.
#[derive(Serialize)]
#[serde(tag = "type")]
pub(in super::super) enum WireCitation<'a> {
    #[serde(rename = "web_search_result_location")]
    Web { url: &'a str, title: Option<&'a str>, cited_text: &'a str, encrypted_index: &'static str },
    #[serde(rename = "char_location")]
    Document { cited_text: &'a str, document_index: u64, document_title: Option<&'a str>, start_char_index: u64, end_char_index: u64 },
}

/// Token counts: what concerns a cache stands apart from `input_tokens`.
#[derive(Default, Serialize)]
pub(in super::super) struct WireUsage<'a> {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
}

#[derive(Serialize)]
struct OutputDetails {
    thinking_tokens: u64,
}

/// Writes a whole answer. An image that a model made has no block here, and log probabilities have no place.
pub fn encode(answer: &Answer, occasion: &Occasion) -> Vec<u8> {
    let mut content = Vec::with_capacity(answer.parts.len());
    answer.parts.iter().for_each(|part| write_part(&part.content, &mut content));
    let has_calls = content.iter().any(|block| matches!(block, Block::ToolUse { .. }));
    let is_refused = answer.parts.iter().any(|part| matches!(part.content, Content::Refusal(_)));
    let (stop_reason, stop_sequence) = stop(answer.finish.as_ref(), has_calls, is_refused);
    let service_tier = answer.service_tier.as_deref().and_then(served_by);
    let usage = WireUsage { service_tier, ..WireUsage::of(answer.usage.unwrap_or_default()) };
    let begun = Message::begin(&answer.id, &answer.model, occasion);
    let message = Message { content, stop_reason: Some(stop_reason), stop_sequence, usage, ..begun };
    serde_json::to_vec(&message).unwrap_or_default()
}

impl<'a> Message<'a> {
    /// Without anything in it.
    pub(in super::super) fn begin(id: &'a str, model: &'a str, occasion: &'a Occasion) -> Message<'a> {
        Message {
            // Another provider's id is none of Anthropic's.
            id: if id.starts_with("msg_") { id.into() } else { occasion.id("msg_", 0).into() },
            r#type: "message",
            role: "assistant",
            model: if model.is_empty() { &occasion.request.model } else { model },
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage: WireUsage::default(),
        }
    }
}

/// A signature that belongs to a text stands behind it, one that belongs to a call before it: the request's reader knows.
fn write_part<'a>(content: &'a Content, blocks: &mut Vec<Block<'a>>) {
    match content {
        Content::Text(text) => {
            blocks.extend(spoken(text));
            blocks.extend(text.signature.as_ref().map(Block::signature));
        }
        Content::Refusal(text) => blocks.extend((!text.is_empty()).then_some(Block::Text { text, citations: Vec::new() })),
        Content::Reasoning(thought) => blocks.extend(Block::thought(thought)),
        Content::ToolCall(call) => {
            blocks.extend(call.signature.as_ref().map(Block::signature));
            blocks.push(Block::ToolUse { id: tool_id(&call.id), name: &call.name, input: input(call) });
        }
        Content::Image { .. } | Content::Audio { .. } | Content::File { .. } | Content::ToolResult { .. } => {}
    }
}

/// An empty block would be refused when it comes back.
fn spoken(text: &Text) -> Option<Block<'_>> {
    let citations = text.citations.iter().map(WireCitation::of).collect();
    (!text.text.is_empty()).then_some(Block::Text { text: &text.text, citations })
}

impl<'a> Block<'a> {
    /// A signature alone.
    pub(in super::super) fn signature(signature: &'a Signature) -> Block<'a> {
        Block::RedactedThinking { data: signature.within(OWN).into() }
    }

    fn thought(thought: &'a Thought) -> Option<Block<'a>> {
        match &thought.signature {
            None if thought.text.is_empty() => None,
            Some(signature) if thought.text.is_empty() && signature.form == Form::Encrypted => Some(Block::signature(signature)),
            signature => {
                let signature = signature.as_ref().map(|signature| signature.within(OWN)).unwrap_or_default();
                Some(Block::Thinking { thinking: &thought.text, signature: signature.into() })
            }
        }
    }
}

fn input(call: &ToolCall) -> Input<'_> {
    match call.arguments.trim() {
        _ if call.is_custom => Input::Custom { input: &call.arguments },
        "" | "null" => Input::Nothing {},
        arguments => match Raw::parse(arguments).filter(Raw::is_object) {
            Some(raw) => Input::Json(raw),
            None => Input::Invalid { invalid_arguments: arguments },
        },
    }
}

impl<'a> WireCitation<'a> {
    pub(in super::super) fn of(citation: &'a Citation) -> WireCitation<'a> {
        let (title, cited_text) = (citation.title.as_deref(), citation.quote.as_deref().unwrap_or_default());
        match citation.url.as_deref() {
            Some(url) => WireCitation::Web { url, title, cited_text, encrypted_index: "" },
            None => WireCitation::Document { cited_text, document_index: 0, document_title: title, start_char_index: 0, end_char_index: 0 },
        }
    }
}

impl WireUsage<'_> {
    pub(in super::super) fn of(usage: Usage) -> WireUsage<'static> {
        WireUsage {
            input_tokens: usage.input.saturating_sub(usage.cached).saturating_sub(usage.cache_write),
            cache_creation_input_tokens: usage.cache_write,
            cache_read_input_tokens: usage.cached,
            output_tokens: usage.output,
            output_tokens_details: (usage.reasoning > 0).then_some(OutputDetails { thinking_tokens: usage.reasoning }),
            service_tier: None,
        }
    }
}

/// Anthropic's word for a tier; `None`: it has none.
fn served_by(tier: &str) -> Option<&str> {
    match tier {
        "default" => Some("standard"),
        "standard" | "priority" | "batch" => Some(tier),
        _ => None,
    }
}

/// Why an answer ended, and the sequence that ended it. Several upstreams say `stop` where they call tools.
pub(in super::super) fn stop(finish: Option<&FinishReason>, has_calls: bool, is_refused: bool) -> (&'static str, Option<&str>) {
    let natural = if has_calls { "tool_use" } else { "end_turn" };
    match finish {
        _ if is_refused => ("refusal", None),
        Some(FinishReason::ContentFilter) => ("refusal", None),
        Some(FinishReason::Length) => ("max_tokens", None),
        Some(FinishReason::Pause) => ("pause_turn", None),
        Some(FinishReason::StopSequence(sequence)) => ("stop_sequence", Some(sequence)),
        None | Some(FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other(_)) => (natural, None),
    }
}
