//! What clients read when something failed.

use utoipa::ToSchema;

/// OpenAI's envelope.
#[derive(ToSchema)]
#[schema(as = Error)]
pub(in crate::server::docs::spec) struct OpenAiError {
    error: ErrorDetails,
}

/// What went wrong.
#[derive(ToSchema)]
struct ErrorDetails {
    /// For people.
    message: String,
    /// OpenAI's word for this kind of failure.
    r#type: String,
    /// The field of the request at fault.
    #[schema(required = true)]
    param: Option<String>,
    /// For programs.
    #[schema(required = true)]
    code: Option<String>,
    /// Each mistake of a configuration.
    diagnostics: Option<Vec<String>>,
}

/// Anthropic's envelope.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct AnthropicError {
    /// `error`
    r#type: String,
    error: AnthropicErrorDetails,
    request_id: Option<String>,
}

/// What went wrong.
#[derive(ToSchema)]
struct AnthropicErrorDetails {
    /// Anthropic's word for this kind of failure.
    r#type: String,
    /// For people.
    message: String,
    details: Option<AnthropicErrorCode>,
}

/// For programs.
#[derive(ToSchema)]
struct AnthropicErrorCode {
    error_code: Option<String>,
}

/// What an upstream answered, as it wrote it. Mostly there is a member `error`.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct UpstreamError {
    error: Option<serde_json::Value>,
}
