//! One table for each scenario.

use crate::measure::{Cost, Latency, Sample};
use crate::report::{number, table};
use crate::scenario::RUSH;
use crate::statistics::{median, median_of_pairs, ratio};
use crate::target::Target;

use super::{Cell, index};

/// A column: its title, how many digits, and the value.
type Column = (&'static str, usize, fn(&Row) -> Option<f64>);

const COLUMNS: [Column; 14] = [
    ("requests/s", 0, |row| row.of(|sample| Some(sample.rate))),
    ("p50 ms", 3, |row| row.of(|sample| Some(sample.latency.p50))),
    ("p99 ms", 3, |row| row.of(|sample| Some(sample.latency.p99))),
    ("p99.9 ms", 3, |row| row.of(|sample| Some(sample.latency.p999))),
    ("+ p50 ms", 3, |row| row.added()),
    ("CPU s/1,000", 4, |row| row.of(|sample| cost(sample, Cost::cpu))),
    ("user", 4, |row| row.of(|sample| cost(sample, |cost| cost.user))),
    ("system", 4, |row| row.of(|sample| cost(sample, |cost| cost.system))),
    ("busy", 2, |row| row.of(|sample| cost(sample, |cost| cost.busy))),
    ("waited", 2, |row| row.of(|sample| cost(sample, |cost| cost.waited))),
    ("MB", 1, |row| row.of(|sample| cost(sample, |cost| cost.memory))),
    ("× nginx", 2, |row| row.to_nginx(|sample| Some(sample.rate))),
    ("CPU × nginx", 2, |row| row.to_nginx(|sample| cost(sample, Cost::cpu))),
    ("p50 × nginx", 2, |row| row.to_nginx(|sample| Some(sample.latency.p50))),
];

const STREAM: [Column; 3] = [
    ("1st event p50", 3, |row| row.of(|sample| first(sample, |latency| latency.p50))),
    ("1st event p99", 3, |row| row.of(|sample| first(sample, |latency| latency.p99))),
    ("chunks/s", 0, |row| row.of(|sample| Some(sample.events))),
];

const CHUNKS: [Column; 2] = [
    ("chunks/CPU s", 0, |row| row.of(|sample| cost(sample, |cost| cost.events_per_second))),
    ("chunks/CPU s × nginx", 2, |row| row.to_nginx(|sample| cost(sample, |cost| cost.events_per_second))),
];

/// The table of cells that have one scenario.
pub fn scenario(targets: &[Target], cells: &[Cell]) -> String {
    let Some(scenario) = cells.first().map(|cell| cell.scenario) else { return String::new() };
    let mut columns = COLUMNS.to_vec();
    if scenario.is_stream() {
        columns.extend(STREAM);
    }
    if scenario.name == RUSH {
        columns.extend(CHUNKS);
    }
    let mut rows = Vec::new();
    for cell in cells {
        for (number, target) in targets.iter().enumerate() {
            let row = Row::new(targets, cell, number);
            let mut line = vec![target.name.clone(), cell.connections.to_string()];
            line.extend(columns.iter().map(|(_, digits, value)| self::number(value(&row), *digits)));
            rows.push(line);
        }
    }
    let head: Vec<&str> = ["target", "at once"].into_iter().chain(columns.iter().map(|(title, _, _)| *title)).collect();
    format!("## {} (`{}`)\n\n{}{}", scenario.title, scenario.name, table(&head, &rows), caveats(targets, cells))
}

/// What a reader must know before the figures: whose rate says nothing, and which were disturbed.
fn caveats(targets: &[Target], cells: &[Cell]) -> String {
    let (mut idle, mut disturbed) = (Vec::new(), Vec::new());
    for cell in cells {
        for (number, target) in targets.iter().enumerate() {
            let of = |value: fn(&Cost) -> f64| Row::new(targets, cell, number).of(|sample| cost(sample, value));
            let name = format!("{} at {}", target.name, cell.connections);
            if of(|cost| cost.waited).is_some_and(|waited| waited > WAITED) {
                disturbed.push(name);
            } else if cell.connections > 1 && cell.scenario.spread.is_none() && of(|cost| cost.busy).is_some_and(|busy| busy < BUSY) {
                idle.push(name);
            }
        }
    }
    let mut text = String::new();
    if !idle.is_empty() {
        text += &format!("\nThe limit was the core of load and upstream, not: {}. Compare CPU, not rates.\n", idle.join(", "));
    }
    if !disturbed.is_empty() {
        text += &format!("\n**Disturbed** by something else on the gateway's core: {}.\n", disturbed.join(", "));
    }
    text
}

/// Less of its core than this, and something else was the limit.
const BUSY: f64 = 0.9;

/// More than this share of the time ready but not running, and something else had the core. llmgw's own threads, which
/// share it, make 0.01.
const WAITED: f64 = 0.05;

/// One target's rounds, beside those that they are compared with.
pub struct Row<'a> {
    own: &'a [Sample],
    nginx: &'a [Sample],
    direct: &'a [Sample],
}

impl<'a> Row<'a> {
    pub fn new(targets: &[Target], cell: &'a Cell, number: usize) -> Self {
        let named = |name| index(targets, name).map_or(&[][..], |other| &cell.samples[other]);
        Self { own: &cell.samples[number], nginx: named("nginx"), direct: named("direct") }
    }

    /// The median over the rounds.
    pub fn of(&self, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.own.iter().filter_map(value))
    }

    /// The median of the rounds' ratios.
    pub fn to_nginx(&self, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median_of_pairs(self.own, self.nginx, |own, nginx| ratio(value(own), value(nginx)))
    }

    /// The median of the rounds' differences.
    pub fn over_nginx(&self, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median_of_pairs(self.own, self.nginx, |own, nginx| Some(value(own)? - value(nginx)?))
    }

    fn added(&self) -> Option<f64> {
        median_of_pairs(self.own, self.direct, |own, direct| Some(own.latency.p50 - direct.latency.p50))
    }
}

pub fn cost(sample: &Sample, value: impl Fn(&Cost) -> f64) -> Option<f64> {
    sample.cost.as_ref().map(value)
}

pub fn first(sample: &Sample, value: impl Fn(&Latency) -> f64) -> Option<f64> {
    sample.first_event.as_ref().map(value)
}
