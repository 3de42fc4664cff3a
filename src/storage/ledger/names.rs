//! Numbers for names.

use foldhash::HashMap;
use rusqlite::{OptionalExtension, Transaction};

/// So many are remembered; more are looked up.
const MOST: usize = 50_000;

/// The numbers that are known.
#[derive(Default)]
pub(super) struct Names(HashMap<String, i64>);

impl Names {
    /// The number of `name`, which gets one if it has none.
    pub(super) fn number(&mut self, within: &Transaction<'_>, name: &str) -> rusqlite::Result<i64> {
        if let Some(number) = self.0.get(name) {
            return Ok(*number);
        }
        let known = within.prepare_cached("SELECT id FROM names WHERE name = ?")?.query_row([name], |row| row.get(0)).optional()?;
        let number = match known {
            Some(number) => number,
            None => {
                within.prepare_cached("INSERT INTO names (name) VALUES (?)")?.execute([name])?;
                within.last_insert_rowid()
            }
        };
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(name.to_owned(), number);
        Ok(number)
    }

    /// What was given out may not be true: a transaction was undone.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}
