//! What the client is told when no route is left.

use std::time::Duration;

use super::Walk;
use crate::dialects::{self, DialectError};
use crate::engine::Error;
use crate::engine::demand::Demand;
use crate::engine::error::list;
use crate::engine::meter::Meter;
use crate::routing::{Candidate, Failure, Skipped};

/// What a client is told to wait when nobody knows better.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Walk<'_> {
    /// What the client is told when the plan is used up.
    pub(super) fn error(&mut self, demand: &Demand, meter: &Meter) -> Error {
        let model = meter.model();
        let attempts = std::mem::take(&mut self.attempts);
        let failures = std::mem::take(&mut self.failures);
        let Some(last) = failures.last() else { return self.unsaid_error(demand).unwrap_or_else(|| self.unavailable(model)) };
        if failures.iter().all(|failed| failed.failure == Some(Failure::Credentials)) {
            return Error::CredentialsExhausted { attempts };
        }
        let same = last.status.filter(|status| failures.iter().all(|failed| failed.status == Some(*status)));
        let longest = self.snapshot.config.routing.cooldown.map_or(Duration::MAX, |cooldown| cooldown.max);
        let retry_after = failures.iter().filter_map(|failed| failed.retry_after).min().map(|wait| wait.min(longest));
        let known = dialects::client(demand.endpoint.dialect()).known_failures();
        if let Some(status) = same.filter(|status| known.contains(&status.as_u16())) {
            let last = failures.into_iter().next_back();
            let (body, headers) = last.map(|failed| (failed.body, Box::new(failed.headers))).unwrap_or_default();
            return Error::SameStatus { status, body, headers, overhead: meter.overhead(), retry_after, attempts };
        }
        if same.is_some_and(|status| status.as_u16() == 529) {
            let reason = format!("every upstream is overloaded: {}", list(&attempts));
            return Error::Unavailable { model: model.to_owned(), reason, retry_after: retry_after.unwrap_or(RETRY_AFTER), attempts };
        }
        if last.timed_out { Error::Timeout { attempts } } else { Error::Upstream { attempts } }
    }

    /// What no upstream could be told, if that is why none was asked.
    fn unsaid_error(&self, demand: &Demand) -> Option<Error> {
        let (candidate, reason) = self.unsaid.last()?;
        if let Some(error) = demand.earlier.error() {
            return Some(error);
        }
        let message = format!("{candidate}: {reason}");
        Some(match reason {
            DialectError::Declined { code, .. } => Error::Declined { message, code },
            _ => Error::InvalidRequest { message, param: None },
        })
    }

    fn unavailable(&self, model: &str) -> Error {
        let name = |(candidate, skipped): &(Candidate, Skipped)| format!("{candidate}: {skipped}");
        let mut reason = self.skipped.iter().map(name).collect::<Vec<_>>().join("; ");
        if reason.is_empty() {
            reason = format!("the deadline of {} passed", humantime::format_duration(self.snapshot.config.routing.deadline));
        }
        let left = |skipped: &Skipped| if let Skipped::Cooling { left } = skipped { Some(*left) } else { None };
        let retry_after = self.skipped.iter().filter_map(|(_, skipped)| left(skipped)).min().unwrap_or(RETRY_AFTER);
        Error::Unavailable { model: model.to_owned(), reason, retry_after, attempts: Vec::new() }
    }
}
