//! Takes JSON objects apart, member by member, and knows the path of each: what a dialect reads, and what is left over.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use serde::Deserialize;

use super::DialectError;
use super::json::{self, JsonError};
use crate::hub::Raw;

/// One JSON object. A member whose value is null counts as absent.
#[derive(Debug)]
pub struct Members<'a> {
    /// The object's own; `None`: it is the whole body.
    path: Option<Rc<Path<'a>>>,
    members: Vec<(Cow<'a, str>, &'a str)>,
}

/// A value within an object or a list, and its path.
#[derive(Clone, Debug)]
pub struct Value<'a> {
    path: Path<'a>,
    /// As it was written.
    pub raw: Slice<'a>,
}

/// Where a value stands: within what, and as what of it. Written out only when somebody asks, for nearly nobody does.
#[derive(Clone, Debug, Default)]
struct Path<'a> {
    above: Option<Rc<Path<'a>>>,
    step: Option<Step<'a>>,
}

#[derive(Clone, Debug)]
enum Step<'a> {
    Member(Cow<'a, str>),
    Item(usize),
}

impl<'a> Path<'a> {
    fn within(above: Option<&Rc<Path<'a>>>, step: Step<'a>) -> Path<'a> {
        Path { above: above.cloned(), step: Some(step) }
    }

    /// As what stands above others; the whole body needs no mention.
    fn above(&self) -> Option<Rc<Path<'a>>> {
        self.step.as_ref().map(|_| Rc::new(self.clone()))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = &self.above {
            above.fmt(f)?;
        }
        match &self.step {
            Some(Step::Member(name)) if self.above.is_some() => write!(f, ".{name}"),
            Some(Step::Member(name)) => f.write_str(name),
            Some(Step::Item(index)) => write!(f, "[{index}]"),
            None => Ok(()),
        }
    }
}

/// The text of one whole JSON value, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice<'a>(&'a str);

impl<'a> Slice<'a> {
    /// The text.
    pub fn get(self) -> &'a str {
        self.0
    }
}

impl From<Slice<'_>> for Raw {
    fn from(slice: Slice<'_>) -> Raw {
        // It was found by a scan that takes nothing but JSON.
        Raw::parse(slice.0).unwrap_or_else(Raw::null)
    }
}

impl<'a> Members<'a> {
    /// Of a whole body.
    pub fn of_body(body: &'a [u8]) -> Result<Members<'a>, DialectError> {
        let text = simdutf8::compat::from_utf8(body).map_err(|error| JsonError::NotUtf8(error.valid_up_to()));
        let members = text.and_then(json::members_of).map_err(|error| DialectError::Malformed(error.to_string()))?;
        Ok(Members { path: None, members })
    }

    /// Takes out the member `name`.
    pub fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let at = self.members.iter().position(|(key, _)| key == name)?;
        let (key, raw) = self.members.remove(at);
        (raw != "null").then(|| Value { path: Path::within(self.path.as_ref(), Step::Member(key)), raw: Slice(raw) })
    }

    /// Takes out `name`, which must be there.
    pub fn required(&mut self, name: &str) -> Result<Value<'a>, DialectError> {
        self.take(name).ok_or_else(|| DialectError::Missing { path: self.path_of(name) })
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, DialectError> {
        self.take(name).map(|value| value.text()).transpose()
    }

    /// A text that must be there.
    pub fn required_text(&mut self, name: &str) -> Result<String, DialectError> {
        self.required(name)?.text()
    }

    /// A number of the type `T`, or a boolean.
    pub fn get<T: Deserialize<'a>>(&mut self, name: &str, expected: &'static str) -> Result<Option<T>, DialectError> {
        self.take(name).map(|value| value.get(expected)).transpose()
    }

    /// An object.
    pub fn object(&mut self, name: &str) -> Result<Option<Members<'a>>, DialectError> {
        self.take(name).map(|value| value.object()).transpose()
    }

    /// A list; empty if it is absent.
    pub fn list(&mut self, name: &str) -> Result<Vec<Value<'a>>, DialectError> {
        self.take(name).map_or(Ok(Vec::new()), |value| value.list())
    }

    /// Anything, carried and not read.
    pub fn raw(&mut self, name: &str) -> Option<Raw> {
        self.take(name).map(|value| Raw::from(value.raw))
    }

    /// Whether `name` is there and has not been taken out.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(key, raw)| key == name && *raw != "null")
    }

    /// The path of the member `name`.
    pub fn path_of(&self, name: &str) -> String {
        Path::within(self.path.as_ref(), Step::Member(Cow::Borrowed(name))).to_string()
    }

    /// The paths of what nobody took out, nulls apart.
    pub fn left(&self) -> impl Iterator<Item = String> + '_ {
        self.members.iter().filter(|(_, raw)| *raw != "null").map(|(key, _)| self.path_of(key))
    }

    /// What nobody took out, in order.
    pub fn rest(self) -> impl Iterator<Item = (String, Value<'a>)> {
        let above = self.path;
        self.members.into_iter().map(move |(key, raw)| {
            let path = Path::within(above.as_ref(), Step::Member(key.clone()));
            (key.into_owned(), Value { path, raw: Slice(raw) })
        })
    }
}

impl<'a> Value<'a> {
    /// Where it stands: `messages[2].content`.
    pub fn path(&self) -> String {
        self.path.to_string()
    }

    /// A value of the type `T`; `expected` says in words what it must be.
    pub fn get<T: Deserialize<'a>>(&self, expected: &'static str) -> Result<T, DialectError> {
        serde_json::from_str(self.raw.get()).map_err(|_| self.invalid(expected))
    }

    /// A text.
    pub fn text(&self) -> Result<String, DialectError> {
        self.get("a string")
    }

    /// An object.
    pub fn object(&self) -> Result<Members<'a>, DialectError> {
        let members = json::members_of(self.raw.0).map_err(|_| self.invalid("an object"))?;
        Ok(Members { path: self.path.above(), members })
    }

    /// A list.
    pub fn list(&self) -> Result<Vec<Value<'a>>, DialectError> {
        let items = json::items_of(self.raw.0).ok_or_else(|| self.invalid("a list"))?;
        let above = self.path.above();
        let item = |(index, raw)| Value { path: Path::within(above.as_ref(), Step::Item(index)), raw: Slice(raw) };
        Ok(items.into_iter().enumerate().map(item).collect())
    }

    /// Whether it is a text.
    pub fn is_text(&self) -> bool {
        self.raw.get().starts_with('"')
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.raw.get().starts_with('{')
    }

    /// That it is not `expected`.
    pub fn invalid(&self, expected: impl Into<Cow<'static, str>>) -> DialectError {
        DialectError::Invalid { path: self.path(), expected: expected.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::Members;

    #[test]
    fn members_are_taken_out_and_the_rest_is_known() {
        let body = r#"{"a":1,"b\n":null,"c":{"d":[{"e":"你"},2]},"f":1.50}"#;
        let mut members = Members::of_body(body.as_bytes()).expect("an object");
        assert_eq!(members.get::<u64>("a", "a number"), Ok(Some(1)));
        let mut inner = members.object("c").expect("an object").expect("there");
        let list = inner.list("d").expect("a list");
        assert_eq!(list[0].object().expect("an object").text("e"), Ok(Some("你".to_owned())));
        assert_eq!(list[1].text().expect_err("a number").to_string(), "`c.d[1]` must be a string");
        assert_eq!(members.left().collect::<Vec<_>>(), ["f"]);
        assert_eq!(members.required("g").expect_err("absent").to_string(), "`g` is missing");
        assert_eq!(members.raw("f").expect("there").text(), "1.50");
    }
}
