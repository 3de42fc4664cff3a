//! Requests of `/v1/responses` that go on from an earlier answer, and answers that can be gone on from.
//!
//! An upstream that keeps its answers keeps them: llmgw remembers only which provider has which id. Where none does, and
//! `storage.responses` allows it, llmgw keeps what was said itself, and puts it before the input of what goes on from it.
//! Then everything is as if the client had sent all of it.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use crate::dialects::DialectError;
use crate::dialects::frames::Framer;
use crate::dialects::head::Head;
use crate::dialects::json::Object;
use crate::dialects::sse::Frame;
use crate::engine::demand::{Body, Demand};
use crate::engine::{Error, Inner, Job};
use crate::hub::{Endpoint, Kind};
use crate::providers::{CredentialId, Provider};
use crate::routing::{Candidate, Plan, Skipped};
use crate::storage::{Found, Kept, Place, Store, Unusable};

/// Longer ids are nobody's.
const LONGEST_ID: usize = 256;

/// The member that names the answer to go on from.
const PREVIOUS: &str = "previous_response_id";

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

/// What there is under `id` for `owner`.
pub async fn find(store: Option<&Store>, owner: &str, id: &str) -> Result<Found, Unusable> {
    match store {
        Some(store) if id.len() <= LONGEST_ID => store.find(id, owner).await,
        Some(_) => Ok(Found::Nothing),
        None => Err(Unusable),
    }
}

/// Puts before the input of `demand` what it goes on from, or says where that is; and notes what its answer is kept with.
pub async fn resume(engine: &Inner, job: &Job, demand: &mut Demand) -> Result<(), Error> {
    let store = engine.store(&job.snapshot);
    let Body::Json(head) = &demand.body else { return Ok(()) };
    if let Some(id) = previous(head)? {
        demand.earlier = match find(store, &job.caller.owner(), &id).await {
            Ok(Found::Kept(Kept { place: Place::Here { input, response }, .. })) => {
                let largest = job.snapshot.config.server.max_body;
                demand.body = Body::Json(joined(head, &input, &response, largest)?);
                Earlier::Here(id)
            }
            Ok(Found::Kept(Kept { place: Place::Provider { name, key }, .. })) => Earlier::At { id, provider: name, key },
            Ok(Found::OfAnother) => return Err(Error::PreviousResponseNotFound(id)),
            Ok(Found::Nothing) => Earlier::Unknown(id),
            Err(Unusable) => Earlier::Unkept,
        };
    }
    if let (Some(store), Body::Json(head)) = (store, &demand.body) {
        demand.keeping = Keeping::of(store, job, demand, head).map(Arc::new);
    }
    Ok(())
}

fn previous(head: &Head) -> Result<Option<String>, Error> {
    let Some(raw) = head.object.get(PREVIOUS).filter(|raw| *raw != b"null") else { return Ok(None) };
    if head.object.is_duplicate(PREVIOUS) {
        return Err(invalid(format!("`{PREVIOUS}` stands more than once"), PREVIOUS));
    }
    let id = serde_json::from_slice(raw).map_err(|_| invalid(format!("`{PREVIOUS}` must be a string"), PREVIOUS))?;
    Ok(Some(id))
}

/// The request with the whole conversation as its input: what was said before the earlier answer, the answer, and what it
/// says itself.
fn joined(head: &Head, input: &Bytes, response: &Bytes, largest: usize) -> Result<Head, Error> {
    if head.object.is_duplicate("input") {
        return Err(invalid("`input` stands more than once".to_owned(), "input"));
    }
    let kept = |_| Error::Internal("a response that was kept cannot be read".to_owned());
    let answer = Object::read_deep(response.clone()).map_err(kept)?;
    let own = items(&head.object)?;
    let said = [inner(input), inner(answer.get("output").unwrap_or_default()), inner(&own)];
    let said: Vec<&[u8]> = said.into_iter().filter(|items| !items.is_empty()).collect();
    let said = String::from_utf8([b"[", said.join(&b","[..]).as_slice(), b"]"].concat());
    let said = said.map_err(|_| Error::Internal("a response that was kept is no text".to_owned()))?;
    let mut edit = head.object.edit();
    edit.set("input", said);
    edit.remove(PREVIOUS);
    let body = edit.finish().concat();
    if body.len() > largest {
        let message = format!("with what it goes on from, the request is larger than {largest} bytes (`server.max_body`)");
        return Err(invalid(message, PREVIOUS));
    }
    Ok(Head::read(Endpoint::Responses, body.into())?)
}

