//! OpenAI's API as a gateway sees it: chat completions, legacy completions and embeddings share envelopes, streams and errors.
//!
//! Facts: the OpenAI reference (chat completions, streaming, errors) and the vendors' deviations from it.

pub mod error;
pub mod response;
pub mod stream;

pub use crate::hub::ApiError;
pub use response::glance;
pub use stream::{chunk, events, is_of_interest};
