//! What happens, as it happens: a stream of events for pages and scripts that follow.
//!
//! Ends with the server, with the session that it was asked with, and when a reload shuts whoever follows out.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use crate::admin::Desk;
use crate::admin::error::Error;
use crate::admin::gate::{Admission, admit};
use crate::admin::views::log;
use crate::admin::visit::Visit;
use crate::engine::Snapshot;
use crate::telemetry::Record;
use crate::telemetry::lines::{self, Line};

/// So many may follow at once: pages that somebody forgot in a browser shall not pile up.
pub(in crate::admin) const MOST: usize = 64;

/// How often the state of providers is looked at.
const TICK: Duration = Duration::from_secs(1);

/// A comment after so many silent ticks: proxies cut what is silent for a minute.
const SILENT_TICKS: u32 = 15;

/// `?topics=overview,requests`
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    topics: String,
}

/// The figures that change all the time.
#[derive(Serialize)]
struct Pulse {
    health: &'static str,
    in_flight: u64,
    providers: Vec<ProviderPulse>,
}

#[derive(Serialize)]
struct ProviderPulse {
    name: String,
    state: &'static str,
    in_flight: u32,
    requests: u64,
}

/// One who follows.
struct Follower {
    desk: Arc<Desk>,
    admission: Option<Admission>,
    /// What it came with, should it have to be let in again.
    headers: HeaderMap,
    client: IpAddr,
    snapshot: Arc<Snapshot>,
    overview: bool,
    /// Requests that have ended, if they are asked for.
    requests: Option<Receiver<Arc<Record>>>,
    /// Lines of the log, and which of them.
    log: Option<(log::Wish, lines::Follower)>,
    /// Read, and not yet told.
    told_lines: VecDeque<Line>,
    tick: Interval,
    silent: u32,
    /// The last pulse that was told.
    told: String,
    _place: OwnedSemaphorePermit,
}

/// `GET api/live?topics=…`
pub(in crate::admin) async fn follow(visit: &Visit) -> Result<Response, Error> {
    let Asked { topics } = visit.query()?;
    let wants = |topic| topics.split(',').any(|word| word == topic);
    let desk = Arc::clone(&visit.desk);
    let place = Arc::clone(&desk.followers).try_acquire_owned().map_err(|_| Error::Crowded(MOST))?;
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let follower = Follower {
        overview: wants("overview"),
        requests: wants("requests").then(|| desk.engine.feed().follow()),
        log: if wants("log") { followed(visit)? } else { None },
        told_lines: VecDeque::new(),
        snapshot: Arc::clone(&visit.snapshot),
        told: String::new(),
        silent: 0,
        tick,
        admission: visit.admission.clone(),
        headers: visit.headers().clone(),
        client: visit.client,
        desk,
        _place: place,
    };
    let mut response = Response::new(Body::from_stream(stream::unfold(follower, |mut follower| async move {
        let piece = follower.next().await?;
        Some((Ok::<_, Infallible>(piece), follower))
    })));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

impl Follower {
    /// The next piece; `None`: it is over.
    async fn next(&mut self) -> Option<Bytes> {
        let desk = Arc::clone(&self.desk);
        let (session, ends) = match &self.admission {
            Some(Admission::Session(session)) => (session.over.clone(), session.ends()),
            // These end only with the server, which `closing` says.
            _ => (desk.closing.clone(), Instant::now() + Duration::from_secs(86_400)),
        };
        loop {
            if let Some(line) = self.told_lines.pop_front() {
                return Some(event("log", &serde_json::to_string(&log::Told::from(line)).unwrap_or_default()));
            }
            tokio::select! {
                () = desk.closing.cancelled() => return None,
                () = session.cancelled() => return None,
                () = sleep_until(ends) => return None,
                ended = ended(&mut self.requests) => return Some(event("requests", &told(&ended))),
                read = written(&mut self.log) => self.told_lines.extend(read),
                _ = self.tick.tick() => {
                    if !self.is_still_admitted() {
                        return None;
                    }
                    if let Some(piece) = self.ticked() {
                        return Some(piece);
                    }
                }
            }
        }
    }

    /// A reload may have brought another key.
    fn is_still_admitted(&mut self) -> bool {
        let snapshot = self.desk.engine.snapshot();
        if Arc::ptr_eq(&snapshot, &self.snapshot) {
            return true;
        }
        self.snapshot = snapshot;
        admit(&self.snapshot.config, &self.headers, self.client, &self.desk.sessions).is_ok()
    }

    fn ticked(&mut self) -> Option<Bytes> {
        let pulse = self.overview.then(|| self.pulse()).filter(|pulse| *pulse != self.told);
        let Some(pulse) = pulse else {
            self.silent += 1;
            let is_due = self.silent.is_multiple_of(SILENT_TICKS) || self.silent == 1;
            return is_due.then(|| Bytes::from_static(b": still here\n\n"));
        };
        self.silent = 0;
        let event = event("overview", &pulse);
        self.told = pulse;
        Some(event)
    }

    fn pulse(&self) -> String {
        let engine = &self.desk.engine;
        let providers = engine.providers_of(&self.snapshot).into_iter().map(|provider| ProviderPulse {
            name: provider.name,
            state: provider.state,
            in_flight: provider.in_flight,
            requests: provider.requests,
        });
        let pulse = Pulse { health: engine.health().status, in_flight: engine.in_flight(), providers: providers.collect() };
        serde_json::to_string(&pulse).unwrap_or_default()
    }
}

/// The next request that ends; `None`: some were missed.
async fn ended(requests: &mut Option<Receiver<Arc<Record>>>) -> Option<Arc<Record>> {
    match requests {
        Some(requests) => match requests.recv().await {
            Ok(record) => Some(record),
            Err(RecvError::Lagged(_)) => None,
            // The engine is held by whoever asks.
            Err(RecvError::Closed) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// Of the log, what the query asks for.
fn followed(visit: &Visit) -> Result<Option<(log::Wish, lines::Follower)>, Error> {
    let wish: log::Wish = visit.query()?;
    Ok(wish.follow(visit).map(|follower| (wish, follower)))
}

/// The next lines of the log, as far as they are wanted.
async fn written(log: &mut Option<(log::Wish, lines::Follower)>) -> Vec<Line> {
    let Some((wish, follower)) = log else { return std::future::pending().await };
    let read = follower.next().await;
    read.lines.into_iter().filter(|line| wish.wants(line)).collect()
}

/// A request's account; `null` says that some were missed.
fn told(ended: &Option<Arc<Record>>) -> String {
    serde_json::to_string(&ended.as_deref()).unwrap_or_default()
}

/// An event, whose data is one line.
fn event(topic: &str, data: &str) -> Bytes {
    Bytes::from(format!("event: {topic}\ndata: {data}\n\n"))
}
