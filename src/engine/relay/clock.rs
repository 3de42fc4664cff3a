//! The limits of a committed answer, watched without touching a timer for every piece.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::engine::meter::Fault;

/// Limits of a committed answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Between two pieces.
    pub idle: Option<Duration>,
    /// Of the whole.
    pub until: Option<Instant>,
}

/// Watches the limits without touching a timer for every piece.
pub(super) struct Clock {
    limits: Limits,
    /// When something came last.
    pub last: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(super) fn new(limits: Limits) -> Clock {
        Clock { limits, last: Instant::now(), sleep: None }
    }

    /// When the next limit passes, and which silence it is if it is one.
    fn due(&self) -> Option<(Instant, Option<Duration>)> {
        let idle = self.limits.idle.map(|idle| (self.last + idle, Some(idle)));
        let until = self.limits.until.map(|until| (until, None));
        idle.into_iter().chain(until).min_by_key(|(at, _)| *at)
    }

    /// Ready with the reason, and whose fault it is, when a limit has passed.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<(String, Fault)> {
        loop {
            let Some((at, silence)) = self.due() else { return Poll::Pending };
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= at {
                return Poll::Ready(match silence {
                    Some(idle) => (format!("nothing came for {}", humantime::format_duration(idle)), Fault::Upstream),
                    // However slow it is: a slow reader makes it so too.
                    None => ("it took longer than its time limit".to_owned(), Fault::Nobodys),
                });
            }
            sleep.as_mut().reset(at);
        }
    }
}
