//! Which files `llmgw serve` watches: those that the configuration was last read from.

use std::future::pending;
use std::path::PathBuf;

use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::config::Watch;

/// Ready when a watched file has changed; never without a watch.
pub(super) async fn changed(watching: &mut Option<Watching>) {
    match watching {
        Some(watching) => watching.changed().await,
        None => pending().await,
    }
}

/// Watches the files of the configuration, which a reload may have changed to others.
pub(super) struct Watching {
    /// What the configuration was last read from, and what it names.
    pub(super) files: watch::Sender<Vec<PathBuf>>,
    latest: watch::Receiver<Vec<PathBuf>>,
    notify: mpsc::Sender<()>,
    changes: mpsc::Receiver<()>,
    /// Dropping it ends the watch.
    _watch: Option<Watch>,
}

impl Watching {
    /// Begins with `files`.
    pub(super) fn start(files: Vec<PathBuf>) -> Watching {
        let (notify, changes) = mpsc::channel(1);
        let _watch = start_watch(&files, notify.clone());
        let (files, latest) = watch::channel(files);
        Watching { files, latest, notify, changes, _watch }
    }

    /// The content of a file has changed. Cancel safe: a change that was not told stays to be told.
    async fn changed(&mut self) {
        loop {
            tokio::select! {
                // `self` holds both senders, so neither ends.
                Some(()) = self.changes.recv() => return,
                Ok(()) = self.latest.changed() => {
                    let files = self.latest.borrow_and_update().clone();
                    self._watch = start_watch(&files, self.notify.clone());
                    // What changed since it was read would have been seen by neither watch.
                    let _ = self.notify.try_send(());
                }
            }
        }
    }
}

/// Has other files watched, if these are others.
pub(super) fn tell_files(watched: Option<&watch::Sender<Vec<PathBuf>>>, read: &[PathBuf]) {
    let Some(watched) = watched else { return };
    watched.send_if_modified(|files| {
        let are_others = *files != read;
        if are_others {
            *files = read.to_vec();
        }
        are_others
    });
}

fn start_watch(files: &[PathBuf], notify: mpsc::Sender<()>) -> Option<Watch> {
    if files.is_empty() {
        return None;
    }
    match Watch::start(files, notify) {
        Ok(watch) => Some(watch),
        Err(error) => {
            warn!(%error, "the configuration file cannot be watched; SIGHUP and `llmgw reload` still work");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::{Watching, tell_files};

    #[tokio::test]
    async fn a_file_that_a_reload_adds_is_watched() {
        let directory = tempfile::tempdir().unwrap();
        let (file, key) = (directory.path().join("llmgw.yaml"), directory.path().join("keys").join("key"));
        fs::create_dir(directory.path().join("keys")).unwrap();
        fs::write(&file, "one").unwrap();
        fs::write(&key, "sk-1").unwrap();
        let mut watching = Watching::start(vec![file.clone()]);
        let told = watching.files.clone();
        let mut expect_change = async || timeout(Duration::from_secs(20), watching.changed()).await.expect("a change is told");

        tell_files(Some(&told), &[file.clone(), key.clone()]);
        expect_change().await;
        fs::write(&key, "sk-2").unwrap();
        expect_change().await;
        tell_files(Some(&told), &[file.clone(), key.clone()]);
        fs::write(&file, "two").unwrap();
        expect_change().await;
    }
}
