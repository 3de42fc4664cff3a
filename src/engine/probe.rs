//! Real calls to single routes, outside of routing and health: `llmgw test` and `bench`, and the model test of the server.
//!
//! Here is which routes are asked; [`call`] asks one of them, and [`capability`] knows how to try what a model can do.

mod call;
mod capability;
mod stream;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use globset::Glob;

use crate::config::{self, Capability};
use crate::engine::live::Snapshot;
use crate::engine::run::find;
use crate::engine::{Error, Inner, Probe};
use crate::hub::{Endpoint, Usage};
use crate::routing::Candidate;

pub use call::probe;

/// What is said unless someone says otherwise.
const MESSAGE: &str = "你好";

/// Of one probe.
const TIMEOUT: Duration = Duration::from_secs(60);

impl Probe {
    /// The same route, asked for `capability` instead.
    pub fn of_capability(&self, capability: Capability) -> Probe {
        Probe { capability: Some(capability), ..self.clone() }
    }

    /// USD for what one call has used; `None`: the price is not known.
    pub fn cost(&self, usage: &Usage) -> Option<f64> {
        let vendor = self.snapshot.config.providers[self.candidate.provider].vendor();
        self.snapshot.prices.cost(Some(vendor), &self.upstream_model, usage).map(|cost| cost.usd)
    }
}

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
    let claims = claims(snapshot, &candidate);
    Probe {
        name,
        provider: candidate.provider_name.to_string(),
        upstream_model: candidate.model.to_string(),
        skip,
        endpoint,
        message: MESSAGE.to_owned(),
        stream: false,
        max_tokens: None,
        timeout: TIMEOUT,
        capability: None,
        claims,
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

/// What the model of `candidate` is said to be able to do: by its route, else by its provider, else by the built-in list.
fn claims(snapshot: &Snapshot, candidate: &Candidate) -> Vec<Capability> {
    let provider = &snapshot.config.providers[candidate.provider];
    let is_this =
        |route: &&config::Route| route.provider == candidate.provider && route.model.as_ref().is_none_or(|model| *model == candidate.model);
    let of_route = routes_of(&snapshot.config, &candidate.via).iter().filter(is_this).find_map(|route| route.capabilities.clone());
    of_route.or_else(|| provider.capabilities.clone()).unwrap_or_else(|| listed(snapshot, provider.vendor(), &candidate.model))
}

/// The routes of `name` itself, or else of a wildcard for it.
fn routes_of<'c>(config: &'c config::Config, name: &str) -> &'c [config::Route] {
    let is_wildcard =
        |model: &&config::Model| model.name.contains('*') && Glob::new(&model.name).is_ok_and(|glob| glob.compile_matcher().is_match(name));
    let named = config.models.iter().find(|model| *model.name == *name).or_else(|| config.models.iter().find(is_wildcard));
    match named.map(|model| &model.target) {
        Some(config::Target::Routes { routes, .. }) => routes,
        _ => &[],
    }
}

/// What the built-in list says of `model`. Nobody streams embeddings; every chat model known to it streams.
fn listed(snapshot: &Snapshot, vendor: &str, model: &str) -> Vec<Capability> {
    let Some(known) = snapshot.prices.capabilities(Some(vendor), model) else { return Vec::new() };
    let says = |capability: &Capability| match capability {
        Capability::Stream => !known.embedding && !known.rerank,
        Capability::Tools => known.tools,
        Capability::JsonSchema => known.schema,
        Capability::Vision => known.vision,
        Capability::Embeddings => known.embedding,
    };
    Capability::ALL.into_iter().filter(says).collect()
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
