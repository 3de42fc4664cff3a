//! Conversations that are kept: gone on with, listed, shown, deleted.

use serde_json::{Value, json};

use super::process::Home;
use super::upstream::Upstream;

fn said(role: &str, content: &str) -> Value {
    json!({ "role": role, "content": content })
}

#[test]
fn a_session_is_gone_on_with() {
    let upstream = Upstream::saying("好");
    let home = Home::with(&upstream.config());
    home.run(&["chat", "-m", "m", "-s", "简短", "--session", "旅行", "去北京"], 0).prints("好\n");
    home.run(&["chat", "--session", "旅行", "吃什么"], 0).prints("好\n");
    home.run(&["chat", "--continue", "住哪里"], 0).prints("好\n");
    home.run(&["chat", "-m", "m", "别的"], 0);
    let requests = upstream.requests();
    let first = [said("system", "简短"), said("user", "去北京"), said("assistant", "好"), said("user", "吃什么")];
    assert_eq!(requests[1].body["messages"], json!(first));
    assert_eq!(requests[1].body["model"], "m");
    assert_eq!(requests[2].body["messages"], json!([&first[..], &[said("assistant", "好"), said("user", "住哪里")]].concat()));
    assert_eq!(requests[3].body["messages"], json!([said("user", "别的")]));
}

#[test]
fn sessions_are_listed_shown_and_deleted_without_asking_anybody() {
    let upstream = Upstream::saying("**好**");
    let home = Home::with(&upstream.config());
    home.run(&["chat", "--list-sessions"], 0).prints("").says(&["no sessions are kept"]);
    home.run(&["chat", "-m", "m", "--session", "旅行", "去北京"], 0);
    let listed = home.run(&["chat", "--list-sessions"], 0);
    assert!(listed.out.contains("旅行") && listed.out.contains("去北京"), "{listed:?}");
    let rows: Value = serde_json::from_str(&home.run(&["chat", "--list-sessions", "--format", "json"], 0).out).unwrap();
    assert_eq!((&rows[0]["name"], &rows[0]["turns"], &rows[0]["model"]), (&json!("旅行"), &json!(1), &json!("m")));
    home.run(&["chat", "--show-session", "旅行"], 0).prints("## User\n\n去北京\n\n## m\n\n**好**\n");
    home.run(&["chat", "--delete-session", "旅"], 2).says(&["unknown session `旅`"]);
    home.run(&["chat", "--delete-session", "旅行"], 0).says(&["deleted"]);
    home.run(&["chat", "--continue", "hi"], 2).says(&["there is no session to continue", "hint:"]);
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn a_name_that_would_leave_the_directory_is_refused() {
    let home = Home::new();
    for name in ["../x", "a/b", "/tmp/x", ".."] {
        home.run(&["chat", "--session", name, "hi"], 2).prints("").says(&["cannot be a session's name"]);
        home.run(&["chat", "--delete-session", name], 2).says(&["cannot be a session's name"]);
    }
}

#[test]
fn what_has_no_room_is_left_out_and_that_is_said() {
    let upstream = Upstream::saying("好");
    let home = Home::with(&upstream.config());
    let long = "长".repeat(15_000);
    for _ in 0..2 {
        home.llmgw(&["chat", "-m", "m", "-s", "简短", "--session", "s"]).stdin(long.clone()).ends(0);
    }
    let ended = home.run(&["chat", "--session", "s", "最后"], 0).says(&["the oldest 1 of its 2 turns are not sent any more"]);
    assert_eq!(ended.out, "好\n");
    let messages = upstream.requests()[2].body["messages"].clone();
    assert_eq!((messages.as_array().unwrap().len(), &messages[0]), (4, &said("system", "简短")));
}

#[test]
fn a_failed_turn_is_not_kept() {
    let upstream = Upstream::refusing(400);
    let home = Home::with(&upstream.config());
    home.run(&["chat", "-m", "m", "--session", "s", "hi"], 1);
    home.run(&["chat", "--list-sessions"], 0).says(&["no sessions are kept"]);
}
