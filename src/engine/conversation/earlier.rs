//! What a request goes on from, and who can be asked for it.

use std::borrow::Cow;

use crate::dialects::DialectError;
use crate::engine::Error;
use crate::routing::{Candidate, Plan, Skipped};

/// The member that names the answer to go on from.
pub const PREVIOUS: &str = "previous_response_id";

/// What a request goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing.
    Nothing,
    /// An answer of this id, which stands before its input now.
    Here(String),
    /// An answer that the provider of this name has.
    At {
        /// Its id.
        id: String,
        /// The provider.
        provider: String,
        /// Which of its credentials asked for it.
        key: Option<String>,
    },
    /// An answer of this id, which llmgw does not know; an upstream that keeps its answers may.
    Unknown(String),
    /// An answer that llmgw cannot know, for it keeps none.
    Unkept,
}

impl Earlier {
    /// The id of the answer that stands before the request's input.
    pub fn joined(&self) -> Option<&str> {
        if let Earlier::Here(id) = self { Some(id) } else { None }
    }

    /// The name of the credential that the request is for.
    pub fn key(&self) -> Option<&str> {
        if let Earlier::At { key, .. } = self { key.as_deref() } else { None }
    }

    /// Whether there is only one provider that can be asked.
    pub fn is_bound(&self) -> bool {
        matches!(self, Earlier::At { .. })
    }

    /// `plan` without those who have not what the request goes on from.
    pub fn narrow(&self, mut plan: Plan) -> Result<Plan, Error> {
        let Earlier::At { id, provider, .. } = self else { return Ok(plan) };
        plan.candidates.retain(|candidate| *candidate.provider_name == **provider);
        plan.skipped.retain(|(candidate, _)| *candidate.provider_name == **provider);
        // The first of them, if it has several routes: what another model of it makes of the request is failing over, too.
        plan.candidates.truncate(1);
        if plan.candidates.is_empty() && plan.skipped.is_empty() {
            let message = format!("the response `{id}` is kept by the provider `{provider}`, to which `{}` has no route", plan.name);
            return Err(invalid(message, PREVIOUS));
        }
        let rests = |(_, skipped): &(Candidate, Skipped)| matches!(skipped, Skipped::Cooling { .. });
        if plan.candidates.is_empty()
            && let Some(place) = plan.skipped.iter().position(rests)
        {
            // There is no other: this is its probe.
            let (candidate, _) = plan.skipped.remove(place);
            plan.candidates.push(Candidate { last_resort: true, ..candidate });
        }
        Ok(plan)
    }

    /// Whether `provider` can be asked, which `keeps` its answers or does not.
    pub fn check(&self, provider: &str, keeps: bool) -> Result<(), DialectError> {
        let has_it = match self {
            Earlier::Nothing | Earlier::Here(_) => true,
            Earlier::At { provider: keeper, .. } => keeps && keeper == provider,
            Earlier::Unknown(_) | Earlier::Unkept => keeps,
        };
        if has_it { Ok(()) } else { Err(DialectError::Unsupported { feature: Cow::Borrowed("`previous_response_id`") }) }
    }

    /// What the client is told if nobody can be asked.
    pub fn error(&self) -> Option<Error> {
        match self {
            Earlier::Nothing | Earlier::Here(_) => None,
            Earlier::At { id, .. } | Earlier::Unknown(id) => Some(Error::PreviousResponseNotFound(id.clone())),
            Earlier::Unkept => {
                let message = "`previous_response_id` goes on from nothing: neither this model's upstreams nor llmgw keep responses; \
                    send the whole conversation, or have `storage.responses` set";
                Some(invalid(message.to_owned(), PREVIOUS))
            }
        }
    }
}

/// A mistake of the client's.
pub fn invalid(message: String, param: &str) -> Error {
    Error::InvalidRequest { message, param: Some(param.to_owned()) }
}
