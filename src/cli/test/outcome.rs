//! What testing one route came to: [`Outcome`]. Reports only say it.

use serde::Serialize;

use super::baseline::Comparison;
use crate::cli::statistics::median;
use crate::config::Capability;
use crate::engine::ProbeResult;

/// One route, tested.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Its call; where there were several, their medians, and the first failure.
    #[serde(flatten)]
    pub result: ProbeResult,
    /// Its capabilities, where they were tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Finding>,
    /// How it compares, where there is something to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Comparison>,
}

/// One capability, tried.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// Which.
    pub capability: Capability,
    /// The configuration, or else the built-in list of models, says that it is there.
    pub claimed: bool,
    /// It is there.
    pub ok: bool,
    /// How long the call took.
    pub latency_ms: u64,
    /// Why it is not there.
    pub error: Option<String>,
}

/// How a route did, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Ok,
    /// It did not answer, or cannot do what it should.
    Failed,
    /// It answers, and more slowly than it may.
    Slower,
    /// It was not asked.
    Skipped,
}

impl Verdict {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Verdict; 4] = [Verdict::Ok, Verdict::Failed, Verdict::Slower, Verdict::Skipped];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Failed => "failed",
            Verdict::Slower => "slower",
            Verdict::Skipped => "skipped",
        }
    }
}

impl Finding {
    /// It should be there, and is not.
    pub fn has_failed(&self) -> bool {
        self.claimed && !self.ok
    }

    /// It is there, and nobody says so.
    pub fn is_unclaimed(&self) -> bool {
        self.ok && !self.claimed
    }
}

impl Outcome {
    /// Of the calls of one route, of which there is at least one.
    pub fn of(calls: Vec<ProbeResult>) -> Option<Outcome> {
        Some(Outcome { result: merged(calls)?, capabilities: Vec::new(), baseline: None })
    }

    /// How it did.
    pub fn verdict(&self) -> Verdict {
        match &self.result {
            ProbeResult { skipped: Some(_), .. } => Verdict::Skipped,
            ProbeResult { ok: false, .. } => Verdict::Failed,
            _ if self.capabilities.iter().any(Finding::has_failed) => Verdict::Failed,
            _ if self.slower().is_some() => Verdict::Slower,
            _ => Verdict::Ok,
        }
    }

    /// Whether there is nothing to complain of.
    pub fn is_well(&self) -> bool {
        matches!(self.verdict(), Verdict::Ok | Verdict::Skipped)
    }

    /// By how much it is slower than it may, in words.
    pub fn slower(&self) -> Option<&str> {
        self.baseline.as_ref()?.slower.as_deref()
    }

    /// Everything that went wrong, each in one line.
    pub fn problems(&self) -> Vec<String> {
        let of_call = (!self.result.ok).then(|| self.result.error.clone().unwrap_or_else(|| "failed".to_owned()));
        let failed = self.capabilities.iter().filter(|finding| finding.has_failed());
        let of_capabilities = failed.map(|finding| {
            let reason = finding.error.as_deref().unwrap_or("failed");
            format!("{}: {reason}", finding.capability.word())
        });
        of_call.into_iter().chain(of_capabilities).chain(self.slower().map(str::to_owned)).collect()
    }

    /// What works though nobody says so: `tools, vision`; `None`: nothing does.
    pub fn unclaimed(&self) -> Option<String> {
        let found: Vec<&str> =
            self.capabilities.iter().filter(|finding| finding.is_unclaimed()).map(|finding| finding.capability.word()).collect();
        (!found.is_empty()).then(|| found.join(", "))
    }

    /// `gpt-4 → gpt-4o`, or the one name where both are the same.
    pub fn name(&self) -> String {
        let ProbeResult { model, upstream_model, .. } = &self.result;
        if model == upstream_model { model.clone() } else { format!("{model} → {upstream_model}") }
    }
}

/// `3 ok, 1 failed, 1 skipped`
pub fn summary(outcomes: &[Outcome]) -> String {
    let count = |verdict| outcomes.iter().filter(|outcome| outcome.verdict() == verdict).count();
    let counted = Verdict::ALL.into_iter().map(|verdict| (verdict, count(verdict)));
    let words = counted.filter(|(verdict, number)| *verdict == Verdict::Ok || *number > 0);
    words.map(|(verdict, number)| format!("{number} {}", verdict.word())).collect::<Vec<_>>().join(", ")
}

