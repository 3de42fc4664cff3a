//! The closed set of how a request or an attempt ends; also the set of metric labels.

use serde::Serialize;

/// How a request ended, or one attempt at answering it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A complete answer was handed over.
    Ok,
    /// The client's request was wrong (400, 404, 413, 415, 422).
    BadRequest,
    /// The client is not who it must be, or may not do this.
    Denied,
    /// The client left before the answer was complete.
    ClientGone,
    /// An upstream's own answer that is not a success, given back as it is.
    GivenBack,
    /// Every attempt failed.
    UpstreamError,
    /// The last attempt ran out of time.
    UpstreamTimeout,
    /// No upstream could be tried.
    Unavailable,
    /// The answer broke off after its first content.
    CutOff,
    /// A fault of llmgw's own.
    Internal,
    /// Of an attempt only: given up, because another one had the answer.
    Abandoned,
}

impl Outcome {
    /// Whether a client got less than it asked for, be it its own fault, and stayed to see it.
    pub fn is_failure(self) -> bool {
        !matches!(self, Outcome::Ok | Outcome::ClientGone)
    }

    /// Every outcome.
    pub const ALL: [Outcome; 11] = [
        Outcome::Ok,
        Outcome::BadRequest,
        Outcome::Denied,
        Outcome::ClientGone,
        Outcome::GivenBack,
        Outcome::UpstreamError,
        Outcome::UpstreamTimeout,
        Outcome::Unavailable,
        Outcome::CutOff,
        Outcome::Internal,
        Outcome::Abandoned,
    ];

    /// Those of requests.
    pub const OF_REQUESTS: [Outcome; 10] = [
        Outcome::Ok,
        Outcome::BadRequest,
        Outcome::Denied,
        Outcome::ClientGone,
        Outcome::GivenBack,
        Outcome::UpstreamError,
        Outcome::UpstreamTimeout,
        Outcome::Unavailable,
        Outcome::CutOff,
        Outcome::Internal,
    ];

    /// The word used in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::BadRequest => "bad_request",
            Outcome::Denied => "denied",
            Outcome::ClientGone => "client_gone",
            Outcome::GivenBack => "given_back",
            Outcome::UpstreamError => "upstream_error",
            Outcome::UpstreamTimeout => "upstream_timeout",
            Outcome::Unavailable => "unavailable",
            Outcome::CutOff => "cut_off",
            Outcome::Internal => "internal",
            Outcome::Abandoned => "abandoned",
        }
    }

    /// The outcome of this word.
    pub fn of_word(word: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}
