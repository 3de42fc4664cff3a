//! The wire formats that llmgw speaks.

use std::fmt;

/// A wire format of chats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// OpenAI Chat Completions; clients and upstreams.
    OpenAiChat,
    /// OpenAI's legacy Completions; clients and upstreams.
    OpenAiText,
    /// OpenAI Responses; clients and upstreams.
    OpenAiResponses,
    /// Anthropic Messages; clients and upstreams.
    Anthropic,
    /// Gemini generateContent; upstreams.
    Gemini,
    /// Bedrock Converse; upstreams.
    Bedrock,
}

impl Kind {
    /// Every dialect.
    pub const ALL: [Kind; 6] = [Kind::OpenAiChat, Kind::OpenAiText, Kind::OpenAiResponses, Kind::Anthropic, Kind::Gemini, Kind::Bedrock];

    /// The word for it in files, docs and marks.
    pub fn word(self) -> &'static str {
        match self {
            Kind::OpenAiChat => "openai_chat",
            Kind::OpenAiText => "openai_text",
            Kind::OpenAiResponses => "openai_responses",
            Kind::Anthropic => "anthropic",
            Kind::Gemini => "gemini",
            Kind::Bedrock => "bedrock",
        }
    }

    /// Whether OpenAI made it: who speaks it has OpenAI's other endpoints too, or says itself that it has not.
    pub fn is_of_openai(self) -> bool {
        matches!(self, Kind::OpenAiChat | Kind::OpenAiText | Kind::OpenAiResponses)
    }

    /// The dialect of this word.
    pub fn of_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
