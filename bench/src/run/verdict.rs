//! The targets that llmgw has set itself, and whether this run met them.

use crate::measure::Cost;
use crate::report::{self, number};
use crate::scenario::{CHAT, PACED, RUSH};
use crate::statistics::{median_of_pairs, ratio};
use crate::target::Target;

use super::parts::{NO_LEDGER, NO_LOG, Parts};
use super::peak::Half;
use super::tables::{Row, cost, first};
use super::{Cell, index};

enum Goal {
    AtLeast(f64),
    Under(f64),
}

impl Goal {
    fn is_met(&self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= *limit,
            Self::Under(limit) => value <= *limit,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::AtLeast(limit) => format!("at least {limit}"),
            Self::Under(limit) => format!("at most {limit}"),
        }
    }
}

/// Lines without a value are left for `scale` and `oneshot`, or for a run with more scenarios or gateways.
pub fn table(targets: &[Target], cells: &[Cell], half: Option<&Half>, parts: Option<&Parts>) -> String {
    let mut rows = Vec::new();
    for (what, goal, value) in lines(targets, cells, half, parts) {
        let verdict = value.map_or("–", |value| if goal.is_met(value) { "met" } else { "missed" });
        rows.push(vec![what.to_owned(), goal.text(), number(value, 3), verdict.to_owned()]);
    }
    let head = ["", "target", "measured", ""];
    format!("## Targets\n\n{}\nMemory per open stream: `scale`. `llmgw chat` beside curl: `oneshot`.\n", report::table(&head, &rows))
}

type Line = (&'static str, Goal, Option<f64>);

fn lines(targets: &[Target], cells: &[Cell], half: Option<&Half>, parts: Option<&Parts>) -> Vec<Line> {
    let llmgw = index(targets, "llmgw");
    let row = |name, connections| {
        let cell = cells.iter().find(|cell: &&Cell| cell.scenario.name == name && cell.connections == connections)?;
        Some(Row::new(targets, cell, llmgw?))
    };
    let agentgateway = || {
        let cell = cells.iter().find(|cell| cell.scenario.name == CHAT && cell.connections == 64)?;
        let (own, other) = (&cell.samples[llmgw?], &cell.samples[index(targets, "agentgateway")?]);
        median_of_pairs(own, other, |own, other| ratio(Some(own.rate), Some(other.rate)))
    };
    let (chat, single, rush, paced) = (row(CHAT, 64), row(CHAT, 1), row(RUSH, 16), row(PACED, 100));
    let (chat, single, rush, paced) = (chat.as_ref(), single.as_ref(), rush.as_ref(), paced.as_ref());
    let over_half = half.zip(llmgw).and_then(|(half, llmgw)| half.over_nginx(targets, llmgw));
    let costs = |part| parts.and_then(|parts| parts.to_full(part, |sample| Some(sample.rate))).map(|without| 100.0 * (1.0 - 1.0 / without));
    vec![
        ("requests/s ÷ nginx, chat 1 KB, 64 at once", Goal::AtLeast(0.75), chat.and_then(|row| row.to_nginx(|s| Some(s.rate)))),
        ("requests/s ÷ agentgateway, the same", Goal::AtLeast(2.0), agentgateway()),
        ("CPU per request ÷ nginx, the same", Goal::Under(1.5), chat.and_then(|row| row.to_nginx(|s| cost(s, Cost::cpu)))),
        ("p50 ÷ nginx, chat 1 KB, one caller", Goal::Under(1.1), single.and_then(|row| row.to_nginx(|s| Some(s.latency.p50)))),
        ("p99 − nginx's at half of the own peak, ms", Goal::Under(0.5), over_half),
        (
            "chunks per CPU second ÷ nginx, no pause, 16 at once",
            Goal::AtLeast(0.75),
            rush.and_then(|row| row.to_nginx(|s| cost(s, |cost| cost.events_per_second))),
        ),
        (
            "first event p50 − nginx's, paced, 100 at once, ms",
            Goal::Under(1.0),
            paced.and_then(|row| row.over_nginx(|s| first(s, |latency| latency.p50))),
        ),
        (
            "first event p99 − nginx's, the same",
            Goal::Under(1.0),
            paced.and_then(|row| row.over_nginx(|s| first(s, |latency| latency.p99))),
        ),
        ("resident memory idle, MB", Goal::Under(15.0), llmgw.and_then(|llmgw| targets[llmgw].idle_memory)),
        ("resident memory after 64 at once, MB", Goal::Under(30.0), chat.and_then(|row| row.of(|s| cost(s, |cost| cost.memory)))),
        ("throughput that the log of requests costs, %", Goal::Under(5.0), costs(NO_LOG)),
        ("throughput that the ledger costs, %", Goal::Under(5.0), costs(NO_LEDGER)),
    ]
}
