//! What experience says about one upstream model: its breaker, load and speed, and the figures of the status page.
//!
//! Nothing here takes a lock to be read, but for the text of a last error. Who may change a breaker is in
//! [`super::permit`], where healths are kept in [`super::board`].

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::config::Cooldown;

use super::breaker::{Breaker, Millis, Standing};

/// Latencies kept for the percentiles.
const KEPT_LATENCIES: usize = 256;

/// Share of the newest measurement in the moving average.
const NEWEST: f32 = 0.3;

/// After this long a measured speed is no longer "recent", and an idle upstream is measured anew.
const STALE: Duration = Duration::from_secs(300);

/// One upstream model of one provider.
#[derive(Debug, Default)]
pub struct Health {
    pub(super) breaker: Breaker,
    pub(super) in_flight: AtomicU32,
    pub(super) requests: AtomicU64,
    pub(super) successes: AtomicU64,
    pub(super) failures: AtomicU64,
    /// Bits of an `f32` of milliseconds; 0: never measured.
    speed: AtomicU32,
    measured_at: AtomicU64,
    latencies: OnceLock<Box<Latencies>>,
    last_error: Mutex<Option<LastError>>,
}

impl Health {
    /// How it stands.
    pub fn standing(&self, now: Millis, policy: Option<Cooldown>) -> Standing {
        self.breaker.standing(now, policy)
    }

    /// Failures in a row, those of its provider apart.
    pub fn failures_in_a_row(&self) -> u16 {
        self.breaker.state().failures
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Attempts begun.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Moving average of the milliseconds to first content; `None` while it ought to be measured (anew).
    pub fn speed(&self, now: Millis) -> Option<f32> {
        let stale = now.since(Millis(self.measured_at.load(Ordering::Relaxed))) > STALE;
        let bits = self.speed.load(Ordering::Relaxed);
        (bits != 0 && !(stale && self.in_flight() == 0)).then(|| f32::from_bits(bits))
    }

    /// Keeps the text of a failure for the status page. `message` is short and free of secrets.
    pub fn note_error(&self, message: impl Into<String>, now: Millis) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(LastError { message: message.into(), at: now });
    }

    /// The latest failure, if there was one.
    pub fn last_error(&self) -> Option<LastError> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its figures.
    pub fn report(&self) -> Report {
        Report {
            failures_in_a_row: self.failures_in_a_row(),
            in_flight: self.in_flight(),
            requests: self.requests.load(Ordering::Relaxed),
            successes: self.successes.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            latency: Percentiles::of(&mut self.latencies().collect::<Vec<_>>()),
            last_error: self.last_error(),
        }
    }

    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_success(&self) {
        self.successes.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes in how long an answer's first content took.
    pub(super) fn measure(&self, first_content: Duration, now: Millis) {
        let newest = (first_content.as_secs_f32() * 1000.0).max(0.001);
        let averaged = |bits| {
            let average = if bits == 0 { newest } else { f32::from_bits(bits) * (1.0 - NEWEST) + newest * NEWEST };
            Some(average.to_bits())
        };
        // The closure never declines.
        let _ = self.speed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, averaged);
        self.measured_at.store(now.0, Ordering::Relaxed);
        self.latencies.get_or_init(Box::default).push(first_content);
    }

    pub(super) fn latencies(&self) -> impl Iterator<Item = u32> {
        let ring = self.latencies.get().map(|latencies| latencies.ring.as_slice()).unwrap_or_default();
        ring.iter().map(|slot| slot.load(Ordering::Relaxed)).filter(|stored| *stored > 0).map(|stored| stored - 1)
    }
}

/// The latest latencies, in milliseconds plus one; 0: empty.
#[derive(Debug)]
struct Latencies {
    next: AtomicUsize,
    ring: [AtomicU32; KEPT_LATENCIES],
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies { next: AtomicUsize::new(0), ring: [const { AtomicU32::new(0) }; KEPT_LATENCIES] }
    }
}

impl Latencies {
    fn push(&self, latency: Duration) {
        let slot = self.next.fetch_add(1, Ordering::Relaxed) % KEPT_LATENCIES;
        let stored = u32::try_from(latency.as_millis()).unwrap_or(u32::MAX).saturating_add(1);
        self.ring[slot].store(stored, Ordering::Relaxed);
    }
}

/// A failure as the status page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// Short, without secrets.
    pub message: String,
    /// When.
    pub at: Millis,
}

/// Figures for the status page. `requests` are attempts; those that ended undecided are neither successes nor failures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What the breaker counts.
    pub failures_in_a_row: u16,
    /// Requests in flight.
    pub in_flight: u32,
    /// Attempts begun.
    pub requests: u64,
    /// Attempts whose answer came through whole.
    pub successes: u64,
    /// Attempts that failed, before their answer or within it.
    pub failures: u64,
    /// Time to first content of the latest answers; `None` before the first.
    pub latency: Option<Percentiles>,
    /// The latest failure.
    pub last_error: Option<LastError>,
}

/// Milliseconds that half, 95 and 99 of a hundred requests stayed within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Percentiles {
    /// The median.
    pub p50: u32,
    /// 95 of a hundred.
    pub p95: u32,
    /// 99 of a hundred.
    pub p99: u32,
}

impl Percentiles {
    pub(super) fn of(latencies: &mut [u32]) -> Option<Percentiles> {
        latencies.sort_unstable();
        let last = latencies.len().checked_sub(1)?;
        let at = |percent: usize| latencies[(latencies.len() * percent).div_ceil(100).saturating_sub(1).min(last)];
        Some(Percentiles { p50: at(50), p95: at(95), p99: at(99) })
    }
}

#[cfg(test)]
mod tests;
