//! Token counts.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as Derived, Serialize};
use serde_json::Value;

use crate::hub::Usage;

/// Reads the text of a `usage` object, with what vendors made of it.
pub fn read(text: &[u8]) -> Option<Usage> {
    serde_json::from_slice::<Counts>(text).ok()?.usage()
}

/// What a reply or a chunk of a stream says of it: the standard place, then Moonshot's, then Groq's.
pub fn of(body: &Value) -> Option<Usage> {
    let places = ["/usage", "/choices/0/usage", "/x_groq/usage"].iter().filter_map(|place| body.pointer(place));
    places.filter_map(|usage| Counts::deserialize(usage).ok()).find_map(|counts| counts.usage())
}

/// The counts of a `usage` object that mean something. Whatever is no number counts as absent.
#[derive(Default)]
struct Counts {
    prompt: Count,
    input: Count,
    completion: Count,
    output: Count,
    total: Count,
    cache_hit: Count,
    of_prompt: Details,
    of_completion: Details,
}

/// The parts of a count.
#[derive(Default)]
struct Details {
    cached: Count,
    cache_write: Count,
    reasoning: Count,
}

#[derive(Clone, Copy, Default)]
struct Count(Option<u64>);

#[derive(Derived)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    PromptTokens,
    InputTokens,
    CompletionTokens,
    OutputTokens,
    TotalTokens,
    PromptCacheHitTokens,
    PromptTokensDetails,
    CompletionTokensDetails,
    CachedTokens,
    CacheWriteTokens,
    ReasoningTokens,
    #[serde(other)]
    Other,
}

impl Counts {
    fn usage(&self) -> Option<Usage> {
        let input = self.prompt.0.or(self.input.0).or(self.total.0)?;
        let cached = self.of_prompt.cached.0.or(self.cache_hit.0);
        let output = self.completion.0.or(self.output.0).unwrap_or(0);
        let reasoning = self.of_completion.reasoning.0.unwrap_or(0);
        // xAI counts reasoning apart from the completion, and the total gives it away.
        let apart = input.checked_add(output).and_then(|sum| sum.checked_add(reasoning));
        let is_apart = reasoning > 0 && apart.is_some() && self.total.0 == apart;
        Some(Usage {
            input,
            cached: cached.unwrap_or(0),
            cache_write: self.of_prompt.cache_write.0.unwrap_or(0),
            output: if is_apart { output.saturating_add(reasoning) } else { output },
            reasoning,
        })
    }
}

/// What is read of any JSON: of a number, of an object, and nothing of the rest.
trait Tolerant: Default {
    fn of_number(_: u64) -> Self {
        Self::default()
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, _: Name, map: &mut A) -> Result<(), A::Error> {
        map.next_value::<IgnoredAny>().map(|_| ())
    }
}

impl Tolerant for Count {
    fn of_number(number: u64) -> Count {
        Count(Some(number))
    }
}

impl Tolerant for Details {
    fn take<'de, A: MapAccess<'de>>(&mut self, name: Name, map: &mut A) -> Result<(), A::Error> {
        match name {
            Name::CachedTokens => self.cached = map.next_value()?,
            Name::CacheWriteTokens => self.cache_write = map.next_value()?,
            Name::ReasoningTokens => self.reasoning = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

impl Tolerant for Counts {
    fn take<'de, A: MapAccess<'de>>(&mut self, name: Name, map: &mut A) -> Result<(), A::Error> {
        match name {
            Name::PromptTokens => self.prompt = map.next_value()?,
            Name::InputTokens => self.input = map.next_value()?,
            Name::CompletionTokens => self.completion = map.next_value()?,
            Name::OutputTokens => self.output = map.next_value()?,
            Name::TotalTokens => self.total = map.next_value()?,
            Name::PromptCacheHitTokens => self.cache_hit = map.next_value()?,
            Name::PromptTokensDetails => self.of_prompt = map.next_value()?,
            Name::CompletionTokensDetails => self.of_completion = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Tolerant> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::of_number(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut read = T::default();
        while let Some(name) = map.next_key()? {
            read.take(name, &mut map)?;
        }
        Ok(read)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }
}

/// The three of them are read alike.
macro_rules! tolerant {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                deserializer.deserialize_any(Reader(PhantomData))
            }
        }
    )*};
}

tolerant!(Count, Counts, Details);

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
    use serde_json::{from_str, to_vec};

    use super::{WireUsage, of, read};
    use crate::hub::Usage;

    #[test]
    fn what_is_written_is_read() {
        for usage in
            [Usage { input: 10, cached: 4, cache_write: 3, output: 5, reasoning: 2 }, Usage { input: 1, output: 2, ..Usage::default() }]
        {
            assert_eq!(read(&to_vec(&WireUsage::from(usage)).expect("JSON")), Some(usage));
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
            // What is no count is none, wherever it stands.
            (
                r#"{"prompt_tokens":null,"input_tokens":9,"completion_tokens":"2","output_tokens":-1,"total_tokens":1.5,"cost":[{}],
                    "prompt_tokens_details":[1],"completion_tokens_details":{"reasoning_tokens":{"a":1},"x":null},"prompt_tokens_details":7}"#,
                Usage { input: 9, ..Usage::default() },
            ),
        ] {
            assert_eq!(read(text.as_bytes()), Some(expected), "{text}");
            assert_eq!(of(&from_str(&format!(r#"{{"usage":{text}}}"#)).expect("JSON")), Some(expected), "{text}");
        }
        for none in ["{}", "7", "[]", "null", r#""9""#] {
            assert_eq!(read(none.as_bytes()), None);
        }
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
