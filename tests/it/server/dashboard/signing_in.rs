//! Who gets in, for how long, and what a page of another site cannot do.

use super::{Browser, MOCKS, PAGES, keyed, token};
use crate::server::Gateway;
use crate::server::client::Ask;

#[tokio::test]
async fn whoever_has_not_shown_the_key_is_asked_for_it_on_every_page() {
    let gateway = Gateway::start(&keyed()).await;
    let mut browser = Browser::of(&gateway);
    for path in PAGES.into_iter().chain(["providers/a", "models/plan?model=gpt-4", "api/overview", "nowhere"]) {
        let answer = browser.get(path).await;
        let expected = if path == "nowhere" { 404 } else { 401 };
        assert_eq!(answer.status, expected, "{path}");
        assert!(!answer.text().contains("m-a"), "{path}");
        assert!(expected == 404 || answer.text().contains("name=\"key\""), "{path}: {}", answer.text());
    }
    let script = Ask::new(gateway.address, "GET", "/admin/api/overview").send().await;
    assert_eq!((script.refusal(), script.header("www-authenticate")), ((401, "invalid_api_key".to_owned()), "Bearer"));
}

#[tokio::test]
async fn a_session_begins_with_the_key_and_ends_by_signing_out() {
    let gateway = Gateway::start(&keyed()).await;
    let mut browser = Browser::of(&gateway);
    let wrong = browser.sign_in("sk-client").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.text().contains("This is not the admin key.") && browser.cookie("llmgw_session").is_none());

    let right = browser.submit("requests", "login", &[("key", "sk-admin"), ("next", "providers/a")]).await;
    assert_eq!((right.status, right.header("location")), (303, "./providers/a"));
    let cookie = right.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Max-Age=43200"), "{cookie}");
    assert!(!cookie.contains("Secure") && !cookie.contains("Path") && !cookie.contains("sk-admin"), "{cookie}");
    for path in PAGES {
        assert_eq!(browser.get(path).await.status, 200, "{path}");
    }
    assert_eq!(browser.get("api/overview").await.status, 200, "scripts of its pages come with the same cookie");

    let (old, session) = (browser.clone(), browser.cookie("llmgw_session").unwrap().to_owned());
    assert_eq!(browser.submit("", "logout", &[]).await.header("location"), "./login");
    assert!(browser.cookie("llmgw_session").is_none());
    let mut old = old;
    assert_eq!((old.get("").await.status, old.cookie("llmgw_session")), (401, Some(session.as_str())), "the cookie alone is worth nothing");
}

#[tokio::test]
async fn a_session_ends_when_a_reload_changes_the_key() {
    let gateway = Gateway::start(&keyed()).await;
    let mut browser = Browser::of(&gateway);
    browser.sign_in("sk-admin").await;
    gateway.reload(&keyed().replace("priority: 2", "priority: 3")).unwrap();
    assert_eq!(browser.get("").await.status, 200, "another reload changes nothing of it");
    gateway.reload(&keyed().replace("sk-admin", "sk-other")).unwrap();
    assert_eq!(browser.get("").await.status, 401);
    gateway.reload(&keyed()).unwrap();
    assert_eq!(browser.get("").await.status, 401, "it does not come back with its key");
}

#[tokio::test]
async fn the_cookie_is_for_tls_only_where_there_is_tls() {
    let gateway = Gateway::start(&keyed()).await;
    let mut browser = Browser::of(&gateway).with("x-forwarded-proto", "https");
    let answer = browser.sign_in("sk-admin").await;
    assert!(answer.header("set-cookie").ends_with("; Secure"), "{}", answer.header("set-cookie"));
}

#[tokio::test]
async fn ten_wrong_keys_are_enough_for_a_minute() {
    let gateway = Gateway::start(&keyed()).await;
    let mut browser = Browser::of(&gateway);
    let page = browser.get("login").await;
    let csrf = token(page.text());
    for _ in 0..10 {
        assert_eq!(browser.post("login", &[("csrf", &csrf), ("key", "guess")]).await.status, 401);
    }
    let refused = browser.post("login", &[("csrf", &csrf), ("key", "sk-admin")]).await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|wait| (1..=60).contains(&wait)), "{:?}", refused.headers);
    let with_key = Ask::new(gateway.address, "GET", "/admin/api/overview").bearer("sk-admin").send().await;
    assert_eq!(with_key.status, 200, "scripts that have the key are not kept out by those who guess");
}

