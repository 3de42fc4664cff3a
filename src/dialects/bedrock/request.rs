//! A request: the conversation, and the settings around it. What only some models take goes under their own names into
//! `additionalModelRequestFields`.

use serde::Serialize;

use super::blocks::Block;
use super::model::Family;
use super::thinking::{Obstacles, Thinking, Wish};
use super::tools::{self, ToolConfig};
use super::turns::{self, Turn};
use crate::dialects::hints::Dropped;
use crate::dialects::{DialectError, Encoded};
use crate::hub::{Format, Raw, Request, ToolChoice};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    messages: &'a [Turn<'a>],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    system: &'a [Block<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_config: Option<InferenceConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<ServiceTier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_request_fields: Option<ModelFields>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    additional_model_response_field_paths: &'a [&'a str],
}

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text_format: Option<TextFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
}

#[derive(Serialize)]
struct TextFormat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    structure: Structure<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Structure<'a> {
    JsonSchema {
        /// JSON within a string.
        schema: &'a str,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
    },
}

#[derive(Serialize)]
struct ServiceTier {
    #[serde(rename = "type")]
    kind: &'static str,
}

/// Words of the models' own vendors.
#[derive(Default, Serialize)]
struct ModelFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
}

/// Where Claude says which stop sequence it met.
const STOP_SEQUENCE: &[&str] = &["/stop_sequence"];

/// Writes `request` for `model`.
pub fn encode(request: &Request, model: &str) -> Result<Encoded, DialectError> {
    if request.logprobs.is_some() {
        return Err(DialectError::Unsupported { feature: "log probabilities (`logprobs`)".into() });
    }
    let (family, mut dropped) = (Family::of(model), Dropped::default());
    let (system, turns) = turns::conversation(request, family, &mut dropped)?;
    let tool_config = tools::config(request, &turns, family, &mut dropped)?;
    let obstacles = Obstacles {
        is_forced: matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))),
        lacks_thoughts: turns::lacks_thoughts(&turns),
    };
    let wish = Wish::of(request, family.thinking, obstacles, &mut dropped);
    let takes_sampling = family.sampling && !wish.is_to_think();
    let inference_config = inference(request, takes_sampling, &mut dropped);
    let text_format = request.format.as_ref().map(text_format).transpose()?;
    let top_k = request.sampling.top_k.filter(|_| family.top_k && takes_sampling);
    dropped.add_if(request.sampling.top_k != top_k, "top_k");
    let tells_stop = family.tells_stop && inference_config.as_ref().is_some_and(|config| !config.stop_sequences.is_empty());
    let fields = ModelFields { thinking: wish.thinking, top_k, reasoning_effort: wish.reasoning_effort };
    let has_fields = fields.thinking.is_some() || fields.top_k.is_some() || fields.reasoning_effort.is_some();
    let body = Body {
        messages: &turns,
        system: &system,
        inference_config,
        tool_config,
        output_config: (text_format.is_some() || wish.effort.is_some()).then_some(OutputConfig { text_format, effort: wish.effort }),
        service_tier: service_tier(request.service_tier.as_deref(), &mut dropped),
        additional_model_request_fields: has_fields.then_some(fields),
        additional_model_response_field_paths: if tells_stop { STOP_SEQUENCE } else { &[] },
    };
    drop_hints(request, &mut dropped);
    let body = serde_json::to_vec(&body).map_err(|error| DialectError::Malformed(error.to_string()))?;
    Ok(Encoded { body, headers: Vec::new(), dropped: dropped.into_names() })
}

fn inference<'a>(request: &'a Request, takes_sampling: bool, dropped: &mut Dropped) -> Option<InferenceConfig<'a>> {
    let sampling = &request.sampling;
    let config = InferenceConfig {
        max_tokens: request.max_tokens,
        temperature: sampling.temperature.filter(|_| takes_sampling),
        top_p: sampling.top_p.filter(|_| takes_sampling),
        stop_sequences: request.stop.iter().map(String::as_str).filter(|text| !text.is_empty()).collect(),
    };
    dropped.add_if(config.temperature != sampling.temperature, "temperature");
    dropped.add_if(config.top_p != sampling.top_p, "top_p");
    (config != InferenceConfig::default()).then_some(config)
}

fn text_format(format: &Format) -> Result<TextFormat<'_>, DialectError> {
    let Format::Schema { name, description, schema, .. } = format else {
        return Err(DialectError::Unsupported {
            feature: "any JSON object as the answer (`response_format` of the type `json_object`)".into(),
        });
    };
    let structure = Structure::JsonSchema { schema: Raw::text(schema), name, description: description.as_deref() };
    Ok(TextFormat { kind: "json_schema", structure })
}

/// OpenAI's words and Anthropic's, where Bedrock has a tier for them. `auto` is what counts without it.
fn service_tier(word: Option<&str>, dropped: &mut Dropped) -> Option<ServiceTier> {
    let kind = match word? {
        "default" | "standard_only" => "default",
        "flex" => "flex",
        "priority" => "priority",
        "auto" => return None,
        _ => {
            dropped.add("service_tier");
            return None;
        }
    };
    Some(ServiceTier { kind })
}

/// Hints that no model behind Converse takes. `requestMetadata` takes only some signs, and refuses the request for others.
fn drop_hints(request: &Request, dropped: &mut Dropped) {
    let sampling = &request.sampling;
    dropped.add_if(sampling.frequency_penalty.is_some(), "frequency_penalty");
    dropped.add_if(sampling.presence_penalty.is_some(), "presence_penalty");
    dropped.add_if(sampling.seed.is_some(), "seed");
    dropped.add_if(request.verbosity.is_some(), "verbosity");
    dropped.add_if(request.user.is_some(), "user");
    dropped.add_if(!request.metadata.is_empty(), "metadata");
    dropped.add_if(request.cache_key.is_some(), "prompt_cache_key");
}

#[cfg(test)]
mod tests;
