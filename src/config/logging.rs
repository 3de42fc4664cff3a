//! `logging:` as resolved.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `logging:`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// Least severe level written.
    pub level: Level,
    /// How lines look.
    pub format: LogFormat,
    /// Where a server's lines go too, beside stderr.
    pub file: Option<PathBuf>,
    /// When that file is replaced.
    pub rotate: Rotate,
    /// Whether what looks like a key is masked in bodies too. Everywhere else, and for what is a secret of this
    /// configuration, it always is.
    pub redact: bool,
    /// Files of single requests.
    pub requests: Requests,
}

/// `logging.requests`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Where those of all requests go.
    pub dir: Option<PathBuf>,
    /// Where those of failed requests go.
    pub errors_dir: Option<PathBuf>,
    /// With what was said.
    pub bodies: bool,
}

/// Severity of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Only what failed for good.
    Error,
    /// And what was mended.
    Warn,
    /// And what happened.
    #[default]
    Info,
    /// And why.
    Debug,
    /// And how.
    Trace,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// `logging.rotate`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotate {
    /// How often.
    pub every: RotateEvery,
    /// At how many bytes.
    pub max_size: u64,
    /// How many old ones are kept.
    pub keep: u32,
}

/// How often a log file is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RotateEvery {
    /// Each hour.
    Hour,
    /// Each day.
    Day,
    /// Only by size.
    Never,
}
