//! Log lines, and what must never stand in one.
//!
//! [`logging`] decides where lines go and which; [`events`] are the lines that say what happened to a request;
//! [`redact`] masks secrets in whatever text is about to be shown.

mod batch;
pub mod events;
pub mod logging;
mod plain;
pub mod redact;

pub use logging::{LogError, LogHandle, LogOptions};
pub use redact::{redact, redact_known};
