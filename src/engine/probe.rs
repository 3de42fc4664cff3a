//! Real calls to single routes, outside of routing and health: `llmgw test`, and the model test of the server.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::config;
use crate::dialects::frames::Framer;
use crate::dialects::head::Head;
use crate::dialects::openai_chat::response;
use crate::dialects::sse::Frame;
use crate::dialects::{Decoder, UpstreamDialect};
use crate::engine::answer::AnsweredBody;
use crate::engine::attempt::{Attempting, Tried};
use crate::engine::demand::{Body, Demand};
use crate::engine::hold::Begun;
use crate::engine::live::Snapshot;
use crate::engine::run::find;
use crate::engine::{Error, Inner, Probe, ProbeResult};
use crate::hub::{ApiError, Endpoint, Event};
use crate::routing::Candidate;
use crate::telemetry::redact::redact_cut;

/// What is said unless someone says otherwise.
const MESSAGE: &str = "你好";

/// Of one probe.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How much of a reply is shown.
const SHOWN: usize = 500;

/// The routes to ask: those of the names in `models`, or of everything that is listed.
pub async fn probes(engine: &Inner, snapshot: &Arc<Snapshot>, models: &[String], provider: Option<&str>) -> Result<Vec<Probe>, Error> {
    let mut candidates = Vec::new();
    if models.is_empty() {
        candidates = everything(engine, snapshot, provider).await?;
    }
    for name in models {
        let plan = find(engine, snapshot, name).await?;
        let all = plan.candidates.into_iter().chain(plan.skipped.into_iter().map(|(candidate, _)| candidate));
        // The fallbacks' routes are other names' routes.
        let mut all = all.peekable();
        let via = all.peek().map(|first| first.via.clone());
        candidates.extend(all.filter(|candidate| Some(&candidate.via) == via.as_ref()).map(|candidate| (name.clone(), candidate)));
    }
    let picked = |candidate: &Candidate| provider.is_none_or(|provider| &*candidate.provider_name == provider);
    let enabled = |candidate: &Candidate| snapshot.config.providers[candidate.provider].enabled;
    let chosen = candidates.into_iter().filter(|(_, candidate)| picked(candidate) && enabled(candidate));
    Ok(chosen.map(|(name, candidate)| probe_of(snapshot, name, candidate)).collect())
}

/// Routes of `models`, listed models, and `default_model` where models are discovered; each upstream model once.
async fn everything(engine: &Inner, snapshot: &Arc<Snapshot>, provider: Option<&str>) -> Result<Vec<(String, Candidate)>, Error> {
    let config = &snapshot.config;
    let mut found = Vec::new();
    for model in config.models.iter().filter(|model| model.enabled && !model.name.contains('*')) {
        let config::Target::Routes { routes, .. } = &model.target else { continue };
        let Ok(plan) = find(engine, snapshot, &model.name).await else { continue };
        let all = plan.candidates.into_iter().chain(plan.skipped.into_iter().map(|(candidate, _)| candidate));
        let own = all.filter(|candidate| candidate.via == model.name);
        let enabled = |candidate: &Candidate| {
            let is_route = |route: &config::Route| {
                route.provider == candidate.provider && route.model.as_deref().unwrap_or(&model.name) == &*candidate.model
            };
            routes.iter().any(|route| route.enabled && is_route(route))
        };
        found.extend(own.filter(enabled).map(|candidate| (model.name.to_string(), candidate)));
    }
    for (index, configured) in config.providers.iter().enumerate().filter(|(_, provider)| provider.enabled) {
        let listed = configured.models.clone().unwrap_or_else(|| configured.default_model.iter().cloned().collect());
        let candidates = listed.iter().filter_map(|model| Some((model.to_string(), snapshot.table.candidate(index, model)?)));
        found.extend(candidates);
    }
    if let Some(name) = provider.filter(|name| snapshot.table.provider(name).is_none()) {
        return Err(Error::NotFound(format!("there is no provider `{name}`")));
    }
    let mut seen = HashSet::new();
    found.retain(|(_, candidate)| seen.insert((candidate.provider, candidate.model.clone())));
    Ok(found)
}

