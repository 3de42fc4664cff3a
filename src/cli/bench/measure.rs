//! The calls of a measurement: in rounds, one route after the other, so that a bad moment meets all of them.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use indicatif::ProgressBar;

use crate::cli::visible::visible;
use crate::engine::{Engine, Measured, Probe, ProbeResult};
use crate::hub::Usage;

/// What was measured of one route.
pub struct Sample {
    /// The route.
    pub probe: Probe,
    /// Its answers.
    pub answers: Vec<Answer>,
    /// Why calls failed, each reason once with how often; in the order in which they came.
    pub errors: Vec<(String, usize)>,
}

/// One answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer {
    /// Until its first token.
    pub first_token: Option<Duration>,
    /// Until its end.
    pub total: Duration,
    /// Its tokens in a second, between its first one and its end.
    pub speed: Option<f64>,
    /// Its tokens, as the upstream counted them.
    pub tokens: Option<u64>,
    /// What it cost, in USD.
    pub cost: Option<f64>,
}

/// How often is asked.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// That are thrown away: they make connections and fill caches.
    pub warmup: usize,
    /// That count.
    pub counted: usize,
    /// Calls at once, all to one route.
    pub concurrency: usize,
}

impl Rounds {
    /// Calls to one route, all together.
    pub fn calls(self) -> usize {
        self.warmup.saturating_add(self.counted).saturating_mul(self.concurrency)
    }
}

impl Sample {
    /// Of a route that was not asked yet.
    pub fn of(probe: Probe) -> Sample {
        Sample { probe, answers: Vec::new(), errors: Vec::new() }
    }

    /// Calls that failed.
    pub fn failed(&self) -> usize {
        self.errors.iter().map(|(_, times)| times).sum()
    }

    fn take(&mut self, result: ProbeResult) {
        let Some(error) = result.error else {
            let cost = result.measured.usage.and_then(|usage| self.probe.cost(&usage));
            return self.answers.push(Answer { cost, ..Answer::of(&result.measured) });
        };
        match self.errors.iter_mut().find(|(known, _)| *known == error) {
            Some((_, times)) => *times += 1,
            None => self.errors.push((error, 1)),
        }
    }
}

impl Answer {
    /// Without its cost.
    fn of(measured: &Measured) -> Answer {
        let Measured { total, first_token, usage, has_reasoned } = *measured;
        let speed = usage.zip(first_token).and_then(|(usage, first)| speed(&usage, total.saturating_sub(first), has_reasoned));
        Answer { first_token, total, speed, tokens: usage.map(|usage| usage.output), cost: None }
    }
}

/// Asks every route of `samples`; what is known is in them whenever the future is dropped. `progress` counts the calls.
pub async fn measure(engine: &Engine, samples: &mut [Sample], rounds: Rounds, progress: &ProgressBar) {
    for round in 0..rounds.warmup.saturating_add(rounds.counted) {
        for turn in 0..samples.len() {
            // Another one begins each round: none is always the first after a pause.
            let position = (round % samples.len() + turn) % samples.len();
            let sample = &mut samples[position];
            progress.set_message(visible(&format!("{} ({})", sample.probe.name, sample.probe.provider)).into_owned());
            let calls: Vec<Probe> = vec![sample.probe.clone(); rounds.concurrency];
            let mut results = stream::iter(&calls).map(|probe| engine.probe(probe)).buffer_unordered(rounds.concurrency);
            while let Some(result) = results.next().await {
                progress.inc(1);
                if round >= rounds.warmup {
                    sample.take(result);
                }
            }
        }
    }
}

/// Tokens in a second. What came with the first token came before the clock began, and so did reasoning that is not said.
fn speed(usage: &Usage, streamed: Duration, has_reasoned: bool) -> Option<f64> {
    let hidden = if has_reasoned { 0 } else { usage.reasoning };
    let later = usage.output.saturating_sub(hidden).checked_sub(1).filter(|tokens| *tokens > 0)?;
    // An answer that came in one piece says nothing of how fast it was made.
    (streamed >= Duration::from_millis(1)).then(|| later as f64 / streamed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Answer, Measured, Usage};

    fn answer(output: u64, reasoning: u64, has_reasoned: bool, streamed: u64) -> Answer {
        let first = Duration::from_millis(200);
        let usage = Usage { output, reasoning, ..Usage::default() };
        Answer::of(&Measured { total: first + Duration::from_millis(streamed), first_token: Some(first), usage: Some(usage), has_reasoned })
    }

    #[test]
    fn speed_is_of_what_comes_after_the_first_token() {
        assert_eq!(answer(101, 0, false, 1000).speed, Some(100.0));
        assert_eq!(answer(101, 50, false, 1000).speed, Some(50.0));
        assert_eq!(answer(101, 50, true, 1000).speed, Some(100.0));
    }

    #[test]
    fn what_was_not_seen_to_stream_has_no_speed() {
        for unknown in [answer(101, 0, false, 0), answer(1, 0, false, 1000), answer(0, 0, false, 1000), answer(50, 50, false, 1000)] {
            assert_eq!(unknown.speed, None, "{unknown:?}");
        }
        let uncounted = Measured { total: Duration::from_secs(1), first_token: Some(Duration::from_millis(1)), ..Measured::default() };
        assert_eq!(Answer::of(&uncounted).speed, None);
    }
}
