//! Traces: the context that comes in and goes out, and the spans that a collector is sent.

mod context;