/// The input of a request as a list of items.
fn items(object: &Object) -> Result<Bytes, Error> {
    match object.get("input") {
        None | Some(b"null") => Ok(Bytes::from_static(b"[]")),
        Some(list) if list.starts_with(b"[") => Ok(object.body().slice_ref(list)),
        Some(text) if text.starts_with(b"\"") => {
            let message: [&[u8]; 3] = [br#"[{"type":"message","role":"user","content":"#, text, b"}]"];
            Ok(message.concat().into())
        }
        Some(_) => Err(invalid("`input` must be a string or a list of items".to_owned(), "input")),
    }
}

/// What stands between a list's brackets.
fn inner(list: &[u8]) -> &[u8] {
    list.strip_prefix(b"[").and_then(|list| list.strip_suffix(b"]")).unwrap_or_default().trim_ascii()
}

fn invalid(message: String, param: &str) -> Error {
    Error::InvalidRequest { message, param: Some(param.to_owned()) }
}

/// What an answer is kept with.
#[derive(Debug)]
pub struct Keeping {
    store: Store,
    owner: String,
    model: String,
    /// All that was said before it: a list of items.
    input: Bytes,
}

impl Keeping {
    /// What the answer to `demand` is kept with; `None`: its client wants it forgotten, or what it asks is no request.
    fn of(store: &Store, job: &Job, demand: &Demand, head: &Head) -> Option<Keeping> {
        if head.object.get("store") == Some(b"false") {
            return None;
        }
        let input = items(&head.object).ok()?;
        Some(Keeping { store: store.clone(), owner: job.caller.owner(), model: demand.model.clone(), input })
    }
}

/// Keeps one answer as it goes by.
#[derive(Clone, Debug)]
pub struct Keeper {
    keeping: Arc<Keeping>,
    /// The provider that keeps it; `None`: llmgw does.
    provider: Option<Arc<str>>,
    /// Which of its credentials asks for it.
    key: Option<String>,
    is_over: bool,
}

impl Keeper {
    /// With `keeping`, of an answer by `provider` if that keeps it itself.
    pub fn new(keeping: Arc<Keeping>, provider: Option<Arc<str>>) -> Keeper {
        Keeper { keeping, provider, key: None, is_over: false }
    }

    /// For an answer that the credential `used` of `provider` asks for.
    pub fn of(mut self, provider: &dyn Provider, used: CredentialId) -> Keeper {
        if self.provider.is_some() {
            self.key = provider.name_of(used);
        }
        self
    }

    /// A whole answer goes out.
    pub fn whole(&self, response: &Bytes) {
        self.keep(response.clone());
    }

    /// One event of the client's stream goes out.
    pub fn event(&mut self, frame: &Frame) {
        // A provider's answer has its id from the beginning; what is kept here must be whole.
        let names: &[&[u8]] = match self.provider {
            Some(_) => &[b"response.created", b"response.queued", b"response.in_progress"],
            None => &[b"response.completed", b"response.incomplete"],
        };
        if self.is_over || name_of(frame.bytes()).is_some_and(|name| !names.contains(&name)) {
            return;
        }
        let Ok(event) = Object::read_deep(frame.data().into_owned().into()) else { return };
        // Some servers have the name within only.
        let name = event.get("type").and_then(|name| name.strip_prefix(b"\"")?.strip_suffix(b"\""));
        let is_it = name.is_some_and(|name| names.contains(&name));
        if let Some(response) = event.get("response").filter(|_| is_it) {
            self.is_over = true;
            self.keep(event.body().slice_ref(response));
        }
    }

    /// Some whole events of it go out.
    pub fn events(&mut self, frames: &Bytes) {
        let mut framer = Framer::of(Kind::OpenAiResponses);
        if framer.push(frames.clone()).is_ok() {
            while let Some(frame) = framer.next_frame() {
                self.event(&frame);
            }
        }
    }

    fn keep(&self, response: Bytes) {
        let Ok(object) = Object::read_deep(response) else { return };
        let text = |name: &str| serde_json::from_slice::<String>(object.get(name)?).ok();
        let Some(id) = text("id").filter(|id| !id.is_empty() && id.len() <= LONGEST_ID) else { return };
        let place = match &self.provider {
            Some(provider) => Place::Provider { name: provider.to_string(), key: self.key.clone() },
            // One that failed is nothing to go on from.
            None if !matches!(text("status").as_deref(), Some("completed" | "incomplete")) => return,
            None => Place::Here { input: self.keeping.input.clone(), response: object.body().clone() },
        };
        let Keeping { store, owner, model, .. } = &*self.keeping;
        store.keep(Kept::new(id, owner.clone(), model.clone(), place));
    }
}

/// The name of an event that has one.
fn name_of(frame: &[u8]) -> Option<&[u8]> {
    let line = frame.strip_prefix(b"event:")?.split(|byte| matches!(byte, b'\r' | b'\n')).next();
    line.map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests;
