//! What an upstream said, free of any wire format.

use crate::hub::{ApiError, Citation, Raw, Signature, Usage};

/// One thing that happened in an answer. Pieces of one kind that follow each other belong together.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The answer begins. At most once, before anything else.
    Start {
        /// The upstream's id of the answer.
        id: String,
        /// The model, as the upstream calls it.
        model: String,
    },
    /// Visible text.
    Text(String),
    /// A source of the text before it.
    Citation(Citation),
    /// Signs the text before it.
    TextSignature(Signature),
    /// Text of the model's reasoning.
    Reasoning(String),
    /// Ends a piece of reasoning: its signature, or all of it encrypted; and the provider's id of it.
    ReasoningEnd {
        /// What the provider wants back.
        signature: Option<Signature>,
        /// The provider's id of it.
        id: Option<String>,
    },
    /// The model declines; its words.
    Refusal(String),
    /// A tool call begins.
    ToolCall {
        /// Position among the calls of this answer.
        index: u32,
        /// The upstream's id of the call; never empty.
        id: String,
        /// Name of the tool.
        name: String,
        /// A custom tool's, whose input is plain text.
        is_custom: bool,
        /// Signs this call.
        signature: Option<Signature>,
    },
    /// A piece of a tool call's arguments: JSON text, not necessarily whole.
    ToolArguments {
        /// Which call it belongs to.
        index: u32,
        /// The piece.
        text: String,
    },
    /// An image that the model made.
    Image {
        /// `image/png` …
        media_type: String,
        /// Base64.
        data: String,
    },
    /// OpenAI's `logprobs.content` of the text just said: a list.
    Logprobs(Raw),
    /// The answer ended for this reason.
    Finish(FinishReason),
    /// Tokens that were used, as the upstream reported them; a later report counts.
    Usage(Usage),
    /// The tier that really served the request.
    ServiceTier(String),
    /// The upstream failed within the answer.
    Error(ApiError),
}

impl Event {
    /// Whether it is something that a client sees: the first one commits an answer.
    pub fn is_content(&self) -> bool {
        match self {
            Event::Text(text) | Event::Reasoning(text) | Event::Refusal(text) | Event::ToolArguments { text, .. } => !text.is_empty(),
            Event::ToolCall { .. } | Event::Image { .. } => true,
            _ => false,
        }
    }
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// A natural end, or a stop sequence that is not told.
    Stop,
    /// This stop sequence.
    StopSequence(String),
    /// The token limit, or the end of the context.
    Length,
    /// Tools are to be called.
    ToolCalls,
    /// Withheld by a filter, or refused.
    ContentFilter,
    /// The model pauses and wants to go on (Anthropic's `pause_turn`).
    Pause,
    /// Another word of the upstream's.
    Other(String),
}

impl FinishReason {
    /// Reads OpenAI's spelling, and what vendors made of it.
    pub fn from_openai(word: &str) -> FinishReason {
        match word {
            "stop" | "eos" => FinishReason::Stop,
            "length" => FinishReason::Length,
            "tool_calls" | "tool_call" | "function_call" => FinishReason::ToolCalls,
            "content_filter" | "sensitive" => FinishReason::ContentFilter,
            other => FinishReason::Other(other.to_owned()),
        }
    }
}
