//! Log lines, and what must never stand in one.
