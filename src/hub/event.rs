//! What an upstream said, free of any wire format.

use crate::hub::Usage;

/// One thing that happened in an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Visible text.
    Text(String),
    /// Text of the model's reasoning.
    Reasoning(String),
    /// The model declines; its words.
    Refusal(String),
    /// A tool call begins.
    ToolCall {
        /// Position among the calls of this answer.
        index: u32,
        /// The upstream's id of the call.
        id: String,
        /// Name of the tool.
        name: String,
    },
    /// A piece of a tool call's arguments: JSON text, not necessarily whole.
    ToolArguments {
        /// Which call it belongs to.
        index: u32,
        /// The piece.
        text: String,
    },
    /// The answer ended for this reason.
    Finish(FinishReason),
    /// Tokens that were used, as the upstream reported them.
    Usage(Usage),
    /// The upstream failed within the answer.
    Error(String),
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// A natural end or a stop sequence.
    Stop,
    /// The token limit.
    Length,
    /// Tools are to be called.
    ToolCalls,
    /// Withheld by a filter.
    ContentFilter,
    /// Another word of the upstream's.
    Other(String),
}

impl FinishReason {
    /// Reads OpenAI's spelling.
    pub fn from_openai(word: &str) -> FinishReason {
        match word {
            "stop" => FinishReason::Stop,
            "length" => FinishReason::Length,
            "tool_calls" | "function_call" => FinishReason::ToolCalls,
            "content_filter" => FinishReason::ContentFilter,
            other => FinishReason::Other(other.to_owned()),
        }
    }
}
