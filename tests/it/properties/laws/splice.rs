//! The body for an upstream: the client's, but for what was to change.

use bytes::Bytes;
use llmgw::config::Params;
use llmgw::dialects::head::Head;
use llmgw::dialects::json::{Object, quote};
use llmgw::engine::adapt::adapt;
use llmgw::engine::demand::{Body, Demand};
use llmgw::hub::Endpoint;
use serde_json::{Map, Value, json};

use super::object::{Parts, parts};

/// The names under which a limit of the answer's tokens may stand.
const LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// Holds for any bytes, for another model alone and for some `params`.
pub fn holds(body: &[u8]) {
    another_model_changes_nothing_else(body, "通义\"千问\n");
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect::<Vec<_>>();
    let some = [
        Params::default(),
        Params { drop: names(&["a", "messages", "user", "stream_options"]), ..Params::default() },
        Params {
            rename: pairs(&[("max_tokens", "max_completion_tokens"), ("a", "b"), ("b", "c")]),
            max_tokens: Some(7),
            ..Params::default()
        },
        Params { set: vec![("user".to_owned(), json!("网关")), ("a".to_owned(), json!({ "b": [1.5] }))], ..Params::default() },
        Params {
            drop: names(&["b"]),
            rename: pairs(&[("max_completion_tokens", "limit"), ("user", "a"), ("a", "a")]),
            set: vec![("user".to_owned(), Value::Null), ("limit".to_owned(), json!(9))],
            max_tokens: Some(8),
        },
    ];
    for params in &some {
        params_do_what_they_say(body, params);
    }
}

/// The model's place is the only one that changes, and doing it again changes nothing.
pub fn another_model_changes_nothing_else(body: &[u8], model: &str) {
    let Ok(object) = Object::read(Bytes::copy_from_slice(body)) else { return };
    let text = std::str::from_utf8(body).expect("it was read");
    let before = parts(text);
    if before.is_duplicate("model") {
        return assert!(object.is_duplicate("model"));
    }
    assert_eq!(object.get("model"), before.get("model").map(str::as_bytes));
    let place = before.members.iter().find(|member| member.key == "model").map(|member| member.at..member.at + member.value.len());
    let quoted = quote(model);
    let expected = match place {
        Some(place) => format!("{}{quoted}{}", &text[..place.start], &text[place.end..]),
        None => {
            let comma = if before.members.is_empty() { "" } else { "," };
            format!("{}\"model\":{quoted}{comma}{}", before.head, &text[before.head.len()..])
        }
    };
    let once = with_model(&object, &quoted);
    assert_eq!(once, expected);
    let again = Object::read(Bytes::from(once.clone())).expect("an object remains one");
    assert_eq!((again.get("model"), with_model(&again, &quoted)), (Some(quoted.as_bytes()), once));
}

fn with_model(object: &Object, quoted: &str) -> String {
    let mut edit = object.edit();
    edit.set("model", quoted.to_owned());
    String::from_utf8(edit.finish().concat()).expect("UTF-8")
}

/// `params` do to the text what they do to a list of members; what they do not name stays to the byte.
pub fn params_do_what_they_say(body: &[u8], params: &Params) {
    // An endpoint that wants no content, so that any object is a request.
    let Ok(request) = Head::read(Endpoint::Rerank, Bytes::copy_from_slice(body)) else { return };
    let (streams, asks) = (request.stream, request.include_usage);
    let before = parts(std::str::from_utf8(body).expect("it was read"));
    let demand = Demand::new(Endpoint::ChatCompletions, "asked".to_owned(), Body::Json(request));
    let adapted = adapt(&demand, "上游", params, true);
    if let Some(name) = touched(params).into_iter().find(|name| before.is_duplicate(name)) {
        return assert_eq!(adapted.err().map(|error| error.to_string()), Some(format!("`{name}` stands more than once")));
    }
    let adapted = adapted.unwrap_or_else(|error| panic!("{error}"));
    let text = String::from_utf8(adapted.pieces.concat()).expect("UTF-8");
    assert!(Object::read(Bytes::from(text.clone())).is_ok(), "an object remains one: {text}");

    let mut list =
        Members { inserted: Vec::new(), kept: before.members.iter().map(|m| (m.key.clone(), m.value.clone(), m.text.clone())).collect() };
    list.set("model", quote("上游"));
    list.apply(params);
    let decided = touched(params).contains(&"stream_options");
    assert_eq!(adapted.withhold_usage, streams && !asks && !decided);
    if adapted.withhold_usage {
        let options = list.get("stream_options").and_then(|raw| serde_json::from_str::<Map<String, Value>>(raw).ok());
        let mut options = options.unwrap_or_default();
        options.insert("include_usage".to_owned(), Value::Bool(true));
        list.set("stream_options", Value::Object(options).to_string());
    }
    list.compare(&before, &parts(&text));
}

