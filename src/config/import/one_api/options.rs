//! `options`: settings of the source's pages, most of which are no gateway's.

use crate::config::import::draft::Draft;
use crate::config::import::source::At;

pub(super) fn convert(root: &At<'_>, draft: &mut Draft) {
    let mut is_told = false;
    for row in root.get("options").map(|at| at.items()).unwrap_or_default() {
        let Some(key) = row.get("key").and_then(|at| at.filled()) else { continue };
        let Some(value) = row.get("value") else { continue };
        match key.as_str() {
            "RetryTimes" => {
                is_told = true;
                if let Some(retries) = value.whole() {
                    draft.comment("routing.max_attempts", "The source's RetryTimes, and the first attempt.");
                    draft.set("routing.max_attempts", retries + 1);
                }
            }
            _ => value.leave(format!("`{key}`: {}", reason(&key))),
        }
    }
    if !is_told {
        root.note("the source tries a request once unless RetryTimes is set, llmgw up to three times: `routing.max_attempts: 1` is the source's way");
    }
}

fn reason(key: &str) -> &'static str {
    if key.contains("Ratio") || key.contains("Price") || key.contains("Quota") {
        "llmgw counts tokens and what they cost in USD (`prices`), not quota"
    } else if key.contains("Disable") || key.contains("Automatic") {
        "an upstream that fails rests for `routing.cooldown`, then is tried again by itself"
    } else if key.contains("Log") {
        "the ledger keeps every request for `storage.keep`"
    } else {
        "a setting of the source's pages"
    }
}
