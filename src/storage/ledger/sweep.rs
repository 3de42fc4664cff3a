//! What is too old, or too much, is thrown away; old sums are folded into longer spans.

use std::time::Duration;

use rusqlite::{TransactionBehavior, params};

use super::time::now;
use super::write::{ADD, Scribe};
use crate::storage::database::{Database, Trouble, signed, unsigned};

/// Rows are thrown away so many at a time, so that nobody waits for it.
const AT_ONCE: i64 = 2_000;

/// For so long sums are kept minute by minute.
const BY_THE_MINUTE: Duration = Duration::from_secs(48 * 3600);

/// The span of older ones, in milliseconds: a quarter of an hour, for there are places whose days begin with one.
const LONG_SLOT: u64 = 15 * 60_000;

/// For so long sums are kept: a year, and the month to compare with.
const SUMS_KEPT: Duration = Duration::from_secs(400 * 86_400);

impl Scribe {
    /// Throws away rows from before `keep`, and the oldest where the file is larger than `max` bytes; `true`: there is more
    /// to be thrown away.
    pub(in crate::storage) fn sweep(&mut self, database: &mut Database, keep: Duration, max: u64) -> Result<bool, Trouble> {
        let since = before(keep) * 1000;
        let mut gone = remove(database, since)?;
        if gone < AT_ONCE && size(database)? > max {
            // The oldest of all, whenever that was.
            gone = remove(database, u64::MAX)?;
        }
        fold(database)?;
        database.0.execute("DELETE FROM sums WHERE slot < ?", [signed(before(SUMS_KEPT))])?;
        database.0.execute("DELETE FROM lost WHERE slot < ?", [signed(before(SUMS_KEPT))])?;
        if gone > 0 {
            database.give_back_free_pages()?;
        }
        Ok(gone >= AT_ONCE)
    }
}

/// Throws away the oldest rows from before `since`, in microseconds; how many.
fn remove(database: &mut Database, since: u64) -> Result<i64, Trouble> {
    let transaction = database.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = "SELECT COUNT(*), MAX(at) FROM (SELECT at FROM requests WHERE at < ? ORDER BY at LIMIT ?)";
    let (count, last): (i64, Option<i64>) =
        transaction.query_row(sql, params![signed(since), AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if let Some(last) = last {
        transaction.execute("DELETE FROM requests WHERE at <= ?", [last])?;
        transaction.execute("DELETE FROM attempts WHERE at <= ?", [last])?;
    }
    transaction.commit()?;
    Ok(count)
}

/// Puts the sums of old minutes together.
fn fold(database: &mut Database) -> Result<(), Trouble> {
    let until = before(BY_THE_MINUTE) / LONG_SLOT * LONG_SLOT;
    let transaction = database.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (old, long) = (signed(until), signed(LONG_SLOT));
    let is_minute = "slot < ?1 AND slot % ?2 <> 0";
    let has_some: bool =
        transaction.query_row(&format!("SELECT EXISTS (SELECT 1 FROM sums WHERE {is_minute})"), [old, long], |row| row.get(0))?;
    if !has_some {
        return Ok(());
    }
    let insert = format!(
        "INSERT INTO sums SELECT slot / ?2 * ?2, caller, model, provider, upstream_model, outcome, requests, attempts, hedges, input, \
         cached, cache_write, output, reasoning, uncertain, cost, unpriced, bytes, total, first_token, streams \
         FROM sums WHERE {is_minute} {ADD}"
    );
    transaction.execute(&insert, [old, long])?;
    transaction.execute(&format!("DELETE FROM sums WHERE {is_minute}"), [old, long])?;
    Ok(transaction.commit()?)
}

/// What the file takes, without pages that are free.
fn size(database: &Database) -> Result<u64, Trouble> {
    let number = |pragma: &str| database.0.query_row(pragma, [], |row| row.get::<_, i64>(0)).map(unsigned);
    Ok((number("PRAGMA page_count")? - number("PRAGMA freelist_count")?) * number("PRAGMA page_size")?)
}

/// So long ago, in milliseconds since 1970.
fn before(age: Duration) -> u64 {
    now().saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
}
