//! All that follows from one configuration: [`Snapshot`]. Preparing one may fail; swapping it in cannot.

use crate::access::KeyRing;
use crate::config::Config;

/// Immutable; a request loads one and keeps it to its end, so no request sees half a reload.
pub struct Snapshot {
    /// The configuration.
    pub config: Config,
    /// Who may call.
    pub keys: KeyRing,
}

/// Why a valid configuration cannot be put to work.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PrepareError(pub String);
