//! The list of models as Anthropic's clients read it; they say so by their `anthropic-version`.

use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use http::request::Parts;
use http::{HeaderMap, HeaderName};
use serde::Serialize;

use super::Entry;

/// Every client of Anthropic's sends it, and no other.
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// On one page, unless the client wants fewer or more.
const PAGE: usize = 20;

/// On one page at most.
const LARGEST_PAGE: usize = 1000;

/// Whether the client reads Anthropic's form.
pub(super) fn is_asked(headers: &HeaderMap) -> bool {
    headers.contains_key(VERSION)
}

/// A page of the list.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = AnthropicModelList))]
pub(in crate::server) struct Page {
    data: Vec<Model>,
    has_more: bool,
    first_id: Option<String>,
    last_id: Option<String>,
}

/// One name to ask for.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = AnthropicModel))]
pub(in crate::server) struct Model {
    r#type: &'static str,
    id: String,
    display_name: String,
    created_at: String,
}

impl From<Entry> for Model {
    fn from(entry: Entry) -> Model {
        let created = UNIX_EPOCH + Duration::from_secs(entry.created);
        let created_at = humantime::format_rfc3339_seconds(created).to_string();
        Model { r#type: "model", display_name: entry.id.clone(), id: entry.id, created_at }
    }
}

/// The page of `entries` that the query asks for by `limit`, `after_id`, `before_id`. What makes no sense in it counts as
/// absent.
pub(super) fn page(entries: Vec<Entry>, parts: &Parts) -> Page {
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
    let position = |name: &str| query.get(name).and_then(|id| entries.iter().position(|entry| entry.id == *id));
    let (start, end) = match (position("after_id"), position("before_id")) {
        (Some(after), _) => (after + 1, entries.len().min(after + 1 + limit)),
        (None, Some(before)) => (before.saturating_sub(limit), before),
        (None, None) => (0, entries.len().min(limit)),
    };
    let has_more = if position("after_id").is_none() && position("before_id").is_some() { start > 0 } else { end < entries.len() };
    let data: Vec<Model> = entries.into_iter().skip(start).take(end - start).map(Model::from).collect();
    let (first_id, last_id) = (data.first().map(|model| model.id.clone()), data.last().map(|model| model.id.clone()));
    Page { data, has_more, first_id, last_id }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::{Entry, page};

    #[test]
    fn a_list_is_read_page_by_page() {
        let read = |query: &str| {
            let (parts, ()) = Request::builder().uri(format!("/v1/models?{query}")).body(()).unwrap().into_parts();
            let entry = |id: &str| Entry { id: id.to_owned(), object: "model", created: 1_700_000_000, owned_by: "a".to_owned() };
            let page = page(["一", "b", "c", "d"].map(entry).into(), &parts);
            let ids: Vec<String> = page.data.iter().map(|model| model.id.clone()).collect();
            assert!(page.data.iter().all(|model| model.created_at == "2023-11-14T22:13:20Z"));
            assert_eq!((page.first_id.as_ref(), page.last_id.as_ref()), (ids.first(), ids.last()));
            (ids.join(" "), page.has_more)
        };
        assert_eq!(read(""), ("一 b c d".to_owned(), false));
        assert_eq!(read("limit=2"), ("一 b".to_owned(), true));
        assert_eq!(read("limit=2&after_id=b"), ("c d".to_owned(), false));
        assert_eq!(read("limit=2&before_id=d"), ("b c".to_owned(), true));
        assert_eq!(read("after_id=%E4%B8%80&limit=x"), ("b c d".to_owned(), false));
        assert_eq!(read("after_id=nobody&limit=1"), ("一".to_owned(), true));
    }
}
