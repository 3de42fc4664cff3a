//! When what happened: a bar for each attempt, on the time of the whole request.

use std::time::Duration;

use crate::admin::format;
use crate::admin::texts::Texts;
use crate::telemetry::Record;
use crate::telemetry::record::Attempt;

/// Width of the whole, in the picture's own units.
const WHOLE: f64 = 1000.0;
/// What is shorter is shown all the same.
const LEAST: f64 = 4.0;

/// The bar of one attempt.
#[derive(Debug, PartialEq)]
pub(in crate::admin) struct Lane {
    pub parts: Vec<Part>,
}

/// What it did for some time.
#[derive(Debug, PartialEq)]
pub(in crate::admin) struct Part {
    pub class: &'static str,
    pub x: f64,
    pub width: f64,
    /// What that was, and how long it took.
    pub title: String,
}

/// One for each attempt of `record`.
pub(in crate::admin) fn lanes(record: &Record, texts: &Texts) -> Vec<Lane> {
    let end = record.over();
    record.attempts.iter().map(|attempt| lane(attempt, end, texts)).collect()
}

fn lane(attempt: &Attempt, end: Duration, texts: &Texts) -> Lane {
    let connected = attempt.connected();
    let head = attempt.first_byte.unwrap_or(attempt.took);
    let first = attempt.first_token.unwrap_or(head);
    let places = [
        ("connect", texts.connecting, Duration::ZERO, connected),
        ("wait", texts.waiting_for_head, connected, head),
        ("think", texts.waiting_for_content, head, first),
        ("answer", texts.answering, first, attempt.took),
    ];
    let share = |time: Duration| if end.is_zero() { 0.0 } else { (time.as_secs_f64() / end.as_secs_f64() * WHOLE).min(WHOLE) };
    // A tenth of a unit is less than a screen shows.
    let place = |time: Duration| (share(time) * 10.0).round() / 10.0;
    let parts = places.into_iter().filter(|(.., from, until)| until > from).map(|(class, what, from, until)| {
        let x = place(attempt.began + from).min(WHOLE - LEAST);
        let width = (place(attempt.began + until) - x).max(LEAST);
        Part { class, x, width, title: format!("{what}: {}", format::took(until.saturating_sub(from))) }
    });
    Lane { parts: parts.collect() }
}
