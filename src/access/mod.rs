//! May this caller do this now.

pub mod keys;

pub use keys::{AccessError, AdminKey, Caller, KeyRing};
