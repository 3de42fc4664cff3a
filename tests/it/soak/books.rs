//! What came of all requests, and what the process held meanwhile.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

use crate::under_load::Gateway;

/// More complaints than these say nothing new.
const SHOWN: usize = 20;

/// Shorter runs are over before pools, caches and the allocator have settled: only leaps count.
const LONG: Duration = Duration::from_secs(60);

pub struct Books(Mutex<Inner>);

struct Inner {
    outcomes: BTreeMap<String, usize>,
    wrong: Vec<String>,
    wrongs: usize,
    /// In kB, before the first request and after the warm-up.
    at_start: usize,
    memory: Vec<usize>,
    most_files: usize,
}

impl Books {
    pub fn open(gateway: &Gateway) -> Books {
        let (outcomes, wrong, memory) = Default::default();
        Books(Mutex::new(Inner { outcomes, wrong, wrongs: 0, at_start: gateway.memory(), memory, most_files: 0 }))
    }

    /// What was held so far was the warm-up's.
    pub fn begin(&self) {
        let mut inner = self.0.lock().expect("no panic");
        inner.memory = Vec::new();
    }

    pub fn note(&self, outcome: Result<String, String>) {
        let mut inner = self.0.lock().expect("no panic");
        match outcome {
            Ok(outcome) => *inner.outcomes.entry(outcome).or_default() += 1,
            Err(complaint) => {
                inner.wrongs += 1;
                if inner.wrong.len() < SHOWN {
                    inner.wrong.push(complaint);
                }
            }
        }
    }

    /// Writes down what the process holds now.
    pub fn look(&self, gateway: &Gateway) {
        let (memory, files) = (gateway.memory(), gateway.descriptors());
        let mut inner = self.0.lock().expect("no panic");
        inner.memory.push(memory);
        inner.most_files = inner.most_files.max(files);
    }

    /// For people.
    pub fn report(&self, length: Duration, gateway: &Gateway, files_before: usize, files_after: usize) -> String {
        let inner = self.0.lock().expect("no panic");
        let asked: usize = inner.outcomes.values().sum::<usize>() + inner.wrongs;
        let unanswered: usize = inner.outcomes.iter().filter(|(name, _)| name.starts_with('(')).map(|(_, count)| count).sum();
        let mut text = format!(
            "soak of {}: {asked} requests, {:.0} a second; {} answered, {unanswered} not waited for, {} unexplained\n",
            humantime::format_duration(length),
            asked as f64 / length.as_secs_f64(),
            asked - unanswered - inner.wrongs,
            inner.wrongs,
        );
        for (outcome, count) in &inner.outcomes {
            let _ = writeln!(text, "{count:>9}  {outcome}");
        }
        let first = inner.memory.first().copied().unwrap_or(0);
        let peak = inner.memory.iter().copied().max().unwrap_or(0);
        let quarters = [0, 1, 2, 3].map(|number| inner.quarter(number));
        let _ = writeln!(
            text,
            "memory in kB: {} at the start, {first} after the warm-up, {peak} at its peak, {} at the end; medians of the quarters {quarters:?}",
            inner.at_start,
            gateway.memory()
        );
        let _ = write!(text, "open files: {files_before} after the warm-up, {} at their peak, {files_after} at the end", inner.most_files);
        text
    }

    /// Fails on growth, and on what nothing explains.
    pub fn check(&self, length: Duration) {
        let inner = self.0.lock().expect("no panic");
        assert!(inner.wrongs == 0, "{} unexplained outcomes, the first of them:\n{}", inner.wrongs, inner.wrong.join("\n"));
        let (early, late) = (inner.quarter(1), inner.quarter(3));
        let allowed = if length < LONG { early * 2 } else { early + early / 10 + 4096 };
        assert!(late <= allowed, "memory grows from {early} kB in the second quarter to {late} kB in the last");
    }
}

impl Inner {
    /// The median of what was held within a quarter of the time, from 0 to 3.
    fn quarter(&self, number: usize) -> usize {
        let count = self.memory.len();
        let mut held: Vec<usize> = self.memory[count * number / 4..count * (number + 1) / 4].to_vec();
        held.sort_unstable();
        held.get(held.len() / 2).copied().unwrap_or(0)
    }
}
