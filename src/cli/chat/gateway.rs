//! Who is asked: [`Gateway`], the engine of this process or a running gateway; and what it answers with: [`Reply`].

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use clap::ValueHint;
use http::{HeaderMap, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Limited};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::Instant;
use tracing::{Instrument, error_span};
use url::Url;

use crate::cli::chat::account::Account;
use crate::cli::chat::render::Said;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::remote::{Remote, secret, web_address};
use crate::config::{AUTO, Secret};
use crate::engine::{Engine, Error};
use crate::hub::{ApiError, Endpoint};
use crate::telemetry::Record;
use crate::transport::cause::describe;

/// The path of a chat.
pub const CHAT: &str = "/v1/chat/completions";

/// Errors are short; what is longer is none.
const LONGEST_ERROR: usize = 1 << 20;

/// A running gateway, as flags name it.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Target {
    /// Ask the gateway that runs there, not this configuration's providers [env: LLMGW_URL]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, value_parser = web_address)]
    pub url: Option<Url>,
    /// The key to call it with [env: LLMGW_KEY]
    #[arg(long, value_name = "KEY", value_parser = secret)]
    pub key: Option<Secret>,
}

/// Who is asked.
pub enum Gateway {
    /// The engine of this process.
    Here(Here),
    /// One that runs elsewhere.
    There(Remote),
}

/// The engine, and the accounts that it gives.
pub struct Here {
    engine: Engine,
    ended: Mutex<Ended>,
}

/// Accounts of requests that have ended.
struct Ended {
    /// As they come.
    feed: Receiver<Arc<Record>>,
    /// Those that have come, and that nobody has asked for yet.
    kept: Vec<Arc<Record>>,
}

/// An answer that has begun.
pub struct Reply {
    /// What is known of it so far.
    pub asked: Asked,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The rest. Dropping it cancels the upstream's request.
    pub body: UnsyncBoxBody<Bytes, String>,
}

/// A question on its way.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its id, as logs know it.
    pub id: String,
    /// Who answers.
    pub route: Route,
    /// When it was asked.
    pub began: Instant,
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

impl Target {
    /// The running gateway that flags or the environment name; `None`: this process is the gateway.
    pub fn remote(&self, context: &Context) -> Result<Option<Remote>, Failure> {
        let variable = |name| context.environment.get_filled(name);
        let url = match (&self.url, variable("LLMGW_URL")) {
            (Some(url), _) => url.clone(),
            (None, Some(text)) => web_address(text)
                .map_err(|reason| Failure::usage(format!("`LLMGW_URL` is no address: {reason}")).hint("correct or unset `LLMGW_URL`"))?,
            (None, None) if self.key.is_some() => {
                return Err(Failure::usage("`--key` is for a running gateway").hint("name it with `--url`, or `LLMGW_URL`"));
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(Remote::at(url, self.key.clone().or_else(|| variable("LLMGW_KEY").map(Secret::new)))))
    }
}

impl Gateway {
    /// The gateway that `target` names, else an engine on the configuration that is in force here.
    pub async fn open(target: &Target, context: &Context) -> anyhow::Result<Gateway> {
        if let Some(remote) = target.remote(context)? {
            return Ok(Gateway::There(remote));
        }
        let engine = context.engine_for_use().await?;
        engine.observe();
        let ended = Mutex::new(Ended { feed: engine.feed().follow(), kept: Vec::new() });
        Ok(Gateway::Here(Here { engine, ended }))
    }

    /// The engine, if it is in this process.
    pub fn engine(&self) -> Option<&Engine> {
        match self {
            Gateway::Here(here) => Some(&here.engine),
            Gateway::There(_) => None,
        }
    }

    /// Sends `body` as a chat. `is_named`: its model is no default. Dropping the future cancels the request.
    pub async fn ask(&self, body: &Value, is_named: bool) -> anyhow::Result<Reply> {
        match self {
            Gateway::Here(here) => Ok(here.ask(body).await.map_err(|error| failure(error, is_named))?),
            Gateway::There(remote) => ask_there(remote, body, is_named).await,
        }
    }

    /// What became of a question whose reply's body is gone. To be asked once.
    pub fn account(&self, asked: &Asked, said: &Said) -> Account {
        let record = match self {
            Gateway::Here(here) => here.record(&asked.id),
            Gateway::There(_) => None,
        };
        let first = said.first.map(|first| first - asked.began);
        record.map_or_else(
            || Account::from_outside(&asked.id, &asked.route, said.usage, first, asked.began.elapsed()),
            |record| Account::of(&record),
        )
    }
}

impl Here {
    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    async fn ask(&self, body: &Value) -> Result<Reply, Error> {
        let began = Instant::now();
        let job = self.engine.job(Endpoint::ChatCompletions, body.to_string());
        let id = job.id.to_string();
        let span = error_span!("request", %id);
        let reply = self.engine.chat(job).instrument(span).await?;
        let route = Route { provider: reply.trace.provider, model: reply.trace.model, attempts: reply.trace.attempts };
        let body = reply.body.map_err(|error| error.to_string()).boxed_unsync();
        Ok(Reply { asked: Asked { id, route, began }, status: reply.status, headers: reply.headers, body })
    }

