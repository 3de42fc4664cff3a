//! How a command ends: [`Exit`], and [`Failure`], an error with its way out.

use std::fmt::Display;
use std::process::ExitCode;

use crate::config::diagnostic::nearest;
use crate::engine::Error;

/// How a command ended, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Done,
    /// The work ran, and something failed.
    Failed,
    /// Bad usage, bad configuration, unknown model.
    Usage,
    /// Ctrl-C.
    Interrupted,
    /// As the program that was run has ended.
    Child(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Interrupted => 130,
            Exit::Child(code) => code,
        })
    }
}

/// An error as it reaches a person: what happened, the particulars, the way out, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What happened.
    pub message: String,
    /// Particulars, one a line.
    pub details: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// How the command ends.
    pub exit: Exit,
}

impl Failure {
    /// Bad usage or bad configuration: exit 2.
    pub fn usage(message: impl Display) -> Failure {
        Failure { message: message.to_string(), details: Vec::new(), hint: None, exit: Exit::Usage }
    }

    /// The work ran and failed: exit 1.
    pub fn failed(message: impl Display) -> Failure {
        Failure { exit: Exit::Failed, ..Failure::usage(message) }
    }

    /// What `error` says to a person.
    pub fn of(error: anyhow::Error) -> Failure {
        error.downcast().unwrap_or_else(|error| Failure::failed(format!("{error:#}")))
    }

    /// With the way out.
    pub fn hint(mut self, hint: impl Display) -> Failure {
        self.hint = Some(hint.to_string());
        self
    }

    /// With particulars, one a line.
    pub fn details(mut self, details: impl IntoIterator<Item = impl Display>) -> Failure {
        self.details = details.into_iter().map(|detail| detail.to_string()).collect();
        self
    }

    /// There is no `what` of this name among `known`; names the nearest.
    pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Failure {
        let known: Vec<&str> = known.into_iter().collect();
        let failure = Failure::usage(format!("unknown {what} `{name}`"));
        match nearest(name, known.iter().copied()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None if known.is_empty() => failure,
            None => failure.hint(format!("known: {}", known.join(", "))),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let attempts = error.attempts().to_vec();
        match error {
            Error::ModelNotFound(message) => Failure::usage(message).hint("`llmgw list` shows every model that can be asked for"),
            Error::InvalidJson(_)
            | Error::InvalidRequest { .. }
            | Error::Declined { .. }
            | Error::PreviousResponseNotFound(_)
            | Error::UnsupportedMediaType(_) => Failure::usage(error),
            Error::SameStatus { status, .. } => Failure::failed(format!("every upstream answered {status}")),
            Error::CredentialsExhausted { .. } => {
                Failure::failed("every upstream refused its credentials").hint("check the `api_key` of these providers")
            }
            Error::Upstream { .. } => Failure::failed("every upstream failed"),
            Error::Timeout { .. } => Failure::failed("upstreams ran out of time"),
            Error::Unavailable { .. } | Error::NotAllowed(_) | Error::NoPassthrough(_) | Error::NotFound(_) | Error::Internal(_) => {
                Failure::failed(error)
            }
        }
        .details(attempts)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Exit, Failure};
    use crate::engine::{Attempt, Error};

    #[test]
    fn an_unknown_name_comes_with_the_nearest() {
        let failure = Failure::unknown("provider", "deepsek", ["openai", "deepseek"]);
        assert_eq!(failure.message, "unknown provider `deepsek`");
        assert_eq!(failure.hint.as_deref(), Some("did you mean `deepseek`?"));
        assert_eq!(Failure::unknown("provider", "xyz", ["openai", "mock"]).hint.as_deref(), Some("known: openai, mock"));
    }

    #[test]
    fn an_upstream_failure_names_each_attempt_on_its_own_line() {
        let attempt = |provider: &str| Attempt {
            provider: provider.to_owned(),
            model: "m".to_owned(),
            status: Some(500),
            reason: "boom".to_owned(),
            took: Duration::ZERO,
        };
        let failure = Failure::from(Error::Upstream { attempts: vec![attempt("a"), attempt("b")] });
        assert_eq!(failure.message, "every upstream failed");
        assert_eq!(failure.details, ["a/m: 500: boom", "b/m: 500: boom"]);
        assert_eq!(failure.exit, Exit::Failed);
        assert_eq!(Failure::from(Error::ModelNotFound("no such model".to_owned())).exit, Exit::Usage);
    }
}
