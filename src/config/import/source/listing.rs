//! What was left behind, as it is told: in the file's order, like entries in one line, secrets masked.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{EXPRESSION, Left};
use crate::config::import::Kind;
use crate::config::source::is_secret_key;
use crate::config::spanned::join;

/// So many like entries are listed one by one; more of them in one line.
const FEW: usize = 3;

/// Shorter texts are not masked: they would match ordinary words.
const SHORTEST: usize = 8;

/// What stands in for a secret.
const MASK: &str = "****";

/// Texts of a file that must not be told.
pub(super) struct Secrets<'v>(Vec<&'v str>);

impl<'v> Secrets<'v> {
    /// Of a file of this kind.
    pub(super) fn of(root: &'v Value, kind: Kind) -> Secrets<'v> {
        let mut secrets = Vec::new();
        for (name, value) in root.as_object().into_iter().flatten() {
            // In this table `key` is the name of a setting.
            if !(kind == Kind::OneApi && name == "options") {
                collect_secrets(value, name, &mut secrets);
            }
        }
        Secrets(secrets)
    }

    /// `text` with all of them masked.
    pub(super) fn mask(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| text.replace(secret, MASK))
    }
}

/// What is told of `left`, paths and reasons.
pub(super) fn listed(root: &Value, kind: Kind, mut left: Vec<(String, String)>) -> Vec<Left> {
    let mut order = HashMap::new();
    number(root, "", &mut order);
    left.sort_by_key(|(path, _)| order.get(path).copied());
    left.dedup();
    let secrets = Secrets::of(root, kind);
    let masked = |left: Left| Left { path: secrets.mask(left.path), reason: secrets.mask(left.reason), ..left };
    grouped(left, kind).into_iter().map(masked).collect()
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
