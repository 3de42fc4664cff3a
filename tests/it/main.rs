//! The integration crate.
