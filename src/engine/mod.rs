//! The gateway itself, without HTTP serving and without a terminal.
//!
//! [`Engine`] is the one handle that server, command line and tests hold. Only [`run`] retries; nothing here prints.

pub mod accept;
pub mod accounts;
pub mod adapt;
pub mod answer;
pub mod ask;
pub mod attempt;
pub mod catalog;
pub mod claim;
pub mod conversation;
pub mod demand;
pub mod discover;
pub mod draft;
pub mod error;
pub mod explain;
pub mod forward;
pub mod gauges;
pub mod hedge;
pub mod hold;
pub mod job;
pub mod live;
pub mod mask;
pub mod meter;
pub mod observers;
pub mod operate;
pub mod probe;
pub mod relay;
pub mod reload;
pub mod reply;
pub mod report;
pub mod run;
pub mod speech;
pub mod survey;
pub mod tasks;
pub mod verdict;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use crate::access::Caller;
use crate::config::Config;
use crate::routing::Millis;
use crate::storage::{Found, Limits, Store};
use crate::telemetry::events::EngineStarted;
use crate::telemetry::metrics::Gauges;
use crate::telemetry::{Feed, Metrics, Observer, RequestFiles};
use crate::traces::Traces;
use crate::usage::Ledger;

pub use accept::Accepted;
pub use accounts::Accounts;
pub use error::{Attempt, Error};
pub use job::{Forward, Job, RequestId};
pub use live::{PrepareError, Snapshot, TransportFor};
pub use meter::Meter;
pub use relay::BrokenOff;
pub use reload::{Apply, Hook, Load};
pub use reply::{Reply, ReplyBody, Trace};
pub use report::{
    ExplainedRoute, Explanation, HealthReport, LastReload, LiveState, Measured, ModelRow, Probe, ProbeResult, ProviderStatus, Reloaded,
    Status, UpstreamStatus,
};

/// The gateway. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// What all clones share.
pub struct Inner {
    snapshot: ArcSwap<Snapshot>,
    lasting: live::Lasting,
    epoch: Instant,
    /// What the listeners and threads of this process were made from.
    started_with: Config,
    accounts: Arc<Accounts>,
    /// Of those who look on.
    feed: Arc<Feed>,
    request_files: RequestFiles,
    traces: Traces,
    /// Observers follow reloads.
    is_observed: AtomicBool,
    /// Requests that wait for a place at an upstream.
    waiting: AtomicU64,
    hedges: hedge::Budget,
    reloading: reload::Reloading,
}

impl Inner {
    fn now(&self) -> Millis {
        Millis::default().plus(self.epoch.elapsed())
    }

    /// Where answers are kept, if `snapshot` says that some are.
    fn store(&self, snapshot: &Snapshot) -> Option<&Store> {
        snapshot.config.storage.responses?;
        Some(self.open_store(snapshot))
    }

    /// Opened when it is first wanted; another path counts from the next start on.
    fn open_store(&self, snapshot: &Snapshot) -> &Store {
        let limits = || Limits::from(&snapshot.config.storage);
        self.lasting.store.get_or_init(|| Store::open(self.started_with.storage.path.clone(), limits()))
    }

    /// The ledger, where there is a place for one.
    fn ledger(&self, snapshot: &Snapshot) -> Option<Ledger> {
        let path = self.started_with.storage.path.clone()?;
        Some(Ledger::new(self.open_store(snapshot).clone(), path))
    }
}

impl Engine {
    /// Puts `config` to work; `load` yields the next one at a reload. Opens no connection and starts no task.
    pub fn start(config: Config, load: Load) -> Result<Engine, PrepareError> {
        Engine::start_over(live::Lasting::default(), config, load)
    }

    /// The same over other transports than sockets, for tests.
    pub fn start_with_transports(config: Config, load: Load, transport_for: TransportFor) -> Result<Engine, PrepareError> {
        Engine::start_over(live::Lasting::with_transports(transport_for), config, load)
    }

