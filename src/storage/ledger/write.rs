//! Rows into the tables.

use std::time::Instant;

use rusqlite::{ErrorCode, Transaction, TransactionBehavior, params};

use super::names::Names;
use super::packed::{AttemptRow, Packed, Row, Used};
use super::sums::{SLOT, Sums};
use super::time::now;
use crate::storage::database::{Database, Trouble, signed};

/// Requests that ended within one microsecond lie beside each other; more than this is a fault.
const MOST_BESIDE: i64 = 10_000;

/// What is written in one go.
pub(in crate::storage) struct Batch<'a> {
    /// Yields records.
    pub(in crate::storage) records: &'a mut dyn FnMut() -> Option<Packed>,
    /// When it is enough for now.
    pub(in crate::storage) until: Instant,
    /// Sums, complete.
    pub(in crate::storage) sums: &'a Sums,
    /// Records that were lost.
    pub(in crate::storage) lost: u64,
}

/// Writes rows, and knows the numbers of names.
#[derive(Default)]
pub(in crate::storage) struct Scribe(Names);

impl Scribe {
    /// Writes `batch`, all of it or nothing; how many records it took out, in either case.
    pub(in crate::storage) fn write(&mut self, database: &mut Database, batch: Batch<'_>) -> (u64, Result<(), Trouble>) {
        let mut taken = 0;
        let written = self.write_counting(database, batch, &mut taken);
        if written.is_err() {
            self.0.forget();
        }
        (taken, written)
    }

    fn write_counting(&mut self, database: &mut Database, batch: Batch<'_>, taken: &mut u64) -> Result<(), Trouble> {
        let transaction = database.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        while let Some(packed) = (batch.records)() {
            *taken += 1;
            if let Some(row) = packed.row() {
                self.record(&transaction, &row)?;
            }
            if Instant::now() >= batch.until {
                break;
            }
        }
        self.sums(&transaction, batch.sums)?;
        if batch.lost > 0 {
            let slot = now() / SLOT * super::sums::SLOT;
            let sql = "INSERT INTO lost VALUES (?, ?) ON CONFLICT DO UPDATE SET requests = requests + excluded.requests";
            transaction.execute(sql, params![signed(slot), signed(batch.lost)])?;
        }
        Ok(transaction.commit()?)
    }

    fn record(&mut self, within: &Transaction<'_>, row: &Row<'_>) -> Result<(), Trouble> {
        let mut at = signed(row.ended);
        let last = at.saturating_add(MOST_BESIDE);
        loop {
            match self.request(within, at, row) {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) && at < last => at += 1,
                Err(error) => return Err(error.into()),
                Ok(()) => break,
            }
        }
        for (number, attempt) in row.attempts.iter().enumerate() {
            self.attempt(within, at, number, attempt)?;
        }
        Ok(())
    }

    fn request(&mut self, within: &Transaction<'_>, at: i64, row: &Row<'_>) -> rusqlite::Result<()> {
        let (model, asked) = if row.leads_nowhere { ("", Some(row.model)) } else { (row.model, None) };
        let [input, cached, cache_write, output, reasoning] = tokens(&row.used);
        let mut number = |name: &str| self.0.number(within, name);
        let row = params![
            at,
            row.id,
            row.client.map(|client| client.to_string()),
            number(row.caller)?,
            number(row.endpoint)?,
            number(row.dialect)?,
            number(model)?,
            number(row.provider)?,
            number(row.upstream_model)?,
            asked.filter(|asked| !asked.is_empty()),
            row.stream,
            row.status,
            number(row.outcome)?,
            input,
            cached,
            cache_write,
            output,
            reasoning,
            row.used.provenance.map(&mut number).transpose()?,
            row.used.cost,
            row.used.prices.map(&mut number).transpose()?,
            row.first_token.map(signed),
            row.upstream.map(signed),
            signed(row.overhead),
            signed(row.total),
            row.request_bytes.map(signed),
            signed(row.bytes),
            signed(row.chunks),
            row.hedged,
            row.has_failed,
            row.error,
            row.trace,
            row.way,
        ];
        let sql = "INSERT INTO requests VALUES \
            (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        within.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn attempt(&mut self, within: &Transaction<'_>, at: i64, place: usize, row: &AttemptRow<'_>) -> rusqlite::Result<()> {
        let [input, cached, cache_write, output, reasoning] = tokens(&row.used);
        let mut number = |name: &str| self.0.number(within, name);
        let row = params![
            at,
            place as i64,
            number(row.via)?,
            number(row.provider)?,
            number(row.upstream_model)?,
            number(row.vendor)?,
            number(row.host)?,
            row.port,
            number(row.dialect)?,
            signed(row.began),
            row.connect.map(signed),
            row.tls.map(signed),
            row.first_byte.map(signed),
            row.first_token.map(signed),
            signed(row.took),
            row.status,
            number(row.outcome)?,
            row.reason,
            input,
            cached,
            cache_write,
            output,
            reasoning,
            row.used.provenance.map(&mut number).transpose()?,
            row.used.cost,
            row.used.prices.map(&mut number).transpose()?,
            row.is_hedge,
        ];
        let sql = "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        within.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn sums(&mut self, within: &Transaction<'_>, sums: &Sums) -> rusqlite::Result<()> {
        let sql = format!("INSERT INTO sums VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {ADD}");
        for (key, figure) in sums.iter() {
            let mut number = |name: &str| self.0.number(within, name);
            let row = params![
                signed(key.slot),
                number(&key.caller)?,
                number(&key.model)?,
                number(&key.provider)?,
                number(&key.upstream_model)?,
                number(key.outcome.as_str())?,
                signed(figure.requests),
                signed(figure.attempts),
                signed(figure.hedges),
                signed(figure.usage.input),
                signed(figure.usage.cached),
                signed(figure.usage.cache_write),
                signed(figure.usage.output),
                signed(figure.usage.reasoning),
                signed(figure.uncertain),
                figure.cost,
                signed(figure.unpriced),
                signed(figure.bytes),
                signed(figure.total),
                signed(figure.first_token),
                signed(figure.streams),
            ];
            within.prepare_cached(&sql)?.execute(row)?;
        }
        Ok(())
    }
}

/// Adds to the sum that stands there already.
pub(super) const ADD: &str = "ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, \
    attempts = attempts + excluded.attempts, hedges = hedges + excluded.hedges, input = input + excluded.input, \
    cached = cached + excluded.cached, cache_write = cache_write + excluded.cache_write, output = output + excluded.output, \
    reasoning = reasoning + excluded.reasoning, uncertain = uncertain + excluded.uncertain, cost = cost + excluded.cost, \
    unpriced = unpriced + excluded.unpriced, bytes = bytes + excluded.bytes, total = total + excluded.total, \
    first_token = first_token + excluded.first_token, streams = streams + excluded.streams";

fn tokens(used: &Used<'_>) -> [Option<i64>; 5] {
    used.tokens.map_or([None; 5], |tokens| tokens.map(|count| Some(signed(count))))
}
