//! The body for one upstream: the client's, but for the model's name, the configured `params`, and the wish for usage; or
//! the same request in the upstream's dialect.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::config::Params;
use crate::dialects::head::Head;
use crate::dialects::json::{Edit, Object, quote};
use crate::dialects::{self, Addressee, DialectError, Encoded};
use crate::engine::Error;
use crate::engine::demand::{Body, Demand};
use crate::hub::{Endpoint, Kind, Request};

/// A body for an upstream.
pub struct Adapted {
    /// The bytes: slices of the client's, and what stands between them.
    pub pieces: Vec<Bytes>,
    /// Headers that the upstream's dialect wants.
    pub headers: Vec<(&'static str, String)>,
    /// Hints that were left out.
    pub dropped: Vec<Cow<'static, str>>,
    /// Usage was asked for on llmgw's own account: its chunk is not the client's.
    pub withhold_usage: bool,
}

impl Adapted {
    fn own(pieces: Vec<Bytes>, withhold_usage: bool) -> Adapted {
        Adapted { pieces, headers: Vec::new(), dropped: Vec::new(), withhold_usage }
    }
}

/// Makes the body that asks for `model`. `params` apply to JSON only. `usage`: whether the upstream may be asked for usage in a stream.
pub fn adapt(demand: &Demand, model: &str, params: &Params, usage: bool) -> Result<Adapted, Error> {
    let request = match &demand.body {
        Body::Form(form) => return Ok(Adapted::own(form.with_model(model), false)),
        Body::Json(request) => request,
    };
    let mut edit = request.object.edit();
    if request.model.as_deref() != Some(model) {
        edit.set("model", quote(model));
    }
    if !params.is_empty() {
        let limits = demand.endpoint.chat().map_or(&[][..], |kind| dialects::upstream(kind).token_limits());
        refuse_duplicates(&request.object, params, limits)?;
        apply(&mut edit, limits, params);
    }
    let may_ask = usage && demand.endpoint == Endpoint::ChatCompletions && !decides(params, "stream_options");
    let withhold_usage = may_ask && ask_for_usage(&mut edit, request);
    Ok(Adapted::own(edit.finish(), withhold_usage))
}

/// Makes the body that says `request` in the dialect `upstream`.
pub fn translate(request: &Request, upstream: Kind, to: Addressee<'_>, params: &Params) -> Result<Adapted, DialectError> {
    let capped = params.max_tokens.filter(|most| request.max_tokens.is_none_or(|asked| asked > *most));
    let request = match capped {
        Some(most) => Cow::Owned(Request { max_tokens: Some(most), ..request.clone() }),
        None => Cow::Borrowed(request),
    };
    let Encoded { body, headers, mut dropped } = dialects::upstream(upstream).encode_request(&request, to)?;
    dropped.extend(request.left_out.iter().cloned().map(Cow::Owned));
    let pieces = match params.is_empty() {
        true => vec![body.into()],
        false => {
            let object = Object::read(body.into()).map_err(|error| DialectError::Malformed(error.to_string()))?;
            let mut edit = object.edit();
            // The limit is in it already.
            apply(&mut edit, &[], params);
            edit.finish()
        }
    };
    Ok(Adapted { pieces, headers, dropped, withhold_usage: false })
}

/// A field that `params` touch must not stand twice: which one an upstream would read is anybody's guess.
fn refuse_duplicates(object: &Object, params: &Params, limits: &'static [&'static str]) -> Result<(), Error> {
    let renamed = params.rename.iter().flat_map(|(from, to)| [from, to]);
    let set = params.set.iter().map(|(name, _)| name);
    let limits = limits.iter().filter(|_| params.max_tokens.is_some()).copied();
    let mut targets = params.drop.iter().chain(renamed).chain(set).map(String::as_str).chain(limits);
    match targets.find(|name| object.is_duplicate(name)) {
        Some(name) => Err(Error::InvalidRequest { message: format!("`{name}` stands more than once"), param: Some(name.to_owned()) }),
        None => Ok(()),
    }
}

fn apply(edit: &mut Edit<'_>, limits: &[&'static str], params: &Params) {
    for name in &params.drop {
        edit.remove(name);
    }
    for (from, to) in &params.rename {
        edit.rename(from, to);
    }
    for (name, value) in &params.set {
        edit.set(name, value.to_string());
    }
    if let (Some(most), Some(usual)) = (params.max_tokens, limits.first()) {
        cap(edit, limits, usual, params, most);
    }
}

fn cap(edit: &mut Edit<'_>, limits: &[&'static str], usual: &'static str, params: &Params, most: u64) {
    let renamed = params.rename.iter().find(|(from, _)| limits.contains(&from.as_str())).map(|(_, to)| to.as_str());
    let mut is_limited = false;
    for name in limits.iter().copied().chain(renamed) {
        let Some(raw) = edit.get(name).filter(|raw| *raw != "null") else { continue };
        is_limited = true;
        // What is no number is the upstream's to refuse.
        if raw.parse::<f64>().is_ok_and(|value| value > most as f64) {
            edit.set(name, most.to_string());
        }
    }
    if !is_limited {
        edit.set(renamed.unwrap_or(usual), most.to_string());
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
        let demand = Demand::new(endpoint, "gpt-4".to_owned(), Body::Json(request));
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
