//! Which trace a request belongs to, and which span of it each attempt is.
//!
//! Decided before anything is sent, for upstreams are told; the spans themselves are made when the request has ended.

use http::HeaderMap;

use super::{Meter, Trial};
use crate::telemetry::record::Record;
use crate::telemetry::trace::{SpanId, TRACESTATE, TraceContext};

/// Gives a request that came with these headers its span: in its client's trace, if it is in one that is recorded, else in
/// one of its own.
pub(super) fn begin(record: &mut Record, headers: &HeaderMap) {
    record.span = match record.traceparent {
        Some(client) => client.is_sampled().then(|| client.child()),
        None => Some(TraceContext::begin()),
    };
    if record.span.is_some() && record.traceparent.is_some() {
        let states: Vec<&str> = headers.get_all(TRACESTATE).iter().filter_map(|value| value.to_str().ok()).collect();
        record.tracestate = (!states.is_empty()).then(|| states.join(",").into());
    }
}

impl Meter {
    /// A span for an attempt that begins.
    pub(super) fn new_span(&self) -> Option<SpanId> {
        self.record.span.map(|_| SpanId::make())
    }

    /// What the upstream of an attempt is told; `None`: what the client said, for nothing is traced here.
    pub fn span_of(&self, Trial(trial): Trial) -> Option<TraceContext> {
        Some(self.record.span?.at(self.tries[trial].attempt.span?))
    }

    /// Takes a state out of `headers` that belongs to no trace, or to one that could not be read: here begins another.
    pub fn drop_foreign_state(&self, headers: &mut HeaderMap) {
        if self.record.span.is_some() && self.record.traceparent.is_none() {
            headers.remove(TRACESTATE);
        }
    }
}
