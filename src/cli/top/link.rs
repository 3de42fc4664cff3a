//! The gateway as it is watched: asked again and again, followed as it tells, and acted upon.
//!
//! Whatever is lost comes back by itself. Everything is told through one bounded queue.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::cli::failure::Failure;
use crate::cli::remote::{Answer, Remote};
use crate::cli::top::figures::{Acted, Ended, Page, Pulse, Status};
use crate::cli::top::state::{Action, News};
use crate::dialects::sse::Framer;
use crate::storage::ledger::Recent;

/// The state is in the gateway's memory, and costs next to nothing.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// Sums are read from its disk.
const RECENT_EVERY: Duration = Duration::from_secs(2);

/// And where the disk is slow, this many times as rarely as it takes.
const RECENT_SHARE: u32 = 20;

/// Before whoever is lost is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// A gateway that has nothing to tell says so every fifteen seconds.
const SILENCE: Duration = Duration::from_secs(40);

/// A test asks every route of a provider for real, four at a time.
const TEST: Duration = Duration::from_secs(300);

/// What is shown of what was before.
const LATEST: &str = "100";

/// How the gateway is, as it says; an error says what to do about it.
pub async fn status(remote: &Remote) -> anyhow::Result<Value> {
    let answer = ask(remote, "/status", &[]).await?.map_err(|reason| remote.absent(&reason))?;
    if answer.status.is_success() { Ok(answer.body) } else { Err(answer.refused().into()) }
}

/// The same as it is read here.
pub fn understood(status: Value) -> Result<Status, Failure> {
    serde_json::from_value(status).map_err(|_| Failure::failed("what answers there is no gateway of this kind").hint("check `--url`"))
}

