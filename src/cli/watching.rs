//! Which files `llmgw serve` watches: those that the configuration was last read from.

use std::future::pending;
use std::path::PathBuf;

use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::config::load::Loaded;
use crate::config::{LastRead, Watch};

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
    files: watch::Sender<Vec<PathBuf>>,
    last_read: LastRead,
    latest: watch::Receiver<Vec<PathBuf>>,
    notify: mpsc::Sender<()>,
    changes: mpsc::Receiver<()>,
    /// Dropping it ends the watch.
    _watch: Option<Watch>,
}

impl Watching {
    /// Begins with the files of `loaded`.
    pub(super) fn start(loaded: &Loaded) -> Watching {
        let ((notify, changes), last_read) = (mpsc::channel(1), LastRead::default());
        last_read.put(loaded.digest);
        let _watch = start_watch(&loaded.files, &last_read, notify.clone());
        let (files, latest) = watch::channel(loaded.files.clone());
        Watching { files, last_read, latest, notify, changes, _watch }
    }

    /// To be told of every further load.
    pub(super) fn reader(&self) -> impl Fn(&Loaded) + Send + Sync + 'static {
        let (watched, last_read) = (self.files.clone(), self.last_read.clone());
        move |loaded| {
            last_read.put(loaded.digest);
            tell_files(&watched, &loaded.files);
        }
    }

    /// The content of a file has changed. Cancel safe: a change that was not told stays to be told.
    async fn changed(&mut self) {
        loop {
            tokio::select! {
                // `self` holds both senders, so neither ends.
                Some(()) = self.changes.recv() => return,
                Ok(()) = self.latest.changed() => {
                    let files = self.latest.borrow_and_update().clone();
                    self._watch = start_watch(&files, &self.last_read, self.notify.clone());
                    // What changed since it was read would have been seen by neither watch.
                    let _ = self.notify.try_send(());
                }
            }
        }
    }
}

/// Has other files watched, if these are others.
fn tell_files(watched: &watch::Sender<Vec<PathBuf>>, read: &[PathBuf]) {
    watched.send_if_modified(|files| {
        let are_others = *files != read;
        if are_others {
            *files = read.to_vec();
        }
        are_others
    });
}

fn start_watch(files: &[PathBuf], last_read: &LastRead, notify: mpsc::Sender<()>) -> Option<Watch> {
    if files.is_empty() {
        return None;
    }
    match Watch::start(files, last_read.clone(), notify) {
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

    use std::path::PathBuf;

    use super::Watching;
    use crate::config::load::Loaded;
    use crate::config::{Config, Origin};

    #[tokio::test]
    async fn a_file_that_a_reload_adds_is_watched() {
        let directory = tempfile::tempdir().unwrap();
        let (file, key) = (directory.path().join("llmgw.yaml"), directory.path().join("keys").join("key"));
        fs::create_dir(directory.path().join("keys")).unwrap();
        fs::write(&file, "one").unwrap();
        fs::write(&key, "sk-1").unwrap();
        let read = |files: &[PathBuf]| Loaded {
            config: Config::of_providers(Origin::Mock, Vec::new()),
            warnings: Vec::new(),
            files: files.to_vec(),
            digest: None,
        };
        let mut watching = Watching::start(&read(std::slice::from_ref(&file)));
        let tell = watching.reader();
        let mut expect_change = async || timeout(Duration::from_secs(20), watching.changed()).await.expect("a change is told");

        tell(&read(&[file.clone(), key.clone()]));
        expect_change().await;
        fs::write(&key, "sk-2").unwrap();
        expect_change().await;
        tell(&read(&[file.clone(), key.clone()]));
        fs::write(&file, "two").unwrap();
        expect_change().await;
    }
}
