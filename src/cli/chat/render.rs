//! A reply as a person or a program reads it: text as it arrives, or the objects of the API.

use std::fmt::Display;
use std::mem::take;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Format;
use super::account::Account;
use super::screen::{Look, Screen};
use crate::cli::failure::Failure;
use crate::cli::output::{OutputError, Printer};
use crate::cli::visible::visible_json;
use crate::dialects::openai_chat::{events, usage};
use crate::dialects::sse::Framer;
use crate::hub::{ApiError, Event, FinishReason, MediaType, Usage};

/// An answer that was printed to its end.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Its text, a refusal included.
    pub text: String,
    /// Tokens, if the upstream reported them to its client.
    pub usage: Option<Usage>,
    /// When its first word came; `None`: all came in one piece.
    pub first: Option<Instant>,
    /// What became of it, if anybody accounts for it.
    pub account: Option<Account>,
}

/// Tells what became of an answer.
type Accountant<'a> = Box<dyn Fn(&Said) -> Account + 'a>;

/// Prints one answer.
pub struct Answer<'a> {
    printer: &'a Printer,
    /// Shown until the first word.
    spinner: ProgressBar,
    format: Format,
    is_empty: bool,
    /// Why it ended.
    finish: Option<FinishReason>,
    /// What the upstream said went wrong within it.
    error: Option<String>,
    /// Tools that it asks to be called.
    tools: Vec<String>,
    screen: Screen,
    look: Look,
    said: Said,
    /// Tells what became of it, once it is here.
    account: Option<Accountant<'a>>,
    /// The first chunk: whose id and name the last one shares.
    head: Option<Vec<u8>>,
}

impl<'a> Answer<'a> {
    /// One that nothing is known of yet.
    pub fn new(printer: &'a Printer, spinner: ProgressBar, format: Format) -> Answer<'a> {
        Answer {
            printer,
            spinner,
            format,
            is_empty: true,
            finish: None,
            error: None,
            tools: Vec::new(),
            screen: Screen::of(printer, Look::default()),
            look: Look::default(),
            said: Said::default(),
            account: None,
            head: None,
        }
    }

    /// Shown so.
    pub fn looking(mut self, look: Look) -> Answer<'a> {
        self.screen = Screen::of(self.printer, look);
        self.look = look;
        self
    }

