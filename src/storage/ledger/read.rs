//! Reads the tables, beside the thread that writes them. Blocks.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use foldhash::HashMap;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Params, Row, params, params_from_iter};

use super::query::{Entry, Filter, Latency, Period, Scope};
use super::rows::Way;
use super::time::micros;
use crate::hub::{Kind, Outcome, Provenance, Usage};
use crate::storage::database::{Trouble, open_to_read, signed, unsigned};
use crate::telemetry::record::{Attempt, Cost, Peer, Route};
use crate::telemetry::{Record, TraceContext};

mod recent;
mod usage;

/// So many answers' times are looked at, so that the time this takes has an end.
const MOST_TIMES: usize = 10_000;

/// So many of the requests whose ids begin alike are looked at, likewise.
const MOST_OF_A_BEGINNING: usize = 1_000;

/// An open ledger, to be read.
pub struct Reader {
    connection: Connection,
    names: RefCell<HashMap<i64, Arc<str>>>,
}

/// Why the ledger cannot be read, in words for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    /// For this reason.
    pub fn new(reason: impl Into<String>) -> Unreadable {
        Unreadable(reason.into())
    }
}

impl From<Trouble> for Unreadable {
    fn from(trouble: Trouble) -> Unreadable {
        Unreadable(trouble.to_string())
    }
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Unreadable {
        Trouble::from(error).into()
    }
}

impl Reader {
    /// The ledger in the file at `path`; `None`: there is none yet.
    pub fn open(path: &Path) -> Result<Option<Reader>, Unreadable> {
        let connection = open_to_read(path)?;
        Ok(connection.map(|connection| Reader { connection, names: RefCell::default() }))
    }

    /// A page of requests, the newest first.
    pub fn entries(&self, filter: &Filter) -> Result<Vec<Entry>, Unreadable> {
        let Some((condition, mut values)) = self.condition(filter)? else { return Ok(Vec::new()) };
        values.push(Value::Integer(filter.limit as i64));
        // What is new since something is asked for from there on; a page, from the newest on.
        let order = if filter.after.is_some() { "ASC" } else { "DESC" };
        let sql = format!("SELECT *, {LOCAL} AS local FROM requests WHERE {condition} ORDER BY at {order} LIMIT ?");
        let mut entries = self.all(&sql, params_from_iter(values))?;
        if filter.after.is_some() {
            entries.reverse();
        }
        Ok(entries)
    }

    /// The requests of this id, the newest first: a client that chooses ids may have used one twice. A beginning of an id
    /// will do; of what many begin with, some are looked at.
    pub fn find(&self, id: &str, limit: usize) -> Result<Vec<Entry>, Unreadable> {
        let exactly = format!("SELECT *, {LOCAL} AS local FROM requests WHERE id = ?1 ORDER BY at DESC LIMIT ?2");
        let mut entries = self.all(&exactly, params![id, limit as i64])?;
        if entries.len() < limit {
            let beginning = format!(
                "SELECT *, {LOCAL} AS local FROM requests WHERE at IN \
                 (SELECT at FROM requests WHERE id > ?1 AND id < ?2 LIMIT {MOST_OF_A_BEGINNING}) ORDER BY at DESC LIMIT ?3"
            );
            entries.extend(self.all(&beginning, params![id, format!("{id}{}", char::MAX), (limit - entries.len()) as i64])?);
        }
        Ok(entries)
    }

