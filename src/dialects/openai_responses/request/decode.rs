//! What a client of the Responses API asks for.

use super::tools;
use crate::dialects::DialectError;
use crate::dialects::hints::LeftOut;
use crate::dialects::members::Members;
use crate::dialects::openai_responses::items;
use crate::hub::{Effort, Format, Message, Part, Reasoning, Request, Role};

/// Asks for what the hub's reasoning brings anyway.
const ENCRYPTED_REASONING: &str = "reasoning.encrypted_content";

/// Asks for log probabilities; how many, `top_logprobs` says.
pub(super) const LOGPROBS: &str = "message.output_text.logprobs";

/// Reads a request. A missing model is not a mistake here: a default may be configured.
pub fn decode(body: &[u8]) -> Result<Request, DialectError> {
    let mut members = Members::of_body(body)?;
    let mut left = LeftOut::default();
    refuse(&mut members)?;
    let mut request = Request { model: members.text("model")?.unwrap_or_default(), ..Request::default() };
    request.messages = conversation(&mut members, &mut left)?;
    (request.tools, request.groups) = tools::read_all(&members.list("tools")?, &mut left)?;
    let choice = members.take("tool_choice");
    request.tool_choice = choice.map(|choice| tools::read_choice(&choice, &request.tools)).transpose()?;
    request.parallel_tool_calls = members.get("parallel_tool_calls", "true or false")?;
    request.max_tokens = members.get("max_output_tokens", "a number of tokens")?;
    request.sampling.temperature = members.get("temperature", "a number")?;
    request.sampling.top_p = members.get("top_p", "a number")?;
    request.reasoning = members.object("reasoning")?.map(|reasoning| read_reasoning(reasoning, &mut left)).transpose()?.flatten();
    if let Some(text) = members.object("text")? {
        read_text(text, &mut request, &mut left)?;
    }
    request.logprobs = read_logprobs(&mut members, &mut left)?;
    request.metadata = read_metadata(&mut members)?;
    request.user = match members.text("safety_identifier")? {
        Some(user) => Some(user),
        None => members.text("user")?,
    };
    request.service_tier = members.text("service_tier")?;
    request.cache_key = members.text("prompt_cache_key")?;
    request.stream = members.get("stream", "true or false")?.unwrap_or(false);
    // Streams of this dialect always end with their usage.
    request.include_usage = request.stream;
    leave_out_defaults(&mut members, &mut left)?;
    left.rest(&members);
    request.left_out = left.into_paths();
    Ok(request)
}

/// What would change the meaning if it were left out.
fn refuse(members: &mut Members<'_>) -> Result<(), DialectError> {
    const BOUND: [(&str, &str); 4] = [
        ("previous_response_id", "an earlier response (`previous_response_id`)"),
        ("conversation", "a conversation that the provider keeps (`conversation`)"),
        ("prompt", "a prompt that the provider keeps (`prompt`)"),
        ("moderation", "moderation of what is said (`moderation`)"),
    ];
    for (name, feature) in BOUND {
        if members.take(name).is_some() {
            return Err(DialectError::Unsupported { feature: feature.into() });
        }
    }
    if members.get("background", "true or false")?.unwrap_or(false) {
        return Err(DialectError::Unsupported { feature: "an answer in the background (`background`)".into() });
    }
    Ok(())
}

/// Members whose usual value asks for nothing: only another one is worth a word.
fn leave_out_defaults(members: &mut Members<'_>, left: &mut LeftOut) -> Result<(), DialectError> {
    if members.get("store", "true or false")?.unwrap_or(false) {
        left.add("store".to_owned());
    }
    if members.text("truncation")?.is_some_and(|word| word != "disabled") {
        left.add("truncation".to_owned());
    }
    Ok(())
}

fn conversation(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Vec<Message>, DialectError> {
    let instructions = members.text("instructions")?.filter(|text| !text.is_empty());
    let mut messages: Vec<Message> = instructions.into_iter().map(|text| Message::new(Role::System, vec![Part::text(text)])).collect();
    let input = members.required("input")?;
    if input.is_text() {
        messages.push(Message::new(Role::User, vec![Part::text(input.text()?)]));
        return Ok(messages);
    }
    let list = input.list().map_err(|_| input.invalid("a string or a list of items"))?;
    if list.is_empty() {
        return Err(DialectError::Senseless { path: input.path(), reason: "there must be at least one item".to_owned() });
    }
    messages.extend(items::decode(&list, left)?);
    Ok(messages)
}

fn read_reasoning(mut members: Members<'_>, left: &mut LeftOut) -> Result<Option<Reasoning>, DialectError> {
    let mut reasoning = Reasoning::default();
    if let Some(word) = members.take("effort") {
        let known = Effort::of_word(&word.text()?);
        reasoning.effort = Some(known.ok_or_else(|| word.invalid("`none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`"))?);
    }
    reasoning.summary = members.text("summary")?;
    left.rest(&members);
    Ok(Some(reasoning).filter(|reasoning| *reasoning != Reasoning::default()))
}

fn read_text(mut members: Members<'_>, request: &mut Request, left: &mut LeftOut) -> Result<(), DialectError> {
    request.verbosity = members.text("verbosity")?;
    if let Some(mut format) = members.object("format")? {
        request.format = read_format(&mut format)?;
        left.rest(&format);
    }
    left.rest(&members);
    Ok(())
}

fn read_format(members: &mut Members<'_>) -> Result<Option<Format>, DialectError> {
    let kind = members.required("type")?;
    Ok(match kind.text()?.as_str() {
        "text" => None,
        "json_object" => Some(Format::Json),
        "json_schema" => {
            let name = members.required_text("name")?;
            let description = members.text("description")?;
            let schema = members.required("schema")?;
            Some(Format::Schema { name, description, schema: tools::as_schema(&schema)?, strict: members.get("strict", "true or false")? })
        }
        other => return Err(DialectError::Unsupported { feature: format!("the format `{other}` (`{}`)", kind.path()).into() }),
    })
}

fn read_logprobs(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Option<u64>, DialectError> {
    let mut is_asked = false;
    for entry in members.list("include")? {
        match entry.text()?.as_str() {
            LOGPROBS => is_asked = true,
            ENCRYPTED_REASONING => {}
            _ => left.add(entry.path()),
        }
    }
    let others = members.get("top_logprobs", "a whole number")?;
    // How many, and none asked for.
    if !is_asked && others.is_some_and(|others: u64| others > 0) {
        left.add("top_logprobs".to_owned());
    }
    Ok(is_asked.then(|| others.unwrap_or(0)))
}

fn read_metadata(members: &mut Members<'_>) -> Result<Vec<(String, String)>, DialectError> {
    let Some(metadata) = members.object("metadata")? else { return Ok(Vec::new()) };
    metadata.rest().map(|(key, value)| Ok((key, value.text()?))).collect()
}
