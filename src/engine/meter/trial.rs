//! One attempt, as its request's account has it while it runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::hold::Overheard;
use crate::hub::{Outcome, Provenance};
use crate::telemetry::record::{Attempt, Peer, Route};

/// Which of a request's attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial(pub(super) usize);

/// One attempt.
pub(super) struct Try {
    pub(super) attempt: Attempt,
    pub(super) began: Instant,
    /// Nothing was sent after all.
    pub(super) is_void: bool,
    overheard: Arc<Overheard>,
    has_ended: bool,
}

impl Try {
    /// Until it is told otherwise, it is one whose client leaves.
    pub(super) fn begin(route: Route, peer: Arc<Peer>, overheard: Arc<Overheard>, is_hedge: bool) -> Try {
        let attempt = Attempt {
            route,
            peer,
            dialect: None,
            began: Duration::ZERO,
            connect: None,
            tls: None,
            first_byte: None,
            first_token: None,
            took: Duration::ZERO,
            status: None,
            outcome: Outcome::ClientGone,
            reason: None,
            usage: None,
            cost: None,
            is_hedge,
            span: None,
        };
        Try { attempt, began: Instant::now(), is_void: false, overheard, has_ended: false }
    }

    /// It has ended now.
    pub(super) fn end(&mut self, outcome: Outcome, status: Option<u16>, reason: Option<String>) {
        self.has_ended = true;
        self.attempt.took = self.began.elapsed();
        (self.attempt.outcome, self.attempt.reason) = (outcome, reason);
        self.attempt.status = status.or(self.attempt.status);
    }

    /// All that is known of it, of a request that was `received` then.
    pub(super) fn settle(mut self, received: Instant) -> Attempt {
        if !self.has_ended {
            self.end(Outcome::ClientGone, None, None);
        }
        let seen = self.overheard.seen();
        let attempt = &mut self.attempt;
        attempt.began = self.began.saturating_duration_since(received);
        attempt.first_byte = seen.head.map(|head| head.saturating_duration_since(self.began));
        (attempt.connect, attempt.tls) = seen.connected.map_or((None, None), |connected| (Some(connected.tcp), connected.tls));
        attempt.status = attempt.status.or(seen.status);
        attempt.dialect = attempt.dialect.or(seen.dialect);
        attempt.usage = attempt.usage.or(seen.usage.map(|usage| (usage, Provenance::Partial)));
        self.attempt
    }
}
