//! A whole reply, and what its blocks have in common with those of a stream. Converse tells neither an id nor a model.

use serde::Deserialize;

use super::error;
use crate::dialects::DialectError;
use crate::dialects::members::{Members, Value};
use crate::hub::{Answer, Citation, Event, FinishReason, Form, Kind, Signature, Usage};

/// Reads a whole reply. Blocks of a kind that is not known are left out: no client could show them.
pub fn decode(body: &[u8]) -> Result<Answer, DialectError> {
    let mut reply = Members::of_body(body)?;
    let mut events = vec![start()];
    if !reply.has("output")
        && let Some(error) = error::read(&mut reply)?
    {
        return Ok(Answer::of([start(), Event::Error(error)]));
    }
    let mut message = reply.required("output")?.object()?.required("message")?.object()?;
    let mut calls = 0;
    for block in message.list("content")? {
        read_block(block.object()?, &mut calls, &mut events)?;
    }
    events.extend(finish(&mut reply)?);
    ending(&mut reply, &mut events);
    Ok(Answer::of(events))
}

/// The beginning of every answer: the client's dialect must make up what Converse does not tell.
pub fn start() -> Event {
    Event::Start { id: String::new(), model: String::new() }
}

fn read_block(mut block: Members<'_>, calls: &mut u32, events: &mut Vec<Event>) -> Result<(), DialectError> {
    if let Some(text) = block.text("text")?.filter(|text| !text.is_empty()) {
        events.push(Event::Text(text));
    }
    if let Some(mut call) = block.object("toolUse")? {
        events.push(tool_call(&mut call, *calls)?);
        let text = call.raw("input").map_or_else(|| "{}".to_owned(), |input| input.text().to_owned());
        events.push(Event::ToolArguments { index: *calls, text });
        *calls += 1;
    }
    if let Some(mut reasoning) = block.object("reasoningContent")? {
        let mut signature = reasoning.text("redactedContent")?.map(encrypted);
        if let Some(mut said) = reasoning.object("reasoningText")? {
            events.extend(said.text("text")?.filter(|text| !text.is_empty()).map(Event::Reasoning));
            signature = said.text("signature")?.map(signed).or(signature);
        }
        events.push(Event::ReasoningEnd { signature, id: None });
    }
    if let Some(mut cited) = block.object("citationsContent")? {
        events.extend(joined(&cited.list("content")?)?.map(Event::Text));
        for value in cited.list("citations")? {
            events.push(Event::Citation(citation(value.object()?)?));
        }
    }
    if let Some(mut image) = block.object("image")? {
        let format = image.text("format")?.unwrap_or_default();
        events.extend(picture(&mut image, &format)?);
    }
    Ok(())
}

/// A tool call without its arguments. Where no id is told, its position is its id.
pub fn tool_call(call: &mut Members<'_>, index: u32) -> Result<Event, DialectError> {
    let id = call.text("toolUseId")?.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("call_{index}"));
    Ok(Event::ToolCall { index, id, name: call.required_text("name")?, is_custom: false, signature: None })
}

/// A signature of visible reasoning.
pub fn signed(data: String) -> Signature {
    Signature::new(Kind::Bedrock, Form::Signed, data)
}

/// Reasoning that is not shown.
pub fn encrypted(data: String) -> Signature {
    Signature::new(Kind::Bedrock, Form::Encrypted, data)
}

/// A source, of a whole reply or a stream. Where it counts in the text is not told; places within a document have no words
/// in the hub.
pub fn citation(mut told: Members<'_>) -> Result<Citation, DialectError> {
    let location = told.object("location")?;
    let web = location.map_or(Ok(None), |mut location| location.object("web"))?;
    let url = web.map_or(Ok(None), |mut web| web.text("url"))?;
    Ok(Citation { url, title: told.text("title")?, quote: joined(&told.list("sourceContent")?)?, range: None })
}

/// The texts of a list of `{"text"}`; `None`: they say nothing.
fn joined(list: &[Value<'_>]) -> Result<Option<String>, DialectError> {
    let mut all = String::new();
    for value in list {
        all.push_str(&value.object()?.text("text")?.unwrap_or_default());
    }
    Ok(Some(all).filter(|text| !text.is_empty()))
}

/// An image that the model made, if its bytes are here.
pub fn picture(image: &mut Members<'_>, format: &str) -> Result<Option<Event>, DialectError> {
    let source = image.object("source")?;
    let data = source.map_or(Ok(None), |mut source| source.text("bytes"))?;
    let format = if format.is_empty() { "png" } else { format };
    Ok(data.map(|data| Event::Image { media_type: format!("image/{format}"), data }))
}

/// Why it ended. The stop sequence is told where [`request`](super::request) asked for it.
pub fn finish(members: &mut Members<'_>) -> Result<Option<Event>, DialectError> {
    let Some(word) = members.text("stopReason")? else { return Ok(None) };
    let reason = match word.as_str() {
        "end_turn" => FinishReason::Stop,
        "stop_sequence" => {
            let extras = members.object("additionalModelResponseFields")?;
            let sequence = extras.map_or(Ok(None), |mut extras| extras.text("stop_sequence"))?;
            sequence.map_or(FinishReason::Stop, FinishReason::StopSequence)
        }
        "tool_use" => FinishReason::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "guardrail_intervened" | "content_filtered" => FinishReason::ContentFilter,
        _ => FinishReason::Other(word),
    };
    Ok(Some(Event::Finish(reason)))
}

/// What stands beside an answer: usage and the tier. Wrong ones are as good as none; the answer counts.
pub fn ending(members: &mut Members<'_>, events: &mut Vec<Event>) {
    events.extend(members.take("usage").as_ref().and_then(usage).map(Event::Usage));
    let tier = members.object("serviceTier").ok().flatten();
    events.extend(tier.and_then(|mut tier| tier.text("type").ok().flatten()).map(Event::ServiceTier));
}

/// Reads a `usage` object.
pub fn usage(value: &Value<'_>) -> Option<Usage> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Reported {
        input_tokens: Option<u64>,
        output_tokens: Option<u64>,
        cache_read_input_tokens: Option<u64>,
        cache_write_input_tokens: Option<u64>,
    }
    let told: Reported = value.get("an object").ok()?;
    let (cached, cache_write) = (told.cache_read_input_tokens.unwrap_or(0), told.cache_write_input_tokens.unwrap_or(0));
    // Bedrock counts cached tokens apart, as Anthropic does; the hub includes them.
    let input = told.input_tokens?.saturating_add(cached).saturating_add(cache_write);
    Some(Usage { input, cached, cache_write, output: told.output_tokens.unwrap_or(0), reasoning: 0 })
}
