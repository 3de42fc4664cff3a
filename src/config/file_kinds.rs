//! The places of the file where one of several forms may stand, and its closed sets of words.

use schemars::JsonSchema;
use serde::Deserialize;

use super::LoginBody;
use super::file_tables::{AuthKeyTable, ModelTable, TimeoutTable};
use super::leaves::{DurationText, SecretText, Word};
use super::read::{Place, Read, Reader, describe};
use super::spanned::{Node, Value};

/// A caller's key: the key alone, or with its limits.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum AuthKeyFile {
    /// May use every model.
    Bare(SecretText),
    /// With name and limits.
    Table(Box<AuthKeyTable>),
}

/// What a public name stands for: another name, or routes.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum ModelFile {
    /// Another name, resolved like a request's.
    Name(String),
    /// Routes of its own.
    Table(Box<ModelTable>),
}

/// One duration for `non_stream` and `first_content`, or each limit by name.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum TimeoutFile {
    /// `non_stream` and `first_content`.
    One(DurationText),
    /// Each by name.
    Each(Box<TimeoutTable>),
}

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderTypeFile {
    /// Any OpenAI-compatible API.
    Openai,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's Gemini API.
    Gemini,
    /// Azure OpenAI: the v1 API, or with `api_version` the classic one.
    Azure,
    /// AWS Bedrock's Converse.
    Bedrock,
    /// Google Vertex AI, with an access token: Gemini and Claude.
    Vertex,
    /// Ollama, at its root: models by its own list, chats by its OpenAI-compatible API.
    Ollama,
    /// OpenAI-shaped bodies behind a token of its own.
    Request,
    /// Built in; answers without a network.
    Mock,
}

/// How traces are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum OtlpProtocol {
    /// OTLP over gRPC.
    #[serde(rename = "grpc")]
    Grpc,
    /// OTLP over HTTP, as protobuf.
    #[serde(rename = "http/protobuf")]
    Http,
}

impl Word for ProviderTypeFile {
    const WORDS: &'static [&'static str] = &["openai", "anthropic", "gemini", "azure", "bedrock", "vertex", "ollama", "request", "mock"];
}

impl Word for OtlpProtocol {
    const WORDS: &'static [&'static str] = &["grpc", "http/protobuf"];
}

impl OtlpProtocol {
    /// The word in the file.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl Word for LoginBody {
    const WORDS: &'static [&'static str] = &["json", "form"];
}

impl ProviderTypeFile {
    /// The word in the file.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl Read for AuthKeyFile {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<AuthKeyFile> {
        match &node.value {
            Value::Map(_) => AuthKeyTable::read(node, place, reader).map(|table| AuthKeyFile::Table(Box::new(table))),
            _ => SecretText::read(node, place, reader).map(AuthKeyFile::Bare),
        }
    }
}

impl Read for ModelFile {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<ModelFile> {
        match &node.value {
            Value::Map(_) => ModelTable::read(node, place, reader).map(|table| ModelFile::Table(Box::new(table))),
            Value::Scalar(_) => String::read(node, place, reader).map(ModelFile::Name),
            Value::List(_) => {
                let message = format!("expected a mapping with `routes`, or another name, found {}", describe(node));
                reader.mistakes.error_with(place, message, "put the list under `routes:`");
                None
            }
        }
    }
}

impl Read for TimeoutFile {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<TimeoutFile> {
        match &node.value {
            Value::Map(_) => TimeoutTable::read(node, place, reader).map(|table| TimeoutFile::Each(Box::new(table))),
            _ => DurationText::read(node, place, reader).map(TimeoutFile::One),
        }
    }
}
