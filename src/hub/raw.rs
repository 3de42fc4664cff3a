//! JSON that is carried and not read: schemas, arguments. Order and digits survive.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// One JSON value as it was written. Equal if its text is.
#[derive(Clone, Debug)]
pub struct Raw(Box<RawValue>);

impl Raw {
    /// `text`, if it is one JSON value; blanks around it are left off.
    pub fn parse(text: &str) -> Option<Raw> {
        serde_json::from_str::<&RawValue>(text).ok().map(Raw::from)
    }

    /// `value`, written out.
    pub fn of(value: &impl Serialize) -> Option<Raw> {
        serde_json::value::to_raw_value(value).ok().map(Raw)
    }

    /// `null`
    pub fn null() -> Raw {
        Raw(RawValue::NULL.to_owned())
    }

    /// Its text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.text().starts_with('{')
    }
}

impl From<&RawValue> for Raw {
    fn from(value: &RawValue) -> Raw {
        Raw(value.to_owned())
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Raw) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Raw {}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::Raw;

    #[test]
    fn order_and_digits_survive() {
        let text = r#"{"z":1.0,"a":123456789012345678901234567890}"#;
        assert_eq!(serde_json::to_string(&[Raw::parse(text).expect("JSON")]).expect("JSON"), format!("[{text}]"));
        assert!(Raw::parse("{").is_none() && Raw::parse("1 2").is_none());
    }
}
