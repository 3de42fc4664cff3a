//! The integration crate: the engine over in-memory upstreams, the server over sockets, the binary as people run it.

#![expect(missing_docs, reason = "tests")]

mod failover;
mod gateway;
mod streams;
mod tidy;