/// The fields that must not stand twice, in the order in which they are looked at.
fn touched(params: &Params) -> Vec<&str> {
    let renamed = params.rename.iter().flat_map(|(from, to)| [&**from, &**to]);
    let set = params.set.iter().map(|(name, _)| &**name);
    let limits = LIMITS.into_iter().filter(|_| params.max_tokens.is_some());
    params.drop.iter().map(String::as_str).chain(renamed).chain(set).chain(limits).collect()
}

/// Members as plain lists of key, value and text: the slow and obvious way.
struct Members {
    /// New ones, which stand before all others.
    inserted: Vec<(String, String, String)>,
    kept: Vec<(String, String, String)>,
}

impl Members {
    fn all(&mut self) -> impl Iterator<Item = &mut (String, String, String)> {
        self.inserted.iter_mut().chain(&mut self.kept)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.inserted.iter().chain(&self.kept).find(|(key, ..)| key == name).map(|(_, value, _)| &**value)
    }

    fn set(&mut self, name: &str, raw: String) {
        if let Some((_, value, text)) = self.all().find(|(key, ..)| key == name) {
            // The key stays as it was written, escapes and blanks included.
            text.truncate(text.len() - value.len());
            text.push_str(&raw);
            *value = raw;
            return;
        }
        self.inserted.push((name.to_owned(), raw.clone(), format!("{}:{raw}", quote(name))));
    }

    fn remove(&mut self, name: &str) {
        self.inserted.retain(|(key, ..)| key != name);
        self.kept.retain(|(key, ..)| key != name);
    }

    fn rename(&mut self, from: &str, to: &str) {
        if from == to || self.get(from).is_none() {
            return;
        }
        self.remove(to);
        if let Some((key, _, text)) = self.all().find(|(key, ..)| key == from) {
            let mut written = serde_json::Deserializer::from_str(text).into_iter::<String>();
            let _ = written.next();
            *text = format!("{}{}", quote(to), &text[written.byte_offset()..]);
            *key = to.to_owned();
        }
    }

    fn apply(&mut self, params: &Params) {
        params.drop.iter().for_each(|name| self.remove(name));
        params.rename.iter().for_each(|(from, to)| self.rename(from, to));
        params.set.iter().for_each(|(name, value)| self.set(name, value.to_string()));
        let Some(most) = params.max_tokens else { return };
        let renamed = params.rename.iter().find(|(from, _)| LIMITS.contains(&&**from)).map(|(_, to)| &**to);
        let names: Vec<&str> = LIMITS.into_iter().chain(renamed).collect();
        let limits: Vec<(&str, String)> =
            names.iter().filter_map(|name| Some((*name, self.get(name).filter(|raw| *raw != "null")?.to_owned()))).collect();
        for (name, raw) in &limits {
            if raw.parse::<f64>().is_ok_and(|limit| limit > most as f64) {
                self.set(name, most.to_string());
            }
        }
        if limits.is_empty() {
            self.set(renamed.unwrap_or(LIMITS[0]), most.to_string());
        }
    }

    fn compare(&self, before: &Parts, after: &Parts) {
        let expected: Vec<&str> = self.inserted.iter().chain(&self.kept).map(|(.., text)| &**text).collect();
        let found: Vec<&str> = after.members.iter().map(|member| &*member.text).collect();
        assert_eq!(found, expected);
        assert_eq!((&after.head, &after.tail), (&before.head, &before.tail), "what stands around the object stays");
    }
}
