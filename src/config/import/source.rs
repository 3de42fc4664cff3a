//! A file that is being converted: a tree of which every leaf that is asked for is ticked off. What has no tick in the end
//! is listed as left behind.

mod listing;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::Kind;
use super::reference::reference;
use crate::config::source::is_secret_key;
use crate::config::spanned::join;
use crate::config::units::{format_duration, parse_duration};
use listing::{Secrets, listed};

/// Stands for a value of Python that is no literal. Nobody gets to see it: it is always left behind.
pub(super) const EXPRESSION: &str = "an expression, not a literal: it is not executed";

/// A key that is not in the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Where it stands in the source, such as `model_list[0].litellm_params.rpm`; `[]` stands for several.
    pub path: String,
    /// In how many places.
    pub count: usize,
    /// Why.
    pub reason: String,
}

/// A file and what became of it so far.
pub(super) struct Source {
    root: Value,
    kind: Kind,
    seen: RefCell<BTreeSet<String>>,
    left: RefCell<Vec<(String, String)>>,
    notes: RefCell<Vec<String>>,
}

/// One value of a file.
#[derive(Clone)]
pub(super) struct At<'a> {
    source: &'a Source,
    /// What stands there.
    pub(super) value: &'a Value,
    /// Where it stands.
    pub(super) path: String,
}

impl Source {
    /// `used`: keys at the top whose values stand elsewhere, too.
    pub(super) fn new(root: Value, kind: Kind, used: Vec<String>) -> Source {
        Source { root, kind, seen: RefCell::new(used.into_iter().collect()), left: RefCell::default(), notes: RefCell::default() }
    }

    /// The top.
    pub(super) fn root(&self) -> At<'_> {
        At { source: self, value: &self.root, path: String::new() }
    }

    /// Whose it is.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// What is worth knowing of the result; said once.
    pub(super) fn note(&self, text: impl Into<String>) {
        let text = text.into();
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&text) {
            notes.push(text);
        }
    }

    /// All that was left behind, and all notes.
    pub(super) fn finish(self) -> (Vec<Left>, Vec<String>) {
        let mut unseen = Vec::new();
        self.collect_unseen(&self.root, "", &mut unseen);
        let left = self.left.into_inner().into_iter().chain(unseen).collect();
        let secrets = Secrets::of(&self.root, self.kind);
        let notes = self.notes.into_inner().into_iter().map(|note| secrets.mask(note)).collect();
        (listed(&self.root, self.kind, left), notes)
    }

    fn collect_unseen(&self, value: &Value, path: &str, unseen: &mut Vec<(String, String)>) {
        if self.seen.borrow().contains(path) {
            return;
        }
        match value {
            Value::Null => {}
            Value::String(text) if text.trim().is_empty() => {}
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.collect_unseen(item, &format!("{path}[{index}]"), unseen));
            }
            Value::Object(entries) => entries.iter().for_each(|(key, value)| self.collect_unseen(value, &join(path, key), unseen)),
            value if is_expression(value) => unseen.push((path.to_owned(), EXPRESSION.to_owned())),
            _ => unseen.push((path.to_owned(), "llmgw has nothing like it".to_owned())),
        }
    }
}

fn is_expression(value: &Value) -> bool {
    value.as_str() == Some(EXPRESSION)
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || is_expression(value) || value.as_str().is_some_and(|text| text.trim().is_empty())
}

