//! What a model can do beyond answering in words; the words for it in the file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::leaves::Word;

/// Something that a model may be able to do, and that can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Says its answer while it is made.
    Stream,
    /// Calls tools.
    Tools,
    /// Answers to a JSON schema.
    JsonSchema,
    /// Reads pictures.
    Vision,
    /// Makes embeddings.
    Embeddings,
}

impl Capability {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Capability; 5] =
        [Capability::Stream, Capability::Tools, Capability::JsonSchema, Capability::Vision, Capability::Embeddings];

    /// The word in the file.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl Word for Capability {
    const WORDS: &'static [&'static str] = &["stream", "tools", "json_schema", "vision", "embeddings"];
}
