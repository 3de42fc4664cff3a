//! The gateway itself, without HTTP serving and without a terminal.
//!
//! [`Engine`] is the one handle that server, command line and tests hold. Only [`run`] retries; nothing here prints.

pub mod error;
pub mod job;
pub mod live;
pub mod meter;
pub mod relay;
pub mod reply;
pub mod report;

use std::sync::Arc;

pub use error::{Attempt, Error};
pub use job::{Forward, Job, RequestId};
pub use live::{PrepareError, Snapshot};
pub use reply::{BrokenOff, Reply, ReplyBody, Trace};
pub use report::{Explanation, HealthReport, ModelRow, Probe, ProbeResult, Reloaded, Status};

/// The gateway. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {}

impl Engine {
    /// The configuration in force. A request loads it once and keeps it to its end.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        todo!()
    }

    /// Answers a request that names a model: resolves, plans, tries, commits.
    pub async fn chat(&self, job: Job) -> Result<Reply, Error> {
        let _ = job;
        todo!()
    }

    /// Passes a request through to a named provider, with one attempt; both bodies stream.
    pub async fn forward(&self, forward: Forward) -> Result<Reply, Error> {
        let _ = forward;
        todo!()
    }

    /// Asks one route for real, outside of routing and health; never fails, the result says what happened.
    pub async fn probe(&self, probe: &Probe) -> ProbeResult {
        let _ = probe;
        todo!()
    }

    /// The routes that a probe of everything covers: those of `models`, the listed models of providers, and the
    /// `default_model` of discovering ones. `provider`: only that one's. `models`: only these names, resolved as a request's.
    pub fn probes(&self, models: &[String], provider: Option<&str>) -> Result<Vec<Probe>, Error> {
        let _ = (models, provider);
        todo!()
    }

    /// The plan for `model`, as a request would get it now. Changes nothing.
    pub fn explain(&self, model: &str) -> Result<Explanation, Error> {
        let _ = model;
        todo!()
    }

    /// Every model that can be asked for, one row a route.
    pub fn models(&self) -> Vec<ModelRow> {
        todo!()
    }

    /// Asks every discovering provider for its models, concurrently, and waits; errors are `(provider, reason)`.
    pub async fn discover(&self) -> Vec<(String, String)> {
        todo!()
    }

    /// Loads the configuration again. A bad one changes nothing. `check`: says what would change, and changes nothing.
    pub fn reload(&self, check: bool) -> Result<Reloaded, Vec<String>> {
        let _ = check;
        todo!()
    }

    /// Live state for `/health`.
    pub fn health(&self) -> HealthReport {
        todo!()
    }

    /// Live state for `/status`.
    pub fn status(&self) -> Status {
        todo!()
    }

    /// Starts what a server needs beside its requests: discovery, active health checks. Ends with the last clone of the engine.
    pub fn start_tasks(&self) {
        todo!()
    }
}
