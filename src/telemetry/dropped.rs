//! How many log lines were dropped, of this process: like its log, it is one.

use std::sync::atomic::{AtomicU64, Ordering};

static LOG_LINES: AtomicU64 = AtomicU64::new(0);

/// These many were dropped.
pub(super) fn add_log_lines(lines: u64) {
    LOG_LINES.fetch_add(lines, Ordering::Relaxed);
}

/// Log lines that were dropped since the start.
pub fn log_lines() -> u64 {
    LOG_LINES.load(Ordering::Relaxed)
}
