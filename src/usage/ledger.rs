//! The ledger as the engine writes it, and as pages ask it: never in anybody's way.
//!
//! Commands that only read open a [`Reader`] themselves.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::task::spawn_blocking;

use crate::storage::Store;
use crate::storage::ledger::read::Unreadable;
use crate::storage::ledger::{By, Entry, Figures, Filter, Latency, Period, Point, Reader, Recent, Scope, Sum};
use crate::telemetry::{Observer, Record};

/// The ledger of a running gateway. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
    path: PathBuf,
}

impl Ledger {
    /// The one that `store` writes to the file at `path`.
    pub fn new(store: Store, path: PathBuf) -> Ledger {
        Ledger { store, path }
    }

    /// How it is doing.
    pub fn figures(&self) -> Figures {
        self.store.figures()
    }

    /// A page of requests, the newest first.
    pub async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, Unreadable> {
        self.read(move |reader| reader.entries(&filter)).await
    }

    /// The requests of this id, or of one that begins so; the newest first.
    pub async fn find(&self, id: String, limit: usize) -> Result<Vec<Entry>, Unreadable> {
        self.read(move |reader| reader.find(&id, limit)).await
    }

    /// What was used, for each model, provider, key or day.
    pub async fn usage(&self, by: By, scope: Scope) -> Result<Vec<Sum>, Unreadable> {
        self.read(move |reader| reader.usage(by, &scope)).await
    }

    /// What was used in each span of `step` milliseconds in which anything was.
    pub async fn series(&self, scope: Scope, step: u64) -> Result<Vec<Point>, Unreadable> {
        self.read(move |reader| reader.series(&scope, step)).await
    }

    /// How long complete answers took.
    pub async fn latency(&self, scope: Scope) -> Result<Latency, Unreadable> {
        self.read(move |reader| reader.latency(&scope)).await
    }

    /// What was used of late, until now.
    pub async fn recent(&self) -> Result<Option<Recent>, Unreadable> {
        self.read(|reader| reader.recent(SystemTime::now()).map(Some)).await
    }

    /// Names that were used, to choose from.
    pub async fn names(&self, by: By) -> Result<Vec<String>, Unreadable> {
        self.read(move |reader| reader.names_of(by)).await
    }

    /// Requests whose rows were lost in `period`.
    pub async fn lost(&self, period: Period) -> Result<u64, Unreadable> {
        self.read(move |reader| reader.lost(&period)).await
    }

    /// With all that has ended until now. Where there is no file yet, there is nothing in it.
    async fn read<T: Default + Send + 'static>(
        &self,
        ask: impl FnOnce(&Reader) -> Result<T, Unreadable> + Send + 'static,
    ) -> Result<T, Unreadable> {
        self.store.settle().await;
        let _place = self.store.reading().await;
        let path = self.path.clone();
        let asked = spawn_blocking(move || match Reader::open(&path)? {
            Some(reader) => ask(&reader),
            None => Ok(T::default()),
        });
        let said = |error: &dyn Display| Unreadable::new(format!("the ledger at {} cannot be read: {error}", self.path.display()));
        asked.await.map_err(|error| said(&error))?.map_err(|error| said(&error))
    }
}

impl Observer for Ledger {
    fn finished(&self, record: &Arc<Record>) {
        self.store.record(record);
    }
}
