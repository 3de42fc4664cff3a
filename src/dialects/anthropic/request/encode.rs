//! What Anthropic is asked for.
//!
//! Fitted to the model ([`Model`]): how it is told to think, which sampling parameters it takes. A custom tool becomes a
//! function whose only member is `input`, a text; its calls in the history are wrapped alike, and calls of it come back as
//! a function's.

mod reasoning;
mod schema;
mod turns;
mod wire;

use serde::Serialize;

use super::super::VERSION;
use super::super::model::{Model, SamplingTaken};
use crate::dialects::hints::Dropped;
use crate::dialects::{Addressee, DialectError, Encoded};
use crate::hub::{Cache, Format, Raw, Request, Tool, ToolChoice, ToolInput};
use reasoning::{Circumstances, Plan, Thinking};
use schema::Schema;
use turns::Turn;
use wire::{CacheControl, Contents};

/// More marks than this are refused.
const MOST_MARKS: usize = 4;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<Contents<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireChoice<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(flatten)]
    sampling: WireSampling,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct WireTool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
struct WireChoice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<WireFormat<'a>>,
}

#[derive(Serialize)]
struct WireFormat<'a> {
    r#type: &'static str,
    schema: &'a Raw,
}

#[derive(Default, Serialize)]
struct WireSampling {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

/// Places where a cache may end: the first few count.
struct Marks {
    left: usize,
}

impl Marks {
    fn mark(&mut self, cache: &Option<Cache>, dropped: &mut Dropped) -> Option<CacheControl> {
        let cache = cache.as_ref()?;
        let Some(left) = self.left.checked_sub(1) else {
            dropped.add("cache_control");
            return None;
        };
        self.left = left;
        let ttl = match cache.ttl.as_deref() {
            Some("1h") => Some("1h"),
            Some("5m") => Some("5m"),
            Some(_) => {
                dropped.add("cache_control.ttl");
                None
            }
            None => None,
        };
        Some(CacheControl { r#type: "ephemeral", ttl })
    }
}

/// Writes a request for the model `to.model`.
pub fn encode(request: &Request, to: Addressee<'_>) -> Result<Encoded, DialectError> {
    let model = Model::of(to.model);
    let mut dropped = Dropped::default();
    let mut marks = Marks { left: MOST_MARKS };
    let cache_control = marks.mark(&request.cache, &mut dropped);
    let tools: Vec<_> = request.tools.iter().map(|tool| wire_tool(tool, &mut marks, &mut dropped)).collect();
    let turns::Conversation { system, turns } = turns::write(request, &mut marks, &mut dropped)?;
    let is_prefilled = turns.last().is_some_and(|turn| !turn.is_user());
    if is_prefilled && !model.prefill {
        return Err(DialectError::Unsupported { feature: "a conversation that ends with the model's own turn (`messages`)".into() });
    }
    let tool_choice = wire_choice(request, &mut dropped);
    let circumstances = Circumstances {
        is_forced: tool_choice.as_ref().is_some_and(|choice| matches!(choice.r#type, "any" | "tool")),
        is_prefilled,
        goes_on_without_thought: turns::goes_on_without_thought(&turns),
    };
    let Plan { thinking, effort, max_tokens } = reasoning::plan(request, model, circumstances, &mut dropped);
    let sampling = wire_sampling(request, model, thinking.as_ref().is_some_and(Thinking::is_on), &mut dropped);
    let format = wire_format(request, &mut dropped)?;
    name_hints(request, &mut dropped);
    let body = Body {
        model: to.model,
        max_tokens,
        system,
        tools,
        tool_choice,
        messages: turns,
        thinking,
        output_config: (effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format }),
        sampling,
        stop_sequences: stop_sequences(request, &mut dropped),
        metadata: request.user.as_deref().map(|user_id| Metadata { user_id }),
        service_tier: request.service_tier.as_deref().filter(|tier| matches!(*tier, "auto" | "standard_only")),
        cache_control,
        stream: request.stream,
    };
    let body = serde_json::to_vec(&body).map_err(|error| DialectError::Malformed(error.to_string()))?;
    Ok(Encoded { body, headers: vec![("anthropic-version", VERSION.to_owned())], dropped: dropped.into_names() })
}

/// Names the hints that Anthropic has no words for.
fn name_hints(request: &Request, dropped: &mut Dropped) {
    dropped.add_if(request.sampling.frequency_penalty.is_some(), "frequency_penalty");
    dropped.add_if(request.sampling.presence_penalty.is_some(), "presence_penalty");
    dropped.add_if(request.sampling.seed.is_some(), "seed");
    dropped.add_if(request.verbosity.is_some(), "verbosity");
    dropped.add_if(!request.metadata.is_empty(), "metadata");
    dropped.add_if(request.cache_key.is_some(), "prompt_cache_key");
    dropped.add_if(request.messages.iter().any(|message| message.name.is_some()), "name");
    let is_known = |tier: &String| matches!(tier.as_str(), "auto" | "standard_only");
    dropped.add_if(request.service_tier.as_ref().is_some_and(|tier| !is_known(tier)), "service_tier");
}

fn wire_tool<'a>(tool: &'a Tool, marks: &mut Marks, dropped: &mut Dropped) -> WireTool<'a> {
    let (schema, strict) = match &tool.input {
        ToolInput::Function { schema, strict } => (schema.as_ref().map_or(Schema::OfNothing, Schema::typed), *strict),
        ToolInput::Custom { format } => {
            dropped.add_if(format.is_some(), "format");
            (Schema::OfText, None)
        }
    };
    WireTool {
        name: &tool.name,
        description: tool.description.as_deref(),
        input_schema: schema,
        // Where it is not wanted it is not said: not every server that speaks like Anthropic knows the word.
        strict: strict.filter(|strict| *strict),
        cache_control: marks.mark(&tool.cache, dropped),
    }
}

/// A choice is only taken with tools to choose from.
fn wire_choice<'a>(request: &'a Request, dropped: &mut Dropped) -> Option<WireChoice<'a>> {
    if request.tools.is_empty() {
        dropped.add_if(request.tool_choice.is_some(), "tool_choice");
        return None;
    }
    let is_one = request.parallel_tool_calls.map(|parallel| !parallel);
    let choice = |r#type, name| Some(WireChoice { r#type, name, disable_parallel_tool_use: is_one });
    match &request.tool_choice {
        None if is_one == Some(true) => choice("auto", None),
        None => None,
        Some(ToolChoice::Auto) => choice("auto", None),
        Some(ToolChoice::Required) => choice("any", None),
        Some(ToolChoice::Named(name)) => choice("tool", Some(name)),
        Some(ToolChoice::None) => Some(WireChoice { r#type: "none", name: None, disable_parallel_tool_use: None }),
    }
}

fn wire_format<'a>(request: &'a Request, dropped: &mut Dropped) -> Result<Option<WireFormat<'a>>, DialectError> {
    if request.logprobs.is_some() {
        return Err(DialectError::Unsupported { feature: "log probabilities (`logprobs`)".into() });
    }
    match &request.format {
        None => Ok(None),
        Some(Format::Json) => Err(DialectError::Unsupported { feature: "JSON without a schema (`response_format: json_object`)".into() }),
        Some(Format::Schema { description, schema, .. }) => {
            dropped.add_if(description.is_some(), "response_format.json_schema.description");
            Ok(Some(WireFormat { r#type: "json_schema", schema }))
        }
    }
}

/// A thinking model is not to be tampered with: "`temperature` may only be set to 1 when thinking is enabled", and
/// `top_p` only to 0.95 and above [?].
fn wire_sampling(request: &Request, model: &Model, is_thinking: bool, dropped: &mut Dropped) -> WireSampling {
    const LOWEST_TOP_P: f64 = 0.95;
    let asked = &request.sampling;
    let (temperature, top_p) = (asked.temperature.map(|temperature| temperature.min(1.0)), asked.top_p);
    let taken = match (model.sampling, is_thinking) {
        (SamplingTaken::None, _) => WireSampling::default(),
        (_, true) => WireSampling { top_p: top_p.filter(|top_p| *top_p >= LOWEST_TOP_P), ..WireSampling::default() },
        (SamplingTaken::One, false) => WireSampling { temperature, top_p: top_p.filter(|_| temperature.is_none()), top_k: asked.top_k },
        (SamplingTaken::All, false) => WireSampling { temperature, top_p, top_k: asked.top_k },
    };
    // One is what it is anyway.
    dropped.add_if(taken.temperature.is_none() && temperature.is_some_and(|temperature| temperature != 1.0), "temperature");
    dropped.add_if(taken.top_p.is_none() && top_p.is_some_and(|top_p| top_p != 1.0), "top_p");
    dropped.add_if(taken.top_k.is_none() && asked.top_k.is_some(), "top_k");
    taken
}

/// Blank ones are refused.
fn stop_sequences<'a>(request: &'a Request, dropped: &mut Dropped) -> Vec<&'a str> {
    let kept: Vec<&str> = request.stop.iter().map(String::as_str).filter(|stop| !stop.trim().is_empty()).collect();
    dropped.add_if(kept.len() < request.stop.len(), "stop");
    kept
}
