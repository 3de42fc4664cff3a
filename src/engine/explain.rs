//! The plan for a name as people and programs are shown it. Reads only: what it shows is what a request would get.

use crate::engine::live::Snapshot;
use crate::engine::report::{ExplainedRoute, Explanation, LiveState};
use crate::engine::survey::{seconds_left, word, worse};
use crate::hub::Kind;
use crate::providers::Asked;
use crate::routing::{Candidate, Millis, NotFound, Plan, Skipped, plan};

/// The plan for `name`, for people.
pub fn explain(snapshot: &Snapshot, name: &str, now: Millis) -> Result<Explanation, NotFound> {
    Ok(explain_plan(snapshot, name, plan(&snapshot.table, snapshot, name, now, &mut rand::rng())?, now))
}

/// The same of a plan that was made.
pub fn explain_plan(snapshot: &Snapshot, name: &str, plan: Plan, now: Millis) -> Explanation {
    let Plan { candidates, skipped, missing, found, .. } = plan;
    let mut skipped: Vec<ExplainedRoute> = skipped.iter().map(|(candidate, why)| explained(snapshot, candidate, Some(why), now)).collect();
    skipped.extend(missing.iter().map(|name| missing_route(name)));
    Explanation {
        model: name.to_owned(),
        resolved_by: found.to_string(),
        candidates: candidates.iter().map(|candidate| explained(snapshot, candidate, None, now)).collect(),
        skipped,
        max_attempts: snapshot.config.routing.max_attempts,
    }
}

fn explained(snapshot: &Snapshot, candidate: &Candidate, why: Option<&Skipped>, now: Millis) -> ExplainedRoute {
    let vendor = snapshot.config.providers[candidate.provider].preset.as_deref();
    let spoken = snapshot.upstreams[candidate.provider].provider.speaks(&Asked { model: &candidate.model, ..Asked::default() });
    let foreign = (!spoken.contains(&Kind::OpenAiChat)).then(|| spoken.first().map(|kind| format!("speaks {kind}"))).flatten();
    let last_resort = candidate.last_resort.then(|| "last resort: everything is cooling, this is nearest to recovery".to_owned());
    ExplainedRoute {
        via: candidate.via.to_string(),
        provider: candidate.provider_name.to_string(),
        upstream_model: candidate.model.to_string(),
        priority: candidate.priority,
        weight: candidate.weight,
        price: candidate.price.or_else(|| snapshot.prices.price(vendor, &candidate.model)),
        live: Some(live(snapshot, candidate, now)),
        note: why.map(Skipped::to_string).or(last_resort).or(foreign),
        speaks: spoken.iter().map(|kind| kind.word().to_owned()).collect(),
    }
}

fn live(snapshot: &Snapshot, candidate: &Candidate, now: Millis) -> LiveState {
    let policy = snapshot.table.cooldown();
    let standing = worse(candidate.account.standing(now, policy), candidate.health.standing(now, policy));
    LiveState {
        state: word(standing).to_owned(),
        cooldown_left_seconds: seconds_left(standing),
        failures: u32::from(candidate.health.failures_in_a_row()),
        provider_failures: u32::from(candidate.account.failures_in_a_row()),
        failures_allowed: policy.map(|policy| policy.failures),
        in_flight: candidate.account.in_flight(),
        max_in_flight: candidate.max_in_flight,
    }
}

fn missing_route(name: &str) -> ExplainedRoute {
    ExplainedRoute {
        via: name.to_owned(),
        provider: String::new(),
        upstream_model: String::new(),
        priority: 0,
        weight: 0,
        price: None,
        live: None,
        speaks: Vec::new(),
        note: Some("a fallback name that nothing offers".to_owned()),
    }
}
