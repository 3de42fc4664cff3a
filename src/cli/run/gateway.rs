//! The gateway that an agent talks to: one that runs, or one in this process that lives as long as the agent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::task::JoinHandle;
use url::Url;

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::remote::{Answer, Remote};
use crate::cli::serve::unable;
use crate::config::proxy::masked;
use crate::config::{Auth, Config, Key, Origin, Secret};
use crate::engine::{Engine, survey};
use crate::server::{Options, Server, Shutdown};

/// What is on this machine answers at once, or it is not asked.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The agent has ended: what still runs belongs to nobody.
const GRACE: Duration = Duration::from_secs(2);

/// For gateways without keys; agents do not start without one.
const NOT_NEEDED: &str = "not-needed-here";

/// A gateway that answers.
pub struct Gateway {
    base: Url,
    key: Secret,
    config: Option<Config>,
    private: Option<Private>,
}

/// One of this process.
struct Private {
    engine: Engine,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
}

impl Gateway {
    /// The one at `url`, which must answer; else one of this configuration that runs and takes `key`; else, or if it shall
    /// be `private`, one of its own.
    pub async fn find_or_start(url: Option<Url>, key: Option<Secret>, private: bool, context: &Context) -> anyhow::Result<Gateway> {
        if let Some(url) = url {
            return Gateway::named(url, key).await;
        }
        let overrides = context.overrides();
        let config = context.load_for_use(&overrides).await?.config;
        if !private && let Some(gateway) = Gateway::running(&config, key).await? {
            return Ok(gateway);
        }
        if context.globals.log_level.is_some() {
            context.log(&config, false)?;
        }
        Gateway::start(config, context).await
    }

    /// One that is known to answer.
    pub fn at(base: Url, key: &str, config: Option<Config>) -> Gateway {
        Gateway { base, key: Secret::new(key), config, private: None }
    }

    async fn named(mut url: Url, key: Option<Secret>) -> anyhow::Result<Gateway> {
        // Agents put their paths behind it.
        url.set_query(None);
        url.set_fragment(None);
        let remote = Remote::serving(Some(url), key.clone(), None)?;
        let answer = remote.ask(Method::GET, "/v1/models", &[]).await?.map_err(|reason| remote.absent(&reason))?;
        match answer.status {
            StatusCode::OK => Ok(Gateway::at(remote.base().clone(), key.as_ref().map_or(NOT_NEEDED, Secret::expose), None)),
            StatusCode::UNAUTHORIZED => Err(Failure::failed(format!("{remote} wants a key of its clients"))
                .hint("give one with `--key`, or in LLMGW_API_KEY")
                .into()),
            status => Err(Failure::failed(format!("{remote}: GET /v1/models answered {status}")).hint("check `--url`").into()),
        }
    }

    /// The gateway that `config` describes, if it runs on that very configuration and takes the key.
    async fn running(config: &Config, key: Option<Secret>) -> anyhow::Result<Option<Gateway>> {
        let Ok(remote) = Remote::serving(None, key.clone(), Some(config)) else { return Ok(None) };
        // A list of models may be open to all, and then says nothing of a key.
        if key.is_none() && !config.auth.keys.is_empty() {
            return Ok(None);
        }
        // What agents cannot be told to trust is of no use to them.
        if config.server.tls.is_some() || !matches!(config.origin, Origin::File { .. }) {
            return Ok(None);
        }
        let remote = remote.within(ANSWERS_WITHIN);
        let Ok(greeting) = remote.ask(Method::GET, "/", &[]).await? else { return Ok(None) };
        if greeting.body["name"] != env!("CARGO_PKG_NAME") || !is_of(config).await? {
            return Ok(None);
        }
        match remote.ask(Method::GET, "/v1/models", &[]).await? {
            Ok(Answer { status: StatusCode::OK, .. }) => {
                let key = key.as_ref().map_or(NOT_NEEDED, Secret::expose);
                Ok(Some(Gateway::at(remote.base().clone(), key, Some(config.clone()))))
            }
            Ok(Answer { status: StatusCode::UNAUTHORIZED, .. }) if key.is_some() => {
                Err(Failure::failed(format!("the gateway at {remote} refuses the key"))
                    .hint("check `--key` or LLMGW_API_KEY, or use `--private`")
                    .into())
            }
            // It has keys, and there is none here: known are their digests only.
            _ => Ok(None),
        }
    }

    /// One on a port of this machine that the system chooses, for whoever has the key that is made for it.
    async fn start(mut config: Config, context: &Context) -> anyhow::Result<Gateway> {
        let key = Secret::new(format!("sk-llmgw-{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>()));
        let agents = Key { name: Arc::from("run"), digest: key.digest(), models: Vec::new(), passthrough: true };
        config.auth = Auth { open_models: false, keys: vec![agents] };
        // With keys and without one of its own, administration is closed.
        (config.admin.key, config.admin.port) = (None, None);
        (config.server.host, config.server.port, config.server.tls) = ("127.0.0.1".to_owned(), 0, None);
        (config.server.drain, config.server.shutdown_grace) = (Duration::ZERO, GRACE);
        let (options, shutdown) = (Options::from_config(&config), Shutdown::new());
        let engine = context.engine(config.clone(), &context.overrides(), |_| {})?;
        let server = Server::bind(engine.clone(), options).await.map_err(|error| unable(&error))?;
        let address = server.addresses().first().map(ToString::to_string).unwrap_or_default();
        engine.start_tasks();
        let ending = shutdown.clone();
        let serving = tokio::spawn(async move {
            // It ends when it is told to; an agent whose gateway fails hears of it by its requests.
            let _ = server.run(ending).await;
        });
        let private = Private { engine, shutdown, serving };
        Ok(Gateway { base: Url::parse(&address)?, key, config: Some(config), private: Some(private) })
    }

    /// Without a trailing slash, as Anthropic's SDKs want it.
    pub fn root(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// The same with `/v1`, as OpenAI's SDKs want it.
    pub fn v1(&self) -> String {
        format!("{}/v1", self.root())
    }

    /// What agents show it.
    pub fn key(&self) -> &str {
        self.key.expose()
    }

    /// What it runs on, where that is known.
    pub fn config(&self) -> Option<&Config> {
        self.config.as_ref()
    }

    /// Ends one of its own, after what still runs; leaves another as it is.
    pub async fn finish(self) {
        let Some(Private { engine, shutdown, serving }) = self.private else { return };
        shutdown.begin();
        let _ = serving.await;
        let traces = engine.traces().clone();
        drop(engine);
        // Waits for what is still to be sent.
        let _ = tokio::task::spawn_blocking(move || traces.finish()).await;
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.private.is_some() { "a gateway of its own" } else { "the gateway that runs" };
        write!(f, "{whose} at {}", masked(&self.base))
    }
}

/// Whether what runs there was started from the very file of `config`.
async fn is_of(config: &Config) -> anyhow::Result<bool> {
    let Ok(remote) = Remote::find(None, None, Some(config)) else { return Ok(false) };
    let answer = remote.within(ANSWERS_WITHIN).ask(Method::GET, "/status", &[]).await?;
    // A gateway with keys and without an `admin.key` tells nobody; whoever has a key of it has meant it.
    Ok(answer.is_ok_and(|answer| match answer.status {
        StatusCode::OK => answer.body["config"] == survey::origin(&config.origin),
        status => status == StatusCode::FORBIDDEN,
    }))
}
