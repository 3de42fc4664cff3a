//! Attributes of spans and events, as OTLP has them.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};

/// What is said of a span, an event or a resource. Each name stands here once, in the order in which it was put.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<KeyValue>);

impl Attributes {
    /// `name` is `value`.
    pub fn put(&mut self, name: &str, value: impl IntoValue) {
        self.0.push(KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value.into_value()) }), ..KeyValue::default() });
    }

    /// `name` is `value`, if there is one.
    pub fn put_some(&mut self, name: &str, value: Option<impl IntoValue>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// Whether something is said under `name`.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|attribute| attribute.key == name)
    }

    /// And all of `others`.
    pub fn extend(&mut self, others: Attributes) {
        self.0.extend(others.0);
    }

    /// As they are sent.
    pub fn into_inner(self) -> Vec<KeyValue> {
        self.0
    }
}

/// What can be the value of an attribute.
pub trait IntoValue {
    /// As it is sent.
    fn into_value(self) -> Value;
}

impl IntoValue for &str {
    fn into_value(self) -> Value {
        Value::StringValue(self.to_owned())
    }
}

impl IntoValue for String {
    fn into_value(self) -> Value {
        Value::StringValue(self)
    }
}

impl IntoValue for bool {
    fn into_value(self) -> Value {
        Value::BoolValue(self)
    }
}

impl IntoValue for i64 {
    fn into_value(self) -> Value {
        Value::IntValue(self)
    }
}

/// OTLP has no larger numbers than `i64`'s.
impl IntoValue for u64 {
    fn into_value(self) -> Value {
        Value::IntValue(i64::try_from(self).unwrap_or(i64::MAX))
    }
}

impl IntoValue for f64 {
    fn into_value(self) -> Value {
        Value::DoubleValue(self)
    }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self) -> Value {
        let values = self.into_iter().map(|value| AnyValue { value: Some(value.into_value()) }).collect();
        Value::ArrayValue(ArrayValue { values })
    }
}
