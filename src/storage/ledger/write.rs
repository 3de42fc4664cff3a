//! Rows into the tables.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{ErrorCode, Transaction, TransactionBehavior, params};

use super::names::Names;
use super::rows::Way;
use super::sums::{SLOT, Sums};
use super::time::{ended, micros, now};
use crate::hub::{Kind, Provenance, Usage};
use crate::storage::database::{Database, Trouble, signed};
use crate::telemetry::Record;
use crate::telemetry::record::{Attempt, Cost};

/// Requests that ended within one microsecond lie beside each other; more than this is a fault.
const MOST_BESIDE: i64 = 10_000;

/// What is written in one go.
pub(in crate::storage) struct Batch<'a> {
    /// Yields records.
    pub(in crate::storage) records: &'a mut dyn FnMut() -> Option<Arc<Record>>,
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
        while let Some(record) = (batch.records)() {
            *taken += 1;
            self.record(&transaction, &record)?;
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

    fn record(&mut self, within: &Transaction<'_>, record: &Record) -> Result<(), Trouble> {
        let mut at = signed(ended(record));
        let last = at.saturating_add(MOST_BESIDE);
        loop {
            match self.request(within, at, record) {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) && at < last => at += 1,
                Err(error) => return Err(error.into()),
                Ok(()) => break,
            }
        }
        for (number, attempt) in record.attempts.iter().enumerate() {
            self.attempt(within, at, number, attempt)?;
        }
        Ok(())
    }

    fn request(&mut self, within: &Transaction<'_>, at: i64, record: &Record) -> rusqlite::Result<()> {
        let leads_nowhere = record.plan.is_empty() && record.attempts.is_empty();
        let (model, asked) = if leads_nowhere { ("", Some(record.model.as_str())) } else { (record.model.as_str(), None) };
        let (usage, provenance) = parts(record.usage);
        let (cost, prices) = priced(record.cost.as_ref());
        let mut number = |name: &str| self.0.number(within, name);
        let row = params![
            at,
            &*record.id,
            record.client.map(|client| client.to_string()),
            number(&record.caller)?,
            number(&record.endpoint)?,
            number(record.dialect.map_or("", Kind::word))?,
            number(model)?,
            number(&record.provider)?,
            number(&record.upstream_model)?,
            asked.filter(|asked| !asked.is_empty()),
            record.stream,
            record.status,
            number(record.outcome.as_str())?,
            usage.map(|usage| signed(usage.input)),
            usage.map(|usage| signed(usage.cached)),
            usage.map(|usage| signed(usage.cache_write)),
            usage.map(|usage| signed(usage.output)),
            usage.map(|usage| signed(usage.reasoning)),
            provenance.map(&mut number).transpose()?,
            cost,
            prices.map(&mut number).transpose()?,
            record.first_token.map(time),
            record.upstream.map(time),
            time(record.overhead),
            time(record.total),
            record.request_bytes.map(signed),
            signed(record.bytes),
            signed(record.chunks),
            record.hedged,
            record.has_failed(),
            record.error,
            // By which its trace is found: its own span of it, if it has one.
            record.span.or(record.traceparent).map(|context| context.to_string()),
            Way::of(record).to_json(),
        ];
        let sql = "INSERT INTO requests VALUES \
            (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        within.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn attempt(&mut self, within: &Transaction<'_>, at: i64, place: usize, attempt: &Attempt) -> rusqlite::Result<()> {
        let (usage, provenance) = parts(attempt.usage);
        let (cost, prices) = priced(attempt.cost.as_ref());
        let mut number = |name: &str| self.0.number(within, name);
        let row = params![
            at,
            place as i64,
            number(&attempt.route.via)?,
            number(&attempt.route.provider)?,
            number(&attempt.route.upstream_model)?,
            number(&attempt.peer.vendor)?,
            number(&attempt.peer.host)?,
            attempt.peer.port,
            number(attempt.dialect.map_or("", Kind::word))?,
            time(attempt.began),
            attempt.connect.map(time),
            attempt.tls.map(time),
            attempt.first_byte.map(time),
            attempt.first_token.map(time),
            time(attempt.took),
            attempt.status,
            number(attempt.outcome.as_str())?,
            attempt.reason,
            usage.map(|usage| signed(usage.input)),
            usage.map(|usage| signed(usage.cached)),
            usage.map(|usage| signed(usage.cache_write)),
            usage.map(|usage| signed(usage.output)),
            usage.map(|usage| signed(usage.reasoning)),
            provenance.map(&mut number).transpose()?,
            cost,
            prices.map(&mut number).transpose()?,
            attempt.is_hedge,
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

fn parts(usage: Option<(Usage, Provenance)>) -> (Option<Usage>, Option<&'static str>) {
    (usage.map(|(usage, _)| usage), usage.map(|(_, provenance)| provenance.word()))
}

fn priced(cost: Option<&Cost>) -> (Option<f64>, Option<&str>) {
    (cost.map(|cost| cost.usd), cost.map(|cost| &*cost.prices))
}

fn time(duration: Duration) -> i64 {
    signed(micros(duration))
}
