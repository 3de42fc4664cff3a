//! Times as a reader's clock has them.

use std::time::{Duration, UNIX_EPOCH};

/// How far a reader's clock is ahead of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock {
    minutes: i32,
}

impl Clock {
    /// As a browser says it; what is no clock's is UTC's.
    pub(super) fn ahead_by(minutes: &str) -> Clock {
        let minutes = minutes.parse().ok().filter(|minutes| (-14 * 60..=14 * 60).contains(minutes));
        Clock { minutes: minutes.unwrap_or_default() }
    }

    /// By so many seconds.
    pub(super) fn ahead(self) -> i64 {
        i64::from(self.minutes) * 60
    }

    /// Seconds since 1970 on this clock.
    pub(super) fn local(self, time: u64) -> u64 {
        time.saturating_add_signed(self.ahead())
    }

    /// `2026-11-28 08:30:05`
    pub(super) fn text(self, time: u64) -> String {
        let at = UNIX_EPOCH.checked_add(Duration::from_secs(self.local(time))).unwrap_or(UNIX_EPOCH);
        let text = humantime::format_rfc3339_seconds(at).to_string();
        text.trim_end_matches('Z').replacen('T', " ", 1)
    }

    /// Below a chart of so many seconds: the clock's time, or the day.
    pub(super) fn tick(self, time: u64, span: u64) -> String {
        let text = self.text(time);
        let is_midnight = self.local(time).is_multiple_of(86_400);
        let part = if span > 2 * 86_400 || is_midnight { text.get(5..10) } else { text.get(11..16) };
        part.unwrap_or_default().to_owned()
    }
}
