//! Token counts.

use serde::Serialize;

/// Tokens of one answer. `input` includes what was read from or written to a cache; `output` includes reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input: u64,
    /// The part of `input` that was read from a cache.
    pub cached: u64,
    /// The part of `input` that was written to a cache.
    pub cache_write: u64,
    /// Tokens of the answer, reasoning included.
    pub output: u64,
    /// The part of `output` that was reasoning.
    pub reasoning: u64,
}

/// More tokens than this no answer has; whoever says so is mistaken.
const MOST: u64 = 1_000_000_000_000;

impl Usage {
    /// With counts that may be true: sums of them stay numbers.
    pub fn plausible(self) -> Usage {
        let [input, cached, cache_write, output, reasoning] =
            [self.input, self.cached, self.cache_write, self.output, self.reasoning].map(|count| count.min(MOST));
        Usage { input, cached, cache_write, output, reasoning }
    }

    /// The larger of each count.
    pub fn most(self, other: Usage) -> Usage {
        Usage {
            input: self.input.max(other.input),
            cached: self.cached.max(other.cached),
            cache_write: self.cache_write.max(other.cache_write),
            output: self.output.max(other.output),
            reasoning: self.reasoning.max(other.reasoning),
        }
    }
}

/// Where a token count comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// The upstream said so.
    Reported,
    /// Nobody said so; counted from the bytes that went by.
    #[default]
    Estimated,
    /// The answer was cut off; counted until then.
    Partial,
}

impl Provenance {
    /// The word for it in logs, tables and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Provenance::Reported => "reported",
            Provenance::Estimated => "estimated",
            Provenance::Partial => "partial",
        }
    }

    /// The provenance of this word.
    pub fn of_word(word: &str) -> Option<Provenance> {
        [Provenance::Reported, Provenance::Estimated, Provenance::Partial].into_iter().find(|provenance| provenance.word() == word)
    }
}
