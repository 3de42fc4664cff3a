//! What became of a question: who answered, after how long, with how many tokens, at what cost.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::cli::chat::gateway::Route;
use crate::cli::recorded::{dollars, duration};
use crate::hub::{Provenance, Usage};
use crate::telemetry::Record;

/// One answer's account. As JSON it stands beside the answer, as `llmgw`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Account {
    /// The request's id, as `llmgw why` knows it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// Name of the provider.
    pub provider: String,
    /// The upstream's name of the model.
    pub model: String,
    /// Attempts made.
    pub attempts: u32,
    /// Until the first word; `None`: the answer came in one piece.
    #[serde(rename = "first_token_ms", serialize_with = "some_milliseconds", skip_serializing_if = "Option::is_none")]
    pub first_token: Option<Duration>,
    /// Until the end.
    #[serde(rename = "total_ms", serialize_with = "milliseconds")]
    pub total: Duration,
    /// Tokens, and where their numbers come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Counted>,
    /// In US dollars; `None`: nobody knows the price here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

/// Tokens of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Counted {
    /// How many.
    #[serde(flatten)]
    pub usage: Usage,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

impl Account {
    /// As this process has accounted for it.
    pub fn of(record: &Record) -> Account {
        Account {
            request_id: record.id.to_string(),
            provider: record.provider.to_string(),
            model: record.upstream_model.to_string(),
            attempts: u32::try_from(record.attempts.len()).unwrap_or(u32::MAX),
            first_token: record.first_token,
            total: record.total,
            usage: record.usage.map(|(usage, provenance)| Counted { usage, provenance }),
            cost_usd: record.cost.as_ref().map(|cost| cost.usd),
        }
    }

    /// As far as the reply itself tells.
    pub fn from_outside(request_id: &str, route: &Route, usage: Option<Usage>, first_token: Option<Duration>, total: Duration) -> Account {
        Account {
            request_id: request_id.to_owned(),
            provider: route.provider.clone(),
            model: route.model.clone(),
            attempts: route.attempts,
            first_token,
            total,
            usage: usage.map(|usage| Counted { usage, provenance: Provenance::Reported }),
            cost_usd: None,
        }
    }

    /// The tokens in OpenAI's words.
    pub fn openai_usage(&self) -> Option<Value> {
        let usage = self.usage?.usage;
        Some(json!({ "prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.input + usage.output }))
    }
}

/// Whole ones, as far as there are any.
fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn some_milliseconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}

impl fmt::Display for Account {
    /// In one line: `openai/gpt-4o, 1 attempt; first token 420 ms, total 1.93 s; tokens 12 in, 230 out; $0.0024`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who =
            if self.provider.is_empty() { "an upstream that is not named".to_owned() } else { format!("{}/{}", self.provider, self.model) };
        let s = if self.attempts == 1 { "" } else { "s" };
        write!(f, "{who}, {} attempt{s}; ", self.attempts)?;
        if let Some(first) = self.first_token {
            write!(f, "first token {}, ", duration(first))?;
        }
        write!(f, "total {}; ", duration(self.total))?;
        match self.usage {
            Some(Counted { usage, provenance }) => {
                let part = |count: u64, word: &str| if count > 0 { format!(" ({count} {word})") } else { String::new() };
                let (cached, reasoning) = (part(usage.cached, "cached"), part(usage.reasoning, "reasoning"));
                write!(f, "tokens {} in{cached}, {} out{reasoning}", usage.input, usage.output)?;
                if provenance != Provenance::Reported {
                    write!(f, " ({})", provenance.word())?;
                }
            }
            None => f.write_str("tokens unknown")?,
        }
        match self.cost_usd {
            Some(usd) => write!(f, "; {}", dollars(usd)),
            None => f.write_str("; cost unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Account, Counted};
    use crate::hub::{Provenance, Usage};

    #[test]
    fn one_line_tells_all_that_is_known() {
        let usage = Usage { input: 12, cached: 4, output: 230, ..Usage::default() };
        let account = Account {
            provider: "openai".to_owned(),
            model: "gpt-4o".to_owned(),
            attempts: 2,
            first_token: Some(Duration::from_millis(420)),
            total: Duration::from_millis(1930),
            usage: Some(Counted { usage, provenance: Provenance::Reported }),
            cost_usd: Some(0.0024),
            ..Account::default()
        };
        let expected = "openai/gpt-4o, 2 attempts; first token 420 ms, total 1.93 s; tokens 12 in (4 cached), 230 out; $0.002400";
        assert_eq!(account.to_string(), expected);
        let estimated = Account { usage: Some(Counted { usage, provenance: Provenance::Estimated }), cost_usd: None, ..account };
        assert!(estimated.to_string().ends_with("230 out (estimated); cost unknown"), "{estimated}");
        assert_eq!(Account::default().to_string(), "an upstream that is not named, 0 attempts; total 0 µs; tokens unknown; cost unknown");
    }
}
