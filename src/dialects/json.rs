//! A JSON object's top-level members: found in one pass without building a tree, changed by splicing.
//!
//! What is not changed stays byte for byte as it came: providers' prompt caches and signatures depend on it.

mod scan;

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;

use scan::{Place, Refused};

/// Deeper than any real request, shallow enough for every parser behind us (several stop at a thousand).
pub const DEEPEST: usize = 256;

/// The top-level members of one JSON object, as places in its text.
#[derive(Debug)]
pub struct Object {
    body: Bytes,
    open: usize,
    members: Vec<Member>,
}

/// One `"key": value`, as places in the text.
#[derive(Debug)]
struct Member {
    /// The key with its quotes.
    key: Range<usize>,
    value: Range<usize>,
    /// The key's meaning, where it holds escapes.
    unescaped: Option<Box<str>>,
}

/// Why a body is not a JSON object that can be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum JsonError {
    /// Not UTF-8, with the offset in bytes.
    #[error("the body is not UTF-8: byte {0} is not valid")]
    NotUtf8(usize),
    /// Not JSON.
    #[error("the body is not valid JSON: {0}")]
    Malformed(String),
    /// JSON, but no object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// Too many brackets within brackets.
    #[error("the body is nested more than {DEEPEST} levels deep")]
    TooDeep,
}

impl Object {
    /// Finds the members of `body`, checking all of it.
    pub fn read(body: Bytes) -> Result<Object, JsonError> {
        Object::read_within(body, DEEPEST)
    }

    /// The same for what nobody will parse after us: however deep it is.
    pub fn read_deep(body: Bytes) -> Result<Object, JsonError> {
        Object::read_within(body, usize::MAX)
    }

    fn read_within(body: Bytes, deepest: usize) -> Result<Object, JsonError> {
        let text = simdutf8::compat::from_utf8(&body).map_err(|error| JsonError::NotUtf8(error.valid_up_to()))?;
        let open = text.len() - text.trim_ascii_start().len();
        let members = match scan::members(text.as_bytes(), deepest) {
            Ok(places) => places.into_iter().map(|place| Member::new(place, text)).collect::<Result<_, _>>()?,
            Err(Refused::TooDeep) => return Err(JsonError::TooDeep),
            Err(Refused::Malformed) => return Err(mistake(text)),
        };
        Ok(Object { body, open, members })
    }

    /// All of it, as it came.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The raw value of the member `name`, which is UTF-8; the first one, if it stands more than once.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let member = self.members.iter().find(|member| member.is(name, &self.body))?;
        Some(&self.body[member.value.clone()])
    }

    /// Whether `name` stands more than once.
    pub fn is_duplicate(&self, name: &str) -> bool {
        self.members.iter().filter(|member| member.is(name, &self.body)).nth(1).is_some()
    }

    /// Begins a change of this object.
    pub fn edit(&self) -> Edit<'_> {
        Edit { object: self, changes: Vec::new(), removed: Vec::new(), inserted: Vec::new() }
    }
}

/// The members of the object that `text` is, in order: names and raw values. However deep it is.
pub(super) fn members_of(text: &str) -> Result<Vec<(Cow<'_, str>, &str)>, JsonError> {
    let places = scan::members(text.as_bytes(), usize::MAX).map_err(|_| mistake(text))?;
    let member = |Place { key, is_escaped, value }: Place| {
        let name = match is_escaped {
            false => Cow::Borrowed(&text[key.start + 1..key.end - 1]),
            true => Cow::Owned(serde_json::from_str(&text[key]).map_err(|_| mistake(text))?),
        };
        Ok((name, &text[value]))
    };
    places.into_iter().map(member).collect()
}

/// The raw values of the list that `text` is, in order; `None`: it is none.
pub(super) fn items_of(text: &str) -> Option<Vec<&str>> {
    let places = scan::items(text.as_bytes()).ok()?;
    Some(places.into_iter().map(|place| &text[place]).collect())
}

/// What is wrong with a text that is no object: whether it is JSON at all decides which of two mistakes it is.
fn mistake(text: &str) -> JsonError {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => JsonError::NotAnObject,
        Err(error) => JsonError::Malformed(error.to_string()),
    }
}

impl Member {
    fn new(place: Place, text: &str) -> Result<Member, JsonError> {
        let Place { key, is_escaped, value } = place;
        let unescaped = is_escaped.then(|| serde_json::from_str::<Box<str>>(&text[key.clone()])).transpose();
        let unescaped = unescaped.map_err(|error| JsonError::Malformed(error.to_string()))?;
        Ok(Member { key, value, unescaped })
    }

    fn is(&self, name: &str, body: &[u8]) -> bool {
        match &self.unescaped {
            Some(unescaped) => &**unescaped == name,
            None => &body[self.key.start + 1..self.key.end - 1] == name.as_bytes(),
        }
    }
}