    fn all(&self, sql: &str, values: impl Params) -> Result<Vec<Entry>, Unreadable> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query(values)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(self.entry(row)?);
        }
        Ok(entries)
    }

    /// How long complete answers took; the newest of them are looked at.
    pub fn latency(&self, scope: &Scope) -> Result<Latency, Unreadable> {
        let filter = Filter { scope: scope.clone(), outcome: Some(Outcome::Ok), limit: MOST_TIMES, ..Filter::default() };
        let Some((condition, mut values)) = self.condition(&filter)? else { return Ok(Latency::default()) };
        values.push(Value::Integer(MOST_TIMES as i64));
        let sql = format!("SELECT total, first_token FROM requests WHERE {condition} ORDER BY at DESC LIMIT ?");
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let (mut totals, mut firsts) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            totals.push(row.get::<_, i64>(0)?);
            firsts.extend(row.get::<_, Option<i64>>(1)?);
        }
        totals.sort_unstable();
        firsts.sort_unstable();
        Ok(Latency {
            requests: totals.len(),
            p50: part(&totals, 50),
            p95: part(&totals, 95),
            p99: part(&totals, 99),
            first_token_p50: part(&firsts, 50),
            first_token_p95: part(&firsts, 95),
        })
    }

    /// Requests whose rows were lost in `period`.
    pub fn lost(&self, period: &Period) -> Result<u64, Unreadable> {
        let (since, until) = slots(period);
        let sql = "SELECT COALESCE(SUM(requests), 0) FROM lost WHERE slot >= ? AND slot < ?";
        Ok(unsigned(self.connection.query_row(sql, [since, until], |row| row.get(0))?))
    }

    /// When a day or a time of this machine's place was, or will be; `None`: there is none.
    pub fn local(&self, text: &str) -> Result<Option<SystemTime>, Unreadable> {
        let seconds: Option<i64> =
            self.connection.query_row("SELECT CAST(strftime('%s', ?, 'utc') AS INTEGER)", [text], |row| row.get(0))?;
        Ok(seconds.map(|seconds| UNIX_EPOCH + Duration::from_secs(unsigned(seconds))))
    }

    /// Every name that stands in this column of the sums, for those who choose one.
    pub fn names_of(&self, column: super::By) -> Result<Vec<String>, Unreadable> {
        self.names_in(column)
    }

    /// As SQL; `None`: a name that nobody has used.
    fn condition(&self, filter: &Filter) -> Result<Option<(String, Vec<Value>)>, Unreadable> {
        let Filter { scope, outcome, only_failed, before, after, .. } = filter;
        let (mut parts, mut values) = (vec!["1"], Vec::new());
        let mut add = |part, value: i64| {
            parts.push(part);
            values.push(Value::Integer(value));
        };
        if let Some(since) = scope.period.since {
            add("at >= ?", microseconds(since));
        }
        if let Some(until) = scope.period.until {
            add("at < ?", microseconds(until));
        }
        if let Some(before) = before {
            add("at < ?", *before);
        }
        if let Some(after) = after {
            add("at > ?", *after);
        }
        let names =
            [("model = ?", scope.model.as_deref()), ("provider = ?", scope.provider.as_deref()), ("caller = ?", scope.caller.as_deref())];
        for (part, name) in names.into_iter().chain([("outcome = ?", outcome.map(Outcome::as_str))]) {
            let Some(name) = name else { continue };
            let Some(number) = self.number(name)? else { return Ok(None) };
            add(part, number);
        }
        // What there is an index for.
        if *only_failed || outcome.is_some_and(Outcome::is_failure) {
            parts.push("failed");
        }
        Ok(Some((parts.join(" AND "), values)))
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Unreadable> {
        Ok(self.connection.query_row("SELECT id FROM names WHERE name = ?", [name], |row| row.get(0)).optional()?)
    }

    fn name(&self, row: &Row<'_>, column: &str) -> rusqlite::Result<Arc<str>> {
        let number: i64 = row.get(column)?;
        if let Some(name) = self.names.borrow().get(&number) {
            return Ok(name.clone());
        }
        let found =
            self.connection.prepare_cached("SELECT name FROM names WHERE id = ?")?.query_row([number], |row| row.get::<_, String>(0));
        let name: Arc<str> = found.optional()?.unwrap_or_default().into();
        self.names.borrow_mut().insert(number, name.clone());
        Ok(name)
    }

    fn entry(&self, row: &Row<'_>) -> Result<Entry, Unreadable> {
        let at: i64 = row.get("at")?;
        let (model, total) = (self.name(row, "model")?.to_string(), time(row, "total")?.unwrap_or_default());
        let mut record = Record {
            id: row.get::<_, String>("id")?.into(),
            received: UNIX_EPOCH + Duration::from_micros(unsigned(at)).saturating_sub(total),
            client: row.get::<_, Option<String>>("client")?.and_then(|client| client.parse().ok()),
            caller: self.name(row, "caller")?,
            endpoint: Cow::Owned(self.name(row, "endpoint")?.to_string()),
            dialect: Kind::of_word(&self.name(row, "dialect")?),
            model: row.get::<_, Option<String>>("asked")?.unwrap_or(model),
            stream: row.get("stream")?,
            attempts: self.attempts(at)?,
            provider: self.name(row, "provider")?,
            upstream_model: self.name(row, "upstream_model")?,
            status: row.get("status")?,
            outcome: self.outcome(row)?,
            first_token: time(row, "first_token")?,
            upstream: time(row, "upstream")?,
            overhead: time(row, "overhead")?.unwrap_or_default(),
            total,
            request_bytes: row.get::<_, Option<i64>>("request_bytes")?.map(unsigned),
            bytes: unsigned(row.get("bytes")?),
            chunks: unsigned(row.get("chunks")?),
            usage: self.usage_of(row)?,
            cost: self.cost(row)?,
            hedged: row.get("hedged")?,
            error: row.get("error")?,
            traceparent: row.get::<_, Option<String>>("traceparent")?.and_then(|text| TraceContext::parse(&text)),
            ..Record::default()
        };
        Way::read(&row.get::<_, String>("way")?).give_to(&mut record);
        Ok(Entry { at, local: row.get("local")?, record })
    }

    fn attempts(&self, at: i64) -> Result<Vec<Attempt>, Unreadable> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM attempts WHERE at = ? ORDER BY number")?;
        let mut rows = statement.query([at])?;
        let mut attempts = Vec::new();
        while let Some(row) = rows.next()? {
            attempts.push(self.attempt(row)?);
        }
        Ok(attempts)
    }

    fn attempt(&self, row: &Row<'_>) -> rusqlite::Result<Attempt> {
        Ok(Attempt {
            route: Route {
                via: self.name(row, "via")?,
                provider: self.name(row, "provider")?,
                upstream_model: self.name(row, "upstream_model")?,
            },
            peer: Arc::new(Peer {
                vendor: (*self.name(row, "vendor")?).into(),
                host: (*self.name(row, "host")?).into(),
                port: row.get("port")?,
            }),
            dialect: Kind::of_word(&self.name(row, "dialect")?),
            began: time(row, "began")?.unwrap_or_default(),
            connect: time(row, "connect")?,
            tls: time(row, "tls")?,
            first_byte: time(row, "first_byte")?,
            first_token: time(row, "first_token")?,
            took: time(row, "took")?.unwrap_or_default(),
            status: row.get("status")?,
            outcome: self.outcome(row)?,
            reason: row.get("reason")?,
            usage: self.usage_of(row)?,
            cost: self.cost(row)?,
            is_hedge: row.get("is_hedge")?,
            span: None,
        })
    }

    fn outcome(&self, row: &Row<'_>) -> rusqlite::Result<Outcome> {
        Ok(Outcome::of_word(&self.name(row, "outcome")?).unwrap_or(Outcome::Internal))
    }

    fn usage_of(&self, row: &Row<'_>) -> rusqlite::Result<Option<(Usage, Provenance)>> {
        let Some(input) = row.get::<_, Option<i64>>("input")? else { return Ok(None) };
        let usage = Usage {
            input: unsigned(input),
            cached: unsigned(row.get("cached")?),
            cache_write: unsigned(row.get("cache_write")?),
            output: unsigned(row.get("output")?),
            reasoning: unsigned(row.get("reasoning")?),
        };
        Ok(Some((usage, Provenance::of_word(&self.name(row, "provenance")?).unwrap_or_default())))
    }

    fn cost(&self, row: &Row<'_>) -> rusqlite::Result<Option<Cost>> {
        let Some(usd) = row.get("cost")? else { return Ok(None) };
        Ok(Some(Cost { usd, prices: Cow::Owned(self.name(row, "prices")?.to_string()) }))
    }
}

/// When a request ended, in the time of this machine's place.
const LOCAL: &str = "strftime('%Y-%m-%d %H:%M:%f', at / 1000000.0, 'unixepoch', 'localtime')";

fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Duration>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(|time| Duration::from_micros(unsigned(time))))
}

fn microseconds(time: SystemTime) -> i64 {
    signed(micros(time.duration_since(UNIX_EPOCH).unwrap_or_default()))
}

/// The same in the milliseconds of slots.
fn slots(period: &Period) -> (i64, i64) {
    let since = period.since.map_or(0, |since| microseconds(since) / 1000);
    (since, period.until.map_or(i64::MAX, |until| microseconds(until) / 1000))
}

/// So many of a hundred are smaller, in milliseconds; of sorted microseconds.
fn part(sorted: &[i64], of_hundred: usize) -> Option<f64> {
    let place = (sorted.len() * of_hundred).div_ceil(100).saturating_sub(1);
    sorted.get(place).map(|micros| *micros as f64 / 1000.0)
}
