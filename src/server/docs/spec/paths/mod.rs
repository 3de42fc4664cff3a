//! Every path of the gateway, in the order in which the page shows them. A path of the router that has no place here fails
//! a test, and so does a place here that nothing serves.

mod administration;
mod chat;
mod dashboard;
mod gateway;
mod media;
mod models;
mod passed;

use super::failures::Voice;
use super::failures::list::MODEL;
use super::operation::{Access, Operation};

/// A heading of the page, and what stands under it.
pub(super) const TAGS: [(&str, &str); 9] = [
    (CHAT, "What names a model and is answered with text."),
    (INPUTS, "Embeddings, moderations, ranks."),
    (MEDIA, "Images and sound."),
    (MODELS, "What can be asked for."),
    (PASSED, "Paths that name a provider instead of a model: both bodies stream, there is one attempt, and nothing is translated."),
    (HEALTH, "Open to everyone, without a key."),
    (ADMINISTRATION, "With `admin.key`; without one and without `auth.keys`, from this machine. With `admin.port`, on that port only."),
    (DASHBOARD, "Pages for a browser, and the same as JSON. For the same people as the rest of administration."),
    (DOCUMENTATION, "This page, and what it is made of."),
];

const CHAT: &str = "Chat";
const INPUTS: &str = "Inputs";
const MEDIA: &str = "Media";
const MODELS: &str = "Models";
const PASSED: &str = "Passed through";
const HEALTH: &str = "Health";
const ADMINISTRATION: &str = "Administration";
const DASHBOARD: &str = "Dashboard";
const DOCUMENTATION: &str = "Documentation";

/// All of them.
pub(super) fn all() -> Vec<Operation> {
    let parts = [
        chat::operations(),
        media::operations(),
        models::operations(),
        passed::operations(),
        gateway::operations(),
        administration::operations(),
        dashboard::operations(),
    ];
    parts.into_iter().flatten().collect()
}

/// A request that names a model in its body.
fn model(path: &'static str, id: &str) -> Operation {
    Operation::post(path, id).access(Access::Key).in_words_of(Voice::Upstream)
}

/// How such requests end when they end badly. Whatever else an upstream refuses with goes back as it is.
fn failing(operation: Operation) -> Operation {
    operation.fails(&MODEL).answers("4XX", "The upstream's own refusal, as it wrote it", [super::media::anything("application/json")])
}
