//! The body for one upstream: the client's, but for the model's name, the configured `params`, and the wish for usage.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::config::Params;
use crate::dialects::head::Head;
use crate::dialects::json::{Edit, Object, quote};
use crate::engine::Error;
use crate::engine::demand::{Body, Demand};
use crate::hub::Endpoint;

/// The names under which a limit of the answer's tokens may stand.
const LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// A body for an upstream.
pub struct Adapted {
    /// The bytes: slices of the client's, and what stands between them.
    pub pieces: Vec<Bytes>,
    /// Usage was asked for on llmgw's own account: its chunk is not the client's.
    pub withhold_usage: bool,
}

/// Makes the body that asks for `model`. `params` apply to JSON only. `usage`: whether the upstream may be asked for usage in a stream.
pub fn adapt(demand: &Demand, model: &str, params: &Params, usage: bool) -> Result<Adapted, Error> {
    let request = match &demand.body {
        Body::Form(form) => return Ok(Adapted { pieces: form.with_model(model), withhold_usage: false }),
        Body::Json(request) => request,
    };
    let mut edit = request.object.edit();
    if request.model.as_deref() != Some(model) {
        edit.set("model", quote(model));
    }
    if !params.is_empty() {
        refuse_duplicates(&request.object, params)?;
        apply(&mut edit, demand.endpoint, params);
    }
    let may_ask = usage && demand.endpoint == Endpoint::ChatCompletions && !decides(params, "stream_options");
    let withhold_usage = may_ask && ask_for_usage(&mut edit, request);
    Ok(Adapted { pieces: edit.finish(), withhold_usage })
}

/// A field that `params` touch must not stand twice: which one an upstream would read is anybody's guess.
fn refuse_duplicates(object: &Object, params: &Params) -> Result<(), Error> {
    let renamed = params.rename.iter().flat_map(|(from, to)| [from, to]);
    let set = params.set.iter().map(|(name, _)| name);
    let limits = LIMITS.iter().filter(|_| params.max_tokens.is_some()).copied();
    let mut targets = params.drop.iter().chain(renamed).chain(set).map(String::as_str).chain(limits);
    match targets.find(|name| object.is_duplicate(name)) {
        Some(name) => Err(Error::InvalidRequest { message: format!("`{name}` stands more than once"), param: Some(name.to_owned()) }),
        None => Ok(()),
    }
}

fn apply(edit: &mut Edit<'_>, endpoint: Endpoint, params: &Params) {
    for name in &params.drop {
        edit.remove(name);
    }
    for (from, to) in &params.rename {
        edit.rename(from, to);
    }
    for (name, value) in &params.set {
        edit.set(name, value.to_string());
    }
    let has_limit = matches!(endpoint, Endpoint::ChatCompletions | Endpoint::Completions);
    if let Some(most) = params.max_tokens.filter(|_| has_limit) {
        cap(edit, params, most);
    }
}

fn cap(edit: &mut Edit<'_>, params: &Params, most: u64) {
    let renamed = params.rename.iter().find(|(from, _)| LIMITS.contains(&from.as_str())).map(|(_, to)| to.as_str());
    let mut is_limited = false;
    for name in LIMITS.into_iter().chain(renamed) {
        let Some(raw) = edit.get(name).filter(|raw| *raw != "null") else { continue };
        is_limited = true;
        // What is no number is the upstream's to refuse.
        if raw.parse::<f64>().is_ok_and(|value| value > most as f64) {
            edit.set(name, most.to_string());
        }
    }
    if !is_limited {
        edit.set(renamed.unwrap_or(LIMITS[0]), most.to_string());
    }
}

/// Whether `params` say what becomes of the field `name`.
fn decides(params: &Params, name: &str) -> bool {
    params.drop.iter().any(|dropped| dropped == name)
        || params.set.iter().any(|(set, _)| set == name)
        || params.rename.iter().any(|(from, to)| from == name || to == name)
}

