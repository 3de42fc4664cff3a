//! The integration crate: the engine over in-memory upstreams, the server over sockets, the binary as people run it.

mod failover;
mod gateway;
mod server;
mod streams;
mod tidy;
