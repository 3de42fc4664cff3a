//! What stands around the gateway: upstreams that fail in every way, healthy ones, and the configuration that names them.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::faulty::good::{HEALTHY, answer, closing, event, last_chunk, word};
use crate::faulty::{self, Fault, Faulty, Kind, Mix, Pace, Place};
use crate::matrix::Situation;
use crate::matrix::table::{Expected, Table};
use crate::server::UPSTREAM_KEY;
use crate::server::upstream::{Step, Upstream, chunk, events_head};

/// So short that they are always met by an upstream that never answers; `connect` well before the others.
const IMPATIENT: &str = ", timeout: { connect: 200ms, first_byte: 500ms, first_content: 500ms, idle: 500ms, non_stream: 500ms }";

/// What a long stream says, in as many events.
pub const WORDS: &str = "慢慢说来话长从前有座山山里有个庙庙里有个老和尚";

/// A fault that spoils others' answers: over HTTP/1.1 nobody can tell a stray answer from that to the next request, if this
/// was sent by the time the stray one comes. It gets an upstream of its own, where it has come long before.
const STRAY: &str = "a second answer that nobody asked for";

/// All upstreams, and all that can be asked for.
pub struct World {
    pub cells: Vec<Cell>,
    providers: String,
    models: String,
    _upstreams: Vec<Upstream>,
    _faulty: Vec<Faulty>,
}

/// One fault, asked for in one way, in one situation.
pub struct Cell {
    pub fault: String,
    pub kind: Kind,
    pub situation: Situation,
    pub model: String,
    /// Where it stands in the [`Mix`], if it is one of many of one upstream.
    pub number: Option<usize>,
    pub expected: Expected,
    /// What comes of it in the other situations: so it may be while upstreams rest.
    pub otherwise: Vec<Expected>,
    /// Limits of time are shorter than the table's, so that there is time for more attempts.
    pub is_hurried: bool,
    /// Held while it is asked for: the fault knows one request at a time.
    pub alone: Option<Arc<Mutex<()>>>,
}

impl World {
    pub async fn build() -> World {
        let mut world =
            World { cells: Vec::new(), providers: String::new(), models: String::new(), _upstreams: Vec::new(), _faulty: Vec::new() };
        let table = Table::read();
        let faults = || faulty::all().into_iter().flat_map(|group| group.faults);
        assert!(faults().any(|fault| fault.name == STRAY), "it has another name now");
        let mixed = Mix::new().0.iter().filter(|fault| fault.name != STRAY).cloned().collect();
        world.mix("mixed", Mix(Arc::new(mixed)), "", &table).await;
        // Those that hang for ever; what is whole in the table is so by limits of time that are not to be waited for here.
        let is_hung = |fault: &Fault| fault.place == Place::Plain && fault.pace != Pace::Prompt && !fault.is_warm;
        let outlasts = |fault: &Fault| {
            fault.kinds.iter().any(|kind| matches!(&*table.find(&fault.name, *kind, Situation::Only).gets, "whole" | "cut"))
        };
        world.mix("hung", Mix(Arc::new(faults().filter(|fault| is_hung(fault) && !outlasts(fault)).collect())), IMPATIENT, &table).await;
        // The binary finds names by itself.
        let has_place = |fault: &Fault| !matches!(fault.place, Place::Plain | Place::Unresolvable | Place::DeadAddressFirst);
        let is_placed = |fault: &Fault| fault.is_warm || fault.name == STRAY || has_place(fault);
        for (position, fault) in faults().filter(is_placed).enumerate() {
            let limits = if fault.pace == Pace::Prompt { "" } else { IMPATIENT };
            world.place(&format!("place{position}"), &fault, limits, &table).await;
        }
        // What is left out is left out on purpose.
        let is_left_out =
            |fault: &Fault| matches!(fault.place, Place::Unresolvable | Place::DeadAddressFirst) || is_hung(fault) && outlasts(fault);
        for fault in faults() {
            let is_in = world.cells.iter().any(|cell| cell.fault == fault.name);
            assert!(is_in != is_left_out(&fault), "`{}` is lost, or here in spite of all", fault.name);
        }
        let healthy = Upstream::start(|request| answer(request, HEALTHY)).await;
        let long = Upstream::start(|_| talk(WORDS, Duration::from_millis(100), Duration::ZERO)).await;
        let late = Upstream::start(|_| talk(HEALTHY, Duration::ZERO, Duration::from_secs(2))).await;
        world.provider("b", &settings(&healthy), "m-b, m-l", "");
        world.provider("long", &settings(&long), "m-t", "");
        world.provider("late", &settings(&late), "m-l", "");
        let _ =
            writeln!(world.models, "  late: {{ routes: [{{ provider: late, model: m-l }}, {{ provider: b, model: m-b, priority: 2 }}] }}");
        world._upstreams.extend([healthy, long, late]);
        world
    }

