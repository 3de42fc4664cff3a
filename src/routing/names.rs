//! Names as patterns, and names that look alike.

use std::sync::Arc;

/// How many near names a message holds.
const MOST_NEAREST: usize = 3;

/// Longer names get no suggestions: nobody mistypes 128 characters, and comparing takes time.
const LONGEST_COMPARED: usize = 128;

/// Names compared at most, so that a wrong name stays cheap with a huge catalogue.
const MOST_COMPARED: usize = 10_000;

/// How alike two names must be, from 0 to 1, to be worth mentioning.
const ALIKE: f64 = 0.8;

/// A name with `*`, which stands for any characters, `/` included.
#[derive(Clone, Debug)]
pub(super) struct Wildcard {
    parts: Vec<String>,
}

impl Wildcard {
    /// `name` as a pattern; `None` when there is no `*` in it.
    pub(super) fn parse(name: &str) -> Option<Wildcard> {
        name.contains('*').then(|| Wildcard { parts: name.split('*').map(str::to_owned).collect() })
    }

    /// How much of the pattern is not `*`, in bytes.
    pub(super) fn literal_length(&self) -> usize {
        self.parts.iter().map(String::len).sum()
    }

    /// Whether `name` is one of those meant.
    pub(super) fn matches(&self, name: &str) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else { return false };
        let Some(mut rest) = name.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else { return false };
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }
}

/// Up to three of `names` that look most like `wanted`, best first.
pub(super) fn nearest(wanted: &str, names: impl Iterator<Item = Arc<str>>) -> Vec<String> {
    if wanted.is_empty() || wanted.len() > LONGEST_COMPARED {
        return Vec::new();
    }
    let lower = wanted.to_lowercase();
    let mut found: Vec<(f64, Arc<str>)> = Vec::new();
    for name in names.take(MOST_COMPARED) {
        let score = likeness(&lower, &name);
        if score >= ALIKE && !found.iter().any(|(_, other)| *other == name) {
            found.push((score, name));
            found.sort_by(|a, b| b.0.total_cmp(&a.0));
            found.truncate(MOST_NEAREST);
        }
    }
    found.into_iter().map(|(_, name)| name.to_string()).collect()
}

/// From 0 to 1. Case does not count, and a prefix such as `openai/` only little.
fn likeness(wanted: &str, name: &str) -> f64 {
    if name.len() > LONGEST_COMPARED {
        return 0.0;
    }
    let name = name.to_lowercase();
    let whole = strsim::jaro_winkler(wanted, &name);
    let last = |name: &str| name.rsplit('/').next().map(str::to_owned).unwrap_or_default();
    if !wanted.contains('/') && !name.contains('/') {
        return whole;
    }
    whole.max(strsim::jaro_winkler(&last(wanted), &last(&name)) - 0.05)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::{Wildcard, nearest};

    fn names(list: &[&str]) -> impl Iterator<Item = Arc<str>> {
        list.iter().map(|name| Arc::from(*name)).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, expected) in [
            ("gpt-*", "gpt-4o", true),
            ("gpt-*", "gpt-", true),
            ("gpt-*", "xgpt-4", false),
            ("*", "", true),
            ("*", "a/b/c", true),
            ("*-mini", "o4-mini", true),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a*b*b", "ab", false),
            ("模型-*", "模型-大", true),
            ("**", "x", true),
        ] {
            assert_eq!(Wildcard::parse(pattern).unwrap().matches(name), expected, "{pattern} {name}");
        }
        assert!(Wildcard::parse("gpt-4").is_none());
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["deepseek", "gpt-4o", "gpt-4o-mini", "claude-sonnet", "通义千问", "openai/gpt-4.1"];
        assert_eq!(nearest("deepsek", names(&known)), ["deepseek"]);
        assert_eq!(nearest("GPT-4O", names(&known))[0], "gpt-4o");
        assert_eq!(nearest("通义千文", names(&known)), ["通义千问"]);
        assert_eq!(nearest("gpt-4.1", names(&known))[0], "openai/gpt-4.1");
        assert!(nearest("zzzz", names(&known)).is_empty());
        assert!(nearest("", names(&known)).is_empty());
    }

    #[test]
    fn a_huge_name_or_catalogue_stays_cheap() {
        let known: Vec<String> = (0..20_000).map(|n| format!("vendor/model-{n}")).collect();
        let known: Vec<Arc<str>> = known.into_iter().map(Arc::from).collect();
        let start = Instant::now();
        assert!(nearest(&"x".repeat(1_000_000), known.iter().cloned()).is_empty());
        assert_eq!(nearest("model-77", known.iter().cloned())[0], "vendor/model-77");
        assert!(start.elapsed().as_secs() < 2);
    }
}
