//! What would be sent for a request: the same plan, the same bytes. Nothing is sent, and nobody is logged in.

use http::{HeaderValue, Method};
use serde::Serialize;
use url::Url;

use crate::config::proxy::without_secrets;
use crate::config::secret::mask;
use crate::engine::ask::{Asking, Unasked, ask, headers as headers_for};
use crate::engine::demand::Demand;
use crate::engine::explain::explain_plan;
use crate::engine::live::Snapshot;
use crate::engine::report::Explanation;
use crate::engine::run::find;
use crate::engine::{Error, Inner, Job};
use crate::providers::{Call, headers};
use crate::routing::Candidate;

/// What would be sent. Secrets are masked, credentials not yet in it.
#[derive(Clone, Debug, Serialize)]
pub struct Draft {
    /// Who would be asked, in which order.
    pub plan: Explanation,
    /// What the first of them would get.
    pub request: DraftRequest,
}

/// A request to one upstream.
#[derive(Clone, Debug, Serialize)]
pub struct DraftRequest {
    /// Name of the provider.
    pub provider: String,
    /// The upstream's name of the model.
    pub model: String,
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// The headers, but for what the connection itself adds.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// Hints that the upstream's dialect has no words for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
}

/// What would be sent for `job`.
pub async fn draft(engine: &Inner, job: &Job) -> Result<Draft, Error> {
    let snapshot = &job.snapshot;
    let demand = Demand::read(job)?;
    let plan = find(engine, snapshot, &demand.model).await?;
    let mut unsaid = None;
    let mut request = None;
    for candidate in &plan.candidates {
        match ask(snapshot, &demand, candidate) {
            Ok(asking) => {
                request = Some(written(job, &demand, candidate, &asking)?);
                break;
            }
            Err(Unasked::Wrong(error)) => return Err(error),
            Err(Unasked::Unsaid(reason)) => unsaid = Some(format!("{candidate}: {reason}")),
            Err(Unasked::Answered(_)) => {}
        }
    }
    let plan = explain_plan(snapshot, &demand.model, plan, engine.now());
    match (request, unsaid) {
        (Some(request), _) => Ok(Draft { plan, request }),
        (None, Some(message)) => Err(Error::InvalidRequest { message, param: None }),
        (None, None) => {
            let noted = plan.skipped.iter().map(|route| format!("{}: {}", route.provider, route.note.as_deref().unwrap_or_default()));
            let reason = noted.collect::<Vec<_>>().join("; ");
            Err(Error::Unavailable { model: demand.model, reason, retry_after: std::time::Duration::ZERO, attempts: Vec::new() })
        }
    }
}

fn written(job: &Job, demand: &Demand, candidate: &Candidate, asking: &Asking) -> Result<DraftRequest, Error> {
    let snapshot = &job.snapshot;
    let client = headers::forwardable(&job.headers);
    let headers = headers_for(&client, asking);
    let call =
        Call { target: asking.target, method: &Method::POST, model: &candidate.model, stream: demand.is_stream(), headers: &headers };
    let head = snapshot.upstreams[candidate.provider].provider.head(&call).map_err(|error| Error::Internal(error.to_string()))?;
    let address = address(&head.uri.to_string(), &snapshot.config.providers[candidate.provider].base_url);
    let body = asking.adapted.pieces.concat();
    Ok(DraftRequest {
        provider: candidate.provider_name.to_string(),
        model: candidate.model.to_string(),
        method: head.method.to_string(),
        url: snapshot.secrets.redact(&address).into_owned(),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), shown(snapshot, candidate, name.as_str(), value))).collect(),
        body: snapshot.secrets.redact_long(&String::from_utf8_lossy(&body), false, false).into_owned(),
        dropped: asking.adapted.dropped.iter().map(|hint| hint.to_string()).collect(),
    })
}

/// Of what stands in a query, only that may be secret which was configured.
fn address(whole: &str, configured: &Url) -> String {
    let Ok(url) = Url::parse(whole) else { return String::new() };
    let (masked, own) = (without_secrets(&url), |name: &str| configured.query_pairs().any(|(own, _)| own == name));
    let both = url.query().unwrap_or_default().split('&').zip(masked.query().unwrap_or_default().split('&'));
    let query: Vec<&str> =
        both.map(|(as_is, masked)| if own(as_is.split('=').next().unwrap_or_default()) { masked } else { as_is }).collect();
    let mut shown = masked.clone();
    shown.set_query(url.query().map(|_| query.join("&")).as_deref());
    shown.to_string()
}

/// A header that was configured may be a credential, whatever it is called.
fn shown(snapshot: &Snapshot, candidate: &Candidate, name: &str, value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    let configured = &snapshot.config.providers[candidate.provider].headers;
    if configured.iter().any(|(own, _)| own.as_str() == name) { mask(&text) } else { snapshot.secrets.redact(&text).into_owned() }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::address;

    #[test]
    fn what_was_configured_is_masked_in_an_address() {
        let base = Url::parse("https://u:geheim@gw.example/v1?key=geheim").unwrap();
        let shown = address("https://u:geheim@gw.example/v1/models/m:stream?key=geheim&alt=sse", &base);
        assert_eq!(shown, "https://u:****@gw.example/v1/models/m:stream?key=****&alt=sse");
        assert_eq!(address("https://a.example/v1/chat", &Url::parse("https://a.example/v1").unwrap()), "https://a.example/v1/chat");
    }
}
