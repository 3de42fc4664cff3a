//! What stands in a conversation.

use crate::hub::{Raw, Signature};

/// One turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Whose.
    pub role: Role,
    /// What, in order.
    pub parts: Vec<Part>,
    /// The participant's name, where one is given.
    pub name: Option<String>,
}

/// Whose turn it is. Results of tools stand in turns of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions.
    System,
    /// Instructions, in OpenAI's newer word.
    Developer,
    /// The user, and what tools gave back.
    User,
    /// The model.
    Assistant,
}

/// A piece of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub content: Content,
    /// A cache may end here.
    pub cache: Option<Cache>,
}

/// What a piece of a turn is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(Text),
    /// An image.
    Image {
        /// Where it is.
        source: Source,
        /// `low`, `high`, `auto` …
        detail: Option<String>,
    },
    /// A sound.
    Audio {
        /// Base64.
        data: String,
        /// `wav`, `mp3` …
        format: String,
    },
    /// A document.
    File {
        /// Where it is.
        source: Source,
        /// Its name or title.
        name: Option<String>,
    },
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// A tool's result.
    ToolResult {
        /// Of which call.
        id: String,
        /// Text and images.
        parts: Vec<Part>,
        /// The tool failed.
        is_error: bool,
    },
    /// The model's reasoning.
    Reasoning(Thought),
    /// The model declined, in these words.
    Refusal(String),
}

/// Text, and what it is based on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The words.
    pub text: String,
    /// Sources that the model names.
    pub citations: Vec<Citation>,
    /// Signs this text (Gemini).
    pub signature: Option<Signature>,
}

/// A source that the model names for a piece of its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Citation {
    /// Address, if it is on the web.
    pub url: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// What it says there.
    pub quote: Option<String>,
    /// Where in the text it counts: first character and the one after the last.
    pub range: Option<(u64, u64)>,
}

/// Where the bytes of an image or a document are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Here.
    Base64 {
        /// `image/png` …
        media_type: String,
        /// The bytes.
        data: String,
    },
    /// On the web.
    Url(String),
    /// At the provider, under its own id.
    Id(String),
    /// Plain text.
    Text(String),
}

/// The model calls a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// By which its result is known.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON text of a function's arguments, as the model wrote it and not necessarily valid; a custom tool's input.
    pub arguments: String,
    /// A custom tool's call, whose input is plain text.
    pub is_custom: bool,
    /// Signs this call (Gemini).
    pub signature: Option<Signature>,
}

/// A piece of reasoning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thought {
    /// Its words; empty where a provider does not show them.
    pub text: String,
    /// Its signature, or all of it encrypted.
    pub signature: Option<Signature>,
    /// Its id, where the provider gave one.
    pub id: Option<String>,
}

/// A prompt's cache may end here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cache {
    /// How long it is kept: `5m`, `1h` …
    pub ttl: Option<String>,
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it takes.
    pub input: ToolInput,
    /// A cache may end here.
    pub cache: Option<Cache>,
}

/// What a tool takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolInput {
    /// JSON of this schema; `None`: nothing.
    Function {
        /// JSON Schema.
        schema: Option<Raw>,
        /// The model must keep to it.
        strict: Option<bool>,
    },
    /// Text, of this format if one is given.
    Custom {
        /// OpenAI's `format`.
        format: Option<Raw>,
    },
}

/// Which tools the model shall call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

impl Message {
    /// A turn of these pieces.
    pub fn new(role: Role, parts: Vec<Part>) -> Message {
        Message { role, parts, name: None }
    }
}

impl Role {
    /// Whether it gives instructions.
    pub fn is_instruction(self) -> bool {
        matches!(self, Role::System | Role::Developer)
    }
}

impl Part {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Part {
        Part::from(Content::Text(Text { text: text.into(), ..Text::default() }))
    }
}

impl From<Content> for Part {
    fn from(content: Content) -> Part {
        Part { content, cache: None }
    }
}
