//! Kept answers of `/v1/responses`, in their table.

use bytes::Bytes;
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use crate::storage::database::{Database, Trouble, signed, unsigned};
use crate::storage::{Found, Kept, Place};

/// What has grown too large gives way until this part of the limit is free again, lest every write throw something away.
const FREE: u64 = 16;

impl Database {
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
            self.give_back_free_pages()?;
        }
        Ok(bytes)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let place = match row.get::<_, Option<String>>(4)? {
        Some(name) => Place::Provider { name, key: row.get(5)? },
        None => Place::Here { input: Bytes::from(row.get::<_, String>(6)?), response: Bytes::from(row.get::<_, String>(7)?) },
    };
    Ok(Kept { id: row.get(0)?, owner: row.get(1)?, model: row.get(2)?, created: unsigned(row.get(3)?), place })
}
