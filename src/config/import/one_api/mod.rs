//! The database of one-api and of new-api, its descendant: `channels`, `tokens`, `abilities`, `options`.
//!
//! A tree of tables by name, each a list of rows; what reads the file is `storage`'s.

mod channels;
mod kinds;
mod options;
mod tokens;

use serde_json::{Value, json};

use super::draft::Draft;
use super::source::{At, Source};

/// Both listen there unless told otherwise.
const PORT: u16 = 3000;

/// Tables that are a record of what was, or the pages' own.
const RECORDS: [&str; 18] = [
    "logs",
    "redemptions",
    "midjourneys",
    "tasks",
    "quota_data",
    "top_ups",
    "setups",
    "checkins",
    "two_fas",
    "two_fa_backup_codes",
    "passkey_credentials",
    "prefill_groups",
    "vendors",
    "models",
    "subscription_orders",
    "subscription_plans",
    "user_subscriptions",
    "custom_oauth_providers",
];

pub(super) fn convert(source: &Source, draft: &mut Draft) {
    let root = source.root();
    channels::convert(&root, draft);
    if let Some(tokens) = root.get("tokens") {
        tokens.items().iter().for_each(|token| tokens::token(token, draft));
    }
    abilities(&root);
    options::convert(&root, draft);
    if let Some(users) = root.get("users") {
        users.leave("llmgw has keys, not accounts: whose a key is, its name says");
    }
    root.leave_all(&RECORDS, "a record of the source, or its pages' own, not a setting of the gateway");
    draft.comment("server.port", "The source's own, so that clients need not be changed.");
    draft.set("server.port", PORT);
}

/// A row per group, model and channel: it follows from the channels, unless it is switched off while its channel is not.
fn abilities(root: &At<'_>) {
    let Some(rows) = root.get("abilities") else { return };
    let channels = root.get("channels").map(|at| at.items()).unwrap_or_default();
    let is_on = |id: &Value| channels.iter().any(|row| row.value.get("id") == Some(id) && row.value.get("status") == Some(&json!(1)));
    for row in rows.items() {
        let is_off = row.get("enabled").and_then(|at| at.flag()) == Some(false);
        if row.value.get("channel_id").is_some_and(|id| is_off && is_on(id)) {
            row.leave("a single model of a channel cannot be switched off: take it out of the provider's `models`");
        }
    }
    rows.leave("which channel offers what follows from the channels");
}
