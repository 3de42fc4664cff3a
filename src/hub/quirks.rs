//! How an upstream's understanding of its dialect deviates from the dialect's book.

use serde::Deserialize;

/// What of OpenAI's APIs an upstream takes otherwise than OpenAI does. Data: a preset brings it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// The limit of an answer's tokens is `max_completion_tokens`, not `max_tokens`.
    pub max_completion_tokens: bool,
    /// The role `developer` is known.
    pub developer: bool,
    /// Reasoning of earlier turns must be sent back, as `reasoning_content`.
    pub echo_reasoning: bool,
    /// `response_format` of the type `json_schema` is known.
    pub json_schema: bool,
    /// `reasoning_effort` is known.
    pub reasoning_effort: bool,
    /// Answers of `/responses` are kept for `previous_response_id`, where it has them.
    pub keeps_responses: bool,
}

impl Default for Quirks {
    /// An unknown server that speaks OpenAI's chat: what nearly all of them take.
    fn default() -> Quirks {
        Quirks {
            max_completion_tokens: false,
            developer: false,
            echo_reasoning: false,
            json_schema: true,
            reasoning_effort: true,
            keeps_responses: false,
        }
    }
}

impl Quirks {
    /// OpenAI's own.
    pub fn openai() -> Quirks {
        Quirks { max_completion_tokens: true, developer: true, keeps_responses: true, ..Quirks::default() }
    }
}
