//! What an upstream is asked for.
//!
//! OpenAI's own is told from servers that only speak like it by [`Quirks::max_completion_tokens`]; its requests are fitted
//! to the model ([`Model`]). Others get OpenAI's older words, which all of them know, and no hints: a server may refuse a
//! request for a word that it does not know.
//!
//! [`Quirks::max_completion_tokens`]: crate::hub::Quirks::max_completion_tokens

mod fitting;
mod media;
mod tools;
mod turns;

use serde::Serialize;

use super::super::model::Model;
use crate::dialects::hints::Dropped;
use crate::dialects::{Addressee, DialectError, Encoded};
use crate::hub::{Format, Quirks, Raw, Request};
use fitting::{Fitted, WireSampling};
use tools::{WireChoice, WireTool};
use turns::WireMessage;

/// The most that OpenAI's `safety_identifier` may have.
const LONGEST_IDENTIFIER: usize = 128;

/// Tiers that OpenAI knows.
const TIERS: [&str; 6] = ["auto", "default", "flex", "scale", "priority", "fast"];

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(flatten)]
    sampling: WireSampling,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<WireFormat<'a>>,
    #[serde(flatten)]
    hints: Hints<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

/// For OpenAI's own.
#[derive(Default, Serialize)]
struct Hints<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: WireSchema<'a> },
}

#[derive(Serialize)]
struct WireSchema<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a Raw,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// Whom a request is for.
#[derive(Clone, Copy)]
struct Target<'a> {
    quirks: &'a Quirks,
    /// OpenAI's own API.
    is_own: bool,
    /// One of OpenAI's models; of others nothing is known.
    model: &'static Model,
}

/// Writes a request for the model `to.model`.
pub fn encode(request: &Request, to: Addressee<'_>) -> Result<Encoded, DialectError> {
    let is_own = to.quirks.max_completion_tokens;
    // Whoever else serves a model of this name takes what it likes.
    let target = Target { quirks: to.quirks, is_own, model: Model::of(if is_own { to.model } else { "" }) };
    let mut dropped = Dropped::default();
    let Fitted { effort, sampling, stop } = fitting::fit(request, target, &mut dropped)?;
    let tools = tools::write(request, target, &mut dropped);
    let has_tools = !tools.is_empty();
    let body = Body {
        model: to.model,
        messages: turns::write(request, target, &mut dropped)?,
        tools,
        tool_choice: dropped.keep_if(has_tools, tools::write_choice(request, target), "tool_choice"),
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| has_tools),
        max_tokens: request.max_tokens.filter(|_| !is_own),
        max_completion_tokens: request.max_tokens.filter(|_| is_own),
        sampling,
        stop,
        reasoning_effort: effort.map(|effort| effort.word()),
        response_format: write_format(request, target)?,
        hints: write_hints(request, target, &mut dropped),
        stream: request.stream,
        stream_options: request.stream.then_some(StreamOptions { include_usage: true }),
    };
    let body = serde_json::to_vec(&body).map_err(|error| DialectError::Malformed(error.to_string()))?;
    Ok(Encoded { body, headers: Vec::new(), dropped: dropped.into_names() })
}

fn write_format<'a>(request: &'a Request, target: Target<'_>) -> Result<Option<WireFormat<'a>>, DialectError> {
    Ok(match &request.format {
        None => None,
        Some(Format::Json) => Some(WireFormat::JsonObject),
        Some(Format::Schema { .. }) if !target.quirks.json_schema => {
            return Err(DialectError::Unsupported { feature: "JSON of a schema (`response_format: json_schema`)".into() });
        }
        Some(Format::Schema { name, description, schema, strict }) => {
            let json_schema = WireSchema { name, description: description.as_deref(), schema, strict: strict.filter(|strict| *strict) };
            Some(WireFormat::JsonSchema { json_schema })
        }
    })
}

/// `metadata` is only taken together with `store` [?], and nobody asked for that.
fn write_hints<'a>(request: &'a Request, target: Target<'_>, dropped: &mut Dropped) -> Hints<'a> {
    dropped.add_if(!request.metadata.is_empty(), "metadata");
    dropped.add_if(request.cache.is_some(), "cache_control");
    let is_known = |tier: &str| TIERS.contains(&tier);
    let tier = request.service_tier.as_deref();
    Hints {
        verbosity: dropped.keep_if(target.is_own && target.model.verbosity, request.verbosity.as_deref(), "verbosity"),
        safety_identifier: dropped.keep_if(target.is_own, request.user.as_deref(), "user").map(shortened),
        service_tier: dropped.keep_if(target.is_own && tier.is_none_or(is_known), tier, "service_tier"),
        prompt_cache_key: dropped.keep_if(target.is_own, request.cache_key.as_deref(), "prompt_cache_key"),
    }
}

fn shortened(identifier: &str) -> &str {
    let end = identifier.char_indices().nth(LONGEST_IDENTIFIER).map_or(identifier.len(), |(end, _)| end);
    &identifier[..end]
}
