//! The last lines of the server's own log.

use std::sync::Arc;
use std::time::SystemTime;

use askama::Template;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::admin::error::Error;
use crate::admin::page::{self, Section, Shell, render};
use crate::admin::visit::Visit;
use crate::config::Level;
use crate::telemetry::lines::{Follower, Line, Read};

/// `?level=warn&text=req-615&after=17`
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct Wish {
    /// At least as severe as this one.
    pub level: Option<Level>,
    /// What a line must hold, in whatever case.
    pub text: String,
    /// After this line.
    pub after: u64,
}

/// `GET api/log`
#[derive(Serialize)]
struct Log {
    lines: Vec<Told>,
    /// How many before them are not kept any more.
    missed: u64,
    /// The last line there is: where to go on from.
    last: u64,
}

/// A line, and its parts for people.
#[derive(Serialize)]
pub(in crate::admin) struct Told {
    #[serde(flatten)]
    pub line: Line,
    /// The request that it is about.
    pub request: Option<String>,
    /// What happened.
    pub message: String,
    /// Its particulars, as `key=value`.
    pub fields: String,
}

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage {
    s: Shell,
    level: Level,
    text: String,
    log: Log,
    /// The log is not kept in memory.
    is_absent: bool,
}

impl Wish {
    fn least(&self) -> Level {
        self.level.unwrap_or(Level::Trace)
    }

    fn read(&self, visit: &Visit) -> Log {
        let Read { lines, missed, last } = visit.desk.lines.as_ref().map(|lines| lines.after(self.after, self.least())).unwrap_or_default();
        Log { lines: lines.into_iter().filter(|line| self.wants(line)).map(Told::from).collect(), missed, last }
    }

    /// Whether `line` holds what is looked for.
    pub(in crate::admin) fn wants(&self, line: &Line) -> bool {
        self.text.is_empty() || line.text.to_lowercase().contains(&self.text.to_lowercase())
    }

    /// Lines as they are written.
    pub(in crate::admin) fn follow(&self, visit: &Visit) -> Option<Follower> {
        let lines = visit.desk.lines.as_ref()?;
        // Whoever names no line has none, and wants what is new.
        let after = if self.after > 0 { self.after } else { lines.after(0, Level::Error).last };
        Some(lines.follow(after, self.least()))
    }
}

/// `GET log`
pub(in crate::admin) async fn page(visit: &Visit) -> Result<Response, Error> {
    let wish: Wish = visit.query()?;
    let mut log = wish.read(visit);
    // The newest first: that is what one came for.
    log.lines.reverse();
    let is_absent = visit.desk.lines.is_none();
    render(&LogPage { s: Shell::new(visit, Section::Log), level: wish.least(), text: wish.text, log, is_absent })
}

/// `GET api/log`
pub(in crate::admin) async fn json(visit: &Visit) -> Result<Response, Error> {
    let wish: Wish = visit.query()?;
    page::json(&wish.read(visit))
}

impl From<Line> for Told {
    fn from(line: Line) -> Told {
        let text: Arc<str> = line.text.clone();
        let (request, message, fields) = from_json(&text).unwrap_or_else(|| from_text(&text));
        Told { line, request, message, fields }
    }
}

type Parts = (Option<String>, String, String);

/// `request{id=req-1}: finished client=…`
fn from_text(text: &str) -> Parts {
    let spanned = text.strip_prefix("request{id=").and_then(|rest| rest.split_once("}: "));
    let (request, rest) = spanned.map_or((None, text), |(id, rest)| (Some(id.to_owned()), rest));
    let is_key = |word: &str| {
        word.split_once('=').is_some_and(|(key, _)| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
    };
    let begins =
        rest.match_indices(' ').map(|(at, _)| at + 1).chain([0]).filter(|at| rest[*at..].split(' ').next().is_some_and(is_key)).min();
    let (message, fields) = rest.split_at(begins.unwrap_or(rest.len()));
    (request, message.trim_end().to_owned(), fields.to_owned())
}

/// The same where the log is written as JSON.
fn from_json(text: &str) -> Option<Parts> {
    let Ok(Value::Object(mut members)) = serde_json::from_str(text) else { return None };
    let request = members.remove("span").and_then(|span| Some(span.get("id")?.as_str()?.to_owned()));
    let message = members.remove("message").and_then(|message| Some(message.as_str()?.to_owned())).unwrap_or_default();
    for known in ["timestamp", "level", "target"] {
        members.remove(known);
    }
    let fields: Vec<String> = members.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Some((request, message, fields.join(" ")))
}

impl Shell {
    pub(in crate::admin) fn levels(&self) -> [Level; 5] {
        [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace]
    }

    pub(in crate::admin) fn level(&self, level: &Level) -> &'static str {
        match level {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }

    /// `08:18:11.412`, on the reader's clock.
    pub(in crate::admin) fn clock(&self, at: &SystemTime) -> String {
        let milliseconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_millis();
        format!("{}.{milliseconds:03}", self.moment(at).get(6..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::{from_json, from_text};

    #[test]
    fn a_line_comes_apart_into_request_message_and_particulars() {
        let parts = |text| {
            let (request, message, fields) = from_json(text).unwrap_or_else(|| from_text(text));
            (request.unwrap_or_default(), message, fields)
        };
        let own = |one: &str, two: &str, three: &str| (one.to_owned(), two.to_owned(), three.to_owned());
        for (text, expected) in [
            ("started providers=3 models=4", own("", "started", "providers=3 models=4")),
            ("request{id=req-1/2}: finished client=::1 error=\"a b=c\"", own("req-1/2", "finished", "client=::1 error=\"a b=c\"")),
            ("no content yet: a = b, starting", own("", "no content yet: a = b, starting", "")),
            ("reason=x", own("", "", "reason=x")),
            ("", own("", "", "")),
            (
                r#"{"timestamp":"t","level":"INFO","message":"finished","status":200,"span":{"id":"req-1"}}"#,
                own("req-1", "finished", "status=200"),
            ),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }
}