/// A change of an [`Object`] in the making. Each member may be changed once; a later change of the same member wins.
#[derive(Debug)]
pub struct Edit<'a> {
    object: &'a Object,
    changes: Vec<(usize, Part, String)>,
    removed: Vec<usize>,
    inserted: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Key,
    Value,
}

impl Edit<'_> {
    fn find(&self, name: &str) -> Option<usize> {
        // A renamed member answers to its new name, so that changes made in order see each other.
        let renamed = self.changes.iter().find(|(_, part, text)| *part == Part::Key && *text == quote(name)).map(|(index, ..)| *index);
        renamed.or_else(|| {
            let is_renamed = |index| self.changes.iter().any(|(other, part, _)| *other == index && *part == Part::Key);
            let body = &self.object.body;
            self.object
                .members
                .iter()
                .enumerate()
                .position(|(index, member)| member.is(name, body) && !self.removed.contains(&index) && !is_renamed(index))
        })
    }

    /// Whether `name` stands there, changes so far included.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some() || self.inserted.iter().any(|(key, _)| key == name)
    }

    /// The raw value of `name`, changes so far included.
    pub fn get(&self, name: &str) -> Option<&str> {
        let Some(index) = self.find(name) else {
            return self.inserted.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        };
        let changed = self.changes.iter().rev().find(|(other, part, _)| *other == index && *part == Part::Value);
        match changed {
            Some((.., text)) => Some(text),
            None => std::str::from_utf8(&self.object.body[self.object.members[index].value.clone()]).ok(),
        }
    }

    /// Leaves out the member `name`, if it stands there.
    pub fn remove(&mut self, name: &str) {
        self.inserted.retain(|(key, _)| key != name);
        if let Some(index) = self.find(name) {
            self.changes.retain(|(other, ..)| *other != index);
            self.removed.push(index);
        }
    }

    /// Gives the member `from` the name `to`; a member that has that name already gives way.
    pub fn rename(&mut self, from: &str, to: &str) {
        if from == to || !self.has(from) {
            return;
        }
        self.remove(to);
        match self.find(from) {
            Some(index) => self.change(index, Part::Key, quote(to)),
            None => self.inserted.iter_mut().filter(|(key, _)| key == from).for_each(|(key, _)| key.replace_range(.., to)),
        }
    }

    /// Gives `name` the value `json` (raw JSON), whether it stands there or not.
    pub fn set(&mut self, name: &str, json: String) {
        if let Some(index) = self.find(name) {
            return self.change(index, Part::Value, json);
        }
        match self.inserted.iter_mut().find(|(key, _)| key == name) {
            Some((_, value)) => *value = json,
            None => self.inserted.push((name.to_owned(), json)),
        }
    }

    fn change(&mut self, index: usize, part: Part, text: String) {
        self.changes.retain(|(other, kind, _)| *other != index || *kind != part);
        self.changes.push((index, part, text));
    }

    /// The changed text, as slices of the old one and what stands between them.
    pub fn finish(mut self) -> Vec<Bytes> {
        let body = &self.object.body;
        let mut cuts = self.removals();
        for (index, part, text) in std::mem::take(&mut self.changes) {
            let member = &self.object.members[index];
            let place = if part == Part::Key { member.key.clone() } else { member.value.clone() };
            cuts.push((place, text));
        }
        if !self.inserted.is_empty() {
            let mut text: String = self.inserted.iter().map(|(key, value)| format!("{}:{value},", quote(key))).collect();
            if self.removed.len() == self.object.members.len() {
                text.pop();
            }
            cuts.push((self.object.open + 1..self.object.open + 1, text));
        }
        cuts.sort_by_key(|(place, _)| (place.start, place.end));
        let mut pieces = Vec::with_capacity(cuts.len() * 2 + 1);
        let mut from = 0;
        for (place, text) in cuts {
            pieces.push(body.slice(from..place.start));
            pieces.push(Bytes::from(text));
            from = place.end;
        }
        pieces.push(body.slice(from..));
        pieces
    }

    /// The places of removed members, each with the comma that goes with it.
    fn removals(&self) -> Vec<(Range<usize>, String)> {
        let members = &self.object.members;
        let kept_last = (0..members.len()).rev().find(|index| !self.removed.contains(index));
        let Some(kept_last) = kept_last else {
            let all = members.first().zip(members.last()).map(|(first, last)| (first.key.start..last.value.end, String::new()));
            return all.into_iter().collect();
        };
        let mut places: Vec<_> = (0..kept_last)
            .filter(|index| self.removed.contains(index))
            .map(|index| (members[index].key.start..members[index + 1].key.start, String::new()))
            .collect();
        if kept_last + 1 < members.len() {
            let tail = members[kept_last].value.end..members.last().map_or(0, |last| last.value.end);
            places.push((tail, String::new()));
        }
        places
    }
}

