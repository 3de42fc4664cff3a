//! A whole response of an upstream; and what an item says, of which a stream may have told a part already.

use super::object::read_usage;
use crate::dialects::DialectError;
use crate::dialects::members::{Members, Value};
use crate::dialects::openai_responses::OWN;
use crate::dialects::openai_responses::error::{self, SERVER_ERROR};
use crate::dialects::openai_responses::items::read_citation;
use crate::hub::{Answer, ApiError, Event, FinishReason, Form, Raw, Signature};

/// Reads a whole response. What is no response, and says what went wrong, is an answer that failed.
pub fn decode(body: &[u8]) -> Result<Answer, DialectError> {
    let mut members = Members::of_body(body)?;
    let id = members.text("id")?.unwrap_or_default();
    let mut events = vec![Event::Start { id: id.clone(), model: members.text("model")?.unwrap_or_default() }];
    let mut reader = ItemReader { response: id, ..ItemReader::default() };
    match members.take("output") {
        Some(output) => {
            for item in output.list()? {
                reader.item(item.object()?, &mut Said::default(), &mut events)?;
            }
        }
        None if members.has("error") => {}
        None => return Err(DialectError::Missing { path: members.path_of("output") }),
    }
    conclude(members, None, reader.calls > 0, &mut events)?;
    Ok(Answer::of(events))
}

/// Whether a response in this state goes no further.
fn is_concluded(status: &str) -> bool {
    matches!(status, "completed" | "incomplete" | "failed" | "cancelled")
}

/// What a response says when it is over. `status`: how it ended, where it does not say so itself.
pub fn conclude(mut response: Members<'_>, status: Option<&str>, has_calls: bool, events: &mut Vec<Event>) -> Result<(), DialectError> {
    events.extend(response.text("service_tier")?.map(Event::ServiceTier));
    let usage = response.get::<serde_json::Value>("usage", "an object")?;
    events.extend(usage.as_ref().and_then(read_usage).map(Event::Usage));
    let said = response.text("status")?;
    let status = said.as_deref().filter(|said| is_concluded(said)).or(status).or(said.as_deref()).unwrap_or("completed");
    let error = response.take("error");
    if error.is_some() || matches!(status, "failed" | "cancelled") {
        let unknown = || ApiError { message: format!("the response is {status}"), kind: SERVER_ERROR.to_owned(), code: String::new() };
        events.push(Event::Error(error.map_or_else(unknown, |error| error::read(&error))));
        return Ok(());
    }
    events.push(Event::Finish(match status {
        "completed" if has_calls => FinishReason::ToolCalls,
        "completed" => FinishReason::Stop,
        "incomplete" => incomplete(response)?,
        other => FinishReason::Other(other.to_owned()),
    }));
    Ok(())
}

fn incomplete(mut response: Members<'_>) -> Result<FinishReason, DialectError> {
    let reason = response.object("incomplete_details")?.map(|mut details| details.text("reason")).transpose()?.flatten();
    Ok(match reason.as_deref() {
        Some("max_output_tokens") => FinishReason::Length,
        Some("content_filter") => FinishReason::ContentFilter,
        Some(other) => FinishReason::Other(other.to_owned()),
        None => FinishReason::Other("incomplete".to_owned()),
    })
}

/// Reads items one after the other.
#[derive(Debug, Default)]
pub struct ItemReader {
    /// The response's id, from which ids of calls are made that have none.
    pub response: String,
    /// How many calls there were.
    pub calls: u32,
    /// Characters of the text that goes on: annotations count from the beginning of their own piece.
    pub run: u64,
}

/// What was told of an item already.
#[derive(Debug, Default)]
pub struct Said {
    /// The piece of content, or of the thought, that is being told.
    pub piece: u64,
    /// How many bytes of it were told.
    pub bytes: usize,
    /// How many of its annotations.
    pub annotations: usize,
    /// The character of the run at which it begins.
    pub base: u64,
    /// Which of a thought's two lists is told.
    pub thoughts: Option<Thoughts>,
    /// Anything of it was told.
    pub is_begun: bool,
    /// Which call it is.
    pub call: Option<u32>,
    /// All of it was told.
    pub is_done: bool,
}