/// One failure among `calls` is one too many; what is measured is the middle of those that went well.
fn merged(calls: Vec<ProbeResult>) -> Option<ProbeResult> {
    let all = calls.len();
    let failed = calls.iter().filter(|call| !call.ok).count();
    let well: Vec<&ProbeResult> = calls.iter().filter(|call| call.ok).collect();
    let middle = |of: fn(&ProbeResult) -> Option<u64>| median(well.iter().filter_map(|call| of(call)).map(|number| number as f64));
    let latency = middle(|call| Some(call.latency_ms)).map(|number| number.round() as u64);
    let first_token = middle(|call| call.first_token_ms).map(|number| number.round() as u64);
    let mut told = calls.iter().find(|call| !call.ok).or(calls.first())?.clone();
    told.latency_ms = latency.unwrap_or(told.latency_ms);
    told.first_token_ms = first_token;
    if all > 1 {
        told.error = told.error.map(|error| format!("{failed} of {all} calls: {error}"));
    }
    Some(told)
}

#[cfg(test)]
pub mod tests {
    use super::{Capability, Finding, Outcome, Verdict, summary};
    use crate::cli::test::baseline::Comparison;
    use crate::engine::{Measured, ProbeResult};

    /// An answer of `gpt-4o` at `openai`.
    pub fn answer() -> ProbeResult {
        ProbeResult {
            model: "gpt-4".to_owned(),
            provider: "openai".to_owned(),
            upstream_model: "gpt-4o".to_owned(),
            ok: true,
            skipped: None,
            latency_ms: 1234,
            first_token_ms: Some(200),
            reply: Some("你好！".to_owned()),
            error: None,
            measured: Measured::default(),
        }
    }

    /// One of each verdict, with words in them that no format takes as they are.
    pub fn outcomes() -> Vec<Outcome> {
        let of = |result| Outcome::of(vec![result]).unwrap();
        let error = "401: \"bad\" key, 100%\n<b> & co".to_owned();
        let failed = of(ProbeResult { ok: false, reply: None, first_token_ms: None, error: Some(error), ..answer() });
        let skipped = of(ProbeResult { skipped: Some("image model: not asked".to_owned()), reply: None, latency_ms: 0, ..answer() });
        let comparison = Comparison { latency_ms: 500, first_token_ms: Some(190), ratio: 2.47, slower: Some("too slow".to_owned()) };
        let slower = Outcome { baseline: Some(comparison), ..of(answer()) };
        vec![of(answer()), failed, slower, skipped]
    }

    /// `gpt-4o` with a claimed capability that works, a claimed one that does not, and the same unclaimed.
    pub fn capable() -> Outcome {
        let finding =
            |capability, claimed, ok: bool| Finding { capability, claimed, ok, latency_ms: 100, error: (!ok).then(|| "cannot".to_owned()) };
        let capabilities = vec![
            finding(Capability::Stream, true, true),
            finding(Capability::Tools, true, false),
            finding(Capability::Vision, false, true),
            finding(Capability::Embeddings, false, false),
        ];
        Outcome { capabilities, ..Outcome::of(vec![answer()]).unwrap() }
    }

    #[test]
    fn one_failure_of_several_is_a_failure_and_the_middle_is_measured() {
        let call = |latency_ms, ok: bool| ProbeResult { latency_ms, ok, error: (!ok).then(|| "500".to_owned()), ..answer() };
        let merged = Outcome::of([10, 1000, 20].map(|latency| call(latency, true)).to_vec()).unwrap();
        assert_eq!((merged.verdict(), merged.result.latency_ms, merged.result.error), (Verdict::Ok, 20, None));
        let merged = Outcome::of(vec![call(10, true), call(1, false), call(20, true)]).unwrap();
        assert_eq!((merged.verdict(), merged.result.latency_ms), (Verdict::Failed, 15));
        assert_eq!(merged.problems(), ["1 of 3 calls: 500"]);
        assert!(Outcome::of(Vec::new()).is_none());
    }

    #[test]
    fn only_what_is_claimed_can_fail() {
        let outcome = capable();
        assert_eq!((outcome.verdict(), outcome.problems()), (Verdict::Failed, vec!["tools: cannot".to_owned()]));
        assert_eq!(outcome.unclaimed().as_deref(), Some("vision"));
    }

    #[test]
    fn each_verdict_is_counted_and_only_ok_if_there_is_none() {
        assert_eq!(summary(&outcomes()), "1 ok, 1 failed, 1 slower, 1 skipped");
        assert_eq!(summary(&[]), "0 ok");
        assert_eq!(outcomes().iter().map(Outcome::is_well).collect::<Vec<_>>(), [true, false, false, true]);
    }
}
