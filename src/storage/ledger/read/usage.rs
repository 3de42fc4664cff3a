//! Reads the sums.

use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use super::{Reader, Unreadable, slots};
use crate::storage::database::unsigned;
use crate::storage::ledger::query::{By, Point, Scope, Sum};

/// What is added up, in the order in which [`sum`] reads it.
const ADDED: &str = "SUM(requests), SUM(CASE WHEN ended.name IN ('ok', 'client_gone') THEN 0 ELSE requests END), \
    SUM(attempts), SUM(hedges), SUM(input), SUM(cached), SUM(cache_write), SUM(output), SUM(reasoning), SUM(uncertain), \
    SUM(cost), SUM(unpriced), SUM(bytes), SUM(total), SUM(first_token), SUM(streams)";

/// What it is added up from.
const FROM: &str = "sums JOIN names ended ON ended.id = sums.outcome JOIN names model ON model.id = sums.model \
    JOIN names provider ON provider.id = sums.provider JOIN names caller ON caller.id = sums.caller \
    JOIN names upstream ON upstream.id = sums.upstream_model";

impl By {
    /// As SQL.
    fn name(self) -> &'static str {
        match self {
            By::Model => "model.name",
            By::Provider => "provider.name",
            By::Key => "caller.name",
            By::Day => "strftime('%Y-%m-%d', slot / 1000, 'unixepoch', 'localtime')",
            By::Upstream => "CASE provider.name WHEN '' THEN '' ELSE provider.name || '/' || upstream.name END",
        }
    }

    /// What is of interest first: days as they come, all else by what it cost.
    fn order(self) -> &'static str {
        match self {
            By::Day => "1",
            By::Model | By::Provider | By::Key | By::Upstream => "SUM(cost) DESC, SUM(requests) DESC, 1",
        }
    }
}

impl Reader {
    /// What was used, for each model, provider, key or day. Exact to the minute; to a quarter of an hour two days ago and
    /// before.
    pub fn usage(&self, by: By, scope: &Scope) -> Result<Vec<Sum>, Unreadable> {
        let (condition, values) = condition(scope);
        let (name, order) = (by.name(), by.order());
        let sql = format!("SELECT {name}, {ADDED} FROM {FROM} WHERE {condition} GROUP BY 1 ORDER BY {order}");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| Ok(Sum { name: row.get(0)?, ..sum(row)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What was used in each span of `step` milliseconds in which anything was.
    pub fn series(&self, scope: &Scope, step: u64) -> Result<Vec<Point>, Unreadable> {
        let (condition, mut values) = condition(scope);
        let step = i64::try_from(step.max(1)).unwrap_or(i64::MAX);
        values.insert(0, Value::Integer(step));
        values.insert(1, Value::Integer(step));
        let sql = format!("SELECT slot / ? * ?, {ADDED} FROM {FROM} WHERE {condition} GROUP BY 1 ORDER BY 1");
        let mut statement = self.connection.prepare(&sql)?;
        let point = |row: &Row<'_>| Ok(Point { time: unsigned(row.get(0)?), sum: sum(row)? });
        let rows = statement.query_map(params_from_iter(values), point)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn names_in(&self, by: By) -> Result<Vec<String>, Unreadable> {
        let column = match by.name().strip_suffix(".name") {
            Some(column) => format!("SELECT name FROM names WHERE id IN (SELECT DISTINCT {column} FROM sums)"),
            None => format!("SELECT DISTINCT {} FROM {FROM}", by.name()),
        };
        let sql = format!("{column} ORDER BY 1");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn condition(scope: &Scope) -> (String, Vec<Value>) {
    let (since, until) = slots(&scope.period);
    // A span that has begun before is asked for too.
    let since = since / super::super::sums::SLOT as i64 * super::super::sums::SLOT as i64;
    let (mut parts, mut values) = (vec!["slot >= ? AND slot < ?"], vec![Value::Integer(since), Value::Integer(until)]);
    let names = [("model.name = ?", &scope.model), ("provider.name = ?", &scope.provider), ("caller.name = ?", &scope.caller)];
    for (part, name) in names {
        if let Some(name) = name {
            parts.push(part);
            values.push(Value::Text(name.clone()));
        }
    }
    (parts.join(" AND "), values)
}

/// The sum in a row, from its second column on.
fn sum(row: &Row<'_>) -> rusqlite::Result<Sum> {
    let number = |column: usize| row.get::<_, i64>(column).map(unsigned);
    let mean = |total: u64, count: u64| (count > 0).then(|| total as f64 / count as f64 / 1000.0);
    let (requests, streams) = (number(1)?, number(16)?);
    Ok(Sum {
        name: String::new(),
        requests,
        failed: number(2)?,
        attempts: number(3)?,
        hedges: number(4)?,
        input: number(5)?,
        cached: number(6)?,
        cache_write: number(7)?,
        output: number(8)?,
        reasoning: number(9)?,
        uncertain: number(10)?,
        cost: row.get(11)?,
        unpriced: number(12)?,
        bytes: number(13)?,
        mean_ms: mean(number(14)?, requests),
        mean_first_token_ms: mean(number(15)?, streams),
    })
}
