//! Who is asked: [`Gateway`], and what it answers with: [`Reply`].

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tracing::{Instrument, error_span};

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::engine::{Engine, Error};
use crate::hub::Endpoint;
use crate::telemetry::Record;

/// The engine of this process, ready to be asked.
pub struct Gateway {
    engine: Engine,
    ended: Ended,
}

/// An answer that has begun.
pub struct Reply {
    /// The request's id, as logs know it.
    pub id: String,
    /// The upstream's status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The rest. Dropping it cancels the upstream's request.
    pub body: UnsyncBoxBody<Bytes, String>,
    /// Who answers.
    pub route: Route,
}

/// Who answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Name of the provider.
    pub provider: String,
    /// The upstream's name of the model.
    pub model: String,
    /// Attempts made, this one included.
    pub attempts: u32,
}

/// Accounts of requests that have ended and were not yet asked for.
struct Ended(Mutex<(Receiver<Arc<Record>>, Vec<Arc<Record>>)>);

impl Gateway {
    /// The engine on the configuration that is in force here.
    pub async fn open(context: &Context) -> anyhow::Result<Gateway> {
        let engine = context.engine_for_use().await?;
        engine.observe();
        let ended = Ended(Mutex::new((engine.feed().follow(), Vec::new())));
        Ok(Gateway { engine, ended })
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Sends `body` as a chat. Dropping the future cancels the request.
    pub async fn ask(&self, body: &Value) -> Result<Reply, Error> {
        let job = self.engine.job(Endpoint::ChatCompletions, body.to_string());
        let id = job.id.to_string();
        let span = error_span!("request", %id);
        let reply = self.engine.chat(job).instrument(span).await?;
        let route = Route { provider: reply.trace.provider, model: reply.trace.model, attempts: reply.trace.attempts };
        let body = reply.body.map_err(|error| error.to_string()).boxed_unsync();
        Ok(Reply { id, status: reply.status, headers: reply.headers, body, route })
    }

    /// The account of the request `id`; there is one once its reply's body is gone.
    pub fn account(&self, id: &str) -> Option<Arc<Record>> {
        self.ended.take(id)
    }
}

impl Ended {
    fn take(&self, id: &str) -> Option<Arc<Record>> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (feed, kept) = &mut *guard;
        loop {
            match feed.try_recv() {
                Ok(record) => kept.push(record),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let place = kept.iter().position(|record| &*record.id == id)?;
        Some(kept.swap_remove(place))
    }
}

/// Who named no model cannot be told that it does not exist.
pub fn failure(error: Error, is_named: bool) -> Failure {
    match error {
        Error::ModelNotFound(_) if !is_named => {
            Failure::usage("no model was named, and there is no default").hint("name one with `--model`, or set `routing.default_model`")
        }
        error => Failure::from(error),
    }
}
