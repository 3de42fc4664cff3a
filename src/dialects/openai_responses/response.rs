//! A whole response, and what of it a stream shares: the object itself, its items, its tokens.

mod decode;
mod encode;
mod object;

pub use decode::decode;
pub use encode::encode;

pub(super) use decode::{ItemReader, Said, Thoughts, conclude, read_logprobs};
pub(super) use object::{Draft, Item, Piece, Summary, read_usage};

#[cfg(test)]
mod tests;
