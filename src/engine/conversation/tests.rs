//! Conversations as texts; what a gateway makes of them is in `tests/it/conversations.rs`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::earlier::Earlier;
use super::keep::{Keeper, Keeping};
use super::{joined, previous};
use crate::config::KeptResponses;
use crate::dialects::head::Head;
use crate::dialects::sse::Frame;
use crate::engine::Error;
use crate::hub::Endpoint;
use crate::storage::{Found, Kept, Limits, Place, Store};

fn head(body: &str) -> Head {
    Head::read(Endpoint::Responses, Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

fn join(body: &str, input: &str, response: &str) -> Result<String, Error> {
    let (input, response) = (Bytes::copy_from_slice(input.as_bytes()), Bytes::copy_from_slice(response.as_bytes()));
    joined(&head(body), &input, &response, 10_000).map(|head| String::from_utf8(head.object.body().to_vec()).unwrap())
}

const ANSWER: &str = r#"{"id":"resp_1","output":[ {"type":"message","n":1.00} ],"status":"completed"}"#;

#[test]
fn what_was_said_stands_before_what_is_said_digit_by_digit() {
    let body = r#"{"model":"m", "previous_response_id":"resp_1","input":[{"a":1.0}],"instructions":"x"}"#;
    let expected = r#"{"model":"m", "input":[{"role":"user"},{"type":"message","n":1.00},{"a":1.0}],"instructions":"x"}"#;
    assert_eq!(join(body, r#"[{"role":"user"}]"#, ANSWER).unwrap(), expected);
}

#[test]
fn a_text_is_a_message_of_the_users() {
    let joined = join(r#"{"previous_response_id":"resp_1","input":"你\n好"}"#, "[]", ANSWER).unwrap();
    let message = r#"{"type":"message","role":"user","content":"你\n好"}"#;
    assert_eq!(joined, format!(r#"{{"input":[{{"type":"message","n":1.00}},{message}]}}"#));
}

#[test]
fn who_adds_nothing_goes_on_all_the_same() {
    for body in
        [r#"{"previous_response_id":"r"}"#, r#"{"previous_response_id":"r","input":null}"#, r#"{"previous_response_id":"r","input":[ ]}"#]
    {
        let joined: Value = serde_json::from_str(&join(body, " [ {\"a\":1} ] ".trim(), ANSWER).unwrap()).unwrap();
        assert_eq!(joined, json!({ "input": [{ "a": 1 }, { "type": "message", "n": 1.0 }] }));
    }
}

#[test]
fn what_cannot_be_joined_is_refused() {
    let refused = |body: &str| join(body, "[]", ANSWER).unwrap_err();
    for (body, param) in [
        (r#"{"previous_response_id":"r","input":7}"#, "input"),
        (r#"{"previous_response_id":"r","input":"a","input":"b"}"#, "input"),
        (&format!(r#"{{"previous_response_id":"r","input":"{}"}}"#, "a".repeat(10_000)), "previous_response_id"),
    ] {
        let error = refused(body);
        assert_eq!((error.status().as_u16(), error.param()), (400, Some(param)), "{error}");
    }
}

#[test]
fn an_id_is_a_text_and_stands_once() {
    assert_eq!(previous(&head("{}")).unwrap(), None);
    assert_eq!(previous(&head(r#"{"previous_response_id":null}"#)).unwrap(), None);
    assert_eq!(previous(&head(r#"{"previous_response_id":"r\u0065sp"}"#)).unwrap().as_deref(), Some("resp"));
    for body in [r#"{"previous_response_id":7}"#, r#"{"previous_response_id":"a","previous_response_id":"b"}"#] {
        assert_eq!(previous(&head(body)).unwrap_err().param(), Some("previous_response_id"));
    }
}

#[test]
fn only_who_has_the_earlier_answer_is_asked() {
    let at = Earlier::At { id: "resp_1".to_owned(), provider: "a".to_owned(), key: None };
    assert!(at.is_bound() && at.check("a", true).is_ok());
    assert!(at.check("b", true).is_err() && at.check("a", false).is_err());
    for earlier in [Earlier::Unknown("resp_1".to_owned()), Earlier::Unkept] {
        assert!(earlier.check("a", true).is_ok() && earlier.check("a", false).is_err());
    }
    assert_eq!(Earlier::Unknown("resp_1".to_owned()).error().unwrap().code(), "previous_response_not_found");
    assert!(Earlier::Unkept.error().unwrap().to_string().contains("storage.responses"));
    assert!(Earlier::Nothing.check("a", false).is_ok() && Earlier::Nothing.error().is_none());
}

fn store() -> (TempDir, Store) {
    let directory = tempdir().unwrap();
    let responses = Some(KeptResponses { keep: Duration::from_secs(60), max: 1_000_000 });
    let limits = Limits { responses, keep: Duration::from_secs(60), max: 1_000_000 };
    let store = Store::open(Some(directory.path().join("llmgw.db")), limits);
    (directory, store)
}

fn keeper(store: &Store, provider: Option<&str>) -> Keeper {
    let (owner, model) = ("anna".to_owned(), "m".to_owned());
    Keeper::new(Keeping::new(store.clone(), owner, model, Bytes::from_static(b"[1]")).into(), provider.map(Into::into))
}

async fn place(store: &Store, id: &str) -> Option<Place> {
    match store.find(id, "anna").await.unwrap() {
        Found::Kept(Kept { place, .. }) => Some(place),
        _ => None,
    }
}

fn event(name: &str, id: &str) -> String {
    let status = name.strip_prefix("response.").unwrap();
    format!(
        "event: {name}\ndata: {{\"type\":\"{name}\",\"response\":{{\"id\":\"{id}\",\"status\":\"{status}\",\"n\":1.0}},\"sequence_number\":1}}\n\n"
    )
}

#[tokio::test]
async fn a_stream_is_kept_by_its_last_event_wherever_that_stands() {
    let (_directory, store) = store();
    let here = |id: &str, status: &str| {
        let response = format!("{{\"id\":\"{id}\",\"status\":\"{status}\",\"n\":1.0}}").into();
        Some(Place::Here { input: Bytes::from_static(b"[1]"), response })
    };
    let delta = "event: response.output_text.delta\ndata: {\"delta\":\"event: response.completed\"}\n\n";
    let mut streams = keeper(&store, None);
    streams.events(&Bytes::from(event("response.created", "resp_1") + delta));
    assert_eq!(place(&store, "resp_1").await, None, "it is not whole yet");
    streams.events(&Bytes::from(delta.to_owned() + &event("response.completed", "resp_1")));
    assert_eq!(place(&store, "resp_1").await, here("resp_1", "completed"));
    keeper(&store, None).events(&Bytes::from(event("response.incomplete", "resp_2")));
    assert_eq!(place(&store, "resp_2").await, here("resp_2", "incomplete"));
    keeper(&store, None).events(&Bytes::from(event("response.failed", "resp_3")));
    assert_eq!(place(&store, "resp_3").await, None);
}

#[tokio::test]
async fn of_an_answer_that_its_provider_keeps_the_id_is_noted_with_its_first_event() {
    let (_directory, store) = store();
    let provider = Some(Place::Provider { name: "a".to_owned(), key: None });
    keeper(&store, Some("a")).event(&Frame::from_data(r#"{"type":"response.created","response":{"id":"resp_1"}}"#));
    assert_eq!(place(&store, "resp_1").await, provider, "some servers have no names before their events");
    let mut named = keeper(&store, Some("a"));
    named.events(&Bytes::from(event("response.created", "resp_2")));
    named.events(&Bytes::from(event("response.completed", "resp_3")));
    assert_eq!((place(&store, "resp_2").await, place(&store, "resp_3").await), (provider.clone(), None));
    keeper(&store, Some("a")).whole(&Bytes::from_static(br#"{"id":"resp_4","status":"queued"}"#));
    assert_eq!(place(&store, "resp_4").await, provider);
}

#[tokio::test]
async fn what_is_no_answer_is_not_kept() {
    let (_directory, store) = store();
    let long = format!("{{\"id\":\"{}\",\"status\":\"completed\"}}", "a".repeat(300));
    for body in ["", "[]", "{}", r#"{"id":7,"status":"completed"}"#, r#"{"id":"resp_1"}"#, r#"{"id":"","status":"completed"}"#, &long] {
        keeper(&store, None).whole(&Bytes::copy_from_slice(body.as_bytes()));
    }
    keeper(&store, None).whole(&Bytes::from_static(br#"{"id":"resp_2","status":"completed"}"#));
    assert!(place(&store, "resp_2").await.is_some());
    assert_eq!((place(&store, "").await, place(&store, "resp_1").await), (None, None));
}
