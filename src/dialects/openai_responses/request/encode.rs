//! A request as an upstream of the Responses API takes it. Nothing is stored there.

use serde::{Serialize, Serializer};

use super::decode::LOGPROBS;
use super::tools::{WireChoice, WireTool};
use crate::dialects::hints::Dropped;
use crate::dialects::openai_responses::items::{self, WireItem};
use crate::dialects::{Addressee, DialectError, Encoded};
use crate::hub::{Content, Effort, Format, Message, Raw, Reasoning, Request, Role};

#[derive(Serialize)]
struct WireRequest<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    input: Vec<WireItem<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<WireReasoning<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<WireText<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    /// OpenAI keeps responses unless it is told not to.
    store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Notes<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

/// The client's own notes, in their order.
pub struct Notes<'a>(pub &'a [(String, String)]);

impl Serialize for Notes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// How much the model shall think.
#[derive(Serialize)]
pub struct WireReasoning<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
}

/// What form the answer has.
#[derive(Serialize)]
pub struct WireText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<WireFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireFormat<'a> {
    Text,
    JsonObject,
    JsonSchema {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        schema: &'a Raw,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

/// Writes a request for the model `to.model`.
pub fn encode(request: &Request, to: Addressee<'_>) -> Result<Encoded, DialectError> {
    if !request.stop.is_empty() {
        return Err(DialectError::Unsupported { feature: "stop sequences (`stop`)".into() });
    }
    let mut dropped = Dropped::default();
    drop_hints(request, &mut dropped);
    let (instructions, messages) = split(&request.messages);
    let input = items::encode(messages, &mut dropped)?;
    let service_tier = request.service_tier.as_deref().filter(|tier| is_tier(tier));
    let wire = WireRequest {
        model: to.model,
        instructions,
        tools: request.tools.iter().map(WireTool::to_upstream).collect(),
        tool_choice: request.tool_choice.as_ref().map(|choice| WireChoice::of(choice, &request.tools)),
        parallel_tool_calls: request.parallel_tool_calls,
        max_output_tokens: request.max_tokens,
        temperature: request.sampling.temperature,
        top_p: request.sampling.top_p,
        top_logprobs: request.logprobs.filter(|others| *others > 0),
        reasoning: request.reasoning.as_ref().and_then(WireReasoning::of),
        text: WireText::of(request, false),
        include: include(request, &input),
        input,
        store: false,
        metadata: (!request.metadata.is_empty()).then_some(Notes(&request.metadata)),
        service_tier,
        prompt_cache_key: request.cache_key.as_deref(),
        user: request.user.as_deref(),
        stream: request.stream,
    };
    let body = serde_json::to_vec(&wire).map_err(|error| DialectError::Malformed(error.to_string()))?;
    Ok(Encoded { body, headers: Vec::new(), dropped: dropped.into_names() })
}

/// What changes nothing essential and has no words here.
fn drop_hints(request: &Request, dropped: &mut Dropped) {
    let sampling = &request.sampling;
    dropped.add_if(sampling.top_k.is_some(), "top_k");
    dropped.add_if(sampling.seed.is_some(), "seed");
    dropped.add_if(sampling.frequency_penalty.is_some(), "frequency_penalty");
    dropped.add_if(sampling.presence_penalty.is_some(), "presence_penalty");
    dropped.add_if(request.service_tier.as_deref().is_some_and(|tier| !is_tier(tier)), "service_tier");
    // Only the newest models take marks, and all of them cache without.
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let has_marks = parts.map(|part| &part.cache).chain(request.tools.iter().map(|tool| &tool.cache)).any(Option::is_some);
    dropped.add_if(has_marks || request.cache.is_some(), "cache_control");
    dropped.add_if(request.messages.iter().any(|message| message.name.is_some()), "name");
}

/// Whether OpenAI has this word: Anthropic has some of its own.
fn is_tier(word: &str) -> bool {
    matches!(word, "auto" | "default" | "flex" | "scale" | "priority" | "fast" | "ultrafast")
}

/// `instructions`, if the conversation begins with what fits in there, and what is left of it.
fn split(messages: &[Message]) -> (Option<&str>, &[Message]) {
    match messages {
        [Message { role: Role::System, parts, .. }, rest @ ..] => match parts.as_slice() {
            [part] => match &part.content {
                Content::Text(text) if !text.text.is_empty() => (Some(&text.text), rest),
                _ => (None, messages),
            },
            _ => (None, messages),
        },
        _ => (None, messages),
    }
}

/// Encrypted reasoning is asked for only where there is some to be expected: models that do not reason refuse the request
/// over it ("Encrypted content is not supported with this model"), and those that do send it by themselves [?].
fn include(request: &Request, input: &[WireItem<'_>]) -> Vec<&'static str> {
    let thinks = request.reasoning.as_ref().is_some_and(|reasoning| reasoning.effort() != Some(Effort::None));
    let has_thought = input.iter().any(|item| matches!(item, WireItem::Reasoning { .. }));
    let mut include = Vec::new();
    include.extend((thinks || has_thought).then_some("reasoning.encrypted_content"));
    include.extend(request.logprobs.map(|_| LOGPROBS));
    include
}

impl<'a> WireReasoning<'a> {
    /// `None`: there is nothing to say.
    pub fn of(reasoning: &'a Reasoning) -> Option<WireReasoning<'a>> {
        let effort = reasoning.effort().map(Effort::word);
        // Without a word there is no summary, which is what `omitted` means.
        let summary = reasoning.summary.as_deref().filter(|word| *word != "omitted");
        (effort.is_some() || summary.is_some()).then_some(WireReasoning { effort, summary })
    }
}

impl<'a> WireText<'a> {
    /// `None`: there is nothing to say. A response names the format whatever it is.
    pub fn of(request: &'a Request, is_response: bool) -> Option<WireText<'a>> {
        let format = match &request.format {
            None => is_response.then_some(WireFormat::Text),
            Some(Format::Json) => Some(WireFormat::JsonObject),
            Some(Format::Schema { name, description, schema, strict }) => {
                Some(WireFormat::JsonSchema { name, description: description.as_deref(), schema, strict: *strict })
            }
        };
        let verbosity = request.verbosity.as_deref();
        (format.is_some() || verbosity.is_some()).then_some(WireText { format, verbosity })
    }
}
