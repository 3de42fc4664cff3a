//! Log lines, and what must never stand in one; records of requests, and metrics.
//!
//! [`logging`] decides where lines go and which; [`events`] are the lines that say what happened,
//! [`record`] is the account of a request that they and all other observers are given, [`metrics`] counts them;
//! [`redact`] masks secrets in whatever text is about to be shown; [`lines`] has the last lines in memory; [`requests`]
//! writes files of single requests; [`trace`] is which trace a request belongs to, and [`conventions`] are the names that
//! OpenTelemetry has for it all.

pub mod background;
mod batch;
pub mod conventions;
pub mod dropped;
pub mod events;
pub mod feed;
pub mod lines;
mod logfile;
pub mod logging;
pub mod metrics;
mod plain;
pub mod record;
pub mod redact;
mod requests;
mod sinks;
#[cfg(test)]
pub mod testing;
pub mod trace;

pub use feed::Feed;
pub use lines::Lines;
pub use logging::{LogError, LogHandle, LogOptions};
pub use metrics::Metrics;
pub use record::{Observer, Record};
pub use redact::{redact, redact_known};
pub use requests::RequestFiles;
pub use trace::{SpanId, TraceContext, TraceId};
