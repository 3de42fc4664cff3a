//! `tokens`: keys of clients.

use serde_json::Value;

use crate::config::import::draft::Draft;
use crate::config::import::source::At;

/// Why a key is not carried over, by its `status`.
const OFF: [(u64, &str); 3] = [
    (2, "this key is switched off, and llmgw has no switch for it"),
    (3, "this key has expired"),
    (4, "this key has used up what it may use"),
];

/// One row.
pub(super) fn token(row: &At<'_>, draft: &mut Draft) {
    let status = row.get("status").and_then(|at| at.whole()).unwrap_or(1);
    if row.get("deleted_at").is_some() {
        return row.leave("this key was deleted");
    }
    if let Some((_, reason)) = OFF.iter().find(|(off, _)| *off == status) {
        return row.leave(*reason);
    }
    let Some(key) = row.get("key").and_then(|at| at.filled()) else { return row.leave("there is no key in it") };
    let name = row.get("name").and_then(|at| at.filled());
    // Clients write the prefix, the table leaves it out.
    let key = if key.starts_with("sk-") { key } else { format!("sk-{key}") };
    draft.let_in(name, key, models(row));
    limits(row);
}

/// one-api has one column, new-api a switch and another one.
fn models(row: &At<'_>) -> Vec<String> {
    let is_limited = row.get("model_limits_enabled").and_then(|at| at.flag()).unwrap_or(true);
    let column = if row.value.get("model_limits").is_some() { "model_limits" } else { "models" };
    if !is_limited {
        row.leave_all(&[column], "the source's own switch for it is off");
        return Vec::new();
    }
    let text = row.get(column).and_then(|at| at.text()).unwrap_or_default();
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn limits(row: &At<'_>) {
    let record = "a record of the source, or its pages' own, not a setting of the gateway";
    row.leave_all(&["id", "user_id", "created_time", "accessed_time", "used_quota"], record);
    match row.get("unlimited_quota").map(|at| at.value.clone()) {
        Some(Value::Bool(true)) => row.leave_all(&["remain_quota"], record),
        Some(Value::Number(number)) if number.as_i64() == Some(1) => row.leave_all(&["remain_quota"], record),
        _ => row.leave_all(&["remain_quota"], "llmgw has no quotas: this key may now use as much as it likes"),
    }
    row.get("unlimited_quota").iter().for_each(At::tick);
    match row.get("expired_time") {
        Some(at) if at.value.as_i64() == Some(-1) => at.tick(),
        Some(at) => at.leave("keys do not expire here: take it out of `auth.keys` on the day"),
        None => {}
    }
    for key in ["subnet", "allow_ips", "group", "cross_group_retry"] {
        match row.get(key) {
            Some(at) if at.value.as_str().is_some_and(|text| matches!(text.trim(), "" | "default")) || at.value.as_i64() == Some(0) => {
                at.tick()
            }
            Some(at) => at.leave("keys have a name and models only"),
            None => {}
        }
    }
}
