//! OpenAI's chat completions, and the legacy text form.

use serde_json::Value;
use utoipa::ToSchema;

use super::{Content, Texts};

/// A conversation to be continued.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct ChatRequest {
    /// One of `GET /v1/models`. May be left out where `routing.default_model` is set.
    model: Option<String>,
    /// What was said so far.
    messages: Vec<ChatMessage>,
    /// Answer with events, word by word.
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    /// The answer's longest length, in tokens.
    max_completion_tokens: Option<u64>,
    /// The older name of `max_completion_tokens`.
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    /// How many answers.
    n: Option<u32>,
    stop: Option<Texts>,
    seed: Option<i64>,
    frequency_penalty: Option<f64>,
    presence_penalty: Option<f64>,
    logprobs: Option<bool>,
    top_logprobs: Option<u32>,
    /// Functions that the model may call.
    tools: Option<Vec<Tool>>,
    /// `auto`, `none`, `required`, or an object that names one.
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    /// `{"type": "json_schema", …}`, `{"type": "json_object"}` or `{"type": "text"}`.
    response_format: Option<Typed>,
    /// `none`, `minimal`, `low`, `medium`, `high` …
    reasoning_effort: Option<String>,
    user: Option<String>,
}

/// One turn.
#[derive(ToSchema)]
struct ChatMessage {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    role: String,
    content: Option<Content>,
    name: Option<String>,
    /// What the model called, in its own turn.
    tool_calls: Option<Vec<ToolCall>>,
    /// Which call a `tool` message answers.
    tool_call_id: Option<String>,
}

/// What a stream holds beside the answer.
#[derive(ToSchema)]
pub(super) struct StreamOptions {
    /// End with a chunk that says what was used.
    include_usage: Option<bool>,
}

/// Something of one of several types.
#[derive(ToSchema)]
pub(super) struct Typed {
    r#type: String,
}

/// A function that the model may call.
#[derive(ToSchema)]
struct Tool {
    /// `function`
    r#type: String,
    function: Option<Function>,
}

/// A function's description.
#[derive(ToSchema)]
struct Function {
    name: String,
    description: Option<String>,
    /// A JSON Schema.
    #[schema(value_type = Option<Object>)]
    parameters: Option<Value>,
    strict: Option<bool>,
}

/// A call of a function.
#[derive(ToSchema)]
struct ToolCall {
    id: String,
    /// `function`
    r#type: String,
    function: Option<Called>,
}

/// Which function, and with what.
#[derive(ToSchema)]
struct Called {
    name: String,
    /// JSON, as text.
    arguments: String,
}

/// The answer of a chat.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct ChatCompletion {
    id: String,
    /// `chat.completion`
    object: String,
    created: u64,
    /// The upstream's name of the model.
    model: String,
    choices: Vec<ChatChoice>,
    usage: Option<Usage>,
}

/// One answer.
#[derive(ToSchema)]
struct ChatChoice {
    index: u32,
    message: ChatAnswer,
    /// `stop`, `length`, `tool_calls`, `content_filter` …
    finish_reason: Option<String>,
}

/// What the model said.
#[derive(ToSchema)]
struct ChatAnswer {
    /// `assistant`
    role: String,
    content: Option<String>,
    /// What it thought, where the upstream tells.
    reasoning_content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
}

/// Tokens that were used.
#[derive(ToSchema)]
pub(super) struct Usage {
    prompt_tokens: u64,
    completion_tokens: Option<u64>,
    total_tokens: u64,
}

/// A text to be continued.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct CompletionRequest {
    /// One of `GET /v1/models`. May be left out where `routing.default_model` is set.
    model: Option<String>,
    prompt: super::inputs::Input,
    /// Answer with events, word by word.
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    n: Option<u32>,
    stop: Option<Texts>,
    /// What follows the text that is asked for.
    suffix: Option<String>,
    echo: Option<bool>,
    seed: Option<i64>,
    frequency_penalty: Option<f64>,
    presence_penalty: Option<f64>,
    logprobs: Option<u32>,
    user: Option<String>,
}

/// The answer in the legacy text form.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct Completion {
    id: String,
    /// `text_completion`
    object: String,
    created: u64,
    model: String,
    choices: Vec<TextChoice>,
    usage: Option<Usage>,
}

/// One text.
#[derive(ToSchema)]
struct TextChoice {
    index: u32,
    text: String,
    /// `stop`, `length` …
    finish_reason: Option<String>,
}
