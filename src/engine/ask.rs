//! How one upstream is asked: in which dialect, with which bytes.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use crate::dialects::{Addressee, DialectError, is_own_header};
use crate::engine::Error;
use crate::engine::adapt::{Adapted, adapt, translate};
use crate::engine::answer::{Answered, AnsweredBody};
use crate::engine::conversation::keep::Keeper;
use crate::engine::demand::Demand;
use crate::engine::live::Snapshot;
use crate::engine::speech::Speech;
use crate::hub::{Endpoint, Kind};
use crate::providers::{Call, Provider, Target};
use crate::routing::Candidate;

/// Marks a count of tokens that llmgw estimated itself.
const ESTIMATED: HeaderName = HeaderName::from_static("x-llmgw-estimated");

/// How an upstream is asked.
pub struct Asking {
    /// In which dialects.
    pub speech: Speech,
    /// With which bytes.
    pub adapted: Adapted,
    /// For what.
    pub target: Target<'static>,
    /// Keeps the answer, if somebody shall.
    pub keeper: Option<Keeper>,
}

/// Why an upstream is not asked.
pub enum Unasked {
    /// The request is wrong, for whomever.
    Wrong(Error),
    /// It says what this upstream has no words for.
    Unsaid(DialectError),
    /// llmgw answers it itself.
    Answered(Box<Answered>),
}

impl From<DialectError> for Unasked {
    fn from(error: DialectError) -> Unasked {
        match error {
            DialectError::Unsupported { .. } | DialectError::Declined { .. } => Unasked::Unsaid(error),
            error => Unasked::Wrong(error.into()),
        }
    }
}

impl From<Error> for Unasked {
    fn from(error: Error) -> Unasked {
        Unasked::Wrong(error)
    }
}

/// How `candidate` is asked for `demand`.
pub fn ask(snapshot: &Snapshot, demand: &Demand, candidate: &Candidate) -> Result<Asking, Unasked> {
    let config = &snapshot.config.providers[candidate.provider];
    let provider = &*snapshot.upstreams[candidate.provider].provider;
    let spoken = provider.speaks(&demand.asks(&candidate.model));
    let speech = speech(demand, spoken)?;
    let keeps = matches!(speech, Speech::Same(_)) && provider.quirks().keeps_responses;
    demand.earlier.check(&candidate.provider_name, keeps)?;
    let target = match demand.endpoint {
        Endpoint::CountTokens => {
            let target = Target::CountTokens(speech.upstream_kind());
            if speech.is_translated() || !has_address(provider, target, &candidate.model) {
                return Err(Unasked::Answered(Box::new(estimate(demand))));
            }
            target
        }
        endpoint if endpoint.chat().is_none() => Target::Endpoint(endpoint),
        _ => Target::Chat(speech.upstream_kind()),
    };
    check_address(provider, target, spoken, &candidate.model)?;
    let params = match provider.params(speech.upstream_kind()).filter(|_| demand.endpoint.chat().is_some()) {
        Some(needed) => Cow::Owned(needed.with(&candidate.params)),
        None => Cow::Borrowed(&*candidate.params),
    };
    let adapted = match &speech {
        Speech::Translated { upstream, request, .. } => {
            let to = Addressee { model: &candidate.model, quirks: provider.quirks() };
            translate(request, *upstream, to, &params)?
        }
        Speech::Same(_) | Speech::Plain { .. } => adapt(demand, &candidate.model, &params, config.stream_usage)?,
    };
    let keeper = demand.keeping.clone().map(|keeping| Keeper::new(keeping, keeps.then(|| candidate.provider_name.clone())));
    Ok(Asking { speech, adapted, target, keeper })
}

/// The client's own dialect if the upstream speaks it, else the upstream's most native.
fn speech(demand: &Demand, spoken: &[Kind]) -> Result<Speech, DialectError> {
    let client = demand.endpoint.dialect();
    let is_chat = demand.endpoint.chat().is_some() || demand.endpoint == Endpoint::CountTokens;
    if !is_chat {
        return Ok(Speech::Plain { errors: client });
    }
    if spoken.contains(&client) && !demand.has_foreign_state() {
        return Ok(Speech::Same(client));
    }
    // Legacy completions say too little to be translated into.
    let native = spoken.iter().copied().find(|kind| *kind != Kind::OpenAiText);
    let upstream = native.ok_or(DialectError::Unsupported { feature: Cow::Borrowed("a chat") })?;
    Ok(Speech::Translated { client, upstream, request: demand.request()? })
}

/// Whether an upstream that is not one of OpenAI's kind has this operation, which has OpenAI's form.
fn check_address(provider: &dyn Provider, target: Target<'_>, spoken: &[Kind], model: &str) -> Result<(), DialectError> {
    let Target::Endpoint(endpoint) = target else { return Ok(()) };
    match spoken.iter().any(|kind| kind.is_of_openai()) || has_address(provider, target, model) {
        true => Ok(()),
        false => Err(DialectError::Unsupported { feature: Cow::Owned(format!("`{}`", endpoint.path())) }),
    }
}

fn has_address(provider: &dyn Provider, target: Target<'_>, model: &str) -> bool {
    provider.head(&Call { target, method: &Method::POST, model, stream: false, headers: &HeaderMap::new() }).is_ok()
}

/// About how many tokens a request has, where no upstream counts them.
fn estimate(demand: &Demand) -> Answered {
    let body = serde_json::json!({ "input_tokens": demand.estimated_input() }).to_string();
    let headers =
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json")), (ESTIMATED, HeaderValue::from_static("true"))]);
    let body = AnsweredBody::Full(Bytes::from(body), None);
    Answered::new(StatusCode::OK, headers, body)
}

/// The client's headers, without those that belong to its dialect where the upstream speaks another, and with `added`.
pub fn headers<'a>(client: &'a HeaderMap, asking: &Asking) -> Cow<'a, HeaderMap> {
    if !asking.speech.is_translated() {
        return Cow::Borrowed(client);
    }
    let mut headers = client.clone();
    let foreign: Vec<HeaderName> = headers.keys().filter(|name| is_own_header(name.as_str())).cloned().collect();
    for name in foreign {
        headers.remove(name);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &asking.adapted.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(*name, value);
        }
    }
    Cow::Owned(headers)
}
