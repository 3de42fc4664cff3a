//! A request, read and written.

mod decode;
mod encode;
pub(super) mod tools;

pub use decode::decode;
pub use encode::encode;
pub(super) use encode::{Notes, WireReasoning, WireText};

#[cfg(test)]
mod tests;
