//! Requests: read, and written.

mod decode;
mod encode;

pub use decode::decode;
pub(in crate::dialects) use decode::{read_sampling, read_stop, read_stream, unsupported};
pub use encode::encode;

#[cfg(test)]
mod tests;
