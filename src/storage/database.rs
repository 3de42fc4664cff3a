//! The file: how it is opened, and its tables, version by version. Blocks: only the writer's thread is here, and those who
//! read beside it.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// How long another process may have the file to itself.
const BUSY: Duration = Duration::from_secs(2);

/// The tables, version by version: a file is brought from its `user_version` to the last one.
const VERSIONS: [&str; 2] = [include_str!("tables/1-responses.sql"), include_str!("tables/2-ledger.sql")];

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
    #[error("a later version of llmgw has made it; use that one, or another `storage.path`")]
    Later,
    /// It is no database, or a damaged one.
    #[error("it is damaged, or no database: {0}; `llmgw usage --set-aside` begins a new one")]
    Damaged(String),
    /// What shall be kept is more than all that may be kept.
    #[error("an answer is larger than `storage.responses.max`")]
    TooLarge,
    /// Something is not what we wrote.
    #[error("what is kept is no text")]
    NoText(#[from] std::str::Utf8Error),
    /// SQLite says no.
    #[error("{0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Trouble {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Trouble::Damaged(error.to_string()),
            _ => Trouble::Sqlite(error),
        }
    }
}

/// An open file.
pub(super) struct Database(pub(super) Connection);

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

    /// Makes the file as small as what is in it.
    pub(super) fn give_back_free_pages(&self) -> Result<(), Trouble> {
        let mut statement = self.0.prepare("PRAGMA incremental_vacuum")?;
        let mut rows = statement.query([])?;
        // Each step frees one page.
        while rows.next()?.is_some() {}
        Ok(())
    }
}

/// Opens the file at `path` to look into it: changes nothing, and waits for nobody who writes. `None`: there is none.
pub(super) fn open_to_read(path: &Path) -> Result<Option<Connection>, Trouble> {
    if !path.try_exists()? {
        return Ok(None);
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match usize::try_from(version) {
        Ok(version) if version > VERSIONS.len() => Err(Trouble::Later),
        // Made by an earlier version, which had no ledger; whoever writes next brings it up.
        Ok(version) if version < VERSIONS.len() => Ok(None),
        _ => Ok(Some(connection)),
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

/// SQLite's numbers have a sign.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
