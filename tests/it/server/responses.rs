//! One answer of `/v1/responses` over HTTP: shown, listed, forgotten; and whose it is.

use std::sync::Mutex;

use http::HeaderValue;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::upstream::{Request, Step, Upstream, error, json_reply, talk};
use super::{Gateway, UPSTREAM_KEY};

/// Speaks Responses, keeps its answers, and says what it is asked about them, to the key that asked for them.
fn native(first: &Mutex<Option<HeaderValue>>, request: &Request) -> Vec<Step> {
    let mut first = first.lock().expect("no panic");
    let key = &request.headers["authorization"];
    if request.method == "POST" && request.target == "/v1/responses" {
        *first = Some(key.clone());
    } else if first.as_ref().is_some_and(|first| first != key) {
        return error(404, "another account's");
    }
    match (request.method.as_str(), request.target.as_str()) {
        ("POST", "/v1/responses") => json_reply(200, &json!({ "id": "resp_x", "object": "response", "status": "completed", "output": [] })),
        ("GET", "/v1/responses/resp_x?include[]=a") => json_reply(200, &json!({ "id": "resp_x", "asked": "native" })),
        ("GET", "/v1/responses/resp_x/input_items") => json_reply(200, &json!({ "object": "list", "data": [] })),
        ("POST", "/v1/responses/resp_x/cancel") => json_reply(200, &json!({ "id": "resp_x", "status": "cancelled" })),
        ("DELETE", "/v1/responses/resp_x") => json_reply(200, &json!({ "id": "resp_x", "deleted": true })),
        _ => error(404, "nothing here"),
    }
}

struct World {
    gateway: Gateway,
    native: Upstream,
    _chats: Upstream,
    _directory: TempDir,
}

/// `a` speaks chats, `x` speaks Responses; neither key of Anna's and Boris's may pass anything through.
async fn world(more: &str) -> World {
    let directory = tempdir().expect("a directory");
    let chats = Upstream::start(|request| talk(request, "好的")).await;
    let first = Mutex::default();
    let native = Upstream::start(move |request| native(&first, request)).await;
    let config = format!(
        "providers:\n  - {}\n  - {{ name: x, preset: xai, base_url: \"{}\", api_keys: [{UPSTREAM_KEY}, {UPSTREAM_KEY}-2, {UPSTREAM_KEY}-3], models: [m-x] }}\n{}{more}",
        super::provider("a", &chats),
        native.base_url(),
        "auth: { keys: [{ name: anna, key: sk-anna, passthrough: false }, { name: boris, key: sk-boris, passthrough: false }, sk-any] }\n"
    );
    let gateway = Gateway::start_in(directory.path(), &config).await;
    World { gateway, native, _chats: chats, _directory: directory }
}

const KEPT: &str = "storage: { path: llmgw.db, responses: {} }\n";

impl World {
    async fn made(&self, model: &str) -> String {
        let got = self.gateway.post("/v1/responses", json!({ "model": model, "input": "你好" })).bearer("sk-anna").send().await;
        assert_eq!(got.status, 200, "{}", got.text());
        got.json()["id"].as_str().expect("an id").to_owned()
    }

    async fn get(&self, key: &str, target: &str) -> (u16, Value) {
        let got = self.gateway.get(target).bearer(key).send().await;
        (got.status, got.json())
    }

    async fn ask(&self, method: &str, key: &str, target: &str) -> (u16, Value) {
        let got = super::client::Ask::new(self.gateway.address, method, target).bearer(key).send().await;
        (got.status, got.json())
    }
}

#[tokio::test]
async fn an_answer_is_shown_and_forgotten_for_its_owner_only() {
    let world = world(KEPT).await;
    let id = world.made("m-a").await;
    let path = format!("/v1/responses/{id}");
    let (status, shown) = world.get("sk-anna", &path).await;
    assert_eq!((status, &shown["id"], &shown["status"], &shown["store"]), (200, &json!(id), &json!("completed"), &json!(true)));
    assert_eq!(shown["output"][0]["content"][0]["text"], "好的");
    for (method, path) in [("GET", path.clone()), ("DELETE", path.clone()), ("GET", format!("{path}/input_items"))] {
        let (status, refused) = world.ask(method, "sk-boris", &path).await;
        let message = json!(format!("Response with id '{id}' not found."));
        assert_eq!((status, &refused["error"]["message"], &refused["error"]["type"]), (404, &message, &json!("invalid_request_error")));
    }
    assert_eq!(world.gateway.get(&path).send().await.status, 401);
    let (status, cancelled) = world.ask("POST", "sk-anna", &format!("{path}/cancel")).await;
    assert_eq!(status, 400, "{cancelled}");
    assert_eq!(world.get("sk-anna", &format!("{path}?stream=true")).await.0, 400);
    assert_eq!(world.get("sk-anna", &format!("{path}?stream=perhaps")).await.0, 400);
    let (status, forgotten) = world.ask("DELETE", "sk-anna", &path).await;
    assert_eq!((status, forgotten), (200, json!({ "id": id, "object": "response", "deleted": true })));
    assert_eq!(world.get("sk-anna", &path).await.0, 404);
    assert_eq!(world.ask("DELETE", "sk-anna", &path).await.0, 404);
}

