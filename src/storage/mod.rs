//! What is kept on disk: the ledger of all requests and answers of `/v1/responses`, in one SQLite file that several
//! processes may share.
//!
//! One thread has the file; all else has a [`Store`], which hands it work through a bounded queue. A request never waits
//! for a write: what finds the queue full is dropped, with one warning. A read takes its turn behind the writes that
//! came before it, so whoever goes on from an answer that he has just been given finds it.
//!
//! Never holds a key: whose an answer is, is told by a digest.

mod database;
pub mod foreign;
pub mod ledger;
mod responses;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::config::{self, KeptResponses};
use crate::telemetry::Record;
use crate::telemetry::events::StorageTrouble;

use ledger::{Figures, Intake};
use writer::{Work, Writer};

/// So many things may wait to be written or read: what a slow disk needs a second for.
const MOST_WAITING: usize = 256;

/// So many bytes may wait to be written. A single larger one is taken alone.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// So many may read the ledger for a page at once.
const MOST_READERS: usize = 4;

/// How long a reader waits for what was recorded last.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long the end waits for a disk that is stuck.
const LAST: Duration = Duration::from_secs(2);

/// Answers on disk. Cheap to clone; all clones are one. When the last is dropped, what waits is written first.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

struct Inner {
    /// `None` only while it is being dropped.
    work: Option<SyncSender<Work>>,
    shared: Arc<Shared>,
    /// Closed when the thread has ended.
    ended: Mutex<Receiver<()>>,
    readers: Semaphore,
}

/// What the thread and all others look at.
struct Shared {
    limits: Mutex<Limits>,
    /// Where records come in.
    intake: Intake,
    /// There is no file.
    is_unusable: AtomicBool,
    /// Bytes that wait to be written.
    waiting: AtomicUsize,
    /// Something was dropped, and that was said.
    has_dropped: AtomicBool,
}

/// How much is kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Answers of `/v1/responses`; `None`: none are kept.
    pub responses: Option<KeptResponses>,
    /// How long the rows of requests are kept.
    pub keep: Duration,
    /// How large the file may be, in bytes, until the oldest rows give way.
    pub max: u64,
}

impl From<&config::Storage> for Limits {
    fn from(config: &config::Storage) -> Limits {
        Limits { responses: config.responses, keep: config.keep, max: config.max }
    }
}

/// An answer that is kept, here or where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id, as the client knows it.
    pub id: String,
    /// Whose it is: a digest, never a key.
    pub owner: String,
    /// The model that was asked for.
    pub model: String,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
    /// Where it is.
    pub place: Place,
}

/// Where an answer is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Here.
    Here {
        /// All that was said before it, as a JSON list of items.
        input: Bytes,
        /// The answer, as a JSON object.
        response: Bytes,
    },
    /// At a provider, which alone knows what it says.
    Provider {
        /// Its name.
        name: String,
        /// Which of its keys asked for it, in a word that is no key.
        key: Option<String>,
    },
}

/// What there is under an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An answer of the caller's own.
    Kept(Kept),
    /// Somebody else's, which is none of the caller's business.
    OfAnother,
    /// Nothing, or nothing any more.
    Nothing,
}

/// The store cannot be used; the log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what `storage.responses` keeps cannot be used now; the log says why")]
pub struct Unusable;

impl Kept {
    /// One that is made now.
    pub fn new(id: String, owner: String, model: String, place: Place) -> Kept {
        Kept { id, owner, model, created: now(), place }
    }

    /// What it takes, about.
    fn bytes(&self) -> usize {
        let place = match &self.place {
            Place::Here { input, response } => input.len() + response.len(),
            Place::Provider { name, key } => name.len() + key.as_ref().map_or(0, String::len),
        };
        place + self.id.len() + self.owner.len() + self.model.len()
    }
}

impl Store {
    /// Opens the file at `path`, which is made if there is none; `None`: there is no place for one. Waits for nothing: what
    /// cannot be opened is told in the log, once, and then nothing is kept.
    pub fn open(path: Option<PathBuf>, limits: Limits) -> Store {
        Store::with_room(path, limits, MOST_WAITING)
    }

