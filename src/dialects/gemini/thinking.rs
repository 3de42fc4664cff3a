//! How much the model shall think, in the words of its generation: a budget or a level, never both.

use serde::Serialize;

use super::model::Control;
use crate::hub::{Effort, Reasoning};

/// How much the model shall think, and whether it shows it.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThinkingConfig {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    include_thoughts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
}

/// As much as the model likes.
const DYNAMIC: i64 = -1;

impl ThinkingConfig {
    /// What `reasoning` wishes; `None`: this model has no words for thinking.
    pub fn of(reasoning: &Reasoning, control: Control) -> Option<ThinkingConfig> {
        let effort = reasoning.effort();
        let include_thoughts = effort != Some(Effort::None) && reasoning.summary.as_deref() != Some("omitted");
        Some(match control {
            Control::Never => return None,
            Control::Budget { least, most, can_be_off } => {
                let thinking_budget = budget(reasoning, least, most, can_be_off);
                ThinkingConfig { include_thoughts, thinking_budget: Some(thinking_budget), thinking_level: None }
            }
            Control::Level { has_minimal, has_xhigh } => {
                let thinking_level = effort.map(|effort| level(effort, has_minimal, has_xhigh));
                ThinkingConfig { include_thoughts, thinking_budget: None, thinking_level }
            }
        })
    }
}

/// Budgets made for other vendors' models are brought into this model's range: it would refuse them.
fn budget(reasoning: &Reasoning, least: u64, most: u64, can_be_off: bool) -> i64 {
    let tokens = match (reasoning.effort, reasoning.budget) {
        (Some(Effort::None), _) if can_be_off => return 0,
        (Some(Effort::None | Effort::Minimal), _) => least,
        (_, Some(budget)) => budget,
        (Some(effort), None) => effort.budget().unwrap_or(least),
        (None, None) => return DYNAMIC,
    };
    i64::try_from(tokens.clamp(least, most)).unwrap_or(DYNAMIC)
}

/// The word for `effort`, or the nearest one that is known.
fn level(effort: Effort, has_minimal: bool, has_xhigh: bool) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal if has_minimal => "MINIMAL",
        Effort::None | Effort::Minimal | Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::XHigh | Effort::Max if has_xhigh => "XHIGH",
        Effort::High | Effort::XHigh | Effort::Max => "HIGH",
    }
}

#[cfg(test)]
mod tests {
    use super::ThinkingConfig;
    use crate::dialects::gemini::model::Model;
    use crate::hub::{Effort, Reasoning};

    fn config(model: &str, reasoning: &Reasoning) -> String {
        serde_json::to_string(&ThinkingConfig::of(reasoning, Model::of(model).thinking)).expect("JSON")
    }

    #[test]
    fn every_effort_has_a_word_in_every_generation() {
        let efforts = [None, Some(Effort::None), Some(Effort::Minimal), Some(Effort::Low), Some(Effort::High), Some(Effort::Max)];
        for (model, expected) in [
            ("gemini-2.5-flash", ["-1", "0", "1", "1024", "4096", "16384"]),
            ("gemini-2.5-flash-lite", ["-1", "0", "512", "1024", "4096", "16384"]),
            ("gemini-2.5-pro", ["-1", "128", "128", "1024", "4096", "16384"]),
            ("gemini-3-flash-preview", ["", r#""MINIMAL""#, r#""MINIMAL""#, r#""LOW""#, r#""HIGH""#, r#""HIGH""#]),
            ("gemini-3.1-pro-preview", ["", r#""LOW""#, r#""LOW""#, r#""LOW""#, r#""HIGH""#, r#""HIGH""#]),
            ("gemini-4-argon", ["", r#""LOW""#, r#""LOW""#, r#""LOW""#, r#""HIGH""#, r#""XHIGH""#]),
        ] {
            let member = if model.contains("2.5") { "thinkingBudget" } else { "thinkingLevel" };
            for (effort, value) in efforts.into_iter().zip(expected) {
                let thoughts = (effort != Some(Effort::None)).then(|| r#""includeThoughts":true"#.to_owned());
                let amount = (!value.is_empty()).then(|| format!(r#""{member}":{value}"#));
                let members: Vec<String> = thoughts.into_iter().chain(amount).collect();
                let asked = Reasoning { effort, ..Reasoning::default() };
                assert_eq!(config(model, &asked), format!("{{{}}}", members.join(",")), "{model} {effort:?}");
            }
        }
        assert_eq!(config("gemini-2.0-flash", &Reasoning::default()), "null");
    }

    #[test]
    fn a_budget_is_brought_into_the_range() {
        for (budget, expected) in [(100, "128"), (5000, "5000"), (64_000, "32768")] {
            let asked = Reasoning { budget: Some(budget), summary: Some("omitted".to_owned()), ..Reasoning::default() };
            assert_eq!(config("gemini-2.5-pro", &asked), format!(r#"{{"thinkingBudget":{expected}}}"#));
        }
        let asked = Reasoning { budget: Some(3000), ..Reasoning::default() };
        assert_eq!(config("gemini-3-flash", &asked), r#"{"includeThoughts":true,"thinkingLevel":"MEDIUM"}"#);
    }
}
