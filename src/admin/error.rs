//! Why administration is refused, or fails. The server puts it into its envelope; pages show it in words.

use http::StatusCode;

use crate::engine;

/// Why there is no page and no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine's own errors.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The admin key, or a session that has shown it, is missing or wrong.
    #[error("{0}")]
    Key(&'static str),
    /// Whoever asks is known well enough, and may not.
    #[error("{0}")]
    Closed(&'static str),
    /// Nothing is there.
    #[error("nothing is served at {path}; `GET /` lists what is")]
    NotFound {
        /// The path, as it came in.
        path: String,
    },
    /// The path exists, with another method.
    #[error("{method} is not a method of {path}")]
    MethodNotAllowed {
        /// The method.
        method: String,
        /// The path, as it came in.
        path: String,
        /// What it has.
        allow: &'static str,
    },
    /// What was sent does not come from a page of ours, or from an old one.
    #[error("the form's token is missing or too old: load the page again (scripts send `Authorization: Bearer` instead)")]
    Forged,
    /// As many follow what happens as may.
    #[error("{0} are following already; close one, or come back later")]
    Crowded(usize),
    /// What is recorded cannot be read, for this reason.
    #[error("{0}")]
    Unreadable(String),
    /// A configuration that cannot be loaded; the old one stays.
    #[error("the configuration is invalid, the old one stays: {}", .0.join("; "))]
    InvalidConfig(Vec<String>),
}

impl Error {
    /// A bug, or a part of the machine that failed.
    pub(super) fn internal(error: impl ToString) -> Error {
        Error::Engine(engine::Error::Internal(error.to_string()))
    }

    /// A request that is wrong in itself.
    pub(super) fn invalid(message: impl Into<String>, param: &str) -> Error {
        Error::Engine(engine::Error::InvalidRequest { message: message.into(), param: Some(param.to_owned()) })
    }

    /// What a page that shows it says of itself.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Error::Engine(error) => error.status(),
            Error::Key(_) => StatusCode::UNAUTHORIZED,
            Error::Closed(_) | Error::Forged => StatusCode::FORBIDDEN,
            Error::NotFound { .. } => StatusCode::NOT_FOUND,
            Error::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Error::Unreadable(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Error::Crowded(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::InvalidConfig(_) => StatusCode::BAD_REQUEST,
        }
    }
}
