//! Reads what was used of late, from the sums: rows may have been lost.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Reader, Unreadable};
use crate::storage::database::unsigned;
use crate::storage::ledger::query::{By, Period, Recent, Scope, Span, Sum};
use crate::storage::ledger::sums::SLOT;

/// Sums are by the minute: the one that was so long ago is taken whole, so that the last minute is one on average.
const HALF_A_MINUTE: Duration = Duration::from_secs(30);

/// As the minute of an hour ago.
const HOUR: Duration = Duration::from_secs(3_600);

/// Names that are of interest at once.
const MOST_NAMES: usize = 100;

impl Reader {
    /// What was used in the last minute, in the last hour and today, up to `now`.
    pub fn recent(&self, now: SystemTime) -> Result<Recent, Unreadable> {
        let ago = |age: Duration| now.checked_sub(age).unwrap_or(UNIX_EPOCH);
        Ok(Recent {
            minute: self.span(slot(ago(HALF_A_MINUTE)), now)?,
            hour: self.span(slot(ago(HOUR)), now)?,
            today: self.span(self.midnight(now)?, now)?,
        })
    }

    fn span(&self, begins: SystemTime, now: SystemTime) -> Result<Span, Unreadable> {
        let scope = Scope { period: Period { since: Some(begins), until: None }, ..Scope::default() };
        let (mut models, mut keys) = (self.usage(By::Model, &scope)?, self.usage(By::Key, &scope)?);
        let total = |of: fn(&Sum) -> u64| models.iter().map(of).sum::<u64>();
        let (requests, failed, output) = (total(|sum| sum.requests), total(|sum| sum.failed), total(|sum| sum.output));
        // A clock may have been set back.
        let seconds = now.duration_since(begins).unwrap_or_default().as_secs_f64().max(1.0);
        let span = Span {
            begins: begins.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            seconds,
            requests,
            failed,
            success_rate: (requests > 0).then(|| (requests - failed) as f64 / requests as f64),
            requests_per_second: requests as f64 / seconds,
            input: total(|sum| sum.input),
            output,
            output_per_second: output as f64 / seconds,
            // Of nothing, std's sum is -0.
            cost: 0.0 + models.iter().map(|sum| sum.cost).sum::<f64>(),
            unpriced: total(|sum| sum.unpriced),
            latency: self.latency(&scope)?,
            models: Vec::new(),
            keys: Vec::new(),
        };
        models.truncate(MOST_NAMES);
        keys.truncate(MOST_NAMES);
        Ok(Span { models, keys, ..span })
    }

    /// When the day of `now` began, in the time of this machine's place.
    fn midnight(&self, now: SystemTime) -> Result<SystemTime, Unreadable> {
        let sql = "SELECT CAST(strftime('%s', ?, 'unixepoch', 'localtime', 'start of day', 'utc') AS INTEGER)";
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let seconds: i64 = self.connection.query_row(sql, [now], |row| row.get(0))?;
        Ok(UNIX_EPOCH + Duration::from_secs(unsigned(seconds)))
    }
}

/// When the minute of `time` began.
fn slot(time: SystemTime) -> SystemTime {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    UNIX_EPOCH + Duration::from_secs(seconds / (SLOT / 1_000) * (SLOT / 1_000))
}