#[tokio::test]
async fn a_form_needs_the_token_of_the_page_it_is_on() {
    let gateway = Gateway::start(&keyed()).await;
    let (mut browser, mut other) = (Browser::of(&gateway), Browser::of(&gateway));
    browser.sign_in("sk-admin").await;
    other.sign_in("sk-admin").await;
    let (own, foreign) = (token(browser.get("").await.text()), token(other.get("").await.text()));
    assert_ne!(own, foreign);
    for path in
        ["providers/a/disable", "providers/a/test", "configuration/reload", "models/try", "logout", "api/providers/a/disable", "api/try"]
    {
        for csrf in ["", foreign.as_str(), "AAAA"] {
            assert_eq!(browser.post(path, &[("csrf", csrf)]).await.status, 403, "{path} {csrf}");
        }
        let mut framed = browser.clone().with("sec-fetch-site", "cross-site");
        assert_eq!(framed.post(path, &[("csrf", &own)]).await.status, 403, "{path}");
    }
    assert!(gateway.engine.status().providers.iter().all(|provider| !provider.disabled_by_operator));
    assert_eq!(browser.post("providers/a/disable", &[("csrf", &own)]).await.status, 200);
    let login = browser.post("login", &[("key", "sk-admin")]).await;
    assert_eq!(login.status, 403, "nobody is signed in by another site");
}

#[tokio::test]
async fn a_script_with_the_key_needs_no_token() {
    let gateway = Gateway::start(&keyed()).await;
    let ask = |path: &str| Ask::new(gateway.address, "POST", path).bearer("sk-admin");
    let done = ask("/admin/api/providers/a/disable").send().await;
    assert_eq!((done.status, done.json()["action"].as_str()), (200, Some("disable")));
    assert_eq!(ask("/admin/providers/a/enable").send().await.status, 200);
    assert_eq!(ask("/admin/api/providers/a/explode").send().await.refusal(), (404, "not_found".to_owned()));
    assert_eq!(ask("/admin/api/providers/nobody/test").send().await.refusal(), (404, "not_found".to_owned()));
    assert_eq!(Ask::new(gateway.address, "GET", "/admin/api/try").bearer("sk-admin").send().await.status, 405);
}

#[tokio::test]
async fn without_a_key_this_machine_gets_in_and_other_sites_change_nothing() {
    let gateway = Gateway::start(MOCKS).await;
    let mut browser = Browser::of(&gateway);
    assert_eq!(browser.get("").await.status, 200);
    assert!(!browser.get("").await.text().contains("logout"), "there is nothing to sign out of");
    assert_eq!(browser.get("login").await.status, 200);
    assert_eq!(browser.post("providers/a/disable", &[]).await.status, 403);
    assert_eq!(browser.post("providers/a/disable", &[("csrf", "AAAA")]).await.status, 403);
    assert_eq!(browser.submit("providers/a", "providers/a/disable", &[]).await.status, 200);
    assert_eq!(browser.submit("providers/a", "providers/a/enable", &[]).await.status, 200);
    let script = Ask::new(gateway.address, "POST", "/admin/api/providers/a/reset");
    assert_eq!(script.send().await.status, 200, "what no browser sends was sent by somebody here");
    let own = token(browser.get("").await.text());
    let foreign = script.clone().header("origin", "https://evil.example").header("x-csrf-token", &own);
    assert_eq!(foreign.send().await.status, 403);
    assert_eq!(script.clone().header("sec-fetch-site", "cross-site").header("x-csrf-token", &own).send().await.status, 403);
    for (name, value) in [("host", "evil.example"), ("x-forwarded-for", "127.0.0.1"), ("via", "1.1 proxy")] {
        let answer = Browser::of(&gateway).with(name, value).get("").await;
        assert_eq!(answer.status, 403, "{name}");
    }
}

#[tokio::test]
async fn with_keys_but_no_admin_key_the_dashboard_says_what_to_do() {
    let gateway = Gateway::start(&format!("{MOCKS}auth: {{ keys: [sk-client] }}\n")).await;
    let answer = Browser::of(&gateway).get("").await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("there are `auth.keys` but no `admin.key`"), "{}", answer.text());
    let posted = Browser::of(&gateway).submit("login", "login", &[("key", "")]).await;
    assert_eq!((posted.status, posted.headers.contains_key("set-cookie")), (303, false));
}