/// `GET path`.
pub async fn ask(remote: &Remote, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Result<Answer, String>> {
    remote.ask(Method::GET, path, query).await
}

/// What answers `path`, or in a few words why nothing does.
pub async fn read<T: DeserializeOwned>(remote: &Remote, path: &str, query: &[(&str, &str)]) -> Result<T, String> {
    let answer = ask(remote, path, query).await.map_err(|error| format!("{error:#}"))??;
    serde_json::from_value(body(answer)?).map_err(|_| "the gateway is of another version".to_owned())
}

/// Watches `remote`, in tasks that end with `tasks`.
pub fn start(tasks: &mut JoinSet<()>, remote: &Arc<Remote>, tell: &Sender<News>) {
    tasks.spawn(watch_status(remote.clone(), tell.clone()));
    tasks.spawn(watch_recent(remote.clone(), tell.clone()));
    tasks.spawn(follow(remote.clone(), tell.clone()));
}

/// Does this to a provider, and tells what came of it.
pub fn act(tasks: &mut JoinSet<()>, remote: &Arc<Remote>, tell: &Sender<News>, action: Action, provider: String) {
    let (remote, tell) = (remote.clone(), tell.clone());
    tasks.spawn(async move {
        let acted = perform(&remote, action, &provider).await;
        let _ = tell.send(News::Acted(action, provider, acted)).await;
        // Not in a second: at once.
        if let Ok(status) = read(&remote, "/status", &[]).await {
            let _ = tell.send(News::Status(status)).await;
        }
    });
}

async fn perform(remote: &Remote, action: Action, provider: &str) -> Result<Acted, String> {
    let path = format!("/admin/api/providers/{}/{}", utf8_percent_encode(provider, NON_ALPHANUMERIC), action.word());
    let answer = remote.ask_within(TEST, Method::POST, &path, &[]).await.map_err(|error| format!("{error:#}"))??;
    serde_json::from_value(body(answer)?).map_err(|_| "the gateway is of another version".to_owned())
}

/// What was answered, unless it is a refusal.
fn body(answer: Answer) -> Result<Value, String> {
    match answer.status {
        status if status.is_success() => Ok(answer.body),
        StatusCode::UNAUTHORIZED => Err("the gateway refuses the key".to_owned()),
        status if answer.message().is_empty() => Err(format!("the gateway answered {status}")),
        _ => Err(answer.message().to_owned()),
    }
}

async fn watch_status(remote: Arc<Remote>, tell: Sender<News>) {
    loop {
        let news = match read(&remote, "/status", &[]).await {
            Ok(status) => News::Status(status),
            Err(reason) => News::Lost(reason),
        };
        if tell.send(news).await.is_err() {
            return;
        }
        sleep(STATUS_EVERY).await;
    }
}

async fn watch_recent(remote: Arc<Remote>, tell: Sender<News>) {
    loop {
        let begun = Instant::now();
        let recent: Result<Option<Recent>, String> = read(&remote, "/admin/api/recent", &[]).await;
        let pause = RECENT_EVERY.max(begun.elapsed() * RECENT_SHARE);
        if tell.send(News::Recent(Box::new(recent))).await.is_err() {
            return;
        }
        sleep(pause).await;
    }
}

/// Requests as they end, for ever.
async fn follow(remote: Arc<Remote>, tell: Sender<News>) {
    loop {
        let reason = match followed(&remote, &tell).await {
            Ok(()) => "the gateway has ended it".to_owned(),
            Err(reason) => reason,
        };
        if tell.send(News::Unheard(reason)).await.is_err() {
            return;
        }
        sleep(AGAIN).await;
    }
}

async fn followed(remote: &Remote, tell: &Sender<News>) -> Result<(), String> {
    let begun = remote.follow("/admin/api/live", &[("topics", "overview,requests")]).await.map_err(|error| format!("{error:#}"))?;
    let mut response = begun?;
    if !response.status().is_success() {
        return Err(body(Answer::of(response).await).err().unwrap_or_default());
    }
    // After it was begun: what ends in between comes twice, and is told apart. Without a ledger there is nothing before.
    let page: Page = read(remote, "/admin/api/requests", &[("limit", LATEST)]).await.unwrap_or_default();
    let _ = tell.send(News::Latest(page.requests)).await;
    let mut framer = Framer::new();
    loop {
        let chunk = timeout(SILENCE, response.chunk()).await.map_err(|_| "the gateway fell silent".to_owned())?;
        let Some(chunk) = chunk.map_err(|error| crate::transport::cause::describe(&error.without_url()))? else { return Ok(()) };
        framer.push(chunk).map_err(|error| error.to_string())?;
        while let Some(frame) = framer.next_frame() {
            if let Some(news) = news(frame.bytes(), &frame.data()) {
                let _ = tell.send(news).await;
            }
        }
    }
}

/// What an event tells; what is not known is no news.
fn news(frame: &[u8], data: &[u8]) -> Option<News> {
    if frame.starts_with(b"event: overview") {
        return serde_json::from_slice::<Pulse>(data).ok().map(News::Pulse);
    }
    if !frame.starts_with(b"event: requests") {
        return None;
    }
    let ended: Option<Ended> = serde_json::from_slice(data).ok()?;
    Some(ended.map_or(News::Missed, |ended| News::Ended(Box::new(ended))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Answer, StatusCode, body, news};
    use crate::cli::top::state::News;

    #[test]
    fn events_are_told_apart_by_their_name() {
        let pulse = news(b"event: overview\ndata: {}\n\n", br#"{"health":"healthy","in_flight":2,"providers":[]}"#);
        assert!(matches!(pulse, Some(News::Pulse(pulse)) if pulse.health == "healthy" && pulse.in_flight == 2));
        let ended = news(b"event: requests\n", r#"{"id":"req-1","model":"模型","total_ms":1.5,"new":{}}"#.as_bytes());
        assert!(matches!(ended, Some(News::Ended(ended)) if ended.model == "模型"));
        assert!(matches!(news(b"event: requests\n", b"null"), Some(News::Missed)));
        for (frame, data) in [
            (&b": still here\n\n"[..], &b""[..]),
            (b"event: log\n", b"{}"),
            (b"event: requests\n", b"[1"),
            (b"event: overview\n", b"<html>"),
        ] {
            assert!(news(frame, data).is_none());
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_gateways_words() {
        let refused = |status, body_| body(Answer { status, body: body_ }).unwrap_err();
        assert_eq!(refused(StatusCode::INTERNAL_SERVER_ERROR, json!({ "error": { "message": "set storage.path" } })), "set storage.path");
        assert_eq!(refused(StatusCode::UNAUTHORIZED, json!(null)), "the gateway refuses the key");
        assert_eq!(refused(StatusCode::BAD_GATEWAY, json!(null)), "the gateway answered 502 Bad Gateway");
    }
}