    fn start_over(lasting: live::Lasting, config: Config, load: Load) -> Result<Engine, PrepareError> {
        let started_with = config.clone();
        let snapshot = lasting.prepare(config)?;
        let accounts = Arc::<Accounts>::default();
        accounts.metrics.follow(&snapshot.config.telemetry, &snapshot);
        let inner = Inner {
            started_with,
            snapshot: ArcSwap::from_pointee(snapshot),
            lasting,
            epoch: Instant::now(),
            accounts,
            feed: Arc::default(),
            request_files: RequestFiles::default(),
            traces: Traces::new(),
            is_observed: AtomicBool::new(false),
            waiting: AtomicU64::new(0),
            hedges: hedge::Budget::default(),
            reloading: reload::Reloading::new(load),
        };
        Ok(Engine(Arc::new(inner)))
    }

    /// The configuration in force. A request loads it once and keeps it to its end.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot.load_full()
    }

    /// A request of this process's own: no client, no key, the configuration in force.
    pub fn job(&self, endpoint: crate::hub::Endpoint, body: impl Into<bytes::Bytes>) -> Job {
        Job {
            snapshot: self.snapshot(),
            id: RequestId::make(),
            endpoint,
            caller: Caller::anonymous(),
            client: None,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]),
            body: body.into(),
            received: Instant::now(),
        }
    }

    /// Answers a request that names a model: resolves, plans, tries, commits.
    pub async fn chat(&self, job: Job) -> Result<Reply, Error> {
        self.accept(job).await?.answer().await
    }

    /// The first half of [`Engine::chat`]: reads the request, and refuses what cannot or may not be answered.
    pub fn accept(&self, job: Job) -> impl Future<Output = Result<Accepted, Error>> + use<> {
        accept::accept(self, job)
    }

    /// Passes a request through to a named provider, with one attempt; both bodies stream.
    pub async fn forward(&self, forward: Forward) -> Result<Reply, Error> {
        let mut meter = Meter::start(forward.origin(), &forward.snapshot, &self.0.accounts);
        let snapshot = forward.snapshot.clone();
        match forward::run(&self.0, forward, &mut meter).await {
            Ok(won) => Ok(run::reply(&snapshot, *won, meter)),
            Err(error) => {
                meter.fail(&error);
                Err(error)
            }
        }
    }

    /// What `caller` finds under the id of an answer of `/v1/responses`; nothing where none are kept.
    pub async fn response(&self, snapshot: &Snapshot, caller: &Caller, id: &str) -> Found {
        conversation::find(self.0.store(snapshot), &caller.owner(), id).await.unwrap_or(Found::Nothing)
    }

    /// Forgets what `caller` has under that id.
    pub async fn forget_response(&self, snapshot: &Snapshot, caller: &Caller, id: &str) {
        if let Some(store) = self.0.store(snapshot) {
            let _ = store.forget(id, &caller.owner()).await;
        }
    }

    /// Asks one route for real, outside of routing and health; never fails, the result says what happened.
    pub async fn probe(&self, probe: &Probe) -> ProbeResult {
        probe::probe(&probe.snapshot, probe).await
    }

    /// The routes that a probe of everything covers: those of `models`, the listed models of providers, and the
    /// `default_model` of discovering ones. `provider`: only that one's. `models`: only these names, resolved as a request's.
    pub async fn probes(&self, snapshot: &Arc<Snapshot>, models: &[String], provider: Option<&str>) -> Result<Vec<Probe>, Error> {
        probe::probes(&self.0, snapshot, models, provider).await
    }

    /// The plan for `model`, as a request would get it now: waits, like one, for a first discovery. Changes nothing.
    pub async fn explain(&self, model: &str) -> Result<Explanation, Error> {
        let snapshot = self.snapshot();
        run::await_discovery(&snapshot, model).await;
        explain::explain(&snapshot, model, self.0.now()).map_err(|error| Error::ModelNotFound(error.to_string()))
    }

    /// What would be sent for `job`, to whom: the plan is as [`Engine::explain`] has it. Changes nothing, and sends nothing.
    pub async fn draft(&self, job: &Job) -> Result<draft::Draft, Error> {
        draft::draft(&self.0, job).await
    }

    /// Every model that can be asked for, one row a route.
    pub fn models(&self) -> Vec<ModelRow> {
        self.models_of(&self.snapshot())
    }

    /// The same of the configuration that a request keeps to its end.
    pub fn models_of(&self, snapshot: &Snapshot) -> Vec<ModelRow> {
        survey::models(snapshot, self.0.now())
    }

    /// Asks every discovering provider for its models, concurrently, and waits; errors are `(provider, reason)`.
    pub async fn discover(&self) -> Vec<(String, String)> {
        discover::discover(&self.snapshot(), None, |_| true).await
    }

    /// Loads the configuration again. A bad one changes nothing. `check`: says what would change, and changes nothing.
    pub fn reload(&self, check: bool) -> Result<Reloaded, Vec<String>> {
        reload::reload(&self.0, check)
    }

    /// Asks `hook` at every reload, before anything changes.
    pub fn on_reload(&self, hook: Hook) {
        self.0.reloading.add(hook);
    }

    /// Switches a provider off until the next start, or on again: plans pass it over from now on, whatever is reloaded.
    pub fn set_enabled(&self, provider: &str, enabled: bool) -> Result<(), Error> {
        operate::set_enabled(&self.0, &self.snapshot(), provider, enabled)
    }

    /// Forgets everything held against a provider: cooldowns, keys at rest, a failed discovery.
    pub fn reset(&self, provider: &str) -> Result<(), Error> {
        operate::reset(&self.snapshot(), provider)
    }

    /// Live state for `/health`.
    pub fn health(&self) -> HealthReport {
        survey::health(&self.snapshot(), self.0.now())
    }

    /// Live state for `/status`.
    pub fn status(&self) -> Status {
        let snapshot = self.snapshot();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: self.0.epoch.elapsed().as_secs(),
            config: survey::origin(&snapshot.config.origin),
            config_age_seconds: snapshot.loaded.elapsed().as_secs(),
            last_reload: self.0.reloading.last(),
            in_flight: self.in_flight(),
            providers: survey::providers(&snapshot, self.0.now()),
        }
    }

    /// What is counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.accounts.metrics
    }

    /// How things are now, for `/metrics`; who serves them adds how full it is.
    pub fn gauges(&self) -> Gauges {
        gauges::gauges(&self.0, &self.snapshot())
    }

    /// State of every provider of the configuration that a request keeps to its end.
    pub fn providers_of(&self, snapshot: &Snapshot) -> Vec<ProviderStatus> {
        survey::providers(snapshot, self.0.now())
    }

    /// From now on these are told of every request that has ended, and no others.
    pub fn observe_by(&self, observers: Vec<Arc<dyn Observer>>) {
        self.0.accounts.observe_by(observers);
    }

    /// From now on requests go into the ledger, and to all others whom the configuration names; reloads change whom.
    pub fn observe(&self) {
        self.0.is_observed.store(true, Ordering::Relaxed);
        observers::appoint(&self.0, &self.snapshot());
    }

    /// Requests as they end.
    pub fn feed(&self) -> &Feed {
        &self.0.feed
    }

    /// The ledger of all requests; `None`: there is no place for one.
    pub fn ledger(&self) -> Option<Ledger> {
        self.0.ledger(&self.snapshot())
    }

    /// What exports traces, once [`Engine::observe`] was called.
    pub fn traces(&self) -> &Traces {
        &self.0.traces
    }

    /// Requests on their way now.
    pub fn in_flight(&self) -> u64 {
        self.0.accounts.running()
    }

    /// Starts what a server needs beside its requests: discovery, active health checks. The tasks end with the last clone of the engine.
    pub fn start_tasks(&self) {
        let snapshot = self.snapshot();
        let models = snapshot.table.names().len()
            + snapshot.config.providers.iter().filter_map(|provider| provider.models.as_ref()).map(Vec::len).sum::<usize>();
        EngineStarted { providers: snapshot.table.preferred().len(), models }.emit();
        // What is wrong with the file shall be told now, and not with somebody's first request.
        self.0.store(&snapshot);
        self.observe();
        tasks::start(&self.0);
    }
}