/// Adds `stream_options.include_usage` to a stream whose client does not ask for it.
fn ask_for_usage(edit: &mut Edit<'_>, request: &Head) -> bool {
    if !request.stream || request.include_usage {
        return false;
    }
    let options = edit.get("stream_options").and_then(|raw| serde_json::from_str::<Map<String, Value>>(raw).ok());
    let mut options = options.unwrap_or_default();
    options.insert("include_usage".to_owned(), Value::Bool(true));
    edit.set("stream_options", Value::Object(options).to_string());
    true
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::{Demand, adapt};
    use crate::config::Params;
    use crate::dialects::head::Head;
    use crate::engine::demand::Body;
    use crate::hub::Endpoint;

    fn adapted(body: &str, params: &Params, usage: bool) -> Result<String, String> {
        let endpoint = Endpoint::ChatCompletions;
        let request = Head::read(endpoint, Bytes::copy_from_slice(body.as_bytes())).expect("a request");
        let demand = Demand { endpoint, model: "gpt-4".to_owned(), body: Body::Json(request) };
        let adapted = adapt(&demand, "gpt-4", params, usage).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(adapted.pieces.concat()).expect("UTF-8"))
    }

    #[test]
    fn nothing_to_change_changes_nothing() {
        let body = "{\"model\" : \"gpt-4\",\n\"messages\":[{\"content\":\"你好\"}], \"temperature\": 1.0}";
        assert_eq!(adapted(body, &Params::default(), true).as_deref(), Ok(body));
    }

    #[test]
    fn params_apply_in_their_order() {
        let params = Params {
            drop: vec!["logit_bias".to_owned()],
            rename: vec![("max_tokens".to_owned(), "max_completion_tokens".to_owned())],
            set: vec![("user".to_owned(), json!("gateway"))],
            max_tokens: Some(100),
        };
        let body = r#"{"model":"gpt-4","messages":[1],"logit_bias":{},"max_tokens":500}"#;
        let expected = r#"{"user":"gateway","model":"gpt-4","messages":[1],"max_completion_tokens":100}"#;
        assert_eq!(adapted(body, &params, false).as_deref(), Ok(expected));
        let unlimited = r#"{"model":"gpt-4","messages":[1]}"#;
        let expected = r#"{"user":"gateway","max_completion_tokens":100,"model":"gpt-4","messages":[1]}"#;
        assert_eq!(adapted(unlimited, &params, false).as_deref(), Ok(expected));
    }

    #[test]
    fn a_smaller_limit_stays() {
        let params = Params { max_tokens: Some(100), ..Params::default() };
        let body = r#"{"model":"gpt-4","messages":[1],"max_completion_tokens":7}"#;
        assert_eq!(adapted(body, &params, false).as_deref(), Ok(body));
    }

    #[test]
    fn a_stream_is_asked_for_its_usage() {
        let body = r#"{"model":"gpt-4","messages":[1],"stream":true,"stream_options":{"include_obfuscation":false}}"#;
        let expected =
            r#"{"model":"gpt-4","messages":[1],"stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}"#;
        assert_eq!(adapted(body, &Params::default(), true).as_deref(), Ok(expected));
        assert_eq!(adapted(body, &Params::default(), false).as_deref(), Ok(body));
        let params = Params { drop: vec!["stream_options".to_owned()], ..Params::default() };
        assert_eq!(adapted(body, &params, true).as_deref(), Ok(r#"{"model":"gpt-4","messages":[1],"stream":true}"#));
    }

    #[test]
    fn a_field_that_params_touch_must_not_stand_twice() {
        let params = Params { drop: vec!["seed".to_owned()], ..Params::default() };
        let body = r#"{"model":"gpt-4","messages":[1],"seed":1,"seed":2}"#;
        assert_eq!(adapted(body, &params, false), Err("`seed` stands more than once".to_owned()));
    }
}
