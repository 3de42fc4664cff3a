//! What happens, as pages follow it.

use super::{Browser, MOCKS, keyed};
use crate::server::client::{Ask, Wire};
use crate::server::{Gateway, soon};

async fn follow(gateway: &Gateway, key: Option<&str>, topics: &str) -> Wire<tokio::net::TcpStream> {
    let ask = Ask::new(gateway.address, "GET", &format!("/admin/api/live?topics={topics}"));
    let ask = key.map_or(ask.clone(), |key| ask.bearer(key));
    let mut wire = ask.open().await;
    let head = wire.head().await;
    assert_eq!((head.status, head.header("content-type"), head.header("cache-control")), (200, "text/event-stream", "no-store"));
    wire
}

#[tokio::test]
async fn changes_of_the_state_are_told_once() {
    let gateway = Gateway::start(MOCKS).await;
    let mut wire = follow(&gateway, None, "overview").await;
    let first = wire.until("\n\n").await;
    assert!(first.starts_with("event: overview\ndata: {\"health\":\"healthy\""), "{first}");
    gateway.engine.set_enabled("a", false).unwrap();
    let next = wire.until("\n\n").await;
    assert!(next.contains(r#""name":"a","state":"disabled""#), "{next}");
}

#[tokio::test]
async fn whoever_follows_does_not_hold_the_server_up() {
    let gateway = Gateway::start(MOCKS).await;
    let mut wire = follow(&gateway, None, "overview").await;
    wire.until("\n\n").await;
    gateway.shutdown.begin();
    assert!(soon("the end", wire.remainder()).await.is_ok(), "ended, not cut");
    soon("the server", gateway.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn it_ends_with_its_session_and_with_its_key() {
    let gateway = Gateway::start(&keyed()).await;
    let mut browser = Browser::of(&gateway);
    browser.sign_in("sk-admin").await;
    let session = format!("llmgw_session={}", browser.cookie("llmgw_session").unwrap());
    let mut with_session = Ask::new(gateway.address, "GET", "/admin/api/live?topics=overview").header("cookie", &session).open().await;
    assert_eq!(with_session.head().await.status, 200);
    with_session.until("\n\n").await;
    browser.submit("", "logout", &[]).await;
    assert!(soon("the end", with_session.remainder()).await.is_ok());

    let mut with_key = follow(&gateway, Some("sk-admin"), "overview").await;
    with_key.until("\n\n").await;
    gateway.reload(&keyed().replace("sk-admin", "sk-other")).unwrap();
    assert!(soon("the end", with_key.remainder()).await.is_ok());
}

#[tokio::test]
async fn as_many_follow_as_may_and_those_who_leave_make_room() {
    let gateway = Gateway::start(MOCKS).await;
    let mut wires = Vec::new();
    for _ in 0..64 {
        wires.push(follow(&gateway, None, "overview").await);
    }
    let ask = Ask::new(gateway.address, "GET", "/admin/api/live?topics=overview");
    let refused = ask.send().await;
    assert_eq!((refused.refusal(), refused.header("retry-after")), ((503, "busy".to_owned()), "1"));
    drop(wires);
    soon("room", async {
        while ask.open().await.head().await.status != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_used_of_late_needs_a_ledger() {
    let gateway = Gateway::start(MOCKS).await;
    let refused = Ask::new(gateway.address, "GET", "/admin/api/recent").send().await;
    assert!(refused.status == 500 && refused.message().contains("storage.path"), "{}", refused.message());

    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start_in(directory.path(), &format!("{MOCKS}storage: {{ path: llmgw.db }}\n")).await;
    let empty = Ask::new(gateway.address, "GET", "/admin/api/recent").send().await;
    // Whether its file is there already, is the writer's business.
    let today = &empty.json()["today"];
    assert!(today.is_null() || today.to_string().contains(r#""cost":0.0"#), "{today}");
}
