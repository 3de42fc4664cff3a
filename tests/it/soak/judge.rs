//! Holds an answer against the table of the matrix.

use crate::faulty::Kind;
use crate::faulty::good::{FAULTY, HEALTHY, NINE};
use crate::matrix::Situation;
use crate::matrix::judge::{gets, text};
use crate::matrix::play::Told;
use crate::matrix::table::Expected;

use super::world::Cell;

/// In a few words what came of it, for counting; `Err`: it is not what may come of it.
pub fn judge(cell: &Cell, told: &Told, may_rest: bool) -> Result<String, String> {
    let seen = Seen { gets: gets(cell.kind, told), text: text(told), told };
    let outcome = format!("{} {}", told.status, seen.gets);
    let is_expected = seen.is(&cell.expected) && (cell.is_hurried || may_rest || seen.has_attempts_of(&cell.expected));
    // A busy machine may keep any stream waiting for so long that the next route starts.
    let is_hedged = cell.kind == Kind::Stream && cell.situation == Situation::Second && seen.is_healthy();
    if is_expected || is_hedged {
        return Ok(outcome);
    }
    if may_rest && (seen.is_healthy() || seen.is_passed_over() || cell.otherwise.iter().any(|expected| seen.is(expected))) {
        return Ok(format!("{outcome}, while upstreams rest"));
    }
    let Seen { gets, text, told } = seen;
    let (from, times, body) = (told.header("x-llmgw-provider"), told.header("x-llmgw-attempts"), String::from_utf8_lossy(&told.body));
    let body: String = body.chars().take(500).collect();
    Err(format!(
        "{} | {} | {:?}: expected {:?}, seen {} {gets} of {from:?} after {times} attempts (upstreams rest: {may_rest}): {text}\n    {body}",
        cell.fault,
        cell.kind.name(),
        cell.situation,
        cell.expected,
        told.status,
    ))
}

struct Seen<'a> {
    gets: String,
    text: String,
    told: &'a Told,
}

impl Seen<'_> {
    fn is(&self, expected: &Expected) -> bool {
        let said = if expected.tried.ends_with('b') { HEALTHY } else { FAULTY };
        let is_said = match &*self.gets {
            "whole" => {
                self.text == said && expected.tried.chars().last().is_some_and(|last| self.told.header("x-llmgw-provider").ends_with(last))
            }
            "event" => said.starts_with(&self.text) || NINE == self.text,
            _ => true,
        };
        is_said && (self.told.status, &*self.gets) == (expected.status, &*expected.gets)
    }

    fn has_attempts_of(&self, expected: &Expected) -> bool {
        // Where nothing rests, an upstream at its limit is asked again.
        let is_limited = expected.learned.starts_with("limit");
        is_limited || expected.tried.is_empty() || self.told.header("x-llmgw-attempts") == expected.tried.len().to_string()
    }

    fn is_healthy(&self) -> bool {
        self.told.status == 200 && self.gets == "whole" && self.text == HEALTHY && self.told.header("x-llmgw-provider") == "b"
    }

    /// Nobody could be asked, or nobody any more.
    fn is_passed_over(&self) -> bool {
        let code = serde_json::from_slice::<serde_json::Value>(&self.told.body).ok();
        let code = code.as_ref().and_then(|body| body.pointer("/error/code")?.as_str());
        matches!(
            (self.told.status, code),
            (503, Some("no_upstream_available")) | (502, Some("upstream_error")) | (504, Some("upstream_timeout"))
        )
    }
}
