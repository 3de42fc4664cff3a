//! Refusals and failures as clients see them: a status, headers, and OpenAI's envelope.

use std::any::Any;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tracing::error;

use crate::access::AccessError;
use crate::dialects::client;
use crate::engine;
use crate::hub::{ApiError, Kind};

/// Why the server answers with an error.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// The engine's own errors.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// No key, or a wrong one.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The admin key is missing or wrong.
    #[error("{0}")]
    AdminKey(&'static str),
    /// Who asks is known well enough, and may not.
    #[error("{0}")]
    Forbidden(String),
    /// Nothing is served here.
    #[error("nothing is served at {path}; `GET /` lists what is")]
    NotFound {
        /// The path.
        path: String,
    },
    /// The path exists, with other methods.
    #[error("{method} is not a method of {path}")]
    MethodNotAllowed {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// No path has this method.
    #[error("{0} is a method of no path")]
    MethodRefused(String),
    /// A request that two servers could understand in two ways.
    #[error("{0}")]
    Malformed(&'static str),
    /// A path and query beyond all reason.
    #[error("path and query are longer than {limit} bytes")]
    TargetTooLong {
        /// The limit.
        limit: usize,
    },
    /// More than fits in at once.
    #[error("the gateway is at its limit of {limit} {what} at once (`{key}`)")]
    Full {
        /// Of what there is too much.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// The key that sets it.
        key: &'static str,
    },
    /// A body in a format that is not taken here.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// A body over `server.max_body`.
    #[error("the body is larger than {limit} bytes (`server.max_body`)")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// A body that cannot be read to its end.
    #[error("{0}")]
    BrokenBody(String),
    /// A body that stopped coming.
    #[error("no more of the body came for {} seconds", .0.as_secs())]
    SlowBody(Duration),
    /// A body that goes on coming.
    #[error("the body was not complete within {} (`routing.deadline`)", humantime::format_duration(*.0))]
    LateBody(Duration),
    /// Not built yet.
    #[error("{0} is not supported yet")]
    NotSupported(String),
    /// As many follow the dashboard's feed as may.
    #[error("{0} are following already; close one, or come back later")]
    Crowded(usize),
    /// A configuration that cannot be loaded; the old one stays.
    #[error("the configuration is invalid, the old one stays: {}", .0.join("; "))]
    InvalidConfig(Vec<String>),
    /// A stream that the server's end cuts.
    #[error("the answer broke off: llmgw is shutting down")]
    ShuttingDown,
    /// A bug.
    #[error("internal error; the log has more under this request's id")]
    Panicked,
}

impl Rejection {
    /// A bug that was caught; logs what it said.
    pub(super) fn of_panic(panic: &(dyn Any + Send)) -> Rejection {
        let message = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        error!(panic = message.unwrap_or("without a message"), "a request panicked");
        Rejection::Panicked
    }

    /// What the client is told.
    pub fn status(&self) -> StatusCode {
        match self {
            Rejection::Engine(error) => error.status(),
            Rejection::Access(_) | Rejection::AdminKey(_) => StatusCode::UNAUTHORIZED,
            Rejection::Forbidden(_) => StatusCode::FORBIDDEN,
            Rejection::NotFound { .. } => StatusCode::NOT_FOUND,
            Rejection::MethodNotAllowed { .. } | Rejection::MethodRefused(_) => StatusCode::METHOD_NOT_ALLOWED,
            Rejection::TargetTooLong { .. } => StatusCode::URI_TOO_LONG,
            Rejection::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Rejection::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Rejection::BrokenBody(_) | Rejection::Malformed(_) | Rejection::InvalidConfig(_) => StatusCode::BAD_REQUEST,
            Rejection::SlowBody(_) | Rejection::LateBody(_) => StatusCode::REQUEST_TIMEOUT,
            Rejection::NotSupported(_) => StatusCode::NOT_IMPLEMENTED,
            Rejection::Full { .. } | Rejection::Crowded(_) | Rejection::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
            Rejection::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Rejection::Engine(error) => error.code(),
            Rejection::Access(_) | Rejection::AdminKey(_) => "invalid_api_key",
            Rejection::Forbidden(_) => "forbidden",
            Rejection::NotFound { .. } => "not_found",
            Rejection::MethodNotAllowed { .. } | Rejection::MethodRefused(_) => "method_not_allowed",
            Rejection::TargetTooLong { .. } => "uri_too_long",
            Rejection::UnsupportedMediaType(_) => "unsupported_media_type",
            Rejection::TooLarge { .. } => "body_too_large",
            Rejection::BrokenBody(_) | Rejection::Malformed(_) => "invalid_request",
            Rejection::SlowBody(_) | Rejection::LateBody(_) => "request_timeout",
            Rejection::NotSupported(_) => "not_supported",
            Rejection::InvalidConfig(_) => "invalid_config",
            Rejection::Full { .. } | Rejection::ShuttingDown => "no_upstream_available",
            Rejection::Crowded(_) => "busy",
            Rejection::Panicked => "internal_error",
        }
    }

    /// Whether what follows on the connection cannot be trusted to be a request.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(self, Rejection::Malformed(_) | Rejection::MethodRefused(_))
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Rejection::Engine(error) => error.retry_after(),
            Rejection::Full { .. } | Rejection::Crowded(_) => Some(COME_BACK),
            _ => None,
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Rejection::MethodRefused(_) = self {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        }
        if let Some(wait) = self.retry_after() {
            // Whole seconds for everybody, rounded up lest they come early; milliseconds for OpenAI's SDKs.
            headers.insert(RETRY_AFTER, wait.as_millis().div_ceil(1000).to_string().parse().unwrap_or(HeaderValue::from_static("1")));
            headers.insert(RETRY_AFTER_MS, HeaderValue::from(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
        }
        let Rejection::Engine(error) = self else { return headers };
        if error.should_retry() == Some(false) {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if !error.attempts().is_empty() {
            headers.insert(ATTEMPTS, HeaderValue::from(error.attempts().len()));
        }
        headers
    }

    /// What the client is told, free of any envelope.
    pub(super) fn api_error(&self) -> ApiError {
        ApiError { message: self.to_string(), kind: kind(self.status()).to_owned(), code: self.code().to_owned() }
    }

    /// What the client is told, as JSON.
    pub(super) fn body(&self) -> Bytes {
        // The upstream's own words tell the client more than ours about them.
        if let Rejection::Engine(engine::Error::SameStatus { body: Some(body), .. }) = self {
            return body.clone();
        }
        let (param, diagnostics) = match self {
            Rejection::Engine(error) => (error.param(), None),
            Rejection::InvalidConfig(diagnostics) => (None, Some(diagnostics.as_slice())),
            _ => (None, None),
        };
        let message = self.to_string();
        let error = Inner { message: &message, r#type: kind(self.status()), param, code: self.code(), diagnostics };
        // Strings and a list of strings always serialise.
        serde_json::to_vec(&Envelope { error }).unwrap_or_default().into()
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status();
        *response.headers_mut() = self.headers();
        // The upstream's own words are in the client's dialect already.
        if !matches!(self, Rejection::Engine(engine::Error::SameStatus { body: Some(_), .. })) {
            response.extensions_mut().insert(Said(self.api_error()));
        }
        response
    }
}

/// What an error says, for clients that read another envelope than OpenAI's.
#[derive(Clone)]
struct Said(ApiError);

/// An answer to a request for `path`, in the envelope of that path's dialect if it is an error of ours.
pub(super) fn in_dialect_of(path: &str, response: &mut Response) {
    if response.status().as_u16() < 400 {
        return;
    }
    let Some(Said(error)) = response.extensions_mut().remove::<Said>() else { return };
    if path == "/v1/messages" || path.starts_with("/v1/messages/") {
        let body = client(Kind::Anthropic).encode_error(response.status().as_u16(), &error);
        *response.body_mut() = Body::from(body);
        // That of the other envelope.
        response.headers_mut().remove(CONTENT_LENGTH);
    }
}

/// Most requests are over sooner, and room for one is enough.
const COME_BACK: Duration = Duration::from_secs(1);
/// Retry-After in milliseconds, for OpenAI's SDKs.
pub(super) const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-llmgw-attempts");

/// `{"error":{"message","type","param","code"}}`, and `diagnostics` where there are some.
#[derive(Serialize)]
struct Envelope<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'a str>,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<&'a [String]>,
}

/// OpenAI's word for the kind of a failure.
pub(super) fn kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        403 => "permission_error",
        409 => "conflict",
        429 => "rate_limit_error",
        502 | 504 => "upstream_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests;
