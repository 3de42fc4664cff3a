//! How a request fails, and what to do about it.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::hub::Outcome;

/// A request that llmgw itself answers with an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not JSON, not UTF-8, or nested beyond reason.
    #[error("{0}")]
    InvalidJson(String),
    /// The body is JSON, but not a request.
    #[error("{message}")]
    InvalidRequest {
        /// What is wrong and what would be right.
        message: String,
        /// The field at fault.
        param: Option<String>,
    },
    /// The request uses a service that no upstream at hand has; its client does without once it reads the code.
    #[error("{message}")]
    Declined {
        /// What cannot be done.
        message: String,
        /// A code of the client's dialect, and not one of ours.
        code: &'static str,
    },
    /// The request goes on from a response that its caller has not.
    #[error("Previous response with id '{0}' not found.")]
    PreviousResponseNotFound(String),
    /// The body's content type is not one that this endpoint takes.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// Nothing answers to this name.
    #[error("{0}")]
    ModelNotFound(String),
    /// The caller's key may not ask for this name.
    #[error("{0}")]
    NotAllowed(String),
    /// The caller's key may not use endpoints that name no model.
    #[error("{0}")]
    NoPassthrough(String),
    /// Nothing is served here, with the way out.
    #[error("{0}")]
    NotFound(String),
    /// Every attempt ended in this very status of the upstreams'.
    #[error("every upstream answered {status}: {}", list(.attempts))]
    SameStatus {
        /// The status.
        status: StatusCode,
        /// The last upstream's body, if it was a JSON error object.
        body: Option<bytes::Bytes>,
        /// Its headers that may go on.
        headers: Box<HeaderMap>,
        /// Time spent in llmgw itself.
        overhead: Duration,
        /// The shortest wait that an upstream asked for.
        retry_after: Option<Duration>,
        /// Every attempt.
        attempts: Vec<Attempt>,
    },
    /// Every credential of every route is refused.
    #[error("every upstream refused its credentials: {}", list(.attempts))]
    CredentialsExhausted {
        /// Every attempt.
        attempts: Vec<Attempt>,
    },
    /// Every attempt failed.
    #[error("every upstream failed: {}", list(.attempts))]
    Upstream {
        /// Every attempt.
        attempts: Vec<Attempt>,
    },
    /// The last attempt ran out of time.
    #[error("upstreams ran out of time: {}", list(.attempts))]
    Timeout {
        /// Every attempt.
        attempts: Vec<Attempt>,
    },
    /// No upstream could be tried.
    #[error("no upstream is available for `{model}`: {reason}")]
    Unavailable {
        /// The name that was asked for.
        model: String,
        /// Which candidates were passed over and why.
        reason: String,
        /// When one may be.
        retry_after: Duration,
        /// Every attempt, if all that were made ended overloaded.
        attempts: Vec<Attempt>,
    },
    /// A fault of llmgw's own.
    #[error("internal error: {0}")]
    Internal(String),
}

/// One try, as it is named to the client, in logs and on pages. Holds no secret.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct Attempt {
    /// Name of the provider.
    pub provider: String,
    /// The upstream's name of the model; empty where none is named.
    pub model: String,
    /// The upstream's status, if it gave one.
    pub status: Option<u16>,
    /// What went wrong.
    pub reason: String,
    /// How long it took.
    #[serde(skip)]
    pub took: Duration,
}

impl std::fmt::Display for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.model.as_str() {
            "" => write!(f, "{}: ", self.provider)?,
            model => write!(f, "{}/{model}: ", self.provider)?,
        }
        if let Some(status) = self.status {
            write!(f, "{status}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// All of them, in one line.
pub fn list(attempts: &[Attempt]) -> String {
    attempts.iter().map(Attempt::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// What the client is told.
    pub fn status(&self) -> StatusCode {
        match self {
            Error::InvalidJson(_) | Error::InvalidRequest { .. } | Error::Declined { .. } | Error::PreviousResponseNotFound(_) => {
                StatusCode::BAD_REQUEST
            }
            Error::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Error::ModelNotFound(_) | Error::NotFound(_) => StatusCode::NOT_FOUND,
            Error::NotAllowed(_) | Error::NoPassthrough(_) => StatusCode::FORBIDDEN,
            Error::SameStatus { status, .. } => *status,
            Error::CredentialsExhausted { .. } | Error::Upstream { .. } => StatusCode::BAD_GATEWAY,
            Error::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word for programs; one closed set (contract §6).
    pub fn code(&self) -> &'static str {
        match self {
            Error::InvalidJson(_) => "invalid_json",
            Error::InvalidRequest { .. } => "invalid_request",
            Error::Declined { code, .. } => code,
            Error::PreviousResponseNotFound(_) => "previous_response_not_found",
            Error::UnsupportedMediaType(_) => "unsupported_media_type",
            Error::ModelNotFound(_) => "model_not_found",
            Error::NotAllowed(_) | Error::NoPassthrough(_) => "model_not_allowed",
            Error::NotFound(_) => "not_found",
            Error::SameStatus { status, .. } => match status.as_u16() {
                429 => "rate_limit_exceeded",
                404 => "model_not_found",
                _ => "upstream_error",
            },
            Error::CredentialsExhausted { .. } => "upstream_credentials_exhausted",
            Error::Upstream { .. } => "upstream_error",
            Error::Timeout { .. } => "upstream_timeout",
            Error::Unavailable { .. } => "no_upstream_available",
            Error::Internal(_) => "internal_error",
        }
    }

    /// The field of the request at fault.
    pub fn param(&self) -> Option<&str> {
        match self {
            Error::InvalidRequest { param, .. } => param.as_deref(),
            Error::PreviousResponseNotFound(_) => Some("previous_response_id"),
            Error::ModelNotFound(_) | Error::NotAllowed(_) => Some("model"),
            _ => None,
        }
    }

    /// When asking again makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::SameStatus { retry_after, .. } => *retry_after,
            Error::Unavailable { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// `false`: the official SDKs shall not retry, since every route was tried already.
    pub fn should_retry(&self) -> Option<bool> {
        matches!(self, Error::Upstream { .. } | Error::CredentialsExhausted { .. } | Error::Timeout { .. }).then_some(false)
    }

    /// Every try that was made.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Error::SameStatus { attempts, .. }
            | Error::CredentialsExhausted { attempts }
            | Error::Upstream { attempts }
            | Error::Timeout { attempts }
            | Error::Unavailable { attempts, .. } => attempts,
            _ => &[],
        }
    }

    /// How the request ended, for logs and metrics.
    pub fn outcome(&self) -> Outcome {
        match self {
            Error::InvalidJson(_)
            | Error::InvalidRequest { .. }
            | Error::Declined { .. }
            | Error::PreviousResponseNotFound(_)
            | Error::UnsupportedMediaType(_)
            | Error::ModelNotFound(_)
            | Error::NotFound(_) => Outcome::BadRequest,
            Error::NotAllowed(_) | Error::NoPassthrough(_) => Outcome::Denied,
            Error::SameStatus { .. } | Error::CredentialsExhausted { .. } | Error::Upstream { .. } => Outcome::UpstreamError,
            Error::Timeout { .. } => Outcome::UpstreamTimeout,
            Error::Unavailable { .. } => Outcome::Unavailable,
            Error::Internal(_) => Outcome::Internal,
        }
    }
}
