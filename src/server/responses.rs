//! One answer of `/v1/responses`, once it was given: those that llmgw keeps are shown and forgotten here, those that a
//! provider keeps go to that provider, and what nobody knows of goes where all other paths go.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Uri};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::Caller;
use crate::engine::Error;
use crate::server::caller::authenticate;
use crate::server::error::Rejection;
use crate::server::forward;
use crate::server::state::{App, Arrival};
use crate::storage::{Found, Place};

/// As many items as a page of OpenAI's has at most.
const LONGEST_PAGE: usize = 100;

/// As many as it has where nobody says how many.
const PAGE: usize = 20;

/// `GET` and `DELETE /v1/responses/{id}`, `GET …/input_items`, `POST …/cancel`
pub(super) async fn about(State(app): State<Arc<App>>, request: Request) -> Response {
    match answer(&app, request).await {
        Ok(response) => response,
        Err(rejection) => rejection.into_response(),
    }
}

async fn answer(app: &Arc<App>, request: Request) -> Result<Response, Rejection> {
    let arrival = Arrival::of(request.extensions())?;
    let caller = authenticate(&arrival.snapshot.keys, request.headers(), arrival.client)?;
    let (id, rest) = split(request.uri());
    match app.engine.response(&arrival.snapshot, &caller, &id).await {
        Found::Kept(kept) => match kept.place {
            Place::Here { input, response } if *request.method() == Method::DELETE => {
                drop((input, response));
                app.engine.forget_response(&arrival.snapshot, &caller, &id).await;
                Ok(Json(json!({ "id": id, "object": "response", "deleted": true })).into_response())
            }
            Place::Here { input, response } => show(request.uri(), &rest, &input, response),
            Place::Provider { name, key } => Ok(ask_keeper(app, (&arrival, &caller), &id, (name, key), request).await),
        },
        // Nobody learns that somebody else has it.
        Found::OfAnother => Err(not_found(&id)),
        Found::Nothing if forward::has_provider(&arrival, request.headers()) => {
            Ok(forward::to_configured(State(app.clone()), request).await)
        }
        Found::Nothing => Err(not_found(&id)),
    }
}

/// Whoever keeps it says what becomes of it. It is the caller's own, so nothing more is asked of the caller's key.
async fn ask_keeper(
    app: &Arc<App>,
    (arrival, caller): (&Arrival, &Caller),
    id: &str,
    (provider, key): (String, Option<String>),
    request: Request,
) -> Response {
    let is_end = *request.method() == Method::DELETE;
    let response = forward::to_keeper(app.clone(), provider, key, request).await;
    if is_end && response.status().is_success() {
        app.engine.forget_response(&arrival.snapshot, caller, id).await;
    }
    response
}

fn not_found(id: &str) -> Rejection {
    Error::NotFound(format!("Response with id '{id}' not found.")).into()
}

/// `/v1/responses/{id}/rest` → the id, and the rest.
fn split(uri: &Uri) -> (String, String) {
    let below = uri.path().strip_prefix("/v1/responses/").unwrap_or_default();
    let (id, rest) = below.split_once('/').unwrap_or((below, ""));
    (percent_decode_str(id).decode_utf8_lossy().into_owned(), rest.to_owned())
}

fn show(uri: &Uri, rest: &str, input: &Bytes, response: Bytes) -> Result<Response, Rejection> {
    match rest {
        "" => {
            let Query(Retrieve { stream }) = query(uri)?;
            if stream {
                return Err(invalid("only a response that was made in the background can be streamed again", "stream"));
            }
            Ok(([(CONTENT_TYPE, "application/json")], response).into_response())
        }
        "cancel" => Err(invalid("only a response that is made in the background can be cancelled", "id")),
        _ => {
            let Query(page) = query(uri)?;
            let items: Vec<Value> = serde_json::from_slice(input).map_err(|error| Error::Internal(error.to_string()))?;
            Ok(Json(list(items, &page)?).into_response())
        }
    }
}

fn query<T: for<'de> Deserialize<'de>>(uri: &Uri) -> Result<Query<T>, Rejection> {
    Query::try_from_uri(uri).map_err(|error| Error::InvalidRequest { message: error.body_text(), param: None }.into())
}

fn invalid(message: &str, param: &str) -> Rejection {
    Error::InvalidRequest { message: message.to_owned(), param: Some(param.to_owned()) }.into()
}

