//! One load on one target: what the client saw, and what it cost the target's processes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use crate::load::{self, Mode, Plan};
use crate::scenario::Scenario;
use crate::target::Target;

/// Connections stand, caches are warm, after much less.
pub const WARM_UP: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Requests a second.
    pub rate: f64,
    /// Events a second.
    pub events: f64,
    pub latency: Latency,
    pub first_event: Option<Latency>,
    pub cost: Option<Cost>,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
}

/// Of the gateway.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// CPU seconds for 1,000 requests, which are CPU milliseconds for one.
    pub user: f64,
    pub system: f64,
    pub events_per_second: f64,
    /// CPU seconds by elapsed seconds: near 1, the gateway was the limit.
    pub busy: f64,
    /// Seconds ready but not running, by elapsed seconds: another process, or a thread of its own, had the core.
    pub waited: f64,
    /// Resident, in MB, after the load.
    pub memory: f64,
}

impl Cost {
    pub fn cpu(&self) -> f64 {
        self.user + self.system
    }
}

pub fn closed(target: &Target, scenario: &Scenario, connections: usize, window: Duration) -> Result<Sample> {
    let mode = scenario.spread.map_or(Mode::Closed { warm_up: WARM_UP, window }, |spread| Mode::Once { spread });
    measure(target, scenario, connections, mode)
}

pub fn open(target: &Target, scenario: &Scenario, connections: usize, rate: f64, window: Duration) -> Result<Sample> {
    measure(target, scenario, connections, Mode::Open { rate, warm_up: WARM_UP, window })
}

fn measure(target: &Target, scenario: &Scenario, connections: usize, mode: Mode) -> Result<Sample> {
    let plan = Plan { address: target.base.address, request: scenario.request(&target.base)?, connections, mode, events: scenario.events };
    let told = || format!("{}, {connections} connections, on {}", scenario.title, target.name);
    let running = load::start(plan);
    let Some(clock) = running.clock() else {
        running.finish().with_context(told)?;
        anyhow::bail!("{}: it never began", told());
    };
    sleep_until(clock.begin);
    let (began, before) = (Instant::now(), target.cpu()?);
    let (outcome, ended, after) = match clock.end {
        Some(end) => {
            sleep_until(end);
            let (ended, after) = (Instant::now(), target.cpu()?);
            (running.finish().with_context(told)?, ended, after)
        }
        None => {
            let outcome = running.finish().with_context(told)?;
            (outcome, Instant::now(), target.cpu()?)
        }
    };
    anyhow::ensure!(outcome.requests > 0, "{}: no request was answered in time", told());
    let seconds = (ended - began).as_secs_f64();
    let window = clock.end.map_or(seconds, |end| (end - clock.begin).as_secs_f64());
    let (requests, events) = (outcome.requests as f64, outcome.events as f64);
    let cost = match (before, after, target.memory("VmRSS")?) {
        (Some(before), Some(after), Some(memory)) => {
            let (user, system) = (after.user - before.user, after.system - before.system);
            let precise = if after.precise > 0.0 { after.precise - before.precise } else { user + system };
            // The load counts over its own window, which this thread may have met a little late.
            let cpu = precise * window / seconds;
            let waited = (after.waited - before.waited) / seconds;
            let user_share = if user + system > 0.0 { user / (user + system) } else { 0.5 };
            let each = 1000.0 * cpu / requests;
            let (user, system) = (each * user_share, each * (1.0 - user_share));
            Some(Cost { user, system, events_per_second: events / cpu, busy: cpu / window, waited, memory })
        }
        _ => None,
    };
    Ok(Sample {
        rate: requests / window,
        events: events / window,
        latency: latency(&outcome.latency),
        first_event: scenario.is_stream().then(|| latency(&outcome.first_event)),
        cost,
    })
}

fn sleep_until(moment: Instant) {
    thread::sleep(moment.saturating_duration_since(Instant::now()));
}

fn latency(histogram: &Histogram<u64>) -> Latency {
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    Latency { p50: at(0.5), p99: at(0.99), p999: at(0.999) }
}
