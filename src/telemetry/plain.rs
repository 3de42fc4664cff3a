//! How a line of text looks without colours: as the library's own, byte for byte, at a fraction of its cost.
//!
//! Every request writes two lines, so this is part of its way. Control characters never reach the output: whatever a
//! client or an upstream said, it can neither begin a line of its own nor speak to a terminal.

use std::cell::RefCell;
use std::fmt::{self, Debug, Write};
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::config;

thread_local! {
    /// Lines are put together here, so that each is handed over whole.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
    /// The second of the last line, and how it is written.
    static SECOND: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// Formats events and the fields of spans.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        LINE.with_borrow_mut(|line| {
            line.clear();
            push_time(line, SystemTime::now());
            line.extend([" ", level(event.metadata().level()), " "]);
            for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
                line.push_str(span.metadata().name());
                if let Some(fields) = span.extensions().get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) {
                    line.extend(["{", fields.as_str(), "}"]);
                }
                line.push(':');
            }
            if !line.ends_with(' ') {
                line.push(' ');
            }
            record(event, line);
            writer.write_str(&without_controls(line))?;
            writer.write_char('\n')
        })
    }
}

impl<'w> FormatFields<'w> for Plain {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut text = String::new();
        record(&fields, &mut text);
        writer.write_str(&text)
    }
}

/// When a line was written, how severe it is, and the rest of it.
pub(super) fn take_apart(line: &str) -> Option<(SystemTime, config::Level, &str)> {
    let (time, rest) = line.split_once(' ')?;
    let (level, rest) = rest.trim_start().split_once(' ')?;
    Some((humantime::parse_rfc3339(time).ok()?, parse_level(level)?, rest))
}

/// `WARN`
pub(super) fn parse_level(word: &str) -> Option<config::Level> {
    match word {
        "TRACE" => Some(config::Level::Trace),
        "DEBUG" => Some(config::Level::Debug),
        "INFO" => Some(config::Level::Info),
        "WARN" => Some(config::Level::Warn),
        "ERROR" => Some(config::Level::Error),
        _ => None,
    }
}

fn level(level: &Level) -> &'static str {
    match *level {
        Level::TRACE => "TRACE",
        Level::DEBUG => "DEBUG",
        Level::INFO => " INFO",
        Level::WARN => " WARN",
        Level::ERROR => "ERROR",
    }
}

/// As `humantime` writes it, with microseconds; a second's name is made once for all of its lines.
fn push_time(line: &mut String, now: SystemTime) {
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SECOND.with_borrow_mut(|(second, written)| {
        if *second != since_epoch.as_secs() || written.is_empty() {
            *second = since_epoch.as_secs();
            *written = humantime::format_rfc3339_seconds(now).to_string();
            written.truncate(written.len() - 1);
        }
        line.push_str(written);
    });
    // Six digits, and one in front of them that is not shown.
    let at = line.len();
    push_number(line, 1_000_000 + u64::from(since_epoch.subsec_micros()));
    line.replace_range(at..=at, ".");
    line.push('Z');
}

fn record<R: RecordFields>(fields: R, into: &mut String) {
    let is_first = true;
    fields.record(&mut Fields { line: into, is_first });
}

/// Appends fields as `name=value`, and the message bare.
struct Fields<'a> {
    line: &'a mut String,
    is_first: bool,
}