fn probe_of(snapshot: &Arc<Snapshot>, name: String, candidate: Candidate) -> Probe {
    let (endpoint, skip) = kind_of(&candidate.model);
    Probe {
        name,
        provider: candidate.provider_name.to_string(),
        upstream_model: candidate.model.to_string(),
        skip,
        endpoint,
        message: MESSAGE.to_owned(),
        stream: false,
        timeout: TIMEOUT,
        candidate,
        snapshot: snapshot.clone(),
    }
}

/// How a model is asked, told by its name; what is neither chat nor embedding is not asked.
fn kind_of(model: &str) -> (Endpoint, Option<String>) {
    const EMBEDDING: [&str; 4] = ["embed", "bge-", "gte-", "e5-"];
    const OTHERS: [(&str, &[&str]); 4] = [
        ("image", &["dall-e", "gpt-image", "image-", "-image", "flux", "stable-diffusion", "cogview", "seedream", "wanx"]),
        ("audio", &["whisper", "tts", "transcribe", "speech", "asr", "gpt-audio", "realtime"]),
        ("rerank", &["rerank"]),
        ("moderation", &["moderation"]),
    ];
    let model = model.to_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| model.contains(word));
    if let Some((kind, _)) = OTHERS.iter().find(|(_, words)| holds(words)) {
        return (Endpoint::ChatCompletions, Some(format!("{kind} model: not asked")));
    }
    (if holds(&EMBEDDING) { Endpoint::Embeddings } else { Endpoint::ChatCompletions }, None)
}

/// Asks one route.
pub async fn probe(snapshot: &Snapshot, probe: &Probe) -> ProbeResult {
    let mut result = ProbeResult {
        model: probe.name.clone(),
        provider: probe.provider.clone(),
        upstream_model: probe.upstream_model.clone(),
        ok: true,
        skipped: probe.skip.clone(),
        latency_ms: 0,
        first_token_ms: None,
        reply: None,
        error: None,
    };
    if probe.skip.is_some() {
        return result;
    }
    let begun = Instant::now();
    let asked = tokio::time::timeout(probe.timeout, ask(snapshot, probe, begun)).await;
    let asked = asked.unwrap_or_else(|_| Err(format!("no complete answer within {}", humantime::format_duration(probe.timeout))));
    result.latency_ms = millis(begun.elapsed());
    match asked {
        Ok((reply, first)) => {
            result.first_token_ms = first.map(millis);
            result.reply = Some(reply.chars().take(SHOWN).collect());
        }
        Err(error) => {
            result.ok = false;
            result.error = Some(error);
        }
    }
    result
}

async fn ask(snapshot: &Snapshot, probe: &Probe, begun: Instant) -> Result<(String, Option<Duration>), String> {
    let demand = demand(probe)?;
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"))]);
    // The caller's limit comes first, and names what was asked for rather than what was left of it.
    let deadline = begun + probe.timeout * 2;
    let attempting = Attempting { snapshot, demand: &demand, headers: &headers, span: None, deadline, overheard: Arc::default() };
    let answered = match attempting.run(&probe.candidate).await {
        Tried::Answered(answered) => answered,
        Tried::Failed(failed) => {
            let status = failed.status.map(|status| format!("{}: ", status.as_u16())).unwrap_or_default();
            return Err(format!("{status}{}", failed.reason));
        }
        Tried::Wrong(error) => return Err(error.to_string()),
        Tried::Unsaid(reason) => return Err(reason.to_string()),
    };
    match answered.body {
        AnsweredBody::Full(body, _) if !answered.status.is_success() => {
            let said = ApiError::read_failed(&body).map(|error| format!(": {}", error.summary())).unwrap_or_default();
            Err(format!("{}{said}", answered.status.as_u16()))
        }
        AnsweredBody::Full(body, _) => full(probe.endpoint, &body).map(|reply| (reply, None)),
        AnsweredBody::Events { begun: stream, speech, .. } => {
            let first = begun.elapsed();
            let secrets = answered.credential.secrets(snapshot, probe.candidate.provider);
            let reply = streamed(*stream, speech.upstream()).await.map_err(|error| redact_cut(&error, &secrets).into_owned())?;
            Ok((reply, Some(first)))
        }
        AnsweredBody::Raw(..) => Err("the answer is of an unknown kind".to_owned()),
    }
}