/// A thought has two lists of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoughts {
    /// What was really thought: models that are open.
    Content,
    /// What OpenAI shows of it.
    Summary,
}

impl ItemReader {
    /// Tells what of an item, which is whole now, was not told before.
    pub fn item(&mut self, mut item: Members<'_>, said: &mut Said, events: &mut Vec<Event>) -> Result<(), DialectError> {
        if std::mem::replace(&mut said.is_done, true) {
            return Ok(());
        }
        match item.text("type")?.as_deref() {
            Some("message") => self.message(&mut item, said, events),
            Some("reasoning") => self.reasoning(&mut item, said, events),
            Some("function_call") => self.call(&mut item, "arguments", said, events),
            Some("custom_tool_call") => self.call(&mut item, "input", said, events),
            Some("image_generation_call") => self.image(&mut item, events),
            // What OpenAI does by itself.
            _ => Ok(()),
        }
    }

    fn message(&mut self, item: &mut Members<'_>, said: &mut Said, events: &mut Vec<Event>) -> Result<(), DialectError> {
        for (index, piece) in (0..).zip(item.list("content")?) {
            self.piece(index, piece.object()?, said, events)?;
        }
        Ok(())
    }

    /// A piece of content that is whole now.
    pub fn piece(&mut self, index: u64, mut piece: Members<'_>, said: &mut Said, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let (member, is_text) = match piece.text("type")?.as_deref() {
            Some("output_text") => ("text", true),
            Some("refusal") => ("refusal", false),
            _ => return Ok(()),
        };
        if index < said.piece {
            return Ok(());
        }
        let was_told = said.is_begun && index == said.piece && said.bytes > 0;
        let text = piece.text(member)?.unwrap_or_default();
        self.rest(index, &text, is_text, said, events);
        let logprobs = piece.take("logprobs").filter(|_| !was_told);
        events.extend(logprobs.and_then(|list| read_logprobs(&list)));
        for annotation in piece.list("annotations")?.iter().skip(said.annotations) {
            self.annotation(annotation, said, events)?;
        }
        Ok(())
    }

    /// A piece of text, of which `whole` is all.
    pub fn rest(&mut self, index: u64, whole: &str, is_text: bool, said: &mut Said, events: &mut Vec<Event>) {
        let told = if index == said.piece { said.bytes } else { 0 };
        if index >= said.piece {
            self.say(index, whole.get(told..).unwrap_or_default(), is_text, said, events);
        }
    }

    /// The next words of a piece of text, or of a refusal.
    pub fn say(&mut self, index: u64, text: &str, is_text: bool, said: &mut Said, events: &mut Vec<Event>) {
        if index != said.piece {
            (said.piece, said.bytes, said.annotations) = (index, 0, 0);
        }
        if said.bytes == 0 {
            said.base = self.run;
        }
        if text.is_empty() {
            return;
        }
        said.bytes += text.len();
        said.is_begun = true;
        self.run = if is_text { self.run + text.chars().count() as u64 } else { 0 };
        events.push(if is_text { Event::Text(text.to_owned()) } else { Event::Refusal(text.to_owned()) });
    }

    /// A source of the piece that is being told.
    pub fn annotation(&mut self, annotation: &Value<'_>, said: &mut Said, events: &mut Vec<Event>) -> Result<(), DialectError> {
        said.annotations += 1;
        events.extend(read_citation(annotation, said.base)?.map(Event::Citation));
        Ok(())
    }

    fn reasoning(&mut self, item: &mut Members<'_>, said: &mut Said, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let (summary, content) = (item.list("summary")?, item.list("content")?);
        let of_summary = if summary.is_empty() { Thoughts::Content } else { Thoughts::Summary };
        let list = said.thoughts.unwrap_or(of_summary);
        for (index, piece) in (0..).zip(if list == Thoughts::Summary { summary } else { content }) {
            let text = piece.object()?.text("text")?.unwrap_or_default();
            self.think_rest(index, &text, list, said, events);
        }
        let encrypted = item.text("encrypted_content")?.filter(|text| !text.is_empty());
        if said.is_begun || encrypted.is_some() {
            self.run = 0;
            let signature = encrypted.map(|text| Signature::new(OWN, Form::Encrypted, text));
            events.push(Event::ReasoningEnd { signature, id: item.text("id")?.filter(|id| !id.is_empty()) });
        }
        Ok(())
    }

    /// A piece of a thought, of which `whole` is all.
    pub fn think_rest(&mut self, index: u64, whole: &str, list: Thoughts, said: &mut Said, events: &mut Vec<Event>) {
        let told = if index == said.piece { said.bytes } else { 0 };
        if index >= said.piece {
            self.think(index, whole.get(told..).unwrap_or_default(), list, said, events);
        }
    }

    /// The next words of a thought. Which of its two lists comes first is the one that counts.
    pub fn think(&mut self, index: u64, text: &str, list: Thoughts, said: &mut Said, events: &mut Vec<Event>) {
        if text.is_empty() || *said.thoughts.get_or_insert(list) != list {
            return;
        }
        if index != said.piece {
            (said.piece, said.bytes) = (index, 0);
            if said.is_begun {
                events.push(Event::Reasoning("\n\n".to_owned()));
            }
        }
        said.bytes += text.len();
        said.is_begun = true;
        self.run = 0;
        events.push(Event::Reasoning(text.to_owned()));
    }

    fn call(&mut self, item: &mut Members<'_>, input: &str, said: &mut Said, events: &mut Vec<Event>) -> Result<(), DialectError> {
        self.announce(item, input == "input", said, events)?;
        let whole = item.text(input)?.unwrap_or_default();
        self.call_rest(&whole, said, events);
        Ok(())
    }

    /// That a call begins, unless it was told.
    pub fn announce(
        &mut self,
        item: &mut Members<'_>,
        is_custom: bool,
        said: &mut Said,
        events: &mut Vec<Event>,
    ) -> Result<(), DialectError> {
        if said.call.is_some() {
            return Ok(());
        }
        let index = self.calls;
        let name = item.required_text("name")?;
        let id = match item.text("call_id")?.filter(|id| !id.is_empty()) {
            Some(id) => id,
            None => format!("{}_call_{index}", self.response),
        };
        said.call = Some(index);
        self.calls += 1;
        self.run = 0;
        events.push(Event::ToolCall { index, id, name, is_custom, signature: None });
        Ok(())
    }

    /// The arguments of a call that was announced; `whole` is all of them.
    pub fn call_rest(&mut self, whole: &str, said: &mut Said, events: &mut Vec<Event>) {
        self.call_more(whole.get(said.bytes..).unwrap_or_default(), said, events);
    }

    /// More arguments of a call that was announced. Before that they have no place: the whole item brings them.
    pub fn call_more(&mut self, text: &str, said: &mut Said, events: &mut Vec<Event>) {
        if let Some(index) = said.call.filter(|_| !text.is_empty()) {
            said.bytes += text.len();
            events.push(Event::ToolArguments { index, text: text.to_owned() });
        }
    }

    fn image(&mut self, item: &mut Members<'_>, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let format = item.text("output_format")?.unwrap_or_else(|| "png".to_owned());
        if let Some(data) = item.text("result")?.filter(|data| !data.is_empty()) {
            self.run = 0;
            events.push(Event::Image { media_type: format!("image/{format}"), data });
        }
        Ok(())
    }
}

/// A list with something in it.
pub fn read_logprobs(list: &Value<'_>) -> Option<Event> {
    let has_some = list.list().is_ok_and(|entries| !entries.is_empty());
    has_some.then(|| Event::Logprobs(Raw::from(list.raw)))
}
