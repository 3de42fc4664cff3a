//! The integration crate: the engine over in-memory upstreams, the server over sockets, the binary as people run it.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails as the test does; the settings for tests cover only the functions marked as such"
)]

mod breaker;
#[cfg(unix)]
mod canary;
#[cfg(unix)]
mod cli;
mod conversations;
mod dialects;
mod discovery;
mod failover;
mod faulty;
mod gateway;
mod hedging;
mod import;
#[cfg(unix)]
mod last_words;
mod links;
mod matrix;
mod metrics;
mod operator;
#[cfg(unix)]
mod packaging;
mod properties;
#[cfg(unix)]
mod readme;
mod records;
mod server;
#[cfg(target_os = "linux")]
mod soak;
mod streams;
mod tidy;
mod tracing;
mod translation;
#[cfg(unix)]
mod under_load;

/// The process-wide TLS provider; the binary's `main` does the same.
fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
