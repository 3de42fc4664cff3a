//! How a wish to think is said: each family of models has its own words for it.

use serde::Serialize;

use super::model::Manner;
use crate::dialects::hints::Dropped;
use crate::hub::{Effort, Reasoning, Request};

/// Claude's least budget.
const LEAST_BUDGET: u64 = 1024;

/// The words for it.
#[derive(Debug, Default)]
pub struct Wish {
    /// Claude's, among the model's own fields.
    pub thinking: Option<Thinking>,
    /// Of `outputConfig`.
    pub effort: Option<&'static str>,
    /// OpenAI's, among the model's own fields.
    pub reasoning_effort: Option<&'static str>,
}

/// Claude's `thinking`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Thinking {
    /// Of this many tokens.
    Enabled {
        /// Less than the answer's limit.
        budget_tokens: u64,
    },
    /// As much as it takes.
    Adaptive {
        /// `summarized`, `omitted`.
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    /// Not at all.
    Disabled,
}

/// What stands against thinking in this conversation.
#[derive(Clone, Copy, Debug)]
pub struct Obstacles {
    /// A tool must be called.
    pub is_forced: bool,
    /// Results of tools are to be answered, and the thoughts behind the calls are not there.
    pub lacks_thoughts: bool,
}

impl Wish {
    /// What `request` wishes, in the words of `manner`.
    pub fn of(request: &Request, manner: Manner, obstacles: Obstacles, dropped: &mut Dropped) -> Wish {
        let Some(reasoning) = &request.reasoning else { return Wish::default() };
        let effort = reasoning.effort();
        let wish = match manner {
            Manner::Never => (effort == Some(Effort::None)).then(Wish::default),
            Manner::Budget => by_budget(reasoning, request.max_tokens, obstacles),
            Manner::Adaptive { can_be_off, has_xhigh } => adaptive(reasoning, can_be_off, has_xhigh, obstacles),
            Manner::Effort => by_effort(reasoning),
        };
        // Whoever wishes only for a summary has wished for no effort.
        dropped.add_if(wish.is_none() && (effort.is_some() || reasoning.summary.is_none()), "reasoning_effort");
        let is_summary_said = wish.as_ref().is_some_and(|wish| matches!(wish.thinking, Some(Thinking::Adaptive { .. })));
        dropped.add_if(reasoning.summary.is_some() && !is_summary_said, "reasoning.summary");
        wish.unwrap_or_default()
    }

    /// Whether Claude shall think: then it takes no parameters of sampling.
    pub fn is_to_think(&self) -> bool {
        matches!(self.thinking, Some(Thinking::Enabled { .. } | Thinking::Adaptive { .. }))
    }
}

/// These models do not think unless they are asked to, and refuse it where a tool is forced or a thought is missing.
fn by_budget(reasoning: &Reasoning, max_tokens: Option<u64>, obstacles: Obstacles) -> Option<Wish> {
    let asked = match (reasoning.budget, reasoning.effort) {
        (Some(budget), _) => Some(budget),
        (None, effort) => effort.unwrap_or(Effort::Medium).budget().map(|budget| below(budget, max_tokens)),
    };
    let Some(budget_tokens) = asked else { return Some(Wish::default()) };
    let can_be = !obstacles.is_forced && !obstacles.lacks_thoughts && (reasoning.budget.is_some() || budget_tokens >= LEAST_BUDGET);
    can_be.then(|| Wish { thinking: Some(Thinking::Enabled { budget_tokens }), ..Wish::default() })
}

/// A budget of ours must leave room for an answer; one that the client chose is its own.
fn below(budget: u64, max_tokens: Option<u64>) -> u64 {
    max_tokens.map_or(budget, |limit| budget.min(limit.saturating_sub(1)))
}

fn adaptive(reasoning: &Reasoning, can_be_off: bool, has_xhigh: bool, obstacles: Obstacles) -> Option<Wish> {
    let effort = reasoning.effort();
    if effort == Some(Effort::None) {
        return can_be_off.then(|| Wish { thinking: Some(Thinking::Disabled), ..Wish::default() });
    }
    let word = effort.map(|effort| match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::XHigh if !has_xhigh => "high",
        other => other.word(),
    });
    let display = reasoning.summary.as_deref().map(|summary| if summary == "omitted" { "omitted" } else { "summarized" });
    // [?] Some models refuse to be forced while they think; the effort counts without thinking too.
    let thinking = (!obstacles.is_forced).then_some(Thinking::Adaptive { display });
    Some(Wish { thinking, effort: word, reasoning_effort: None })
}

/// [?] Three words are known, and no way to turn it off.
fn by_effort(reasoning: &Reasoning) -> Option<Wish> {
    let word = match reasoning.effort()? {
        Effort::None => return None,
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::XHigh | Effort::Max => "high",
    };
    Some(Wish { reasoning_effort: Some(word), ..Wish::default() })
}
