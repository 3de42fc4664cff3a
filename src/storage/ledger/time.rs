//! Times as the tables have them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::telemetry::Record;

/// In microseconds.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// When a request ended, in microseconds since 1970.
pub(super) fn ended(record: &Record) -> u64 {
    micros(record.received.duration_since(UNIX_EPOCH).unwrap_or_default() + record.total)
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
