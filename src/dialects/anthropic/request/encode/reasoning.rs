//! How a model is told to think.

use serde::Serialize;

use super::super::super::model::{self, Model};
use crate::dialects::hints::Dropped;
use crate::hub::{Effort, Reasoning, Request};

/// `thinking`.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thinking {
    Adaptive {
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Enabled {
        budget_tokens: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Disabled,
}

impl Thinking {
    pub(super) fn is_on(&self) -> bool {
        *self != Thinking::Disabled
    }
}

/// What of a request forbids thinking to a model that has a budget for it.
#[derive(Clone, Copy)]
pub(super) struct Circumstances {
    /// A tool must be called.
    pub(super) is_forced: bool,
    /// The last turn is the model's own.
    pub(super) is_prefilled: bool,
    /// Results of tools are at the end, and the calls before them have no reasoning before them.
    pub(super) goes_on_without_thought: bool,
}

/// What becomes of it.
pub(super) struct Plan {
    pub(super) thinking: Option<Thinking>,
    pub(super) effort: Option<&'static str>,
    pub(super) max_tokens: u64,
}

/// By what the hint goes that is not followed.
const HINT: &str = "reasoning_effort";

/// Fits what was asked for to what the model knows.
pub(super) fn plan(request: &Request, model: &Model, circumstances: Circumstances, dropped: &mut Dropped) -> Plan {
    let max_tokens = request.max_tokens.unwrap_or(model.max_tokens);
    let mut plan = Plan { thinking: None, effort: None, max_tokens };
    let Some(asked) = &request.reasoning else { return plan };
    let wanted = asked.effort();
    let is_off = wanted == Some(Effort::None);
    let display = asked.summary.as_deref().map(|summary| if summary == "omitted" { "omitted" } else { "summarized" });
    let effort = |wanted: Option<Effort>| wanted.and_then(|wanted| model.effort(wanted)).map(Effort::word);
    match model.thinking {
        model::Thinking::Never => dropped.add_if(!is_off, HINT),
        model::Thinking::Budget | model::Thinking::Adaptive if is_off => plan.thinking = Some(Thinking::Disabled),
        model::Thinking::Budget => {
            let Circumstances { is_forced, is_prefilled, goes_on_without_thought } = circumstances;
            let budget = budget(asked, max_tokens).filter(|_| !is_forced && !is_prefilled && !goes_on_without_thought);
            dropped.add_if(budget.is_none(), HINT);
            plan.thinking = budget.map(|budget_tokens| Thinking::Enabled { budget_tokens, display });
            plan.effort = effort(asked.effort);
        }
        model::Thinking::Adaptive | model::Thinking::Always => {
            // One that cannot be kept from thinking thinks as little as it can: no word is below its first.
            dropped.add_if(is_off, HINT);
            plan.thinking = Some(Thinking::Adaptive { display });
            plan.effort = effort(wanted);
        }
    }
    plan
}

/// The tokens to think with, which are part of `max_tokens`; `None`: there is no room.
fn budget(asked: &Reasoning, max_tokens: u64) -> Option<u64> {
    let budget = match asked.budget {
        Some(budget) => budget.min(max_tokens.saturating_sub(1)),
        // Nobody named a number: half of the answer is left to be said.
        None => asked.effort.unwrap_or(Effort::Medium).budget()?.min(max_tokens / 2),
    };
    let budget = budget.max(model::SMALLEST_BUDGET);
    (budget < max_tokens).then_some(budget)
}

#[cfg(test)]
mod tests {
    use super::{Circumstances, Model, Plan, Thinking, plan};
    use crate::dialects::hints::Dropped;
    use crate::hub::{Effort, Reasoning, Request};

    const NONE: Circumstances = Circumstances { is_forced: false, is_prefilled: false, goes_on_without_thought: false };

    fn planned(model: &str, reasoning: Reasoning, max_tokens: Option<u64>, circumstances: Circumstances) -> (Plan, bool) {
        let request = Request { reasoning: Some(reasoning), max_tokens, ..Request::default() };
        let mut dropped = Dropped::default();
        let plan = plan(&request, Model::of(model), circumstances, &mut dropped);
        (plan, !dropped.into_names().is_empty())
    }

    fn effort(effort: Effort) -> Reasoning {
        Reasoning { effort: Some(effort), ..Reasoning::default() }
    }

    #[test]
    fn each_generation_is_told_in_its_own_way() {
        let adaptive = || Some(Thinking::Adaptive { display: None });
        let enabled = |budget_tokens| Some(Thinking::Enabled { budget_tokens, display: None });
        for (model, wanted, thinking, word, is_dropped) in [
            ("claude-opus-5-5", Effort::Max, adaptive(), Some("max"), false),
            ("claude-opus-5-5", Effort::None, adaptive(), Some("low"), true),
            ("claude-opus-5", Effort::None, Some(Thinking::Disabled), None, false),
            ("claude-opus-4-6", Effort::XHigh, adaptive(), Some("high"), false),
            ("claude-opus-4-5", Effort::High, enabled(4096), Some("high"), false),
            ("claude-haiku-4-5", Effort::Minimal, enabled(1024), None, false),
            ("claude-haiku-4-5", Effort::None, Some(Thinking::Disabled), None, false),
            ("claude-3-5-haiku", Effort::Low, None, None, true),
            ("claude-3-5-haiku", Effort::None, None, None, false),
            ("deepseek-chat", Effort::Max, enabled(4096), None, false),
        ] {
            let (plan, was_dropped) = planned(model, effort(wanted), None, NONE);
            assert_eq!((plan.thinking, plan.effort, was_dropped), (thinking, word, is_dropped), "{model} {wanted:?}");
        }
    }

    #[test]
    fn a_budget_is_below_the_limit() {
        let named = |budget| Reasoning { budget: Some(budget), ..Reasoning::default() };
        for (reasoning, max_tokens, expected) in [
            (named(10_000), 16_000, Some(10_000)),
            (named(10_000), 4000, Some(3999)),
            (named(10), 4000, Some(1024)),
            (effort(Effort::High), 4000, Some(2000)),
            (effort(Effort::High), 1500, Some(1024)),
            (effort(Effort::High), 1024, None),
            (Reasoning::default(), 9000, Some(2048)),
        ] {
            let (plan, was_dropped) = planned("claude-sonnet-4-5", reasoning, Some(max_tokens), NONE);
            let expected = expected.map(|budget_tokens| Thinking::Enabled { budget_tokens, display: None });
            assert_eq!((plan.thinking.is_none(), plan.max_tokens), (was_dropped, max_tokens));
            assert_eq!(plan.thinking, expected);
        }
    }

    #[test]
    fn what_forbids_a_budget_does_not_forbid_adaptive_thinking() {
        for circumstances in [
            Circumstances { is_forced: true, ..NONE },
            Circumstances { is_prefilled: true, ..NONE },
            Circumstances { goes_on_without_thought: true, ..NONE },
        ] {
            assert_eq!(planned("claude-sonnet-4-5", effort(Effort::Low), None, circumstances).0.thinking, None);
            assert!(planned("claude-opus-4-8", effort(Effort::Low), None, circumstances).0.thinking.is_some());
        }
    }
}
