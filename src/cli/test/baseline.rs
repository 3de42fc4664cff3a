//! How fast routes were once, in a file; and whether they still are.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use crate::cli::failure::Failure;
use crate::engine::ProbeResult;

/// Less than this is noise, whatever the ratio: 3 ms instead of 1 ms is no news.
const NOISE_MS: f64 = 50.0;

/// How fast each route of one test was.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Baseline {
    routes: Vec<Entry>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Entry {
    model: String,
    provider: String,
    upstream_model: String,
    first_token_ms: Option<u64>,
    latency_ms: u64,
}

/// A route beside what it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The baseline's.
    pub latency_ms: u64,
    /// The baseline's.
    pub first_token_ms: Option<u64>,
    /// How many times as long it takes now: of the whole or to the first token, whichever is worse.
    pub ratio: f64,
    /// What is slower than it may be, in words.
    pub slower: Option<String>,
}

impl Baseline {
    /// What was written to `path`.
    pub fn read(path: &Path) -> Result<Baseline, Failure> {
        let text = fs::read_to_string(path).map_err(|error| {
            let failure = Failure::usage(format!("the baseline {} cannot be read: {error}", path.display()));
            if error.kind() == io::ErrorKind::NotFound {
                failure.hint(format!("`--save-baseline {}` writes it", path.display()))
            } else {
                failure
            }
        })?;
        serde_json::from_str(&text).map_err(|error| {
            Failure::usage(format!("{} is no baseline: {error}", path.display())).hint("`--save-baseline FILE` writes one")
        })
    }

    /// How fast those of `outcomes` were that answered.
    pub fn of(outcomes: &[Outcome]) -> Baseline {
        let answered = outcomes.iter().map(|outcome| &outcome.result).filter(|result| result.ok && result.skipped.is_none());
        let entry = |result: &ProbeResult| Entry {
            model: result.model.clone(),
            provider: result.provider.clone(),
            upstream_model: result.upstream_model.clone(),
            first_token_ms: result.first_token_ms,
            latency_ms: result.latency_ms,
        };
        Baseline { routes: answered.map(entry).collect() }
    }

    /// Replaces what `path` holds.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = format!("{}\n", serde_json::to_string_pretty(self)?);
        fs::write(path, text).map_err(|error| Failure::failed(format!("the baseline {} cannot be written: {error}", path.display())))?;
        Ok(())
    }

    /// `result` beside what its route was; it may take `most` times as long. `None`: it was not there.
    pub fn compare(&self, result: &ProbeResult, most: f64) -> Option<Comparison> {
        let is_its = |entry: &&Entry| {
            entry.model == result.model && entry.provider == result.provider && entry.upstream_model == result.upstream_model
        };
        let before = self.routes.iter().find(is_its)?;
        let first = before.first_token_ms.zip(result.first_token_ms);
        let whole = Some((before.latency_ms, result.latency_ms));
        let pairs = [("first token after", first), ("complete after", whole)];
        let times: Vec<(&str, u64, u64)> = pairs.into_iter().filter_map(|(what, pair)| pair.map(|(then, now)| (what, then, now))).collect();
        let slower: Vec<String> = times
            .iter()
            .filter(|(_, then, now)| is_slower(*then, *now, most))
            .map(|(what, then, now)| format!("{what} {now} ms, {:.1} times the baseline's {then} ms", ratio(*then, *now)))
            .collect();
        Some(Comparison {
            latency_ms: before.latency_ms,
            first_token_ms: before.first_token_ms,
            ratio: times.iter().map(|(_, then, now)| ratio(*then, *now)).fold(0.0, f64::max),
            slower: (!slower.is_empty()).then(|| slower.join("; ")),
        })
    }
}

fn is_slower(then: u64, now: u64, most: f64) -> bool {
    let (then, now) = (then as f64, now as f64);
    now > then * most && now - then >= NOISE_MS
}

/// A baseline of nothing took less than a millisecond.
fn ratio(then: u64, now: u64) -> f64 {
    let ratio = now.max(1) as f64 / then.max(1) as f64;
    (ratio * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::{Baseline, Comparison};
    use crate::cli::test::outcome::Outcome;
    use crate::cli::test::outcome::tests::{answer, outcomes};
    use crate::engine::ProbeResult;

    fn compared(then: (u64, Option<u64>), now: (u64, Option<u64>), most: f64) -> Comparison {
        let of = |(latency_ms, first_token_ms)| ProbeResult { latency_ms, first_token_ms, ..answer() };
        let baseline = Baseline::of(&[Outcome::of(vec![of(then)]).unwrap()]);
        baseline.compare(&of(now), most).unwrap()
    }

    #[test]
    fn slower_is_more_than_the_ratio_and_more_than_noise() {
        let slower = |then, now, most| compared((then, None), (now, None), most).slower;
        assert_eq!(slower(1000, 1500, 1.5), None);
        assert_eq!(slower(1000, 1501, 1.5).as_deref(), Some("complete after 1501 ms, 1.5 times the baseline's 1000 ms"));
        assert_eq!(slower(1, 40, 1.5), None);
        assert_eq!(slower(10, 59, 1.0), None);
        assert!(slower(10, 60, 1.0).is_some());
        assert_eq!(slower(1000, 10, 1.0), None);
        assert!(slower(0, 50, 1.5).is_some());
    }

    #[test]
    fn the_first_token_counts_where_both_have_one() {
        let both = compared((1000, Some(100)), (2000, Some(400)), 1.5);
        assert_eq!(both.ratio, 4.0);
        let told = "first token after 400 ms, 4.0 times the baseline's 100 ms; complete after 2000 ms, 2.0 times the baseline's 1000 ms";
        assert_eq!(both.slower.as_deref(), Some(told));
        for (then, now) in [(None, Some(400)), (Some(100), None)] {
            assert_eq!(compared((1000, then), (1000, now), 1.5).ratio, 1.0);
        }
    }

    #[test]
    fn only_answers_become_a_baseline_and_it_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("基线.json");
        let failure = Baseline::read(&path).unwrap_err();
        assert!(failure.message.contains("基线.json") && failure.hint.unwrap().contains("--save-baseline"));
        Baseline::of(&outcomes()).write(&path).unwrap();
        let read = Baseline::read(&path).unwrap();
        assert_eq!(read.routes.len(), 2);
        assert_eq!(read.compare(&answer(), 1.0).map(|comparison| comparison.ratio), Some(1.0));
        assert_eq!(read.compare(&ProbeResult { provider: "azure".to_owned(), ..answer() }, 1.0), None);
        std::fs::write(&path, "[]").unwrap();
        assert!(Baseline::read(&path).unwrap_err().message.contains("is no baseline"));
    }
}