#[tokio::test]
async fn what_an_answer_answers_is_listed() {
    let world = world(KEPT).await;
    let id = world.made("m-a").await;
    let body = json!({ "model": "m-a", "input": [{ "role": "user", "content": "再说" }], "previous_response_id": id });
    let next = world.gateway.post("/v1/responses", body).bearer("sk-anna").send().await.json();
    assert_eq!(next["previous_response_id"], json!(id));
    let path = format!("/v1/responses/{}/input_items", next["id"].as_str().expect("an id"));
    let (status, list) = world.get("sk-anna", &format!("{path}?order=asc")).await;
    let said: Vec<_> = list["data"].as_array().expect("items").iter().map(|item| item["content"][0]["text"].clone()).collect();
    assert_eq!((status, said), (200, vec![json!("你好"), json!("好的"), json!("再说")]), "{list}");
    assert_eq!((&list["object"], &list["first_id"], &list["has_more"]), (&json!("list"), &json!("item_0"), &json!(false)));
    let (_, page) = world.get("sk-anna", &format!("{path}?limit=1&after={}", list["last_id"].as_str().expect("an id"))).await;
    assert_eq!((&page["data"][0]["content"][0]["text"], &page["has_more"]), (&json!("好的"), &json!(true)));
    for query in ["limit=0", "limit=x", "order=up", "after=nothing"] {
        assert_eq!(world.get("sk-anna", &format!("{path}?{query}")).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn an_answer_of_a_provider_that_keeps_it_is_that_providers_to_show() {
    let world = world(KEPT).await;
    assert_eq!(world.made("m-x").await, "resp_x");
    let (status, shown) = world.get("sk-anna", "/v1/responses/resp_x?include[]=a").await;
    assert_eq!((status, shown["asked"].clone()), (200, json!("native")), "although the key may not pass through");
    assert_eq!(world.get("sk-anna", "/v1/responses/resp_x/input_items").await.0, 200);
    assert_eq!(world.ask("POST", "sk-anna", "/v1/responses/resp_x/cancel").await.1["status"], json!("cancelled"));
    let before = world.native.count();
    assert_eq!(world.get("sk-boris", "/v1/responses/resp_x?include[]=a").await.0, 404);
    assert_eq!(world.native.count(), before, "the provider is not asked for somebody else's");
    assert_eq!(world.ask("DELETE", "sk-anna", "/v1/responses/resp_x").await.1["deleted"], json!(true));
    assert_eq!(world.get("sk-anna", "/v1/responses/resp_x?include[]=a").await.0, 404);
}

#[tokio::test]
async fn what_nobody_here_knows_goes_where_other_paths_go() {
    for more in ["", KEPT] {
        let world = world(more).await;
        let (status, refused) = world.get("sk-any", "/v1/responses/resp_x?include[]=a").await;
        assert_eq!((status, &refused["error"]["message"]), (404, &json!("Response with id 'resp_x' not found.")));
        let named = world.gateway.get("/v1/responses/resp_x?include[]=a").bearer("sk-any").header("x-llmgw-provider", "x").send().await;
        assert_eq!(named.json()["asked"], json!("native"));
        let named = world.gateway.get("/v1/responses/resp_x").bearer("sk-anna").header("x-llmgw-provider", "x").send().await;
        assert_eq!(named.status, 403, "whoever may not pass through may not do so here");
        let (status, refused) = world.ask("POST", "sk-any", "/v1/responses/compact").await;
        assert_eq!((status, refused["error"]["code"].clone()), (404, json!("not_found")), "an operation is no id");
    }
    let world = world(&format!("{KEPT}routing: {{ passthrough: x }}\n")).await;
    assert_eq!(world.get("sk-any", "/v1/responses/resp_x?include[]=a").await.1["asked"], json!("native"));
    assert_eq!(world.made("m-x").await, "resp_x");
    assert_eq!(world.get("sk-any", "/v1/responses/resp_x?include[]=a").await.0, 404, "not when it is known to be somebody else's");
}
