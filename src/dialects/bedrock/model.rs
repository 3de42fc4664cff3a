//! What families of models take beyond what Converse itself has words for. Data.
//!
//! A model's id tells its family, whatever stands before it: `us.anthropic.claude-…`, the ARN of a foundation model or of a
//! system's profile. An ARN of one's own hides the model; then only what every model takes is said.

/// What a family takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// How it is asked to think.
    pub thinking: Manner,
    /// Temperature and `topP`.
    pub sampling: bool,
    /// `top_k`, as its vendor calls it.
    pub top_k: bool,
    /// Cache points; others refuse the request.
    pub cache: bool,
    /// It tells which stop sequence it met.
    pub tells_stop: bool,
}

/// How a family is asked to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Not at all.
    Never,
    /// Claude's `thinking` with a budget of tokens.
    Budget,
    /// Claude's adaptive `thinking`.
    Adaptive {
        /// It can be turned off.
        can_be_off: bool,
        /// `xhigh` is known.
        has_xhigh: bool,
    },
    /// OpenAI's `reasoning_effort`.
    Effort,
}

/// What is safe to say to any model.
const ANY: Family = Family { thinking: Manner::Never, sampling: true, top_k: false, cache: false, tells_stop: false };
const CLAUDE: Family = Family { top_k: true, tells_stop: true, ..ANY };
const CLAUDE_BY_BUDGET: Family = Family { thinking: Manner::Budget, cache: true, ..CLAUDE };
const CLAUDE_4_6: Family = Family { thinking: Manner::Adaptive { can_be_off: true, has_xhigh: false }, cache: true, ..CLAUDE };
/// From Opus 4.7 on, parameters of sampling are refused.
const CLAUDE_4_7: Family =
    Family { thinking: Manner::Adaptive { can_be_off: true, has_xhigh: true }, sampling: false, top_k: false, ..CLAUDE_4_6 };
const CLAUDE_NOW: Family = Family { thinking: Manner::Adaptive { can_be_off: false, has_xhigh: true }, ..CLAUDE_4_7 };

/// The first that stands in a model's id counts; what Claude will bring is taken to be like the newest.
/// The older names (before 4.5) are not among our facts [?].
const FAMILIES: [(&str, Family); 24] = [
    ("anthropic.claude-3-7", CLAUDE_BY_BUDGET),
    ("anthropic.claude-3", CLAUDE),
    ("anthropic.claude-v", CLAUDE),
    ("anthropic.claude-instant", CLAUDE),
    ("anthropic.claude-sonnet-4-2025", CLAUDE_BY_BUDGET),
    ("anthropic.claude-opus-4-2025", CLAUDE_BY_BUDGET),
    ("anthropic.claude-opus-4-1", CLAUDE_BY_BUDGET),
    ("anthropic.claude-haiku-4-5", CLAUDE_BY_BUDGET),
    ("anthropic.claude-sonnet-4-5", CLAUDE_BY_BUDGET),
    ("anthropic.claude-opus-4-5", CLAUDE_BY_BUDGET),
    ("anthropic.claude-opus-4-6", CLAUDE_4_6),
    ("anthropic.claude-sonnet-4-6", CLAUDE_4_6),
    ("anthropic.claude-opus-4-7", CLAUDE_4_7),
    ("anthropic.claude-opus-4-8", CLAUDE_4_7),
    ("anthropic.claude-opus-5-5", CLAUDE_NOW),
    ("anthropic.claude-opus-5", CLAUDE_4_7),
    ("anthropic.claude-sonnet-5-5", CLAUDE_NOW),
    ("anthropic.claude-sonnet-5", CLAUDE_4_7),
    ("anthropic.claude-haiku-5-5", CLAUDE_NOW),
    ("anthropic.claude-fable-5", CLAUDE_NOW),
    ("anthropic.claude-mythos-5", CLAUDE_NOW),
    ("anthropic.claude-", CLAUDE_NOW),
    ("openai.gpt-oss", Family { thinking: Manner::Effort, ..ANY }),
    ("amazon.nova", Family { cache: true, ..ANY }),
];

impl Family {
    /// Of this model.
    pub fn of(model: &str) -> Family {
        FAMILIES.iter().find(|(name, _)| model.contains(name)).map_or(ANY, |(_, family)| *family)
    }
}

#[cfg(test)]
mod tests {
    use super::{ANY, CLAUDE, CLAUDE_4_6, CLAUDE_4_7, CLAUDE_BY_BUDGET, CLAUDE_NOW, Family};

    #[test]
    fn an_id_tells_its_family_whatever_stands_before_it() {
        for (model, family) in [
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", CLAUDE_BY_BUDGET),
            ("eu.anthropic.claude-sonnet-4-20250514-v1:0", CLAUDE_BY_BUDGET),
            ("anthropic.claude-3-haiku-20240307-v1:0", CLAUDE),
            ("global.anthropic.claude-opus-4-6-v1", CLAUDE_4_6),
            ("anthropic.claude-opus-5", CLAUDE_4_7),
            ("anthropic.claude-opus-5-5", CLAUDE_NOW),
            ("jp.anthropic.claude-novel-9", CLAUDE_NOW),
            ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-7", CLAUDE_4_7),
            ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3", ANY),
            ("meta.llama4-scout-17b-instruct-v1:0", ANY),
        ] {
            assert_eq!(Family::of(model), family, "{model}");
        }
    }
}
