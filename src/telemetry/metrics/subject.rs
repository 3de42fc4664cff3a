//! What a request is about, in words that are labels.

use std::sync::{Arc, LazyLock};

use super::groups::{LONGEST_NAME, others};
use crate::hub::Endpoint;
use crate::telemetry::conventions;
use crate::telemetry::record::{Attempt, Record};

/// The names that a configuration has. They are labels whatever comes of a request; any other only once an upstream has
/// answered to it, for clients may ask for anything.
pub trait Vocabulary {
    /// A public name: of `models`, `auto`, or what a provider offers, with or without the provider before it.
    fn has_name(&self, name: &str) -> bool;
    /// A provider's model: routes lead to it, or it is listed, or was discovered.
    fn has_model(&self, provider: &str, model: &str) -> bool;
    /// A provider.
    fn has_provider(&self, name: &str) -> bool;
    /// A caller.
    fn has_caller(&self, name: &str) -> bool;
}

/// What a request is about.
pub(super) struct Subject {
    /// OpenTelemetry's `gen_ai.operation.name`.
    pub operation: &'static str,
    /// The public name; empty where none is named, `other` where it stands for nothing.
    pub model: Arc<str>,
    /// Whose models answered, or failed last; empty where nobody was asked.
    pub vendor: Arc<str>,
}

static NOTHING: LazyLock<Arc<str>> = LazyLock::new(Arc::default);

/// No name.
pub(super) fn nothing() -> Arc<str> {
    NOTHING.clone()
}

impl Subject {
    pub(super) fn of(record: &Record, vocabulary: &dyn Vocabulary) -> Subject {
        let model = match &record.entry {
            _ if record.dialect.is_none() => nothing(),
            // It was refused before anybody looked for it.
            entry if entry.is_empty() && vocabulary.has_name(&record.model) => record.model.as_str().into(),
            entry if entry.is_empty() || entry.len() > LONGEST_NAME => others(),
            entry => entry.clone(),
        };
        let vendor = record.attempts.last().map_or_else(nothing, |attempt| attempt.peer.vendor.clone());
        Subject { operation: operation(record), model, vendor }
    }

    /// Whether its model is a label.
    pub(super) fn is_known(&self, record: &Record, vocabulary: &dyn Vocabulary) -> bool {
        self.model.is_empty() || record.status < 400 || vocabulary.has_name(&self.model)
    }
}

/// Whether the upstream's name of an attempt's model is a label.
pub(super) fn is_known(attempt: &Attempt, vocabulary: &dyn Vocabulary) -> bool {
    let (provider, model) = (&attempt.route.provider, &attempt.route.upstream_model);
    let has_answered = attempt.status.is_some_and(|status| status < 400);
    model.is_empty() || (model.len() <= LONGEST_NAME && (has_answered || vocabulary.has_model(provider, model)))
}

/// OpenTelemetry's word, or one like it.
fn operation(record: &Record) -> &'static str {
    record.dialect.and_then(|_| Endpoint::of_path(&record.endpoint)).map_or("passthrough", conventions::operation)
}
