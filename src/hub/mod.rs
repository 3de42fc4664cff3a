//! The vocabulary that every other module shares: names, conversations, events, usage, outcomes.
//!
//! Knows no wire format, no provider and no socket.

pub mod answer;
pub mod api_error;
pub mod endpoint;
pub mod event;
pub mod kind;
pub mod media_type;
pub mod message;
pub mod outcome;
pub mod quirks;
pub mod raw;
pub mod request;
pub mod retry_after;
pub mod signature;
pub mod text;
pub mod usage;

pub use answer::Answer;
pub use api_error::{ApiError, Topic};
pub use endpoint::Endpoint;
pub use event::{Event, FinishReason};
pub use kind::Kind;
pub use media_type::MediaType;
pub use message::{Cache, Citation, Content, Message, Part, Role, Source, Text, Thought, Tool, ToolCall, ToolChoice, ToolInput};
pub use outcome::Outcome;
pub use quirks::Quirks;
pub use raw::Raw;
pub use request::{Effort, Format, Reasoning, Request, Sampling};
pub use retry_after::retry_after;
pub use signature::{Form, Signature};
pub use usage::{Provenance, Usage};
