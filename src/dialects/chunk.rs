//! What one frame of a stream means to a gateway that passes it on as it is.

use crate::hub::{ApiError, Usage};

/// What one frame means.
#[derive(Debug, Default, PartialEq)]
pub struct Chunk {
    /// The terminator.
    pub done: bool,
    /// It is what its dialect has (or the terminator).
    pub valid: bool,
    /// It holds content: text, reasoning, refusal, audio or a tool call.
    pub content: bool,
    /// The answer ends here, though a terminator may follow.
    pub finish: bool,
    /// OpenAI's chunk without any choice.
    pub no_choices: bool,
    /// Tokens so far, as reported.
    pub usage: Option<Usage>,
    /// The upstream failed within the stream.
    pub error: Option<ApiError>,
}

/// What a whole reply means to a gateway that passes it on as it is.
#[derive(Debug, Default)]
pub struct Glance {
    /// An error inside of a success.
    pub error: Option<ApiError>,
    /// Tokens, as reported.
    pub usage: Option<Usage>,
}
