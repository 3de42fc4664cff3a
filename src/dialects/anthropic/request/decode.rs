//! What a client of Anthropic's asks for.

mod content;

use crate::dialects::DialectError;
use crate::dialects::hints::LeftOut;
use crate::dialects::members::{Members, Value};
use crate::hub::{Cache, Content, Effort, Format, Message, Part, Reasoning, Request, Role, Tool, ToolChoice, ToolInput};
use content::Reader;

/// Claude Code's first block of instructions: for Anthropic's own eyes, and another one in every session.
const ATTRIBUTION: &str = "x-anthropic-billing-header:";

/// The name of an answer's schema, which has none here and needs one elsewhere.
const SCHEMA_NAME: &str = "response";

/// Reads a request. Tools that Anthropic runs itself are no other upstream's.
pub fn decode(body: &[u8]) -> Result<Request, DialectError> {
    let mut members = Members::of_body(body)?;
    let mut left = LeftOut::default();
    let mut request = Request { model: members.required_text("model")?, ..Request::default() };
    if members.has("thread") {
        // Its turn may hold no more than what is new. The SDKs' tool runners begin with it, and send everything when they
        // read this code (anthropic-sdk-python 2.14).
        return Err(DialectError::Declined { feature: "a thread that the provider keeps (`thread`)", code: "thread_unsupported_request" });
    }
    request.messages = conversation(&mut members, &mut left)?;
    request.tools = members.list("tools")?.iter().map(|tool| read_tool(tool, &mut left)).collect::<Result<_, _>>()?;
    if let Some(choice) = members.object("tool_choice")? {
        read_choice(choice, &mut request, &mut left)?;
    }
    request.max_tokens = members.get("max_tokens", "a number of tokens")?;
    if request.max_tokens == Some(0) {
        return Err(unsupported("filling the cache without an answer (`max_tokens: 0`)"));
    }
    request.sampling.temperature = members.get("temperature", "a number")?;
    request.sampling.top_p = members.get("top_p", "a number")?;
    request.sampling.top_k = members.get("top_k", "a whole number")?;
    request.stop = members.get("stop_sequences", "a list of strings")?.unwrap_or_default();
    request.reasoning = read_thinking(&mut members, &mut request.format, &mut left)?;
    if let Some(mut metadata) = members.object("metadata")? {
        request.user = metadata.text("user_id")?;
        left.rest(&metadata);
    }
    request.service_tier = members.text("service_tier")?;
    request.cache = read_cache(&mut members, &mut left)?;
    request.stream = members.get("stream", "true or false")?.unwrap_or(false);
    // Streams of this dialect always end with their usage.
    request.include_usage = request.stream;
    refuse(&mut members)?;
    left.rest(&members);
    request.left_out = left.into_paths();
    Ok(request)
}

/// What would change the meaning if it were left out.
fn refuse(members: &mut Members<'_>) -> Result<(), DialectError> {
    if !members.list("mcp_servers")?.is_empty() {
        return Err(unsupported("MCP servers (`mcp_servers`)"));
    }
    match members.text("inference_geo")?.as_deref() {
        None | Some("global") => Ok(()),
        Some(_) => Err(unsupported("a place of inference (`inference_geo`)")),
    }
}

fn unsupported(feature: &'static str) -> DialectError {
    DialectError::Unsupported { feature: feature.into() }
}

