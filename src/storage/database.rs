//! The file: its tables, and what is asked of them. Blocks; only the writer's thread is here.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::storage::{Found, Kept, Place};

/// How long another process may have the file to itself.
const BUSY: Duration = Duration::from_secs(2);

/// The tables, version by version: a file is brought from its `user_version` to the last one.
const VERSIONS: [&str; 1] = ["
    CREATE TABLE responses (
        id       TEXT    NOT NULL,
        owner    TEXT    NOT NULL,
        model    TEXT    NOT NULL,
        created  INTEGER NOT NULL, -- milliseconds since 1970
        origin   TEXT,             -- the provider that keeps it; NULL: it is kept here
        key      TEXT,             -- which of its keys asked for it: a digest
        input    TEXT,             -- all that was said before it: a list of items
        response TEXT,
        bytes    INTEGER NOT NULL,
        PRIMARY KEY (id, owner)
    ) STRICT;
    CREATE INDEX responses_by_age ON responses (created, bytes);
"];

/// What has grown too large gives way until this part of the limit is free again, lest every write throw something away.
const FREE: u64 = 16;

/// What can go wrong with the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// There is no place for it.
    #[error("this platform has no directory for data; set `storage.path`")]
    Nowhere,
    /// It, or its directory, cannot be made.
    #[error("{0}")]
    Unmade(#[from] io::Error),
    /// A later version of llmgw made it.
    #[error("a later version of llmgw has made it")]
    Later,
    /// What shall be kept is more than all that may be kept.
    #[error("an answer is larger than `storage.responses.max`")]
    TooLarge,
    /// Something is not what we wrote.
    #[error("what is kept is no text")]
    NoText(#[from] std::str::Utf8Error),
    /// SQLite says no.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// An open file.
pub(super) struct Database(Connection);

impl Database {
    /// Opens the file at `path`, and makes what is missing of it.
    pub(super) fn open(path: &Path) -> Result<Database, Trouble> {
        make(path)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        // Freed pages go back to the system, overwritten: what was said to a model is nobody's business afterwards.
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA secure_delete = FAST;")?;
        // Where the file system cannot do it, it is another mode, which will do.
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216;")?;
        bring_up(&mut connection)?;
        Ok(Database(connection))
    }

    pub(super) fn keep(&mut self, kept: &Kept, bytes: u64) -> Result<(), Trouble> {
        let (origin, key, input, response) = match &kept.place {
            Place::Here { input, response } => (None, None, Some(std::str::from_utf8(input)?), Some(std::str::from_utf8(response)?)),
            Place::Provider { name, key } => (Some(name), key.as_ref(), None, None),
        };
        let row = params![kept.id, kept.owner, kept.model, signed(kept.created), origin, key, input, response, signed(bytes)];
        self.0.execute("INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)?;
        Ok(())
    }

    /// What `owner` finds under `id` that was made after `since`.
    pub(super) fn find(&self, id: &str, owner: &str, since: u64) -> Result<Found, Trouble> {
        let own =
            "SELECT id, owner, model, created, origin, key, input, response FROM responses WHERE id = ? AND owner = ? AND created > ?";
        if let Some(kept) = self.0.query_row(own, params![id, owner, signed(since)], read).optional()? {
            return Ok(Found::Kept(kept));
        }
        let others = "SELECT 1 FROM responses WHERE id = ? AND owner <> ?";
        let is_of_another = self.0.query_row(others, params![id, owner], |_| Ok(())).optional()?.is_some();
        Ok(if is_of_another { Found::OfAnother } else { Found::Nothing })
    }

    pub(super) fn forget(&mut self, id: &str, owner: &str) -> Result<bool, Trouble> {
        Ok(self.0.execute("DELETE FROM responses WHERE id = ? AND owner = ?", params![id, owner])? > 0)
    }

    /// Throws away what was made before `since`, and the oldest of what is more than `most` bytes; how many bytes stay.
    pub(super) fn sweep(&mut self, since: u64, most: u64) -> Result<u64, Trouble> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut gone = transaction.execute("DELETE FROM responses WHERE created <= ?", [signed(since)])?;
        let mut bytes = transaction.query_row("SELECT COALESCE(SUM(bytes), 0) FROM responses", [], |row| row.get(0)).map(unsigned)?;
        if bytes > most {
            let mut oldest = transaction.prepare("SELECT rowid, bytes FROM responses ORDER BY created, rowid")?;
            let mut rows = oldest.query([])?;
            let mut last = Vec::new();
            while let Some(row) = rows.next()?.filter(|_| bytes > most - most / FREE) {
                last.push(row.get::<_, i64>(0)?);
                bytes = bytes.saturating_sub(unsigned(row.get(1)?));
            }
            drop(rows);
            for rowid in &last {
                gone += transaction.execute("DELETE FROM responses WHERE rowid = ?", [rowid])?;
            }
        }
        transaction.commit()?;
        if gone > 0 {
            self.0.execute_batch("PRAGMA incremental_vacuum")?;
        }
        Ok(bytes)
    }
}

/// The file and its directories, for their owner only.
fn make(path: &Path) -> io::Result<()> {
    let mut directories = DirBuilder::new();
    directories.recursive(true);
    let mut file = OpenOptions::new();
    file.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        directories.mode(0o700);
        file.mode(0o600);
    }
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        directories.create(directory)?;
    }
    file.open(path).map(drop)
}

fn bring_up(connection: &mut Connection) -> Result<(), Trouble> {
    let last = VERSIONS.len() as i64;
    // Not to be waited for by every process that starts beside a busy one.
    if connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))? == last {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > last {
        return Err(Trouble::Later);
    }
    for tables in VERSIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        transaction.execute_batch(tables)?;
    }
    transaction.execute_batch(&format!("PRAGMA user_version = {last}"))?;
    Ok(transaction.commit()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let place = match row.get::<_, Option<String>>(4)? {
        Some(name) => Place::Provider { name, key: row.get(5)? },
        None => Place::Here { input: Bytes::from(row.get::<_, String>(6)?), response: Bytes::from(row.get::<_, String>(7)?) },
    };
    Ok(Kept { id: row.get(0)?, owner: row.get(1)?, model: row.get(2)?, created: unsigned(row.get(3)?), place })
}

/// SQLite's numbers have a sign.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
