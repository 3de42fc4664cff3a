//! Token counts, as Anthropic has them: cached tokens stand apart from `input_tokens`.

use serde_json::Value;

use crate::hub::Usage;

/// What was reported, as far as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Counts {
    /// Without what was read from or written to a cache.
    input: Option<u64>,
    cached: Option<u64>,
    cache_write: Option<u64>,
    output: Option<u64>,
    reasoning: Option<u64>,
}

impl Counts {
    /// Reads a `usage` object; `None`: it counts nothing.
    pub(in super::super) fn read(usage: &Value) -> Option<Counts> {
        let number = |name: &str| usage.get(name).and_then(Value::as_u64);
        let counts = Counts {
            input: number("input_tokens"),
            cached: number("cache_read_input_tokens"),
            cache_write: number("cache_creation_input_tokens"),
            output: number("output_tokens"),
            reasoning: usage.get("output_tokens_details").and_then(|details| details.get("thinking_tokens")).and_then(Value::as_u64),
        };
        (counts != Counts::default()).then_some(counts)
    }

    /// Takes in a later report: it counts everything from the beginning, and may leave out the input, or say zero of it.
    pub(in super::super) fn update(&mut self, later: Counts) {
        if [later.input, later.cached, later.cache_write].iter().flatten().any(|count| *count > 0) {
            self.input = later.input.or(self.input);
            self.cached = later.cached.or(self.cached);
            self.cache_write = later.cache_write.or(self.cache_write);
        }
        self.output = later.output.or(self.output);
        self.reasoning = later.reasoning.or(self.reasoning);
    }

    /// The same in the hub's way, where the input is all of it.
    pub(in super::super) fn usage(&self) -> Usage {
        let [input, cached, cache_write, output, reasoning] =
            [self.input, self.cached, self.cache_write, self.output, self.reasoning].map(Option::unwrap_or_default);
        Usage { input: input.saturating_add(cached).saturating_add(cache_write), cached, cache_write, output, reasoning }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Counts;
    use crate::hub::Usage;

    #[test]
    fn a_later_report_counts_and_forgets_no_input() {
        let read = |usage| Counts::read(&usage).expect("counts");
        let mut counts =
            read(json!({ "input_tokens": 10, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 5, "output_tokens": 1 }));
        counts.update(read(json!({ "input_tokens": 0, "output_tokens": 20, "output_tokens_details": { "thinking_tokens": 7 } })));
        assert_eq!(counts.usage(), Usage { input: 105, cached: 90, cache_write: 5, output: 20, reasoning: 7 });
        // GLM and Kimi know the input only in the end.
        let mut counts = read(json!({ "input_tokens": 0, "output_tokens": 0 }));
        counts.update(read(json!({ "input_tokens": 12, "output_tokens": 3 })));
        assert_eq!(counts.usage(), Usage { input: 12, output: 3, ..Usage::default() });
        assert_eq!(Counts::read(&json!({ "input_tokens": null, "x": 1 })), None);
    }
}
