//! A whole answer, read and written, and the words that streams share with it.

mod encode;
mod usage;

use super::error;
use super::stream::Reader;
use crate::dialects::DialectError;
use crate::dialects::members::{Members, Value};
use crate::hub::{Answer, Citation, Event, FinishReason};

pub use encode::encode;

pub(super) use encode::{Block, Input, Message, WireCitation, WireUsage, stop};
pub(super) use usage::Counts;

/// Reads a whole reply, as if it had come as a stream of whole blocks.
pub fn decode(body: &[u8]) -> Result<Answer, DialectError> {
    let mut members = Members::of_body(body)?;
    let mut events = Vec::new();
    if let Some(error) = members.take("error") {
        return Ok(Answer::of([Event::Error(error::read(error.raw.get()))]));
    }
    let is_message = members.text("type")?.as_deref() == Some("message");
    if !is_message && !members.has("content") {
        return Err(DialectError::Missing { path: "content".to_owned() });
    }
    let mut reader = Reader::default();
    reader.begin(&mut members, &mut events);
    for (block, index) in members.list("content")?.iter().zip(0..) {
        reader.open(index, block, &mut events)?;
        reader.close(index, &mut events);
    }
    reader.finish(&mut members, &mut events)?;
    Ok(Answer::of(events))
}

/// Why an answer ended, and before it what the model's keeper says where it refused.
pub(super) fn read_ending(members: &mut Members<'_>) -> Result<Vec<Event>, DialectError> {
    let Some(reason) = members.text("stop_reason")? else { return Ok(Vec::new()) };
    let sequence = members.text("stop_sequence")?;
    let mut events = Vec::new();
    let finish = match reason.as_str() {
        "end_turn" => FinishReason::Stop,
        "stop_sequence" => sequence.map_or(FinishReason::Stop, FinishReason::StopSequence),
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "pause_turn" => FinishReason::Pause,
        "refusal" => {
            let details = members.object("stop_details")?;
            let explanation = details.map(|mut details| details.text("explanation")).transpose()?.flatten();
            events.extend(explanation.filter(|text| !text.is_empty()).map(Event::Refusal));
            FinishReason::ContentFilter
        }
        _ => FinishReason::Other(reason),
    };
    events.push(Event::Finish(finish));
    Ok(events)
}

/// A source of a text: a page of the web, a search result, a place in a document. Where in the text it counts is all of
/// its block.
pub(super) fn read_citation(citation: &Value<'_>) -> Result<Citation, DialectError> {
    let mut members = citation.object()?;
    let source = members.text("source")?.filter(|source| source.starts_with("http"));
    Ok(Citation {
        url: members.text("url")?.or(source),
        title: members.text("title")?.or(members.text("document_title")?),
        quote: members.text("cited_text")?,
        range: None,
    })
}

#[cfg(test)]
mod tests;