    /// The account of the request `id`, once. All that have come are taken in each time, so that none is ever missed.
    fn record(&self, id: &str) -> Option<Arc<Record>> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let Ended { feed, kept } = &mut *ended;
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

/// Who names no model gets the gateway's default; one that has none is asked for `auto`.
async fn ask_there(remote: &Remote, body: &Value, is_named: bool) -> anyhow::Result<Reply> {
    let refusal = match post(remote, body).await? {
        Ok(reply) => return Ok(reply),
        Err(refusal) if is_named || refusal.status != StatusCode::BAD_REQUEST => refusal,
        Err(_) => {
            let mut named = body.clone();
            named["model"] = AUTO.into();
            match post(remote, &named).await? {
                Ok(reply) => return Ok(reply),
                Err(refusal) if refusal.status == StatusCode::NOT_FOUND => {
                    return Err(Failure::usage(format!("no model was named, and the gateway at {remote} has no default"))
                        .hint("name one with `--model`; its `GET /v1/models` lists them")
                        .into());
                }
                Err(refusal) => refusal,
            }
        }
    };
    Err(refused(remote, refusal.status, &refusal.body).into())
}

/// A running gateway's answer that is not a success.
struct Refusal {
    status: StatusCode,
    body: Bytes,
}

async fn post(remote: &Remote, body: &Value) -> anyhow::Result<Result<Reply, Refusal>> {
    let began = Instant::now();
    let response = remote.post(CHAT, body.to_string()).await?.map_err(|reason| remote.absent(&reason))?;
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        let body = Limited::new(body, LONGEST_ERROR).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        return Ok(Err(Refusal { status: head.status, body }));
    }
    let word = |name: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        percent_decode_str(value).decode_utf8_lossy().into_owned()
    };
    let attempts = word("x-llmgw-attempts").parse().unwrap_or_default();
    let route = Route { provider: word("x-llmgw-provider"), model: word("x-llmgw-model"), attempts };
    let asked = Asked { id: word("x-request-id"), route, began };
    let body = body.map_err(|error| describe(&error.without_url())).boxed_unsync();
    Ok(Ok(Reply { asked, status: head.status, headers: head.headers, body }))
}

/// Why a running gateway does not answer, and what to do.
fn refused(remote: &Remote, status: StatusCode, body: &[u8]) -> Failure {
    let error = ApiError::read(body).unwrap_or_default();
    let said = match error.message.is_empty() {
        true => String::from_utf8_lossy(body).chars().take(300).collect(),
        false => error.message.clone(),
    };
    match status {
        StatusCode::UNAUTHORIZED => {
            Failure::failed(format!("the gateway at {remote} refuses the key")).hint("give one of its keys with `--key`, or `LLMGW_KEY`")
        }
        StatusCode::NOT_FOUND if error.code == "model_not_found" => {
            Failure::usage(said).hint("`GET /v1/models` of the gateway lists every model that can be asked for")
        }
        StatusCode::NOT_FOUND => Failure::failed(format!("no gateway is at {remote}: it answers {status}")).hint("check `--url`"),
        _ if status.is_redirection() => Failure::failed(format!("{remote} redirects elsewhere")).hint("give that address with `--url`"),
        _ => {
            let exit = if error.code == "invalid_request" { Exit::Usage } else { Exit::Failed };
            Failure { exit, ..Failure::failed(format!("the gateway answered {status}: {said}")) }
        }
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

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use url::Url;

    use super::{Remote, refused};
    use crate::cli::failure::Exit;

    #[test]
    fn a_refusal_says_what_to_do() {
        let remote = Remote::at(Url::parse("http://127.0.0.1:8000/v1").unwrap(), None);
        let refused = |status, body: &str| refused(&remote, status, body.as_bytes());
        let unknown = refused(StatusCode::NOT_FOUND, r#"{"error":{"message":"没有这个模型","code":"model_not_found"}}"#);
        assert_eq!((unknown.exit, unknown.message.as_str()), (Exit::Usage, "没有这个模型"));
        for (status, needle) in [(StatusCode::UNAUTHORIZED, "--key"), (StatusCode::NOT_FOUND, "--url"), (StatusCode::FOUND, "--url")] {
            let failure = refused(status, "<html>");
            assert_eq!((failure.exit, failure.hint.is_some_and(|hint| hint.contains(needle))), (Exit::Failed, true), "{status}");
        }
        let failed = refused(StatusCode::BAD_GATEWAY, r#"{"error":{"message":"every upstream failed","code":"upstream_error"}}"#);
        assert_eq!(failed.message, "the gateway answered 502 Bad Gateway: every upstream failed");
    }
}