#[derive(Deserialize)]
struct Retrieve {
    #[serde(default)]
    stream: bool,
}

#[derive(Default, Deserialize)]
struct Page {
    limit: Option<usize>,
    #[serde(default)]
    order: Order,
    after: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Order {
    Asc,
    #[default]
    Desc,
}

/// A page of `items`, as OpenAI lists them.
fn list(items: Vec<Value>, page: &Page) -> Result<Value, Rejection> {
    let limit = page.limit.unwrap_or(PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        return Err(invalid("`limit` must be from 1 to 100", "limit"));
    }
    let mut items: Vec<Value> = items.into_iter().enumerate().map(|(index, item)| listed(item, index)).collect();
    if page.order == Order::Desc {
        items.reverse();
    }
    if let Some(after) = &page.after {
        let place = items.iter().position(|item| item["id"] == after.as_str());
        let place = place.ok_or_else(|| invalid("`after` is the id of no item", "after"))?;
        items.drain(..=place);
    }
    let has_more = items.len() > limit;
    items.truncate(limit);
    let id = |item: Option<&Value>| item.map_or(Value::Null, |item| item["id"].clone());
    let (first, last) = (id(items.first()), id(items.last()));
    Ok(json!({ "object": "list", "data": items, "first_id": first, "last_id": last, "has_more": has_more }))
}

/// An item with what clients may leave out and expect to read.
fn listed(mut item: Value, index: usize) -> Value {
    let Some(members) = item.as_object_mut() else { return item };
    members.entry("type").or_insert_with(|| json!("message"));
    // The place in a conversation stays what it is.
    members.entry("id").or_insert_with(|| json!(format!("item_{index}")));
    if let Some(text) = members.get("content").and_then(Value::as_str) {
        let is_answer = members.get("role").is_some_and(|role| role == "assistant");
        let part = match is_answer {
            true => json!({ "type": "output_text", "text": text, "annotations": [] }),
            false => json!({ "type": "input_text", "text": text }),
        };
        members.insert("content".to_owned(), json!([part]));
    }
    item
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Order, Page, list, split};

    fn ids(list: &Value) -> Vec<&str> {
        list["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
    }

    fn said() -> Vec<Value> {
        vec![
            json!({ "role": "user", "content": "你好" }),
            json!({ "type": "message", "id": "msg_1", "role": "assistant", "content": "好" }),
            json!({ "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}" }),
        ]
    }

    #[test]
    fn items_are_listed_page_by_page_the_last_one_first() {
        let page = list(said(), &Page::default()).unwrap();
        assert_eq!((ids(&page), &page["has_more"]), (vec!["item_2", "msg_1", "item_0"], &json!(false)));
        let first = list(said(), &Page { limit: Some(2), ..Page::default() }).unwrap();
        assert_eq!((ids(&first), &first["has_more"], &first["last_id"]), (vec!["item_2", "msg_1"], &json!(true), &json!("msg_1")));
        let rest = list(said(), &Page { after: Some("msg_1".to_owned()), ..Page::default() }).unwrap();
        assert_eq!(ids(&rest), ["item_0"]);
        let turned = list(said(), &Page { order: Order::Asc, ..Page::default() }).unwrap();
        assert_eq!(ids(&turned), ["item_0", "msg_1", "item_2"]);
        assert_eq!(turned["data"][0]["content"][0], json!({ "type": "input_text", "text": "你好" }));
        assert_eq!(turned["data"][1]["content"][0]["type"], "output_text");
        let none = list(Vec::new(), &Page::default()).unwrap();
        assert_eq!((ids(&none), &none["first_id"]), (vec![], &Value::Null));
    }

    #[test]
    fn a_page_that_makes_no_sense_is_refused() {
        for page in [
            Page { limit: Some(0), ..Page::default() },
            Page { limit: Some(101), ..Page::default() },
            Page { after: Some("item_9".to_owned()), ..Page::default() },
        ] {
            assert!(list(said(), &page).is_err());
        }
    }

    #[test]
    fn a_path_is_an_id_and_the_rest() {
        let of = |path: &str| split(&path.parse().unwrap());
        assert_eq!(of("/v1/responses/resp_1"), ("resp_1".to_owned(), String::new()));
        assert_eq!(of("/v1/responses/a%2Fb/input_items?limit=2"), ("a/b".to_owned(), "input_items".to_owned()));
    }
}