    /// The same, with what `account` says when the answer is here; programs find it beside the answer.
    pub fn with_account(mut self, account: impl Fn(&Said) -> Account + 'a) -> Answer<'a> {
        self.account = Some(Box::new(account));
        self
    }

    /// Prints the reply to its end. Dropping the future drops the body, and with it the upstream's request.
    pub async fn print<B>(&mut self, status: StatusCode, headers: &HeaderMap, body: B) -> anyhow::Result<Said>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Display,
    {
        if status.is_success() && MediaType::of(headers).is_some_and(MediaType::is_event_stream) {
            self.stream(body).await?;
        } else {
            let collected = body.collect().await;
            self.spinner.finish_and_clear();
            let bytes = collected.map_err(Failure::failed)?.to_bytes();
            if !status.is_success() {
                return Err(refusal(status, &bytes).into());
            }
            self.whole(&bytes)?;
        }
        self.conclude()
    }

    async fn stream<B>(&mut self, mut body: B) -> anyhow::Result<()>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Display,
    {
        let read = self.pieces(&mut body).await;
        // Dropping the body writes the request's line to the log, which may be the same terminal.
        let ended = self.end_text();
        drop(body);
        read.and(Ok(ended?))?;
        Ok(self.close()?)
    }

    /// The last of the chunks: none of the answer, but what became of it.
    fn close(&mut self) -> Result<(), OutputError> {
        self.said.account = self.account.as_ref().map(|account| account(&self.said));
        let Some(account) = self.said.account.as_ref().filter(|_| self.format == Format::Jsonl) else { return Ok(()) };
        let head: Value = self.head.take().and_then(|head| serde_json::from_slice(&head).ok()).unwrap_or_default();
        let mut chunk = json!({ "id": head["id"], "object": "chat.completion.chunk", "created": head["created"], "model": head["model"], "choices": [] });
        // Whoever adds up must not find it twice.
        if let Some(usage) = account.openai_usage().filter(|_| self.said.usage.is_none()) {
            chunk["usage"] = usage;
        }
        chunk["llmgw"] = json!(account);
        self.object(&chunk.to_string())
    }

    /// A line for programs, or for a person who looks at one.
    fn object(&self, text: &str) -> Result<(), OutputError> {
        let is_seen = self.printer.terminal().stdout;
        self.printer.line(&if is_seen { visible_json(text) } else { text.into() })
    }

    async fn pieces<B>(&mut self, body: &mut B) -> anyhow::Result<()>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Display,
    {
        let mut framer = Framer::new();
        while let Some(piece) = body.frame().await {
            let piece = piece.map_err(|error| self.broken_off(&error.to_string()))?;
            let Ok(data) = piece.into_data() else { continue };
            framer.push(data).map_err(|_| self.broken_off("an event is too large"))?;
            while let Some(frame) = framer.next_frame() {
                self.chunk(&frame.data())?;
            }
        }
        if let Some(frame) = framer.rest() {
            self.chunk(&frame.data())?;
        }
        Ok(())
    }

    fn chunk(&mut self, data: &[u8]) -> Result<(), OutputError> {
        if data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        for event in events(data) {
            self.event(event)?;
        }
        if self.format == Format::Text {
            return Ok(());
        }
        self.spinner.finish_and_clear();
        self.is_empty = false;
        self.head.get_or_insert_with(|| data.to_vec());
        self.object(&String::from_utf8_lossy(data).replace('\n', " "))
    }

    fn event(&mut self, event: Event) -> Result<(), OutputError> {
        match event {
            Event::Text(text) | Event::Refusal(text) => {
                if !text.is_empty() {
                    self.said.first.get_or_insert_with(Instant::now);
                }
                return self.text(&text);
            }
            Event::Reasoning(text) => self.reasoning(&text),
            Event::Finish(reason) => self.finish = Some(reason),
            Event::Error(error) => self.error = Some(error.summary().into_owned()),
            Event::ToolCall { name, .. } => self.tools.push(name),
            Event::Usage(usage) => self.said.usage = Some(usage),
            // Nothing to show.
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), OutputError> {
        self.said.text.push_str(text);
        if self.format != Format::Text {
            return Ok(());
        }
        self.spinner.finish_and_clear();
        self.printer.end_aside();
        self.is_empty &= text.is_empty();
        self.printer.print(&self.screen.show(text))
    }

    /// Writes what is held back, and ends the line.
    fn end_text(&mut self) -> Result<(), OutputError> {
        self.printer.print(&self.screen.rest())?;
        self.printer.end_line()
    }

    /// Gives up on the rest; what was said until then.
    pub fn stop(&mut self) -> Result<Said, OutputError> {
        self.spinner.finish_and_clear();
        self.end_text()?;
        self.printer.end_aside();
        Ok(take(&mut self.said))
    }

    fn reasoning(&mut self, text: &str) {
        if self.format == Format::Text && !self.look.hides_reasoning {
            self.spinner.finish_and_clear();
            self.printer.reasoning(text);
        }
    }

    fn whole(&mut self, body: &[u8]) -> anyhow::Result<()> {
        let mut completion = read(body)?;
        self.error = ApiError::from_value(&completion).map(|error| error.summary().into_owned());
        self.said.usage = usage::of(&completion);
        self.message(&completion)?;
        self.said.account = self.account.as_ref().map(|account| account(&self.said));
        if let (Some(account), Some(members)) = (&self.said.account, completion.as_object_mut()) {
            members.insert("llmgw".to_owned(), json!(account));
        }
        match self.format {
            Format::Text => return Ok(()),
            Format::Json => self.object(&serde_json::to_string_pretty(&completion)?)?,
            Format::Jsonl => self.object(&completion.to_string())?,
        }
        self.is_empty = false;
        Ok(())
    }

    fn message(&mut self, completion: &Value) -> Result<(), OutputError> {
        let choice = &completion["choices"][0];
        let message = &choice["message"];
        let text = |member: &str| message[member].as_str().filter(|text| !text.is_empty());
        if let Some(reasoning) = text("reasoning_content").or_else(|| text("reasoning")) {
            self.reasoning(reasoning);
        }
        let names = message["tool_calls"].as_array().into_iter().flatten().filter_map(|call| call["function"]["name"].as_str());
        self.tools.extend(names.map(str::to_owned));
        self.finish = choice["finish_reason"].as_str().map(FinishReason::from_openai);
        match text_of(completion) {
            "" => Ok(()),
            text => self.text(text),
        }
    }

    /// Ends the last line, and says what the text alone does not.
    fn conclude(&mut self) -> anyhow::Result<Said> {
        self.spinner.finish_and_clear();
        self.end_text()?;
        self.printer.end_aside();
        if let Some(message) = &self.error {
            return Err(self.broken_off(message).into());
        }
        if !self.tools.is_empty() && self.format == Format::Text {
            self.printer
                .notice(&format!("the model asks for tools to be called: {} (`--format json` shows the calls)", self.tools.join(", ")));
        } else if self.is_empty && self.tools.is_empty() {
            self.printer.notice("the answer is empty");
        }
        match self.finish {
            Some(FinishReason::Length) => self.printer.notice("the answer was cut off at the token limit (`--max-tokens`)"),
            Some(FinishReason::ContentFilter) => self.printer.notice("the upstream's content filter withheld the rest"),
            _ => {}
        }
        Ok(take(&mut self.said))
    }

    fn broken_off(&self, reason: &str) -> Failure {
        self.spinner.finish_and_clear();
        let what = if self.is_empty { "the upstream failed" } else { "the answer broke off" };
        Failure::failed(format!("{what}: {reason}"))
    }
}

/// Who is interrupted keeps what came until then.
impl Drop for Answer<'_> {
    fn drop(&mut self) {
        // Nobody is left to hear of it.
        let _ = self.stop();
    }
}

/// A whole answer that came in one piece.
pub fn completion(status: StatusCode, body: &[u8]) -> Result<Value, Failure> {
    if !status.is_success() {
        return Err(refusal(status, body));
    }
    let completion = read(body)?;
    match ApiError::from_value(&completion) {
        Some(error) => Err(Failure::failed(format!("the upstream failed: {}", error.summary()))),
        None => Ok(completion),
    }
}

/// The text of a whole answer, or the refusal.
pub fn text_of(completion: &Value) -> &str {
    let message = &completion["choices"][0]["message"];
    let text = |member: &str| message[member].as_str().filter(|text| !text.is_empty());
    text("content").or_else(|| text("refusal")).unwrap_or_default()
}

fn read(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body)
        .map_err(|_| Failure::failed("the upstream's answer is not JSON").hint("is `base_url` right? `llmgw explain` shows who was asked"))
}

/// An upstream's own answer that is not a success.
fn refusal(status: StatusCode, body: &[u8]) -> Failure {
    let reason = ApiError::read(body).map(|error| error.summary().into_owned());
    let reason = reason.unwrap_or_else(|| String::from_utf8_lossy(body).chars().take(500).collect());
    Failure::failed(format!("the upstream answered {status}: {reason}"))
}

#[cfg(test)]
mod tests;
