//! A record as it waits to be written: what the tables take of it, in one piece of memory.
//!
//! A record itself is a dozen pieces that lie among those that requests use. A queue of them scatters what is free, and
//! every request works on memory that has left the processor's caches.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::rows::Way;
use super::time::{ended, micros};
use crate::hub::{Kind, Provenance, Usage};
use crate::telemetry::Record;
use crate::telemetry::record::{Attempt, Cost};

/// What a record takes, mostly.
const USUAL: usize = 1024;

/// A [`Row`] as bytes.
pub(in crate::storage) struct Packed(Box<[u8]>);

/// What the ledger has of a request. Times are in microseconds.
#[derive(Serialize, Deserialize)]
pub(super) struct Row<'a> {
    /// Since 1970.
    pub(super) ended: u64,
    pub(super) id: &'a str,
    pub(super) client: Option<IpAddr>,
    pub(super) caller: &'a str,
    pub(super) endpoint: &'a str,
    pub(super) dialect: &'a str,
    pub(super) model: &'a str,
    /// The model's name leads nowhere.
    pub(super) leads_nowhere: bool,
    pub(super) provider: &'a str,
    pub(super) upstream_model: &'a str,
    pub(super) stream: bool,
    pub(super) status: u16,
    pub(super) outcome: &'a str,
    #[serde(borrow)]
    pub(super) used: Used<'a>,
    pub(super) first_token: Option<u64>,
    pub(super) upstream: Option<u64>,
    pub(super) overhead: u64,
    pub(super) total: u64,
    pub(super) request_bytes: Option<u64>,
    pub(super) bytes: u64,
    pub(super) chunks: u64,
    pub(super) hedged: bool,
    pub(super) has_failed: bool,
    pub(super) error: Option<&'a str>,
    /// By which its trace is found: its own span of it, if it has one.
    pub(super) trace: Option<Cow<'a, str>>,
    /// [`Way`], as JSON.
    pub(super) way: Cow<'a, str>,
    pub(super) attempts: Vec<AttemptRow<'a>>,
}

/// What the ledger has of an attempt.
#[derive(Serialize, Deserialize)]
pub(super) struct AttemptRow<'a> {
    pub(super) via: &'a str,
    pub(super) provider: &'a str,
    pub(super) upstream_model: &'a str,
    pub(super) vendor: &'a str,
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) dialect: &'a str,
    pub(super) began: u64,
    pub(super) connect: Option<u64>,
    pub(super) tls: Option<u64>,
    pub(super) first_byte: Option<u64>,
    pub(super) first_token: Option<u64>,
    pub(super) took: u64,
    pub(super) status: Option<u16>,
    pub(super) outcome: &'a str,
    pub(super) reason: Option<&'a str>,
    #[serde(borrow)]
    pub(super) used: Used<'a>,
    pub(super) is_hedge: bool,
}

/// Tokens and what they cost.
#[derive(Serialize, Deserialize)]
pub(super) struct Used<'a> {
    /// Input, cached, cache write, output, reasoning.
    pub(super) tokens: Option<[u64; 5]>,
    pub(super) provenance: Option<&'a str>,
    pub(super) cost: Option<f64>,
    pub(super) prices: Option<&'a str>,
}

impl Packed {
    pub(super) fn of(record: &Record) -> Packed {
        // It only fails where memory does.
        Packed(postcard::to_extend(&Row::of(record), Vec::with_capacity(USUAL)).unwrap_or_default().into_boxed_slice())
    }

    pub(super) fn size(&self) -> usize {
        self.0.len()
    }

    /// `None`: nothing that [`Packed::of`] has made.
    pub(super) fn row(&self) -> Option<Row<'_>> {
        postcard::from_bytes(&self.0).ok()
    }
}

impl<'a> Row<'a> {
    fn of(record: &'a Record) -> Row<'a> {
        Row {
            ended: ended(record),
            id: &record.id,
            client: record.client,
            caller: &record.caller,
            endpoint: &record.endpoint,
            dialect: record.dialect.map_or("", Kind::word),
            model: &record.model,
            leads_nowhere: record.plan.is_empty() && record.attempts.is_empty(),
            provider: &record.provider,
            upstream_model: &record.upstream_model,
            stream: record.stream,
            status: record.status,
            outcome: record.outcome.as_str(),
            used: Used::of(record.usage, record.cost.as_ref()),
            first_token: record.first_token.map(micros),
            upstream: record.upstream.map(micros),
            overhead: micros(record.overhead),
            total: micros(record.total),
            request_bytes: record.request_bytes,
            bytes: record.bytes,
            chunks: record.chunks,
            hedged: record.hedged,
            has_failed: record.has_failed(),
            error: record.error.as_deref(),
            trace: record.span.or(record.traceparent).map(|context| context.to_string().into()),
            way: Way::of(record).to_json().into(),
            attempts: record.attempts.iter().map(AttemptRow::of).collect(),
        }
    }
}

impl<'a> AttemptRow<'a> {
    fn of(attempt: &'a Attempt) -> AttemptRow<'a> {
        AttemptRow {
            via: &attempt.route.via,
            provider: &attempt.route.provider,
            upstream_model: &attempt.route.upstream_model,
            vendor: &attempt.peer.vendor,
            host: &attempt.peer.host,
            port: attempt.peer.port,
            dialect: attempt.dialect.map_or("", Kind::word),
            began: micros(attempt.began),
            connect: attempt.connect.map(micros),
            tls: attempt.tls.map(micros),
            first_byte: attempt.first_byte.map(micros),
            first_token: attempt.first_token.map(micros),
            took: micros(attempt.took),
            status: attempt.status,
            outcome: attempt.outcome.as_str(),
            reason: attempt.reason.as_deref(),
            used: Used::of(attempt.usage, attempt.cost.as_ref()),
            is_hedge: attempt.is_hedge,
        }
    }
}

impl<'a> Used<'a> {
    fn of(usage: Option<(Usage, Provenance)>, cost: Option<&'a Cost>) -> Used<'a> {
        let tokens = |usage: Usage| [usage.input, usage.cached, usage.cache_write, usage.output, usage.reasoning];
        Used {
            tokens: usage.map(|(usage, _)| tokens(usage)),
            provenance: usage.map(|(_, provenance)| provenance.word()),
            cost: cost.map(|cost| cost.usd),
            prices: cost.map(|cost| &*cost.prices),
        }
    }
}
