//! OpenAI's API as a gateway sees it: chat completions, legacy completions and embeddings share envelopes, streams and errors.
//!
//! Facts: the OpenAI reference (chat completions, streaming, errors) and the vendors' deviations from it.

pub mod error;
pub mod request;
pub mod response;
pub mod stream;

pub use error::ApiError;
pub use request::{Request, RequestError};
pub use response::Answer;
pub use stream::{Chunk, events};
