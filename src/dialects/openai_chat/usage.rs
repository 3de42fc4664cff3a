//! Token counts.

use serde::Serialize;
use serde_json::Value;

use crate::hub::Usage;

/// Reads a `usage` object, with what vendors made of it.
pub fn read(usage: &Value) -> Option<Usage> {
    let number = |name: &str| usage.get(name).and_then(Value::as_u64);
    let detail = |of: &str, name: &str| usage.get(of).and_then(|details| details.get(name)).and_then(Value::as_u64);
    let input = number("prompt_tokens").or_else(|| number("input_tokens")).or_else(|| number("total_tokens"))?;
    let cached = detail("prompt_tokens_details", "cached_tokens").or_else(|| number("prompt_cache_hit_tokens"));
    let output = number("completion_tokens").or_else(|| number("output_tokens")).unwrap_or(0);
    let reasoning = detail("completion_tokens_details", "reasoning_tokens").unwrap_or(0);
    // xAI counts reasoning apart from the completion, and the total gives it away.
    let apart = input.checked_add(output).and_then(|sum| sum.checked_add(reasoning));
    let is_apart = reasoning > 0 && apart.is_some() && number("total_tokens") == apart;
    Some(Usage {
        input,
        cached: cached.unwrap_or(0),
        cache_write: detail("prompt_tokens_details", "cache_write_tokens").unwrap_or(0),
        output: if is_apart { output.saturating_add(reasoning) } else { output },
        reasoning,
    })
}

/// What a reply or a chunk of a stream says of it: the standard place, then Moonshot's, then Groq's.
pub fn of(body: &Value) -> Option<Usage> {
    ["/usage", "/choices/0/usage", "/x_groq/usage"].iter().filter_map(|place| body.pointer(place)).find_map(read)
}

/// As clients get it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(in crate::dialects) struct WireUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: OfPrompt,
    completion_tokens_details: OfCompletion,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct OfPrompt {
    cached_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct OfCompletion {
    reasoning_tokens: u64,
}

impl From<Usage> for WireUsage {
    fn from(usage: Usage) -> WireUsage {
        WireUsage {
            prompt_tokens: usage.input,
            completion_tokens: usage.output,
            total_tokens: usage.input.saturating_add(usage.output),
            prompt_tokens_details: OfPrompt {
                cached_tokens: usage.cached,
                cache_write_tokens: Some(usage.cache_write).filter(|tokens| *tokens > 0),
            },
            completion_tokens_details: OfCompletion { reasoning_tokens: usage.reasoning },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, to_value};

    use super::{WireUsage, of, read};
    use crate::hub::Usage;

    #[test]
    fn what_is_written_is_read() {
        for usage in
            [Usage { input: 10, cached: 4, cache_write: 3, output: 5, reasoning: 2 }, Usage { input: 1, output: 2, ..Usage::default() }]
        {
            assert_eq!(read(&to_value(WireUsage::from(usage)).expect("JSON")), Some(usage));
        }
    }

    #[test]
    fn vendors_counts_are_read() {
        for (text, expected) in [
            // DeepSeek.
            (
                r#"{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":1}"#,
                Usage { input: 9, cached: 8, output: 2, ..Usage::default() },
            ),
            // xAI.
            (
                r#"{"prompt_tokens":9,"completion_tokens":2,"total_tokens":16,"completion_tokens_details":{"reasoning_tokens":5}}"#,
                Usage { input: 9, output: 7, reasoning: 5, ..Usage::default() },
            ),
            // OpenAI.
            (
                r#"{"prompt_tokens":9,"completion_tokens":7,"total_tokens":16,"completion_tokens_details":{"reasoning_tokens":5}}"#,
                Usage { input: 9, output: 7, reasoning: 5, ..Usage::default() },
            ),
            (r#"{"total_tokens":9}"#, Usage { input: 9, ..Usage::default() }),
        ] {
            assert_eq!(read(&from_str(text).expect("JSON")), Some(expected), "{text}");
        }
        assert_eq!(read(&from_str("{}").expect("JSON")), None);
    }

    #[test]
    fn usage_is_found_where_vendors_put_it() {
        let usage = Usage { input: 3, output: 4, ..Usage::default() };
        for place in [r#""usage":U"#, r#""choices":[{"usage":U}]"#, r#""x_groq":{"usage":U}"#] {
            let text = format!("{{{}}}", place.replace('U', r#"{"prompt_tokens":3,"completion_tokens":4}"#));
            assert_eq!(of(&from_str(&text).expect("JSON")), Some(usage), "{text}");
        }
    }
}
