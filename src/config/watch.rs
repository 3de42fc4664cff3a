//! Tells when the configuration's files have changed: their content, not just their dates.
//!
//! Directories are watched, because editors replace files and Kubernetes swaps the symbolic link `..data`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::Sender;

/// An editor's several writes are one change.
const QUIET: Duration = Duration::from_millis(200);

/// A directory in which something is always written (a log, say) is looked at all the same.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells one content of a file from another.
pub type Digest = [u8; 32];

/// What was last read of the first file, by whomever: a file that was changed, read on request and changed back has
/// changed, though whoever looks only now and then saw nothing. Cheap to clone; all clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct LastRead(Arc<Mutex<Option<Digest>>>);

impl LastRead {
    /// This was read, and is in force.
    pub fn put(&self, digest: Option<Digest>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = digest;
    }

    fn take(&self) -> Option<Digest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Of this content.
pub fn digest(content: &[u8]) -> Digest {
    Sha256::digest(content).into()
}

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watch {
    // Dropping it closes the channel to the thread, which then ends.
    _watcher: RecommendedWatcher,
}

/// Why files cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch the configuration for changes")]
pub struct WatchError(#[from] notify::Error);

impl Watch {
    /// Sends to `notify_to` whenever the content of one of `files` has changed. A receiver that is behind misses nothing:
    /// one waiting message stands for all changes. What others put into `last_read` is no change any more.
    pub fn start(files: &[PathBuf], last_read: LastRead, notify_to: Sender<()>) -> Result<Watch, WatchError> {
        let (events, changes) = sync_channel(1);
        let mut watcher = notify::recommended_watcher(move |event| wake(&events, &event))?;
        for directory in directories(files) {
            watcher.watch(&directory, RecursiveMode::NonRecursive)?;
        }
        for file in files {
            // A file that is mounted alone changes without its directory noticing.
            let _ = watcher.watch(file, RecursiveMode::NonRecursive);
        }
        let files = files.to_vec();
        let before = content(&files);
        thread::Builder::new()
            .name("config-watch".to_owned())
            .spawn(move || follow(&changes, &files, (before, last_read), &notify_to))
            .map_err(notify::Error::io)?;
        Ok(Watch { _watcher: watcher })
    }
}

/// Reading a file is an event too, and the thread reads: only what may have changed something wakes it.
fn wake(events: &SyncSender<()>, event: &notify::Result<notify::Event>) {
    if event.as_ref().is_ok_and(|event| event.kind.is_access()) {
        return;
    }
    // A full channel holds a wake-up already.
    let _ = events.try_send(());
}

fn follow(changes: &Receiver<()>, files: &[PathBuf], known: (Vec<Option<Digest>>, LastRead), notify_to: &Sender<()>) {
    let (mut before, last_read) = known;
    while changes.recv().is_ok() {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match changes.recv_timeout(QUIET) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        if let (Some(first), Some(read)) = (before.first_mut(), last_read.take()) {
            *first = Some(read);
        }
        let now = content(files);
        // In the middle of a replacement there is no file for a moment; the next event tells of the new one.
        if now != before && now.first().is_some_and(Option::is_some) {
            before = now;
            if notify_to.is_closed() {
                return;
            }
            let _ = notify_to.try_send(());
        }
    }
}

/// The directories of `files`, and of what they link to.
fn directories(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let parent = |path: &Path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let targets = files.iter().filter_map(|file| file.canonicalize().ok());
    files.iter().map(|file| parent(file)).chain(targets.map(|target| parent(&target))).filter(|directory| directory.is_dir()).collect()
}

fn content(files: &[PathBuf]) -> Vec<Option<Digest>> {
    files.iter().map(|file| fs::read(file).ok().map(|bytes| digest(&bytes))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::Duration;

    use tokio::sync::mpsc::{Receiver, channel};
    use tokio::time::timeout;

    use super::{LastRead, Watch, digest};

    fn watch(files: &[PathBuf]) -> (Watch, Receiver<()>) {
        let (sender, receiver) = channel(1);
        (Watch::start(files, LastRead::default(), sender).unwrap(), receiver)
    }

    async fn expect_change(changes: &mut Receiver<()>) {
        timeout(Duration::from_secs(20), changes.recv()).await.expect("a change is told").unwrap();
    }

    #[tokio::test]
    async fn a_busy_neighbour_hides_no_change() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("llmgw.yaml");
        fs::write(&file, "a").unwrap();
        let (_watch, mut changes) = watch(std::slice::from_ref(&file));
        let noise = directory.path().join("noise.log");
        let busy = tokio::spawn(async move {
            loop {
                fs::write(&noise, "x").unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        fs::write(&file, "b").unwrap();
        expect_change(&mut changes).await;
        assert!(!busy.is_finished());
        busy.abort();
    }

    #[tokio::test]
    async fn a_file_that_an_editor_replaces_is_seen_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("llmgw.yaml");
        fs::write(&file, "one").unwrap();
        let (_watch, mut changes) = watch(std::slice::from_ref(&file));
        for text in ["two", "three"] {
            fs::write(directory.path().join("new"), text).unwrap();
            fs::rename(directory.path().join("new"), &file).unwrap();
            expect_change(&mut changes).await;
        }
        fs::write(&file, "four").unwrap();
        expect_change(&mut changes).await;
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_swapped_link_as_kubernetes_does_it_is_seen() {
        use std::os::unix::fs::symlink;

        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for version in ["v1", "v2"] {
            fs::create_dir(root.join(version)).unwrap();
            fs::write(root.join(version).join("llmgw.yaml"), version).unwrap();
        }
        symlink("v1", root.join("..data")).unwrap();
        symlink("..data/llmgw.yaml", root.join("llmgw.yaml")).unwrap();
        let (_watch, mut changes) = watch(&[root.join("llmgw.yaml")]);
        symlink("v2", root.join("..next")).unwrap();
        fs::rename(root.join("..next"), root.join("..data")).unwrap();
        expect_change(&mut changes).await;
    }

    #[tokio::test]
    async fn what_was_read_in_between_counts_and_not_only_what_was_seen() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("llmgw.yaml");
        fs::write(&file, "one").unwrap();
        let (sender, mut changes) = channel(1);
        let last_read = LastRead::default();
        let _watch = Watch::start(std::slice::from_ref(&file), last_read.clone(), sender).unwrap();
        // Somebody has read this in between, on request.
        last_read.put(Some(digest(b"two")));
        fs::write(&file, "one").unwrap();
        expect_change(&mut changes).await;
        // And has read this before it was looked at.
        last_read.put(Some(digest(b"three")));
        fs::write(&file, "three").unwrap();
        assert!(timeout(Duration::from_millis(600), changes.recv()).await.is_err());
    }

    #[tokio::test]
    async fn a_write_of_the_same_content_is_no_change() {
        let directory = tempfile::tempdir().unwrap();
        let (file, secret) = (directory.path().join("llmgw.yaml"), directory.path().join("key"));
        fs::write(&file, "one").unwrap();
        fs::write(&secret, "sk-1").unwrap();
        let (_watch, mut changes) = watch(&[file.clone(), secret.clone()]);
        fs::write(&file, "one").unwrap();
        assert!(timeout(Duration::from_millis(600), changes.recv()).await.is_err());
        fs::write(&secret, "sk-2").unwrap();
        expect_change(&mut changes).await;
    }
}
