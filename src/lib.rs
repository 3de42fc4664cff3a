//! llmgw stands between people and large language models: one engine behind a server and a command line.
//!
//! The modules stand in one total order; a module uses only those below it (`tests/it/tidy.rs` holds them to it):
//!
//! - [`cli`]: what a person types; the only place that prints.
//! - [`server`]: HTTP in. Decodes, asks the engine, answers.
//! - [`admin`]: the dashboard, and the same data as JSON.
//! - [`engine`]: the gateway itself: one request's way through plan, attempts, commit and metering.
//! - [`routing`]: which upstream answers. Pure.
//! - [`access`]: may this caller do this now.
//! - [`usage`]: what was used and what it costs.
//! - [`storage`]: what is kept on disk.
//! - [`providers`]: how to reach an upstream and prove who we are.
//! - [`traces`]: accounts of requests as spans, sent to a collector.
//! - [`dialects`]: wire formats: what in the bytes matters to a gateway. Pure.
//! - [`transport`]: bytes to and from upstreams.
//! - [`telemetry`]: log lines, and what must never stand in one.
//! - [`config`]: the file as written, and as resolved.
//! - [`hub`]: the one vocabulary all others share.

pub mod access;
pub mod admin;
pub mod cli;
pub mod config;
pub mod dialects;
pub mod engine;
pub mod hub;
pub mod providers;
pub mod routing;
pub mod server;
pub mod storage;
pub mod telemetry;
pub mod traces;
pub mod transport;
pub mod usage;
