//! A stream, read and written.

mod complete;
mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

#[cfg(test)]
mod tests;
