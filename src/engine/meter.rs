//! Usage of one request.

/// Reports usage exactly once: when the reply ends, or when it is dropped.
pub struct Meter {}
