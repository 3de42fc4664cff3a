//! The bodies of the model endpoints: the fields that llmgw reads, and those that everybody uses. All others pass too.
//!
//! Nobody makes a value of these types: bodies go by as bytes, and the dialects have readers of their own. They are here to
//! be described. What llmgw answers itself is described by the very types it answers with.

#![expect(dead_code, reason = "only their description is used")]

pub(super) mod chat;
pub(super) mod errors;
pub(super) mod inputs;
pub(super) mod media;
pub(super) mod messages;
pub(super) mod responses;

use utoipa::ToSchema;

/// A text, or several.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum Texts {
    One(String),
    Several(Vec<String>),
}

/// A text, or parts of several types.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part of a message: text, an image, a document, a call of a tool, its result …
#[derive(ToSchema)]
pub(super) struct Part {
    /// `text`, `image_url`, `tool_use` …: the dialect's words.
    r#type: String,
    /// Of a part that is text.
    text: Option<String>,
}
