//! Keeps answers as they go by, so that others can go on from them.

use std::sync::Arc;

use bytes::Bytes;

use crate::dialects::frames::Framer;
use crate::dialects::json::Object;
use crate::dialects::sse::Frame;
use crate::hub::Kind;
use crate::providers::{CredentialId, Provider};
use crate::storage::{Kept, Place, Store};

/// Longer ids are nobody's.
pub const LONGEST_ID: usize = 256;

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
    /// In `store` for `owner`: the answer of `model` to the items `input`.
    pub fn new(store: Store, owner: String, model: String, input: Bytes) -> Keeping {
        Keeping { store, owner, model, input }
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
