//! What goes wrong with files that are written beside requests. None of it touches a request.

use std::fmt::Display;
use std::path::Path;

use tracing::{info, warn};

/// Something is wrong with what is kept on disk. Requests go on without it.
pub enum StorageTrouble<'a> {
    /// Nothing can be kept until the next start.
    Unusable {
        /// The file.
        path: &'a str,
        /// What is wrong with it.
        reason: &'a str,
    },
    /// Something could not be written or read.
    Failed {
        /// Why.
        reason: &'a str,
    },
    /// More was to be written than the disk takes.
    Dropped,
}

impl StorageTrouble<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        match self {
            StorageTrouble::Unusable { path, reason } => warn!(path, reason, "storage cannot be used: nothing is kept"),
            StorageTrouble::Failed { reason } => warn!(reason, "storage failed"),
            StorageTrouble::Dropped => warn!("storage is too slow: answers are not kept"),
        }
    }
}

/// Something is wrong with the log itself, or is well again.
pub enum LogTrouble<'a> {
    /// Whoever takes the lines is too slow.
    Dropped {
        /// How many were not written.
        lines: usize,
    },
    /// Lines go to stderr only from now on.
    Failed {
        /// The file.
        path: &'a Path,
        /// What is wrong with it.
        reason: &'a dyn Display,
    },
    /// It is written again.
    Mended {
        /// The file.
        path: &'a Path,
        /// How many lines are not in it.
        lost: usize,
    },
    /// It grows on.
    Stuck {
        /// The file.
        path: &'a Path,
        /// Why no new one can be begun.
        reason: &'a dyn Display,
    },
}

impl LogTrouble<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        match self {
            LogTrouble::Dropped { lines } => warn!(lines, "log lines were dropped: whoever takes them is too slow"),
            LogTrouble::Failed { path, reason } => {
                warn!(path = %path.display(), %reason, "the log file cannot be written: lines go to stderr only")
            }
            LogTrouble::Mended { path, lost } => info!(path = %path.display(), lost, "the log file is written again"),
            LogTrouble::Stuck { path, reason } => warn!(path = %path.display(), %reason, "the log file cannot be replaced: it grows on"),
        }
    }
}

/// Something is wrong with the files of requests, or is well again.
pub enum RequestFileTrouble<'a> {
    /// More requests than the disk takes: some get no file from now on.
    TooMany,
    /// How many these were.
    Dropped {
        /// Of requests.
        requests: usize,
    },
    /// Requests get no file from now on.
    Failed {
        /// The directory.
        path: &'a Path,
        /// What is wrong with it.
        reason: &'a dyn Display,
    },
    /// They get files again.
    Mended {
        /// The directory.
        path: &'a Path,
        /// How many got none.
        lost: usize,
    },
}

impl RequestFileTrouble<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        match self {
            RequestFileTrouble::TooMany => warn!("files of requests are written too slowly: some requests get none"),
            RequestFileTrouble::Dropped { requests } => info!(requests, "requests that got no file"),
            RequestFileTrouble::Failed { path, reason } => {
                warn!(path = %path.display(), %reason, "files of requests cannot be written: requests get none")
            }
            RequestFileTrouble::Mended { path, lost } => info!(path = %path.display(), lost, "files of requests are written again"),
        }
    }
}
