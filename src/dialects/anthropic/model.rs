//! What each of Claude's models takes: data.

use crate::hub::Effort;

/// What a model takes.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// How it is told to think.
    pub thinking: Thinking,
    /// Which sampling parameters it takes.
    pub sampling: SamplingTaken,
    /// The words of `output_config.effort` that it knows, weakest first.
    pub efforts: &'static [Effort],
    /// It goes on from a last turn of its own.
    pub prefill: bool,
    /// The limit for a request without one, which Anthropic does not take: well below what the model can, so that it never
    /// has to be cut, and enough for an answer that nobody meant to limit.
    pub max_tokens: u64,
}

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// It does not think.
    Never,
    /// With a budget of tokens, or not at all.
    Budget,
    /// As it sees fit, or not at all.
    Adaptive,
    /// As it sees fit.
    Always,
}

/// Which sampling parameters a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplingTaken {
    /// All at once.
    All,
    /// `temperature` or `top_p`, not both: "`temperature` and `top_p` cannot both be specified for this model"
    /// (<https://github.com/BerriAI/litellm/issues/15097>).
    One,
    /// None.
    None,
}

/// A budget below this is refused.
pub const SMALLEST_BUDGET: u64 = 1024;

const UP_TO_MAX: &[Effort] = &[Effort::Low, Effort::Medium, Effort::High, Effort::Max];
const ALL: &[Effort] = &[Effort::Low, Effort::Medium, Effort::High, Effort::XHigh, Effort::Max];

const ALWAYS_THINKING: Model =
    Model { thinking: Thinking::Always, sampling: SamplingTaken::None, efforts: ALL, prefill: false, max_tokens: 32_000 };
const ADAPTIVE: Model =
    Model { thinking: Thinking::Adaptive, sampling: SamplingTaken::None, efforts: ALL, prefill: false, max_tokens: 32_000 };
const ADAPTIVE_4_6: Model =
    Model { thinking: Thinking::Adaptive, sampling: SamplingTaken::One, efforts: UP_TO_MAX, prefill: false, max_tokens: 32_000 };
// [?] Which words Opus 4.5 knows is not written down; these three are what it came with.
const OPUS_4_5: Model = Model {
    thinking: Thinking::Budget,
    sampling: SamplingTaken::One,
    efforts: &[Effort::Low, Effort::Medium, Effort::High],
    prefill: true,
    max_tokens: 32_000,
};
const BUDGETED: Model = Model { thinking: Thinking::Budget, sampling: SamplingTaken::One, efforts: &[], prefill: true, max_tokens: 32_000 };
const BUDGETED_4_0: Model =
    Model { thinking: Thinking::Budget, sampling: SamplingTaken::All, efforts: &[], prefill: true, max_tokens: 32_000 };
const CLAUDE_3: Model = Model { thinking: Thinking::Never, sampling: SamplingTaken::All, efforts: &[], prefill: true, max_tokens: 4096 };

/// What is not Claude and speaks like it (DeepSeek, Kimi, GLM, MiniMax): the oldest thinking, and all else.
const OTHER: Model = Model { thinking: Thinking::Budget, sampling: SamplingTaken::All, efforts: &[], prefill: true, max_tokens: 8192 };

/// The beginnings of names, behind `claude-`; the first that fits counts.
const MODELS: &[(&[&str], &Model)] = &[
    (&["fable-5", "mythos-5", "opus-5-5", "sonnet-5-5", "haiku-5-5"], &ALWAYS_THINKING),
    (&["opus-4-7", "opus-4-8", "opus-5", "sonnet-5"], &ADAPTIVE),
    (&["opus-4-6", "sonnet-4-6"], &ADAPTIVE_4_6),
    (&["opus-4-5"], &OPUS_4_5),
    (&["haiku-4-5", "sonnet-4-5", "opus-4-1"], &BUDGETED),
    (&["opus-4", "sonnet-4", "3-7"], &BUDGETED_4_0),
    (&["3", "2", "instant"], &CLAUDE_3),
];

impl Model {
    /// The model of this name, whoever serves it: `claude-opus-4-6`, `anthropic/claude-opus-4.6`, `claude-opus-4-6@20260205`.
    /// A Claude that is not in the table is newer than it.
    pub fn of(name: &str) -> &'static Model {
        let name = name.to_lowercase().replace(['.', '_'], "-");
        let Some((_, name)) = name.split_once("claude-") else { return &OTHER };
        // Until version 3 the number stood before the family, as in `3-5-haiku`.
        let fits = |start: &&str| name.strip_prefix(*start).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()));
        MODELS.iter().find(|(starts, _)| starts.iter().any(fits)).map_or(&ALWAYS_THINKING, |(_, model)| model)
    }

    /// The word for `wanted`, or the nearest below it; above it only where there is none.
    pub fn effort(&self, wanted: Effort) -> Option<Effort> {
        self.efforts.iter().rev().find(|known| **known <= wanted).or(self.efforts.first()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{ADAPTIVE, ADAPTIVE_4_6, ALWAYS_THINKING, BUDGETED, BUDGETED_4_0, CLAUDE_3, Model, OPUS_4_5, OTHER};
    use crate::hub::Effort;

    #[test]
    fn names_are_found_whoever_serves_them() {
        for (name, model) in [
            ("claude-fable-5-2", &ALWAYS_THINKING),
            ("claude-opus-5-5", &ALWAYS_THINKING),
            ("claude-opus-7", &ALWAYS_THINKING),
            ("claude-opus-5", &ADAPTIVE),
            ("claude-sonnet-5-20260601", &ADAPTIVE),
            ("anthropic/claude-opus-4.7", &ADAPTIVE),
            ("eu.anthropic.claude-sonnet-4-6-v1:0", &ADAPTIVE_4_6),
            ("claude-opus-4-5@20251101", &OPUS_4_5),
            ("claude-haiku-4-5-20251001", &BUDGETED),
            ("claude-opus-4-20250514", &BUDGETED_4_0),
            ("claude-3-7-sonnet-latest", &BUDGETED_4_0),
            ("claude-3-5-haiku-20241022", &CLAUDE_3),
            ("deepseek-v4", &OTHER),
            ("", &OTHER),
        ] {
            assert_eq!(Model::of(name), model, "{name}");
        }
    }

    #[test]
    fn an_effort_is_never_more_than_was_wanted_where_there_is_less() {
        assert_eq!(ADAPTIVE_4_6.effort(Effort::XHigh), Some(Effort::High));
        assert_eq!(ADAPTIVE.effort(Effort::XHigh), Some(Effort::XHigh));
        assert_eq!(ADAPTIVE.effort(Effort::Minimal), Some(Effort::Low));
        assert_eq!(BUDGETED.effort(Effort::High), None);
    }
}
