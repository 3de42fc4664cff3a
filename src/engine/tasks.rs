//! What goes on beside requests: models are discovered again, and providers are checked where that is configured.
//!
//! A task holds the engine weakly between its rounds, and ends with it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info};

use crate::engine::{Inner, Snapshot, discover};
use crate::routing::{Millis, Standing};

/// How often models are discovered again.
const REFRESH: Duration = Duration::from_secs(3600);

/// How soon after a failed discovery.
const RETRY: Duration = Duration::from_secs(60);

/// How often the tasks look whether something is due; a reload may have made it so.
const TICK: Duration = Duration::from_secs(1);

/// Providers checked at once.
const AT_ONCE: usize = 16;

/// Starts the tasks on the current runtime.
pub fn start(engine: &Arc<Inner>) {
    tokio::spawn(rediscover(Arc::downgrade(engine)));
    tokio::spawn(check(Arc::downgrade(engine)));
}

/// Discovers what is not known or stale, at once and then as it becomes due.
async fn rediscover(engine: Weak<Inner>) {
    loop {
        let Some(strong) = engine.upgrade() else { return };
        let snapshot = strong.snapshot.load_full();
        drop(strong);
        let stale = |index: usize| snapshot.upstreams[index].catalog.is_stale(REFRESH, RETRY);
        discover::discover(&snapshot, None, stale).await;
        sleep_until(Instant::now() + TICK).await;
    }
}

/// Asks every enabled provider for its models, `interval` apart: no tokens are spent. An answer clears connection and
/// credential failures, nothing else.
async fn check(engine: Weak<Inner>) {
    let mut last = Instant::now();
    loop {
        let Some(strong) = engine.upgrade() else { return };
        let snapshot = strong.snapshot.load_full();
        let now = strong.now();
        drop(strong);
        let due = snapshot.config.routing.health_check.filter(|check| last.elapsed() >= check.interval);
        let Some(health_check) = due else {
            sleep_until(Instant::now() + TICK).await;
            continue;
        };
        last = Instant::now();
        let checks = snapshot.table.preferred().to_vec().into_iter().map(|index| check_one(&snapshot, index, health_check.timeout, now));
        futures_util::stream::iter(checks).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    }
}

async fn check_one(snapshot: &Snapshot, index: usize, timeout: Duration, now: Millis) {
    let answer = tokio::time::timeout(timeout, discover::list(snapshot, index)).await;
    let provider = &snapshot.config.providers[index].name;
    match (answer, snapshot.table.account(index)) {
        (Ok(Ok(_)), Some(account)) => {
            if account.standing(now, snapshot.table.cooldown()) != Standing::Closed {
                info!(%provider, "the health check reached the provider again");
            }
            account.clear();
        }
        (Ok(Err(error)), _) => debug!(%provider, %error, "the health check failed"),
        _ => debug!(%provider, "the health check got no answer in time"),
    }
}