fn conversation(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Vec<Message>, DialectError> {
    let system = members.take("system");
    let list = members.required("messages")?;
    let turns = list.list()?;
    if turns.is_empty() {
        return Err(DialectError::Senseless { path: list.path, reason: "there must be at least one message".to_owned() });
    }
    let mut reader = Reader::new(left);
    let mut messages = Vec::with_capacity(turns.len() + 1);
    if let Some(system) = system {
        let mut parts = reader.contents(&system, content::Place::System)?;
        if parts.first().is_some_and(is_attribution) {
            parts.remove(0);
            reader.leave_out(format!("{}[0]", system.path));
        }
        if !parts.is_empty() {
            messages.push(Message::new(Role::System, parts));
        }
    }
    for turn in &turns {
        messages.push(reader.message(turn)?);
    }
    Ok(messages)
}

fn is_attribution(part: &Part) -> bool {
    matches!(&part.content, Content::Text(text) if text.text.starts_with(ATTRIBUTION))
}

fn read_tool(tool: &Value<'_>, left: &mut LeftOut) -> Result<Tool, DialectError> {
    let mut members = tool.object()?;
    if let Some(kind) = members.text("type")?.filter(|kind| kind != "custom") {
        return Err(DialectError::Unsupported { feature: format!("Anthropic's own tool `{kind}` (`{}`)", tool.path).into() });
    }
    let name = members.required_text("name")?;
    let description = members.text("description")?;
    let schema = members.take("input_schema");
    if let Some(schema) = schema.as_ref().filter(|schema| !schema.is_object()) {
        return Err(schema.invalid("a JSON Schema: an object"));
    }
    let input = ToolInput::Function { schema: schema.map(|schema| schema.raw.into()), strict: members.get("strict", "true or false")? };
    let cache = read_cache(&mut members, left)?;
    left.rest(&members);
    Ok(Tool { name, description, input, cache })
}

fn read_choice(mut members: Members<'_>, request: &mut Request, left: &mut LeftOut) -> Result<(), DialectError> {
    let kind = members.required("type")?;
    request.tool_choice = Some(match kind.text()?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(members.required_text("name")?),
        _ => return Err(kind.invalid("`auto`, `any`, `tool` or `none`")),
    });
    let is_one = members.get::<bool>("disable_parallel_tool_use", "true or false")?;
    request.parallel_tool_calls = is_one.map(|is_one| !is_one);
    left.rest(&members);
    Ok(())
}

/// `thinking` and `output_config`, which holds the answer's format as well.
fn read_thinking(members: &mut Members<'_>, format: &mut Option<Format>, left: &mut LeftOut) -> Result<Option<Reasoning>, DialectError> {
    let mut effort = None;
    if let Some(mut config) = members.object("output_config")? {
        if let Some(word) = config.take("effort") {
            let known = Effort::of_word(&word.text()?);
            effort = Some(known.ok_or_else(|| word.invalid("`low`, `medium`, `high`, `xhigh` or `max`"))?);
        }
        *format = config.object("format")?.map(|format| read_format(format, left)).transpose()?;
        left.rest(&config);
    }
    let Some(mut thinking) = members.object("thinking")? else {
        return Ok(effort.map(|effort| Reasoning { effort: Some(effort), ..Reasoning::default() }));
    };
    let kind = thinking.required("type")?;
    let budget = thinking.get("budget_tokens", "a number of tokens")?;
    let summary = thinking.text("display")?.map(|word| if word == "summarized" { "auto".to_owned() } else { word });
    left.rest(&thinking);
    let reasoning = Reasoning { effort, budget: None, summary };
    Ok(Some(match kind.text()?.as_str() {
        "adaptive" => reasoning,
        "enabled" => Reasoning { budget, ..reasoning },
        // No other provider tells thinking at the beginning from thinking between calls.
        "between_tools" => {
            left.add(kind.path);
            reasoning
        }
        "disabled" => {
            // Without thinking it still says how much to write, which is a hint.
            effort.into_iter().for_each(|_| left.add("output_config.effort".to_owned()));
            Reasoning { effort: Some(Effort::None), ..Reasoning::default() }
        }
        _ => return Err(kind.invalid("`adaptive`, `enabled`, `between_tools` or `disabled`")),
    }))
}

fn read_format(mut members: Members<'_>, left: &mut LeftOut) -> Result<Format, DialectError> {
    let kind = members.required("type")?;
    if kind.text()? != "json_schema" {
        return Err(kind.invalid("`json_schema`"));
    }
    let schema = members.required("schema")?;
    if !schema.is_object() {
        return Err(schema.invalid("a JSON Schema: an object"));
    }
    left.rest(&members);
    // OpenAI's strictness refuses optional members, which are fine here.
    Ok(Format::Schema { name: SCHEMA_NAME.to_owned(), description: None, schema: schema.raw.into(), strict: None })
}

/// The mark on a tool, a block or the whole request.
fn read_cache(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Option<Cache>, DialectError> {
    let Some(mut mark) = members.object("cache_control")? else { return Ok(None) };
    mark.text("type")?;
    let ttl = mark.text("ttl")?;
    left.rest(&mark);
    Ok(Some(Cache { ttl }))
}
