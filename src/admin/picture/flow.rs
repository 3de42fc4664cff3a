//! The way a request went: from its client through llmgw to each upstream that was asked, or passed over, and back.

use crate::admin::format;
use crate::admin::page::Shell;
use crate::hub::Outcome;
use crate::telemetry::Record;
use crate::telemetry::record::{Attempt, Route, Skip};

use super::short;

/// Of an upstream's box, and what is between two, in pixels.
const HEIGHT: i32 = 58;
const GAP: i32 = 12;
/// Where the boxes of upstreams begin.
const UPSTREAMS: i32 = 540;
/// Where llmgw's ends.
const GATEWAY_END: i32 = 346;
/// Where the boxes of upstreams begin in the tall picture, for narrow screens.
const TALL_TOP: i32 = 92;
/// Of those that were passed over, so many are shown.
const MOST_SKIPPED: usize = 4;

/// What the picture is made from.
pub(in crate::admin) struct Flow {
    pub height: i32,
    pub tall_height: i32,
    /// Half of it: where client and llmgw stand.
    pub middle: i32,
    pub client: String,
    pub asked: String,
    /// What the client was told.
    pub told: String,
    pub told_class: &'static str,
    pub stops: Vec<Stop>,
    /// In a sentence, for those who do not see it.
    pub label: String,
    /// Passed over, and not shown.
    pub more: usize,
}

/// One upstream.
pub(in crate::admin) struct Stop {
    pub y: i32,
    /// `ok`, `warn`, `bad`, nothing, or `skipped`.
    pub class: &'static str,
    pub provider: String,
    pub model: String,
    /// How it ended, or why it was passed over.
    pub said: String,
    /// Above the line to it.
    pub number: String,
    pub took: String,
    /// The line to it, as a path.
    pub path: String,
    /// The same in the tall picture, and where its box begins there.
    pub tall_path: String,
    pub tall_y: i32,
    /// All of it, under the pointer.
    pub title: String,
}

impl Flow {
    pub(in crate::admin) fn of(record: &Record, s: &Shell) -> Flow {
        let shown = record.skipped.len().min(MOST_SKIPPED);
        let count = (record.attempts.len() + shown).max(1) as i32;
        let height = (count * (HEIGHT + GAP) - GAP).max(2 * HEIGHT) + 20;
        let middle = height / 2;
        let top = middle - (count * (HEIGHT + GAP) - GAP) / 2;
        let y = |place: usize| top + place as i32 * (HEIGHT + GAP);
        let mut stops: Vec<Stop> =
            record.attempts.iter().enumerate().map(|(place, one)| attempted(one, place, y(place), middle, s)).collect();
        let passed = record.skipped.iter().take(shown).enumerate();
        stops.extend(passed.map(|(place, skip)| skipped(skip, y(record.attempts.len() + place), middle, s)));
        for (place, stop) in stops.iter_mut().enumerate() {
            stop.tall_y = TALL_TOP + place as i32 * (HEIGHT + GAP);
            let at = stop.tall_y + HEIGHT / 2;
            stop.tall_path = format!("M300 54C300 84 14 58 14 {}V{}Q14 {at} 24 {at}H32", TALL_TOP + 4, at - 10);
        }
        let told = format!("{} · {}", record.status, format::took(record.total));
        Flow {
            height,
            tall_height: TALL_TOP + count * (HEIGHT + GAP),
            middle,
            client: short(&record.caller, 16),
            asked: short(if record.model.is_empty() { &record.endpoint } else { &record.model }, 19),
            told_class: s.outcome_tone(&record.outcome),
            label: label(record, s),
            more: record.skipped.len() - shown,
            told,
            stops,
        }
    }
}

fn attempted(attempt: &Attempt, place: usize, y: i32, middle: i32, s: &Shell) -> Stop {
    let status = attempt.status.map(|status| format!("{status} ")).unwrap_or_default();
    let said = format!("{status}{}", s.outcome(&attempt.outcome));
    let reason = attempt.reason.as_deref().map(|reason| format!(" · {reason}")).unwrap_or_default();
    let hedge = if attempt.is_hedge { format!(" · {}", s.t.hedge) } else { String::new() };
    Stop {
        class: s.outcome_tone(&attempt.outcome),
        title: format!("{}: {said}{reason}{hedge}", named(&attempt.route)),
        said: short(&format!("{said}{hedge}"), 34),
        number: (place + 1).to_string(),
        took: format::took(attempt.took),
        ..stop(&attempt.route, y, middle)
    }
}

fn skipped(skip: &Skip, y: i32, middle: i32, s: &Shell) -> Stop {
    let reason = s.phrase(&skip.reason);
    Stop { class: "skipped", title: format!("{}: {reason}", named(&skip.route)), said: short(&reason, 34), ..stop(&skip.route, y, middle) }
}

fn stop(route: &Route, y: i32, middle: i32) -> Stop {
    let at = y + HEIGHT / 2;
    let bend = (UPSTREAMS - GATEWAY_END) / 2;
    Stop {
        y,
        class: "",
        provider: short(&route.provider, 28),
        model: short(&route.upstream_model, 32),
        said: String::new(),
        number: String::new(),
        took: String::new(),
        tall_y: 0,
        tall_path: String::new(),
        path: format!("M{GATEWAY_END} {middle}C{} {middle} {} {at} {} {at}", GATEWAY_END + bend, UPSTREAMS - bend, UPSTREAMS - 7),
        title: String::new(),
    }
}

fn named(route: &Route) -> String {
    if route.upstream_model.is_empty() { route.provider.to_string() } else { format!("{} / {}", route.provider, route.upstream_model) }
}

fn label(record: &Record, s: &Shell) -> String {
    let attempts = record.attempts.iter().map(|attempt| format!("{}: {}", named(&attempt.route), s.outcome(&attempt.outcome)));
    let skipped = record.skipped.iter().map(|skip| format!("{}: {}", named(&skip.route), s.phrase(&skip.reason)));
    let way = attempts.chain(skipped).collect::<Vec<_>>().join("; ");
    let end = if record.outcome == Outcome::Ok { String::new() } else { format!(" ({})", s.outcome(&record.outcome)) };
    format!("{} → llmgw → {way} → {}{end}", record.caller, record.status)
}
