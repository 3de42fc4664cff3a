//! Who is told of requests: decided by a configuration, at the start and at each reload.

use std::sync::Arc;

use crate::engine::{Inner, Snapshot};
use crate::telemetry::Observer;
use crate::traces::Settings;

/// Has requests told to all who want to know of them under `snapshot`.
pub fn appoint(engine: &Inner, snapshot: &Snapshot) {
    let mut observers: Vec<Arc<dyn Observer>> = vec![engine.feed.clone()];
    if let Some(ledger) = engine.ledger(snapshot) {
        observers.push(Arc::new(ledger));
    }
    observers.extend(engine.request_files.observer(&snapshot.config));
    engine.traces.follow(Settings::of(&snapshot.config));
    if engine.traces.is_on() {
        observers.push(Arc::new(engine.traces.clone()));
    }
    engine.accounts.observe_by(observers);
}
