//! OpenAI's responses.

use serde_json::Value;
use utoipa::ToSchema;

use super::Content;

/// Something to be answered, perhaps after what was answered before.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct ResponseRequest {
    /// One of `GET /v1/models`. May be left out where `routing.default_model` is set.
    model: Option<String>,
    input: ResponseInput,
    instructions: Option<String>,
    /// The answer to go on from.
    previous_response_id: Option<String>,
    /// Whether the answer may be gone on from.
    store: Option<bool>,
    /// Answer with events, word by word.
    stream: Option<bool>,
    max_output_tokens: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    tools: Option<Vec<super::chat::Typed>>,
    /// `auto`, `none`, `required`, or an object that names one.
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    reasoning: Option<Reasoning>,
    /// The answer's form, as `format`.
    #[schema(value_type = Option<Object>)]
    text: Option<Value>,
    include: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    user: Option<String>,
}

/// A text, or items of several types.
#[derive(ToSchema)]
#[serde(untagged)]
enum ResponseInput {
    Text(String),
    Items(Vec<Item>),
}

/// A message, a call of a tool, its result, reasoning …
#[derive(ToSchema)]
struct Item {
    /// `message` where it is left out.
    r#type: Option<String>,
    /// Of a message.
    role: Option<String>,
    /// Of a message.
    content: Option<Content>,
}

/// How much to think.
#[derive(ToSchema)]
struct Reasoning {
    /// `none`, `minimal`, `low`, `medium`, `high` …
    effort: Option<String>,
    /// `auto`, `concise` or `detailed`.
    summary: Option<String>,
}

/// The answer.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct ResponseObject {
    id: String,
    /// `response`
    object: String,
    created_at: Option<f64>,
    /// `completed`, `incomplete`, `failed` …
    status: Option<String>,
    /// The upstream's name of the model.
    model: Option<String>,
    output: Vec<Item>,
    usage: Option<ResponseUsage>,
}

/// Tokens that were used.
#[derive(ToSchema)]
struct ResponseUsage {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
}

/// A page of what a response answers.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct ItemList {
    /// `list`
    object: String,
    data: Vec<Item>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

/// That a response is forgotten.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct Forgotten {
    id: String,
    /// `response`
    object: String,
    deleted: bool,
}