impl Fields<'_> {
    fn name(&mut self, field: &Field) {
        if !std::mem::take(&mut self.is_first) {
            self.line.push(' ');
        }
        if field.name() != "message" {
            self.line.extend([field.name(), "="]);
        }
    }

    fn value(&mut self, field: &Field, value: impl fmt::Display) {
        self.name(field);
        // Writing to a string cannot fail; a value that fails to show itself is cut short.
        let _ = write!(self.line, "{value}");
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        if field.name() == "message" {
            self.line.push_str(value);
        } else if value.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
            self.line.extend(["\"", value, "\""]);
        } else {
            let _ = write!(self.line, "{value:?}");
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        push_number(self.line, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // Times have one decimal, and the library's way to write a number costs more than the rest of the line.
        let tenths = (value * 10.0) as u64;
        if value.is_sign_positive() && value < 1e9 && tenths as f64 / 10.0 == value {
            self.name(field);
            push_number(self.line, tenths / 10);
            self.line.push('.');
            return push_number(self.line, tenths % 10);
        }
        self.value(field, format_args!("{value:?}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.value(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.value(field, format_args!("{value:?}"));
    }
}

/// Numbers are half of a line, and going through a formatter costs several times their digits.
fn push_number(line: &mut String, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] += (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    line.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// `line` with control characters escaped; `\t` and what lies beyond ASCII stay.
fn without_controls(line: &str) -> std::borrow::Cow<'_, str> {
    let is_control = |character: char| character.is_control() && character != '\t';
    // Nearly every line has none. A fold looks at many bytes at once; C1 controls begin with 0xC2.
    let may_have = line.bytes().fold(false, |found, byte| found | ((byte < b' ') & (byte != b'\t')) | (byte == 0x7f) | (byte == 0xc2));
    if !may_have || !line.contains(is_control) {
        return line.into();
    }
    let escaped = line.chars().fold(String::with_capacity(line.len() + 8), |mut text, character| {
        if is_control(character) {
            text.extend(character.escape_default())
        } else {
            text.push(character)
        }
        text
    });
    escaped.into()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::{Duration, SystemTime};

    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt;

    use super::{Plain, push_time, without_controls};
    use crate::telemetry::testing::Memory;

    /// Lines without their first word, the time.
    fn said(subscriber: impl tracing::Subscriber + Send + Sync, memory: &Memory) -> Vec<String> {
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::error_span!("request", id = %"req-1", n = 1);
            span.in_scope(|| {
                tracing::info!(
                    model = "gpt-4",
                    status = 200,
                    took_ms = 1.0,
                    most = u64::MAX,
                    least = 0_u64,
                    small = 0.00001,
                    tenths = 1234.7,
                    nearly = 0.1 + 0.2,
                    negative = -0.0,
                    large = 1e16,
                    none = None::<u64>,
                    some = Some(3_u64),
                    "finished"
                );
                tracing::warn!(reason = "said \"no\"\n于是", ok = true, negative = -1, debug = ?Some("x"), display = %"以后", "上游失败");
            });
            tracing::error!(r#type = "raw");
            tracing::info!("{} {}", "formatted", 1);
            let error = io::Error::other("它坏了");
            tracing::info!(error = &error as &dyn std::error::Error, "with an error");
            span.in_scope(|| tracing::error_span!("inner", a = 1, b = "x").in_scope(|| tracing::info!("deep")));
            tracing::error_span!("bare").in_scope(|| tracing::info!("bare"));
        });
        let text = memory.take();
        text.lines().map(|line| line.split_once(' ').expect("a time first").1.to_owned()).collect()
    }

    #[test]
    fn a_line_is_what_the_library_would_write() {
        let (ours, theirs) = (Memory::default(), Memory::default());
        let layer = || tracing_subscriber::fmt::layer().with_target(false).with_ansi(false);
        let (one, two) = (ours.clone(), theirs.clone());
        let plain = layer().fmt_fields(Plain).event_format(Plain).with_writer(move || one.clone());
        let lines = said(Registry::default().with(plain), &ours);
        assert_eq!(lines, said(Registry::default().with(layer().with_writer(move || two.clone())), &theirs));
        assert!(
            lines.len() > 6 && lines[0].contains("request{id=req-1 n=1}: finished model=\"gpt-4\" status=200 took_ms=1.0"),
            "{lines:?}"
        );
    }

    #[test]
    fn times_are_written_as_the_library_writes_them() {
        for micros in [0, 1, 999_999, 1_000_000, 1_000_001, 1_795_902_000_000_070, 1_795_902_000_120_000, 1_795_901_999_999_999] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
            let mut line = "x ".to_owned();
            push_time(&mut line, time);
            assert_eq!(line, format!("x {}", humantime::format_rfc3339_micros(time)));
        }
    }

    #[test]
    fn nobody_begins_a_line_of_their_own() {
        assert_eq!(without_controls("a\nb\u{1b}[31m\u{9b}\tc 好 ²"), "a\\nb\\u{1b}[31m\\u{9b}\tc 好 ²");
    }
}
