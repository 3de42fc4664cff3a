//! Anthropic's messages.

use serde_json::Value;
use utoipa::ToSchema;

use super::Content;

/// A conversation to be continued.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct MessagesRequest {
    /// One of `GET /v1/models`. May be left out where `routing.default_model` is set.
    model: Option<String>,
    /// The answer's longest length, in tokens.
    max_tokens: u64,
    /// What was said so far.
    messages: Vec<Message>,
    system: Option<Content>,
    /// Answer with events, word by word.
    stream: Option<bool>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u32>,
    stop_sequences: Option<Vec<String>>,
    tools: Option<Vec<MessagesTool>>,
    /// `{"type": "auto"}`, `any`, `tool` with a `name`, or `none`.
    tool_choice: Option<super::chat::Typed>,
    /// `{"type": "enabled", "budget_tokens": …}`, `adaptive` or `disabled`.
    thinking: Option<super::chat::Typed>,
    /// Who asks, as `user_id`.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

/// A conversation whose tokens are to be counted.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct CountRequest {
    /// One of `GET /v1/models`. May be left out where `routing.default_model` is set.
    model: Option<String>,
    messages: Vec<Message>,
    system: Option<Content>,
    tools: Option<Vec<MessagesTool>>,
}

/// One turn.
#[derive(ToSchema)]
struct Message {
    /// `user` or `assistant`.
    role: String,
    content: Content,
}

/// A tool that the model may call.
#[derive(ToSchema)]
struct MessagesTool {
    name: Option<String>,
    description: Option<String>,
    /// A JSON Schema.
    #[schema(value_type = Option<Object>)]
    input_schema: Option<Value>,
}

/// The answer.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct MessagesAnswer {
    id: String,
    /// `message`
    r#type: String,
    /// `assistant`
    role: String,
    content: Vec<super::Part>,
    /// The upstream's name of the model.
    model: String,
    /// `end_turn`, `max_tokens`, `stop_sequence`, `tool_use`, `refusal` …
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    usage: MessagesUsage,
}

/// Tokens that were used.
#[derive(ToSchema)]
struct MessagesUsage {
    input_tokens: u64,
    output_tokens: u64,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
}

/// How many tokens it has.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct TokenCount {
    input_tokens: u64,
}
