//! Requests of `/v1/responses` that go on from an earlier answer, and answers that can be gone on from.
//!
//! An upstream that keeps its answers keeps them: llmgw remembers only which provider has which id. Where none does, and
//! `storage.responses` allows it, llmgw keeps what was said itself, and puts it before the input of what goes on from it.
//! Then everything is as if the client had sent all of it.

pub mod earlier;
pub mod keep;

use std::sync::Arc;

use bytes::Bytes;

use crate::dialects::head::Head;
use crate::dialects::json::Object;
use crate::engine::demand::{Body, Demand};
use crate::engine::{Error, Inner, Job};
use crate::hub::Endpoint;
use crate::storage::{Found, Kept, Place, Store, Unusable};
use earlier::{Earlier, PREVIOUS, invalid};
use keep::{Keeping, LONGEST_ID};

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
        demand.keeping = keeping(store, job, demand, head).map(Arc::new);
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

/// What the answer to `demand` is kept with; `None`: its client wants it forgotten, or what it asks is no request.
fn keeping(store: &Store, job: &Job, demand: &Demand, head: &Head) -> Option<Keeping> {
    if head.object.get("store") == Some(b"false") {
        return None;
    }
    let input = items(&head.object).ok()?;
    Some(Keeping::new(store.clone(), job.caller.owner(), demand.model.clone(), input))
}

#[cfg(test)]
mod tests;
