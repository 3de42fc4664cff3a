//! Log probabilities, from Gemini's two lists into OpenAI's one.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::hub::Raw;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(default)]
    chosen_candidates: Vec<Candidate>,
    /// What could have been chosen, for each token.
    #[serde(default)]
    top_candidates: Vec<Top>,
}

#[derive(Deserialize)]
struct Top {
    #[serde(default)]
    candidates: Vec<Candidate>,
}

/// A zero is not told.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    token: String,
    #[serde(default)]
    log_probability: f64,
}

/// OpenAI's: the token that was chosen, and what else could have been.
#[derive(Serialize)]
struct Chosen<'a> {
    #[serde(flatten)]
    token: Token<'a>,
    top_logprobs: Vec<Token<'a>>,
}

#[derive(Serialize)]
struct Token<'a> {
    token: &'a str,
    logprob: f64,
    bytes: &'a [u8],
}

impl Candidate {
    fn token(&self) -> Token<'_> {
        Token { token: &self.token, logprob: self.log_probability, bytes: self.token.as_bytes() }
    }
}

/// Reads `logprobsResult`; `None`: there are none.
pub fn read(raw: &RawValue) -> Option<Raw> {
    let told: Told = serde_json::from_str(raw.get()).ok()?;
    let others = |at: usize| told.top_candidates.get(at).map(|top| top.candidates.as_slice()).unwrap_or_default();
    let mut list = Vec::with_capacity(told.chosen_candidates.len());
    for (at, chosen) in told.chosen_candidates.iter().enumerate() {
        list.push(Chosen { token: chosen.token(), top_logprobs: others(at).iter().map(Candidate::token).collect() });
    }
    if list.is_empty() { None } else { Raw::of(&list) }
}
