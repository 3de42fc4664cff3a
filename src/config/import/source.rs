//! A file that is being converted: a tree of which every leaf that is asked for is ticked off. What has no tick in the end
//! is listed as left behind.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde_json::Value;

use super::Kind;
use crate::config::source::is_secret_key;
use crate::config::spanned::join;
use crate::config::units::{format_duration, parse_duration};

/// So many like entries are listed one by one; more of them in one line.
const FEW: usize = 3;

/// Shorter texts are not masked: they would match ordinary words.
const SHORTEST: usize = 8;

/// What stands in for a secret.
const MASK: &str = "****";

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
        let mut order = HashMap::new();
        number(&self.root, "", &mut order);
        let mut left: Vec<(String, String)> = self.left.into_inner().into_iter().chain(unseen).collect();
        left.sort_by_key(|(path, _)| order.get(path).copied());
        left.dedup();
        let mut secrets = Vec::new();
        for (name, value) in self.root.as_object().into_iter().flatten() {
            // In this table `key` is the name of a setting.
            if !(self.kind == Kind::OneApi && name == "options") {
                collect_secrets(value, name, &mut secrets);
            }
        }
        let masked = |text: String| secrets.iter().fold(text, |text, secret| text.replace(secret, MASK));
        let left = grouped(left, self.kind).into_iter().map(|left| Left { path: masked(left.path), reason: masked(left.reason), ..left });
        (left.collect(), self.notes.into_inner().into_iter().map(masked).collect())
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

/// Texts below a key that holds secrets, and keys of such a mapping: none of them may be told.
fn collect_secrets<'v>(value: &'v Value, key: &str, secrets: &mut Vec<&'v str>) {
    let is_one = |text: &str| text.chars().count() >= SHORTEST && is_secret_key(key);
    match value {
        Value::String(text) if is_one(text) && text != EXPRESSION => secrets.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect_secrets(item, key, secrets)),
        Value::Object(entries) => {
            for (name, value) in entries {
                // A mapping of keys to names; a name of a setting is a word.
                if is_one(name) && name.chars().any(|c| c.is_ascii_digit()) {
                    secrets.push(name);
                }
                collect_secrets(value, name, secrets);
            }
        }
        _ => {}
    }
}

fn is_expression(value: &Value) -> bool {
    value.as_str() == Some(EXPRESSION)
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || is_expression(value) || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// In which order the keys stand in the file.
fn number(value: &Value, path: &str, order: &mut HashMap<String, usize>) {
    order.insert(path.to_owned(), order.len());
    match value {
        Value::Array(items) => (0..).zip(items).for_each(|(index, item): (usize, _)| number(item, &format!("{path}[{index}]"), order)),
        Value::Object(entries) => entries.iter().for_each(|(key, value)| number(value, &join(path, key), order)),
        _ => {}
    }
}

/// Like entries for the same reason in one line, where there are many.
fn grouped(left: Vec<(String, String)>, kind: Kind) -> Vec<Left> {
    // A table's rows are alike.
    let few = if kind == Kind::OneApi { 1 } else { FEW };
    let mut counts: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for (path, reason) in &left {
        *counts.entry((pattern(path), reason)).or_default() += 1;
    }
    let mut told = BTreeSet::new();
    let mut lines = Vec::new();
    for (path, reason) in &left {
        let pattern = pattern(path);
        let count = counts.get(&(pattern.clone(), reason.as_str())).copied().unwrap_or(1);
        if count <= few {
            lines.push(Left { path: path.clone(), count: 1, reason: reason.clone() });
        } else if told.insert((pattern.clone(), reason)) {
            lines.push(Left { path: pattern, count, reason: reason.clone() });
        }
    }
    lines
}

/// A path without its numbers.
fn pattern(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(open) = rest.find('[') {
        let digits = rest[open + 1..].chars().take_while(char::is_ascii_digit).count();
        let is_index = digits > 0 && rest[open + 1 + digits..].starts_with(']');
        pattern.push_str(&rest[..=open]);
        rest = if is_index { &rest[open + 1 + digits..] } else { &rest[open + 1..] };
    }
    pattern + rest
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

/// `os.environ/NAME` and `env.NAME` as `${NAME}` where the source reads them so; what only looks like a reference of ours is
/// escaped.
fn reference(text: &str, kind: Kind) -> String {
    let prefix = match kind {
        Kind::Litellm | Kind::LitellmRoutes => "os.environ/",
        Kind::Bifrost => "env.",
        _ => "\0",
    };
    if let Some(name) = text.strip_prefix(prefix).filter(|name| is_variable(name)) {
        return format!("${{{name}}}");
    }
    // A database never meant a variable.
    escaped(text, kind != Kind::OneApi)
}

/// `${` that is no reference to a variable becomes `$${`.
fn escaped(text: &str, with_references: bool) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let inside = rest[at + 2..].split('}').next().unwrap_or_default();
        let name = inside.split(":-").next().unwrap_or_default();
        let is_reference = with_references && is_variable(name) && rest[at..].contains('}');
        result.push_str(&rest[..at]);
        result.push_str(if is_reference { "${" } else { "$${" });
        rest = &rest[at + 2..];
    }
    result + rest
}

/// Whether `name` can be a variable's.
pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