    /// The configuration number `number`: each replaces a pool or changes a rule.
    pub fn config(&self, number: usize) -> String {
        let cooldown = if number % super::REST == super::REST - 1 { "{ failures: 3, for: 300ms, max: 1s }" } else { "null" };
        format!(
            "server: {{ max_response: 100kB, keepalive: {{ every: 1s }} }}\nlogging: {{ level: error }}\nproviders:\n{}models:\n{}\
             routing: {{ cooldown: {cooldown}, backoff: {{ initial: 1ms, max: 1ms }}, hedge_after: 1s, deadline: {}s }}\n",
            self.providers.replace("POOL", &(100 + number % 2).to_string()),
            self.models,
            600 + number % 3,
        )
    }

    async fn mix(&mut self, name: &str, mix: Mix, limits: &str, table: &Table) {
        let faults = mix.clone();
        let upstream = Upstream::start(move |request| faults.steps(request)).await;
        self.faulty(name, &settings(&upstream), limits);
        for (number, fault) in mix.0.iter().enumerate() {
            self.cells(name, fault, Some(number), None, table);
        }
        self._upstreams.push(upstream);
    }

    async fn place(&mut self, name: &str, fault: &Fault, limits: &str, table: &Table) {
        let faulty = Faulty::start(fault).await;
        self.faulty(name, &faulty.settings, limits);
        self.cells(name, fault, None, Some(Arc::default()), table);
        self._faulty.push(faulty);
    }

    fn cells(&mut self, name: &str, fault: &Fault, number: Option<usize>, alone: Option<Arc<Mutex<()>>>, table: &Table) {
        for kind in fault.kinds.iter().copied() {
            for situation in [Situation::Only, Situation::Second] {
                let otherwise = Situation::ALL.into_iter().filter(|other| *other != situation);
                self.cells.push(Cell {
                    fault: fault.name.clone(),
                    kind,
                    situation,
                    model: format!("{situation:?}-{name}"),
                    number,
                    expected: table.find(&fault.name, kind, situation).clone(),
                    otherwise: otherwise.map(|other| table.find(&fault.name, kind, other).clone()).collect(),
                    is_hurried: fault.pace != Pace::Prompt,
                    alone: alone.clone(),
                });
            }
        }
    }

    /// A provider that fails, alone and with a healthy one behind it. By its name it is the matrix's `a`.
    fn faulty(&mut self, name: &str, settings: &str, limits: &str) {
        self.provider(&format!("{name}-a"), settings, "m-a", limits);
        let route = format!("{{ provider: {name}-a, model: m-a }}");
        let _ = writeln!(self.models, "  Only-{name}: {{ routes: [{route}] }}");
        let _ = writeln!(self.models, "  Second-{name}: {{ routes: [{route}, {{ provider: b, model: m-b, priority: 2 }}] }}");
    }

    fn provider(&mut self, name: &str, settings: &str, models: &str, limits: &str) {
        let rest = format!("api_key: {UPSTREAM_KEY}, models: [{models}], idle_timeout: 1s, idle_connections: POOL");
        let _ = writeln!(self.providers, "  - {{ name: {name}, type: openai, {settings}, {rest}{limits} }}");
    }
}

fn settings(upstream: &Upstream) -> String {
    format!("base_url: \"{}\"", upstream.base_url())
}

/// A stream of one event a character, with pauses before the first and between them.
fn talk(words: &str, between: Duration, before: Duration) -> Vec<Step> {
    let events = words.chars().flat_map(|letter| [Step::Pause(between), chunk(event(&word(&letter.to_string())).as_bytes())]);
    let end = [chunk(format!("{}data: [DONE]\n\n", closing()).as_bytes()), last_chunk()];
    [events_head(), Step::Pause(before)].into_iter().chain(events).chain(end).collect()
}
