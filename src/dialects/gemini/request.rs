//! A request: the conversation, and the settings around it.

use serde::Serialize;

use super::model::Model;
use super::parts::Part;
use super::thinking::ThinkingConfig;
use super::turns::{self, Content};
use crate::dialects::hints::Dropped;
use crate::dialects::{DialectError, Encoded};
use crate::hub::{Effort, Format, Raw, Request, Tool, ToolChoice, ToolInput};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Instruction<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Tools<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<GenerationConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

#[derive(Serialize)]
struct Instruction<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tools<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// Not `parameters`: that takes only a subset of JSON Schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'a Raw>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    function_calling_config: FunctionCallingConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionCallingConfig<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[&'a str; 1]>,
}

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Raw>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
}

/// More stop sequences than this are refused.
const MOST_STOPS: usize = 5;

/// Writes `request` for the model of the name `model`.
pub fn encode(request: &Request, model: &str) -> Result<Encoded, DialectError> {
    let (model, mut dropped) = (Model::of(model), Dropped::default());
    let (instructions, contents) = turns::conversation(request, model, &mut dropped)?;
    let body = Body {
        contents,
        system_instruction: (!instructions.is_empty()).then_some(Instruction { parts: instructions }),
        tools: tools(&request.tools, &mut dropped)?,
        tool_config: tool_config(request),
        generation_config: generation(request, model, &mut dropped)?,
        service_tier: service_tier(request.service_tier.as_deref(), &mut dropped),
    };
    drop_hints(request, &mut dropped);
    let body = serde_json::to_vec(&body).map_err(|error| DialectError::Malformed(error.to_string()))?;
    Ok(Encoded { body, headers: Vec::new(), dropped: dropped.into_names() })
}

fn tools<'a>(tools: &'a [Tool], dropped: &mut Dropped) -> Result<Option<[Tools<'a>; 1]>, DialectError> {
    let mut function_declarations = Vec::with_capacity(tools.len());
    for tool in tools {
        let ToolInput::Function { schema, strict } = &tool.input else {
            return Err(DialectError::Unsupported { feature: format!("a custom tool (`{}`)", tool.name).into() });
        };
        dropped.add_if(*strict == Some(true), "strict");
        dropped.add_if(tool.cache.is_some(), "cache_control");
        let description = tool.description.as_deref();
        function_declarations.push(Declaration { name: &tool.name, description, parameters_json_schema: schema.as_ref() });
    }
    Ok((!tools.is_empty()).then_some([Tools { function_declarations }]))
}

/// Without tools only a choice that demands one is passed on: others mean nothing, and are refused.
fn tool_config(request: &Request) -> Option<ToolConfig<'_>> {
    let (mode, name) = match request.tool_choice.as_ref()? {
        ToolChoice::Auto | ToolChoice::None if request.tools.is_empty() => return None,
        ToolChoice::Auto => ("AUTO", None),
        ToolChoice::None => ("NONE", None),
        ToolChoice::Required => ("ANY", None),
        ToolChoice::Named(name) => ("ANY", Some([name.as_str()])),
    };
    Some(ToolConfig { function_calling_config: FunctionCallingConfig { mode, allowed_function_names: name } })
}

fn generation<'a>(request: &'a Request, model: Model, dropped: &mut Dropped) -> Result<Option<GenerationConfig<'a>>, DialectError> {
    if request.stop.len() > MOST_STOPS {
        return Err(DialectError::Unsupported { feature: format!("more than {MOST_STOPS} stop sequences (`stop`)").into() });
    }
    let (sampling, format) = (&request.sampling, request.format.as_ref());
    // A seed has 32 bits here.
    let seed = sampling.seed.and_then(|seed| i32::try_from(seed).ok());
    dropped.add_if(seed.is_none() && sampling.seed.is_some(), "seed");
    let config = GenerationConfig {
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        max_output_tokens: request.max_tokens,
        stop_sequences: request.stop.iter().map(String::as_str).collect(),
        seed,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        response_logprobs: request.logprobs.map(|_| true),
        logprobs: request.logprobs.filter(|others| *others > 0),
        response_mime_type: format.map(|_| "application/json"),
        response_json_schema: format.and_then(|format| schema(format, dropped)),
        thinking_config: thinking(request, model, dropped),
    };
    Ok((config != GenerationConfig::default()).then_some(config))
}

/// A schema is always kept to, and has no name.
fn schema<'a>(format: &'a Format, dropped: &mut Dropped) -> Option<&'a Raw> {
    let Format::Schema { description, schema, .. } = format else { return None };
    dropped.add_if(description.is_some(), "response_format.json_schema.description");
    Some(schema)
}

fn thinking(request: &Request, model: Model, dropped: &mut Dropped) -> Option<ThinkingConfig> {
    let reasoning = request.reasoning.as_ref()?;
    let config = ThinkingConfig::of(reasoning, model.thinking);
    // Whoever wishes only for a summary has wished for no effort.
    let effort = reasoning.effort().filter(|effort| *effort != Effort::None);
    dropped.add_if(config.is_none() && effort.is_some(), "reasoning_effort");
    dropped.add_if(config.is_none() && reasoning.summary.is_some(), "reasoning.summary");
    config
}

/// OpenAI's words and Anthropic's, where Gemini has a tier for them. `auto` is what counts without it.
fn service_tier(word: Option<&str>, dropped: &mut Dropped) -> Option<&'static str> {
    match word? {
        "default" | "standard" | "standard_only" => Some("standard"),
        "flex" => Some("flex"),
        "priority" => Some("priority"),
        other => {
            dropped.add_if(other != "auto", "service_tier");
            None
        }
    }
}

/// Hints that have no words here. Labels, which `metadata` could become, are known to Vertex only.
fn drop_hints(request: &Request, dropped: &mut Dropped) {
    dropped.add_if(request.parallel_tool_calls == Some(false), "parallel_tool_calls");
    dropped.add_if(request.verbosity.is_some(), "verbosity");
    dropped.add_if(request.user.is_some(), "user");
    dropped.add_if(!request.metadata.is_empty(), "metadata");
    dropped.add_if(request.cache_key.is_some(), "prompt_cache_key");
    dropped.add_if(request.cache.is_some(), "cache_control");
}

#[cfg(test)]
mod tests;