/// A text as it is, null as none, and anything else as JSON: what vendors put where a text belongs.
pub fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `text` as a JSON string.
pub fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
    use serde_json::{Value, json};

    use super::{Edit, JsonError, Object};

    fn edited(body: &str, change: impl FnOnce(&mut Edit<'_>)) -> String {
        let object = Object::read(Bytes::copy_from_slice(body.as_bytes())).expect("an object");
        let mut edit = object.edit();
        change(&mut edit);
        String::from_utf8(edit.finish().concat()).expect("UTF-8")
    }

    #[test]
    fn only_what_is_set_changes() {
        let body = "{ \"temperature\" : 1.0e0,\n \"model\":\"gpt-4\", \"messages\":[{\"content\":\"你好 \\u4f60\"}] }\n";
        assert_eq!(edited(body, |edit| edit.set("model", "\"x\"".to_owned())), body.replace("\"gpt-4\"", "\"x\""));
    }

    #[test]
    fn an_escaped_key_is_found() {
        assert_eq!(edited(r#"{"mod\u0065l":"a"}"#, |edit| edit.set("model", "\"b\"".to_owned())), r#"{"mod\u0065l":"b"}"#);
    }

    #[test]
    fn members_go_with_their_commas() {
        let body = r#"{"a":1,"b":2,"c":3}"#;
        assert_eq!(edited(body, |edit| edit.remove("a")), r#"{"b":2,"c":3}"#);
        assert_eq!(edited(body, |edit| edit.remove("b")), r#"{"a":1,"c":3}"#);
        assert_eq!(edited(body, |edit| edit.remove("c")), r#"{"a":1,"b":2}"#);
        let two_gone = edited(body, |edit| {
            edit.remove("b");
            edit.remove("c");
        });
        assert_eq!(two_gone, r#"{"a":1}"#);
        let all_gone = edited(body, |edit| {
            for name in ["a", "b", "c"] {
                edit.remove(name);
            }
            edit.set("d", "4".to_owned());
        });
        assert_eq!(all_gone, r#"{"d":4}"#);
    }

    #[test]
    fn a_change_sees_the_changes_before_it() {
        let text = edited(r#"{"max_tokens":5,"max_completion_tokens":9}"#, |edit| {
            edit.rename("max_tokens", "max_completion_tokens");
            edit.set("max_completion_tokens", "7".to_owned());
        });
        assert_eq!(text, r#"{"max_completion_tokens":7}"#);
    }

    #[test]
    fn what_is_no_object_says_why() {
        let read = |text: &[u8]| Object::read(Bytes::copy_from_slice(text)).expect_err("no object");
        assert_eq!(read(b"[1]"), JsonError::NotAnObject);
        assert_eq!(read(b"{\"a\":\"\xff\"}"), JsonError::NotUtf8(6));
        assert!(matches!(read(b"{\"a\":1"), JsonError::Malformed(_)));
        assert!(matches!(read(b"{\"a\":1} x"), JsonError::Malformed(_)));
        assert!(matches!(read(b""), JsonError::Malformed(_)));
        assert_eq!(read("{\"a\":".repeat(100_000).as_bytes()), JsonError::TooDeep);
        assert!(matches!(read("[".repeat(100_000).as_bytes()), JsonError::Malformed(_)));
    }

    #[test]
    fn duplicates_are_seen_through_escapes() {
        let object = Object::read(Bytes::from_static(br#"{"model":"a","m\u006fdel":"b"}"#)).expect("an object");
        assert!(object.is_duplicate("model") && !object.is_duplicate("stream"));
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec((".{0,6}", inner), 0..5).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn splicing_means_the_same_as_editing_a_tree(
            pairs in proptest::collection::vec(("[a-e\"\\\\模]{0,3}", json_value()), 0..6),
            drop in proptest::collection::vec("[a-e]{1,2}", 0..3),
            set in json_value(),
            pretty in any::<bool>(),
        ) {
            let mut tree: serde_json::Map<String, Value> = pairs.into_iter().collect();
            let value = Value::Object(tree.clone());
            let body = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.expect("text");
            let text = edited(&body, |edit| {
                drop.iter().for_each(|name| edit.remove(name));
                edit.set("model", set.to_string());
            });
            for name in &drop {
                tree.remove(name);
            }
            tree.insert("model".to_owned(), set);
            let spliced: Value = serde_json::from_str(&text).expect("JSON");
            let whole = json!(tree);
            prop_assert_eq!(spliced, whole);
        }
    }
}