    fn with_room(path: Option<PathBuf>, limits: Limits, room: usize) -> Store {
        let (work, waiting) = sync_channel(room);
        let (intake, records) = Intake::new();
        let (alive, ended) = sync_channel(0);
        let shared = Arc::new(Shared::new(limits, intake));
        let writer = Writer::new(path, (waiting, records), shared.clone());
        let spawned = thread::Builder::new().name("storage".to_owned()).spawn(move || {
            let _alive: SyncSender<()> = alive;
            writer.run();
        });
        if let Err(error) = spawned {
            StorageTrouble::Unusable { path: "", reason: &error.to_string() }.emit();
        }
        Store(Arc::new(Inner { work: Some(work), shared, ended: Mutex::new(ended), readers: Semaphore::new(MOST_READERS) }))
    }

    /// From now on this much is kept, this long.
    pub fn limit(&self, limits: Limits) {
        *self.0.shared.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// Writes the account of a request into the ledger, soon. Waits for nothing.
    pub fn record(&self, record: &Record) {
        let shared = &self.0.shared;
        if !shared.is_unusable.load(Ordering::Relaxed)
            && shared.intake.take_in(record)
            && let Some(work) = &self.0.work
        {
            // Where there is no room, the thread is at work, and looks for records afterwards.
            let _ = work.try_send(Work::Records);
        }
    }

    /// How the ledger is doing.
    pub fn figures(&self) -> Figures {
        self.0.shared.intake.figures()
    }

    /// Has what was recorded until now written, so that whoever reads the ledger next finds it; under a load of which the
    /// writer is behind, a part of it. Waits a moment at most: a ledger that is late is still one to read.
    pub async fn settle(&self) {
        let (reply, answer) = oneshot::channel();
        if !self.0.shared.intake.is_settled()
            && let Some(work) = &self.0.work
            && work.try_send(Work::Settle { reply }).is_ok()
        {
            let _ = timeout(PATIENCE, answer).await;
        }
    }

    /// A place among those who read the file, who shall not take all threads from requests.
    pub async fn reading(&self) -> Option<SemaphorePermit<'_>> {
        self.0.readers.acquire().await.ok()
    }

    /// Keeps an answer, in the place of one that its owner has under this id. Waits for nothing.
    pub fn keep(&self, kept: Kept) {
        let Some(work) = &self.0.work else { return };
        let (shared, bytes) = (&self.0.shared, kept.bytes());
        let before = shared.waiting.fetch_add(bytes, Ordering::Relaxed);
        let has_room = before == 0 || before + bytes <= MOST_BYTES;
        let sent = if has_room { work.try_send(Work::Keep(Box::new(kept))).map_err(Some) } else { Err(None) };
        let Err(refused) = sent else { return };
        shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
        // Where there is no file, that was said.
        let is_full = !matches!(refused, Some(TrySendError::Disconnected(_)));
        if is_full && !shared.has_dropped.swap(true, Ordering::Relaxed) {
            StorageTrouble::Dropped.emit();
        }
    }

    /// What `owner` finds under `id`.
    pub async fn find(&self, id: &str, owner: &str) -> Result<Found, Unusable> {
        let (id, owner) = (id.to_owned(), owner.to_owned());
        self.ask(|reply| Work::Find { id, owner, reply }).await
    }

    /// Forgets what `owner` has under `id`; whether there was something.
    pub async fn forget(&self, id: &str, owner: &str) -> Result<bool, Unusable> {
        let (id, owner) = (id.to_owned(), owner.to_owned());
        self.ask(|reply| Work::Forget { id, owner, reply }).await
    }

    async fn ask<T: Send + 'static>(&self, work: impl FnOnce(SyncSender<T>) -> Work) -> Result<T, Unusable> {
        let (reply, answer) = sync_channel(1);
        let (work, sender) = (work(reply), self.0.work.clone().ok_or(Unusable)?);
        // A full queue is waited for: whoever asks needs the answer.
        let asked = spawn_blocking(move || {
            sender.send(work).map_err(|_| Unusable)?;
            drop(sender);
            answer.recv().map_err(|_| Unusable)
        });
        asked.await.map_err(|_| Unusable)?
    }
}

impl Shared {
    fn new(limits: Limits, intake: Intake) -> Shared {
        let (is_unusable, waiting, has_dropped) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicBool::new(false));
        Shared { limits: Mutex::new(limits), intake, is_unusable, waiting, has_dropped }
    }

    fn limits(&self) -> Limits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.work = None;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(LAST);
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
