//! The vocabulary that every other module shares: names, events, usage, outcomes.
//!
//! Knows no wire format, no provider and no socket.

pub mod endpoint;
pub mod event;
pub mod media_type;
pub mod outcome;
pub mod usage;

pub use endpoint::Endpoint;
pub use event::{Event, FinishReason};
pub use media_type::MediaType;
pub use outcome::Outcome;
pub use usage::{Provenance, Usage};
