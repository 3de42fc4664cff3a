//! What a client asks for.

mod conversation;
mod parts;
mod thinking;
mod tools;

use crate::dialects::DialectError;
use crate::dialects::hints::LeftOut;
use crate::dialects::members::{Members, Value};
use crate::hub::{Cache, Format, Raw, Request};

/// Reads a request.
pub fn decode(body: &[u8]) -> Result<Request, DialectError> {
    let mut members = Members::of_body(body)?;
    let mut left = LeftOut::default();
    let mut request = Request { model: members.required_text("model")?, ..Request::default() };
    refuse(&mut members)?;
    request.messages = conversation::read(&mut members, &mut left)?;
    request.tools = tools::read(&mut members, &mut left)?;
    request.tool_choice = tools::read_choice(&mut members, &request.tools)?;
    request.parallel_tool_calls = members.get("parallel_tool_calls", "true or false")?;
    request.max_tokens = read_limit(&mut members, &mut left)?;
    read_sampling(&mut members, &mut request)?;
    request.stop = read_stop(&mut members)?;
    request.reasoning = thinking::read(&mut members, &mut left)?;
    request.format = members.object("response_format")?.map(|format| read_format(format, &mut left)).transpose()?.flatten();
    request.verbosity = members.text("verbosity")?;
    // The number of others means nothing by itself, and is left over then.
    if members.get("logprobs", "true or false")? == Some(true) {
        request.logprobs = Some(members.get("top_logprobs", "a whole number")?.unwrap_or(0));
    }
    request.user = read_user(&mut members, &mut left)?;
    request.metadata = read_metadata(&mut members)?;
    request.service_tier = members.text("service_tier")?;
    request.cache_key = members.text("prompt_cache_key")?;
    request.cache = read_cache(&mut members, &mut left)?;
    read_stream(&mut members, &mut request, &mut left)?;
    left.rest(&members);
    request.left_out = left.into_paths();
    Ok(request)
}

pub(in crate::dialects) fn unsupported(feature: &'static str) -> DialectError {
    DialectError::Unsupported { feature: feature.into() }
}

/// What would change the meaning if it were left out.
fn refuse(members: &mut Members<'_>) -> Result<(), DialectError> {
    if members.get::<u64>("n", "a whole number")?.is_some_and(|number| number > 1) {
        return Err(unsupported("more than one choice (`n`)"));
    }
    for modality in members.list("modalities")? {
        if modality.text()? != "text" {
            return Err(DialectError::Unsupported { feature: format!("an answer that is more than text (`{}`)", modality.path).into() });
        }
    }
    if members.take("web_search_options").is_some() {
        return Err(unsupported("a search of the web (`web_search_options`)"));
    }
    Ok(())
}

fn read_limit(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Option<u64>, DialectError> {
    let older = members.get("max_tokens", "a number of tokens")?;
    let newer = members.get("max_completion_tokens", "a number of tokens")?;
    if newer.is_some() && older.is_some() {
        left.add("max_tokens".to_owned());
    }
    Ok(newer.or(older))
}

pub(in crate::dialects) fn read_sampling(members: &mut Members<'_>, request: &mut Request) -> Result<(), DialectError> {
    let sampling = &mut request.sampling;
    sampling.temperature = members.get("temperature", "a number")?;
    sampling.top_p = members.get("top_p", "a number")?;
    // vLLM's −1 means all of them.
    sampling.top_k = members.get::<i64>("top_k", "a whole number")?.and_then(|top_k| u64::try_from(top_k).ok());
    sampling.frequency_penalty = members.get("frequency_penalty", "a number")?;
    sampling.presence_penalty = members.get("presence_penalty", "a number")?;
    sampling.seed = members.get("seed", "a whole number")?;
    Ok(())
}

/// A text, or several.
pub(in crate::dialects) fn read_stop(members: &mut Members<'_>) -> Result<Vec<String>, DialectError> {
    match members.take("stop") {
        None => Ok(Vec::new()),
        Some(stop) if stop.is_text() => Ok(vec![stop.text()?]),
        Some(stop) => stop.get("a string or a list of strings"),
    }
}

pub(in crate::dialects) fn read_stream(members: &mut Members<'_>, request: &mut Request, left: &mut LeftOut) -> Result<(), DialectError> {
    request.stream = members.get("stream", "true or false")?.unwrap_or(false);
    if let Some(mut options) = members.object("stream_options")? {
        request.include_usage = options.get("include_usage", "true or false")?.unwrap_or(false);
        left.rest(&options);
    }
    Ok(())
}

/// The two that replace `user` are a key of the cache and this one.
fn read_user(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Option<String>, DialectError> {
    let (user, identifier) = (members.text("user")?, members.text("safety_identifier")?);
    if user.is_some() && identifier.is_some() {
        left.add("user".to_owned());
    }
    Ok(identifier.or(user))
}

fn read_metadata(members: &mut Members<'_>) -> Result<Vec<(String, String)>, DialectError> {
    let Some(metadata) = members.object("metadata")? else { return Ok(Vec::new()) };
    metadata.rest().filter(|(_, value)| value.raw.get() != "null").map(|(name, value)| Ok((name, value.text()?))).collect()
}

/// `None`: text.
fn read_format(mut members: Members<'_>, left: &mut LeftOut) -> Result<Option<Format>, DialectError> {
    let kind = members.required("type")?;
    let format = match kind.text()?.as_str() {
        "text" => None,
        // llama.cpp's may have a schema.
        "json_object" => Some(match read_schema(&mut members)? {
            None => Format::Json,
            Some(schema) => Format::Schema { name: "response".to_owned(), description: None, schema, strict: None },
        }),
        "json_schema" => {
            let mut inside = members.required("json_schema")?.object()?;
            let (name, description) = (inside.required_text("name")?, inside.text("description")?);
            let strict = inside.get("strict", "true or false")?;
            let schema = read_schema(&mut inside)?;
            left.rest(&inside);
            // Without a schema any object will do.
            Some(schema.map_or(Format::Json, |schema| Format::Schema { name, description, schema, strict }))
        }
        word => return Err(DialectError::Unsupported { feature: format!("an answer of the form `{word}` (`{}`)", kind.path).into() }),
    };
    left.rest(&members);
    Ok(format)
}

fn read_schema(members: &mut Members<'_>) -> Result<Option<Raw>, DialectError> {
    members.take("schema").map(|schema| object(&schema)).transpose()
}

/// A JSON Schema; `true` and `false` are some too, and are nobody's.
fn object(schema: &Value<'_>) -> Result<Raw, DialectError> {
    if schema.is_object() { Ok(schema.raw.into()) } else { Err(schema.invalid("a JSON Schema: an object")) }
}

/// A mark where a cache may end: OpenAI's, or Anthropic's as OpenRouter takes it.
fn read_cache(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Option<Cache>, DialectError> {
    let mut cache = None;
    for (name, kind) in [("prompt_cache_breakpoint", "mode"), ("cache_control", "type")] {
        let Some(mut mark) = members.object(name)? else { continue };
        // There is only one of each.
        mark.take(kind);
        cache = Some(Cache { ttl: mark.text("ttl")? });
        left.rest(&mark);
    }
    Ok(cache)
}
