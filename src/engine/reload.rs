//! A new configuration in place of the old one: load, compare, prepare (may fail; the old one stays), swap (cannot).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::time::Instant;

use crate::config::Config;
use crate::config::diff::{Diff, diff, restart_required};
use crate::engine::report::{LastReload, Reloaded};
use crate::engine::{Inner, Snapshot, observers};
use crate::storage::Limits;
use crate::telemetry::events::ReloadFinished;
use crate::telemetry::metrics::Reloads;

/// Yields the configuration as it is now; diagnostics otherwise.
pub type Load = Box<dyn Fn() -> Result<Config, Vec<String>> + Send + Sync>;

/// What lies outside of the engine and follows a reload. Looks at the next configuration and prepares for it; `Err` says
/// why that one cannot be used, and then nothing of it takes effect.
pub type Hook = Box<dyn Fn(&Config) -> Result<Apply, String> + Send + Sync>;

/// Puts to work what a [`Hook`] has prepared. Cannot fail; called after the swap, unless the reload was only a check.
pub type Apply = Box<dyn FnOnce() + Send>;

/// The engine's part that reloads.
pub struct Reloading {
    load: Load,
    hooks: Mutex<Vec<Hook>>,
    last: Mutex<Option<Last>>,
    done: AtomicU64,
    refused: AtomicU64,
    /// When the configuration in force was loaded.
    loaded: Mutex<SystemTime>,
    /// One reload at a time.
    turn: Mutex<()>,
}

struct Last {
    at: Instant,
    error: Option<String>,
    changed: Vec<String>,
}

impl Reloading {
    /// With `load` as the source.
    pub fn new(load: Load) -> Reloading {
        Reloading {
            load,
            hooks: Mutex::default(),
            last: Mutex::default(),
            done: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            loaded: Mutex::new(SystemTime::now()),
            turn: Mutex::default(),
        }
    }

    /// Adds a hook.
    pub fn add(&self, hook: Hook) {
        lock(&self.hooks).push(hook);
    }

    /// How the last reload ended.
    pub fn last(&self) -> Option<LastReload> {
        lock(&self.last).as_ref().map(|last| LastReload {
            age_seconds: last.at.elapsed().as_secs(),
            ok: last.error.is_none(),
            error: last.error.clone(),
            changed: last.changed.clone(),
        })
    }
}

impl Reloading {
    /// How all of them went.
    pub fn gauges(&self) -> Reloads {
        Reloads {
            done: self.done.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            is_last_done: lock(&self.last).as_ref().is_none_or(|last| last.error.is_none()),
            loaded: *lock(&self.loaded),
        }
    }

    fn note(&self, error: Option<String>, changed: Vec<String>) {
        let count = if error.is_none() { &self.done } else { &self.refused };
        count.fetch_add(1, Ordering::Relaxed);
        if error.is_none() {
            *lock(&self.loaded) = SystemTime::now();
        }
        *lock(&self.last) = Some(Last { at: Instant::now(), error, changed });
    }
}

/// Loads the configuration again; see [`super::Engine::reload`].
pub fn reload(engine: &Inner, check: bool) -> Result<Reloaded, Vec<String>> {
    let _turn = lock(&engine.reloading.turn);
    let result = (engine.reloading.load)().and_then(|config| prepare(engine, config));
    let (snapshot, applies, reloaded) = match result {
        Ok(ready) => ready,
        Err(diagnostics) => {
            if !check {
                ReloadFinished::Refused { diagnostics: &diagnostics }.emit();
                engine.reloading.note(Some(diagnostics.join("\n")), Vec::new());
            }
            return Err(diagnostics);
        }
    };
    if check {
        return Ok(reloaded);
    }
    let snapshot = Arc::new(snapshot);
    let old = engine.snapshot.swap(snapshot.clone());
    forgive(&old, &snapshot);
    engine.accounts.metrics.follow(&snapshot.config.telemetry, &*snapshot);
    if let Some(store) = engine.lasting.store.get() {
        store.limit(Limits::from(&snapshot.config.storage));
    }
    if engine.is_observed.load(Ordering::Relaxed) {
        observers::appoint(engine, &snapshot);
    }
    for apply in applies {
        apply();
    }
    ReloadFinished::Done { changed: &reloaded.changed, restart_required: &reloaded.restart_required }.emit();
    engine.reloading.note(None, reloaded.changed.clone());
    Ok(reloaded)
}

fn prepare(engine: &Inner, config: Config) -> Result<(Snapshot, Vec<Apply>, Reloaded), Vec<String>> {
    let old = engine.snapshot.load();
    let Diff { changed, changes, .. } = diff(&old.config, &config);
    // What waits for the next start goes on waiting, however many reloads come in between.
    let restart_required = restart_required(&engine.started_with, &config);
    let mut applies = Vec::new();
    let mut mistakes = Vec::new();
    for hook in lock(&engine.reloading.hooks).iter() {
        match hook(&config) {
            Ok(apply) => applies.push(apply),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    let snapshot = match engine.lasting.prepare(config) {
        Ok(snapshot) if mistakes.is_empty() => snapshot,
        Ok(_) => return Err(mistakes),
        Err(error) => {
            mistakes.push(error.to_string());
            return Err(mistakes);
        }
    };
    let message = match (changed.len(), restart_required.len()) {
        (0, 0) => "nothing changed".to_owned(),
        (0, _) => "nothing changed, but earlier changes wait for the next start".to_owned(),
        (1, 0) => "1 change".to_owned(),
        (many, 0) => format!("{many} changes"),
        (many, _) => format!("{many} changes, some of which take effect at the next start"),
    };
    let providers_count = snapshot.table.preferred().len();
    Ok((snapshot, applies, Reloaded { message, providers_count, changed, restart_required, changes }))
}

/// Whoever has mended a credential shall not wait until the old one's rest is over.
fn forgive(old: &Snapshot, new: &Snapshot) {
    for (index, provider) in new.config.providers.iter().enumerate() {
        let before = old.config.providers.iter().find(|other| other.name == provider.name);
        if before.is_none_or(|before| before.secrets() == provider.secrets()) {
            continue;
        }
        if let Some(account) = new.table.account(index) {
            account.clear();
        }
        new.upstreams[index].catalog.forget_failure();
    }
}

/// What these locks guard is replaced whole: a panic in between leaves nothing half-done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
