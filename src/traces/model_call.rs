//! What is said of the call of a model, in the conventions' names for generative AI.

use std::time::Duration;

use super::attributes::Attributes;
use crate::hub::{Endpoint, Outcome, Provenance, Usage};
use crate::telemetry::conventions::{self as names, Names};
use crate::telemetry::record::{Attempt, Record};

/// How an attempt or a request ended, in the conventions' words: the status that says so, else the outcome; `None`: it did
/// not go wrong.
pub(super) fn error_type(outcome: Outcome, status: Option<u16>) -> Option<String> {
    match (outcome, status) {
        (Outcome::Ok | Outcome::ClientGone | Outcome::Abandoned, _) => None,
        (_, Some(status)) if status >= 400 => Some(status.to_string()),
        (outcome, _) => Some(outcome.as_str().to_owned()),
    }
}

/// How it went wrong, if it did: by the status of the last attempt, where that says it.
pub(super) fn error(record: &Record) -> Option<String> {
    error_type(record.outcome, decisive(record).and_then(|attempt| attempt.status))
}

/// All of it but the error. `begun` is when the first attempt was made, after the request came in; `said` is what the
/// bodies say, and counts before what is only concluded.
pub(super) fn attributes(record: &Record, endpoint: Endpoint, begun: Duration, names: Names, said: Attributes) -> Attributes {
    let mut about = Attributes::default();
    let decisive = decisive(record);
    let provider = decisive.map_or("", |attempt| names::provider_name(&attempt.peer.vendor));
    about.put(names::OPERATION, names::operation(endpoint));
    about.put(names::PROVIDER, provider);
    about.put(names::REQUEST_MODEL, record.model.as_str());
    about.put_some(names::REQUEST_STREAM, record.stream.then_some(true));
    about.put_some(names::SERVER_ADDRESS, decisive.map(|attempt| &*attempt.peer.host));
    about.put_some(names::SERVER_PORT, decisive.map(|attempt| i64::from(attempt.peer.port)));
    if provider == "openai" {
        about.put_some(names::OPENAI_API, decisive.and_then(|attempt| names::openai_api(attempt.dialect?)));
    }
    if !said.has(names::OUTPUT_TYPE) {
        about.put_some(names::OUTPUT_TYPE, names::output_type(endpoint));
    }
    if !said.has(names::RESPONSE_MODEL) && record.outcome == Outcome::Ok {
        about.put(names::RESPONSE_MODEL, &*record.upstream_model);
    }
    if let Some(word) = names.cut_off.filter(|_| record.outcome == Outcome::CutOff && !said.has(names::FINISH_REASONS)) {
        about.put(names::FINISH_REASONS, vec![word]);
    }
    let first_token = record.first_token.filter(|_| record.stream).map(|first| first.saturating_sub(begun));
    about.put_some(names::TIME_TO_FIRST_CHUNK, first_token.map(|first| first.as_secs_f64()));
    put_usage(&mut about, record.usage, names);
    about.put_some(names::COST, record.cost.as_ref().map(|cost| cost.usd));
    about.extend(said);
    about
}

/// The conventions' counts are the upstream's; what was only estimated here has names of ours.
fn put_usage(about: &mut Attributes, usage: Option<(Usage, Provenance)>, names: Names) {
    let Some((usage, provenance)) = usage else { return };
    if provenance != Provenance::Reported {
        about.put(names::COUNTED, provenance.word());
        about.put(names::COUNTED_INPUT, usage.input);
        about.put(names::COUNTED_OUTPUT, usage.output);
        return;
    }
    let used = |tokens: u64| (tokens > 0).then_some(tokens);
    about.put(names::INPUT_TOKENS, usage.input);
    about.put(names::OUTPUT_TOKENS, usage.output);
    about.put_some(names::CACHE_READ_TOKENS, used(usage.cached));
    about.put_some(names.cache_write_tokens, used(usage.cache_write));
    about.put_some(names::REASONING_TOKENS, used(usage.reasoning));
}

/// The attempt that was answered from, or the last.
fn decisive(record: &Record) -> Option<&Attempt> {
    let is_it = |attempt: &&Attempt| attempt.route.provider == record.provider && attempt.route.upstream_model == record.upstream_model;
    record.attempts.iter().rev().find(is_it).or(record.attempts.last())
}
