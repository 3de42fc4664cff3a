//! The calls of a test: in rounds, so that a bad moment meets every route, and at most so many at once.

use futures_util::StreamExt;
use futures_util::stream;
use indicatif::ProgressBar;

use super::outcome::{Finding, Outcome};
use crate::cli::visible::visible;
use crate::config::Capability;
use crate::engine::{Engine, Probe, ProbeResult};

/// What every call needs.
pub struct Asking<'a> {
    /// Who asks.
    pub engine: &'a Engine,
    /// Calls at once.
    pub concurrency: usize,
    /// Counts them.
    pub progress: ProgressBar,
}

impl Asking<'_> {
    /// Asks each of `probes` so many times; their outcomes, in the same order.
    pub async fn rounds(&self, probes: &[Probe], times: usize) -> Vec<Outcome> {
        let mut calls: Vec<Vec<ProbeResult>> = probes.iter().map(|_| Vec::new()).collect();
        for _ in 0..times {
            let asked = self.all(probes.iter().cloned().enumerate()).await;
            asked.into_iter().for_each(|(position, result)| calls[position].push(result));
        }
        calls.into_iter().filter_map(Outcome::of).collect()
    }

    /// Tries every capability of those routes that have answered.
    pub async fn capabilities(&self, probes: &[Probe], outcomes: &mut [Outcome]) {
        let answered = |outcome: &Outcome| outcome.result.ok && outcome.result.skipped.is_none();
        let tried: Vec<(usize, Capability)> = (0..probes.len())
            .filter(|position| outcomes.get(*position).is_some_and(answered))
            .flat_map(|position| Capability::ALL.map(|capability| (position, capability)))
            .collect();
        self.progress.inc_length(tried.len() as u64);
        let questions = tried.iter().map(|(position, capability)| probes[*position].of_capability(*capability));
        for (number, result) in self.all(questions.enumerate()).await {
            let (position, capability) = tried[number];
            outcomes[position].capabilities.push(Finding {
                capability,
                claimed: probes[position].claims.contains(&capability),
                ok: result.ok,
                latency_ms: result.latency_ms,
                error: result.error,
            });
        }
    }

    /// Asks all, and brings the results into their order.
    async fn all(&self, probes: impl Iterator<Item = (usize, Probe)>) -> Vec<(usize, ProbeResult)> {
        let asked = stream::iter(probes).map(|(position, probe)| async move {
            let result = self.engine.probe(&probe).await;
            self.progress.inc(1);
            let word = if result.ok { "ok" } else { "failed" };
            self.progress.set_message(visible(&format!("{} ({}) {word}", result.model, result.provider)).into_owned());
            (position, result)
        });
        let mut results: Vec<(usize, ProbeResult)> = asked.buffer_unordered(self.concurrency).collect().await;
        results.sort_by_key(|(position, _)| *position);
        results
    }
}