impl<'a> At<'a> {
    /// The value of `key`, unless there is none.
    pub(super) fn get(&self, key: &str) -> Option<At<'a>> {
        let value = self.value.get(key).filter(|value| !is_nothing(value))?;
        Some(At { source: self.source, value, path: join(&self.path, key) })
    }

    /// The value of the first of `keys` that there is.
    pub(super) fn any(&self, keys: &[&str]) -> Option<At<'a>> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The items of a list; a single value is a list of one.
    pub(super) fn items(&self) -> Vec<At<'a>> {
        match self.value {
            Value::Array(items) => {
                let at = |(index, value)| At { source: self.source, value, path: format!("{}[{index}]", self.path) };
                items.iter().enumerate().filter(|(_, value)| !is_nothing(value)).map(at).collect()
            }
            _ => vec![self.clone()],
        }
    }

    /// The entries of a mapping; of anything else, none.
    pub(super) fn entries(&self) -> Vec<(&'a str, At<'a>)> {
        let entries = self.value.as_object().into_iter().flatten().filter(|(_, value)| !is_nothing(value));
        entries.map(|(key, value)| (key.as_str(), At { source: self.source, value, path: join(&self.path, key) })).collect()
    }

    /// Its text, or that of a number. References to variables become ours.
    pub(super) fn text(&self) -> Option<String> {
        let text = match self.value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            _ => return self.wrong("text"),
        };
        self.tick();
        Some(reference(&text, self.source.kind))
    }

    /// The same, unless it is empty.
    pub(super) fn filled(&self) -> Option<String> {
        self.text().filter(|text| !text.is_empty())
    }

    /// All texts of a list.
    pub(super) fn texts(&self) -> Vec<String> {
        self.items().iter().filter_map(At::filled).collect()
    }

    /// A number, also in quotes.
    pub(super) fn number(&self) -> Option<f64> {
        let number = match self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let Some(number) = number.filter(|number: &f64| number.is_finite()) else { return self.wrong("a number") };
        self.tick();
        Some(number)
    }

    /// A whole number that is not negative.
    pub(super) fn whole(&self) -> Option<u64> {
        let number = self.number()?;
        if number < 0.0 || number.fract() != 0.0 || number > f64::from(u32::MAX) {
            return self.wrong("a whole number");
        }
        Some(number as u64)
    }

    /// Yes or no, also as 1 and 0 and in quotes.
    pub(super) fn flag(&self) -> Option<bool> {
        let flag = match self.value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => number.as_i64().map(|number| number != 0),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        let Some(flag) = flag else { return self.wrong("yes or no") };
        self.tick();
        Some(flag)
    }

    /// A time: a number of seconds, or a duration with its unit.
    pub(super) fn seconds(&self) -> Option<String> {
        self.time(1000.0)
    }

    /// The same, where a number is milliseconds.
    pub(super) fn milliseconds(&self) -> Option<String> {
        self.time(1.0)
    }

    fn time(&self, unit: f64) -> Option<String> {
        let number = match self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let duration = match (number, self.value) {
            (Some(number), _) if (0.0..1e9).contains(&number) => Some(Duration::from_millis((number * unit).round() as u64)),
            (None, Value::String(text)) => parse_duration(text).ok(),
            _ => None,
        };
        let Some(duration) = duration else { return self.wrong("a time") };
        self.tick();
        Some(format_duration(duration))
    }

    /// Whether it is a mapping.
    pub(super) fn is_map(&self) -> bool {
        self.value.is_object()
    }

    /// Whether it is a list.
    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// It is used, whatever it is.
    pub(super) fn tick(&self) {
        self.source.seen.borrow_mut().insert(self.path.clone());
    }

    /// It is not in the result, with all that is below it.
    pub(super) fn leave(&self, reason: impl Into<String>) {
        self.tick();
        self.source.left.borrow_mut().push((self.path.clone(), reason.into()));
    }

    /// The keys of these names are not in the result, for this reason, unless they were used.
    pub(super) fn leave_all(&self, keys: &[&str], reason: &str) {
        let unused = keys.iter().filter_map(|key| self.get(key)).filter(|at| !self.source.seen.borrow().contains(&at.path));
        unused.for_each(|at| at.leave(reason));
    }

    /// What is worth knowing of the result.
    pub(super) fn note(&self, text: impl Into<String>) {
        self.source.note(text);
    }

    /// What holds a secret is not quoted.
    fn wrong<T>(&self, expected: &str) -> Option<T> {
        let key = self.path.rsplit(['.', '"']).find(|part| part.chars().any(char::is_alphabetic)).unwrap_or_default();
        let found = match self.value {
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "a mapping".to_owned(),
            _ if is_secret_key(key) => "something else".to_owned(),
            Value::String(_) => "a text".to_owned(),
            value => format!("`{value}`"),
        };
        self.leave(format!("it should be {expected}, and is {found}"));
        None
    }
}