fn demand(probe: &Probe) -> Result<Demand, String> {
    let mut body = match probe.endpoint {
        Endpoint::Embeddings => json!({ "model": probe.upstream_model, "input": probe.message }),
        _ => json!({ "model": probe.upstream_model, "messages": [{ "role": "user", "content": probe.message }] }),
    };
    if probe.stream && probe.endpoint == Endpoint::ChatCompletions {
        body["stream"] = Value::Bool(true);
    }
    let request = Head::read(probe.endpoint, Bytes::from(body.to_string())).map_err(|error| error.to_string())?;
    Ok(Demand::new(probe.endpoint, probe.upstream_model.clone(), Body::Json(request)))
}

fn full(endpoint: Endpoint, body: &[u8]) -> Result<String, String> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "the answer is not JSON".to_owned())?;
    if endpoint == Endpoint::Embeddings {
        let embedding = value.pointer("/data/0/embedding").ok_or("the answer holds no embedding")?;
        return Ok(embedding.as_array().map_or_else(|| "an embedding".to_owned(), |numbers| format!("{} numbers", numbers.len())));
    }
    if value.pointer("/choices/0").is_none() {
        return Err("the answer holds no choice".to_owned());
    }
    Ok(response::text(&value).to_owned())
}

/// A stream, as far as it was read.
struct Heard {
    dialect: &'static dyn UpstreamDialect,
    decoder: Box<dyn Decoder>,
    text: String,
    is_complete: bool,
}

impl Heard {
    fn take(&mut self, frame: &Frame) -> Result<(), String> {
        self.is_complete |= self.dialect.chunk(frame).done;
        let mut events = Vec::new();
        self.decoder.decode(frame, &mut events).map_err(|error| error.to_string())?;
        for event in events {
            match event {
                Event::Text(piece) | Event::Refusal(piece) => self.text.push_str(&piece),
                Event::Finish(_) => self.is_complete = true,
                Event::Error(error) => return Err(error.summary().into_owned()),
                _ => {}
            }
        }
        Ok(())
    }

    fn drain(&mut self, framer: &mut Framer) -> Result<(), String> {
        while let Some(frame) = framer.next_frame() {
            self.take(&frame)?;
        }
        Ok(())
    }
}

/// The text of a stream, which must come to its end.
async fn streamed(mut begun: Begun, dialect: &'static dyn UpstreamDialect) -> Result<String, String> {
    let mut heard = Heard { dialect, decoder: dialect.decoder(), text: String::new(), is_complete: false };
    for frame in &begun.held {
        heard.take(frame)?;
    }
    heard.drain(&mut begun.framer)?;
    while let Some(frame) = match begun.upstream.as_mut() {
        Some(upstream) => upstream.frame().await,
        None => None,
    } {
        let data = frame.map_err(|error| error.to_string())?.into_data().unwrap_or_default();
        begun.framer.push(data).map_err(|error| error.to_string())?;
        heard.drain(&mut begun.framer)?;
    }
    if let Some(rest) = begun.framer.rest() {
        heard.take(&rest)?;
    }
    if heard.is_complete { Ok(heard.text) } else { Err("the stream ended before it was complete".to_owned()) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::kind_of;
    use crate::hub::Endpoint;

    #[test]
    fn a_name_tells_how_to_ask() {
        assert_eq!(kind_of("text-embedding-3-small"), (Endpoint::Embeddings, None));
        assert_eq!(kind_of("gpt-4o").1, None);
        assert_eq!(kind_of("whisper-1").1.as_deref(), Some("audio model: not asked"));
        assert_eq!(kind_of("gpt-image-1").1.as_deref(), Some("image model: not asked"));
    }
}
