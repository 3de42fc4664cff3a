//! What the pages show, to whom, and where they can stand.

use serde_json::json;

use super::{Browser, MOCKS, PAGES, keyed};
use crate::server::client::Ask;
use crate::server::{CHAT, Gateway, question};

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Everything that a page names with `src`, `href` or `action`.
fn references(page: &str) -> Vec<&str> {
    let attributes = [" src=\"", " href=\"", " action=\"", " data-try=\"", " data-root=\""];
    attributes.iter().flat_map(|attribute| page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next())).collect()
}

#[tokio::test]
async fn every_answer_keeps_a_browser_from_being_talked_into_anything() {
    let gateway = Gateway::start(&keyed()).await;
    let (mut stranger, mut browser) = (Browser::of(&gateway), Browser::of(&gateway));
    browser.sign_in("sk-admin").await;
    let more = ["providers/a", "models/plan?model=gpt-4", "models/plan?model=nobody", "nowhere", "api/overview", "api/providers", "login"];
    for path in PAGES.into_iter().chain(more) {
        for browser in [&mut browser, &mut stranger] {
            let answer = browser.get(path).await;
            assert_eq!(answer.header("content-security-policy"), CSP, "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            let text = answer.text();
            assert!(!text.contains(" style=") && !text.contains("<style") && !text.contains(" onclick"), "{path}: nothing inline");
            assert!(text.matches("<script").all(|_| text.contains("<script type=\"module\" src=")), "{path}");
            assert_eq!(text.matches("<script").count(), text.matches("</script>").count(), "{path}");
        }
    }
}

#[tokio::test]
async fn pages_refer_to_what_is_theirs_by_relative_addresses_only() {
    let gateway = Gateway::start(MOCKS).await;
    let mut browser = Browser::of(&gateway);
    for path in PAGES.into_iter().chain(["providers/a", "models/plan?model=gpt-4", "login", "nowhere/at/all"]) {
        let page = browser.get(path).await;
        for reference in references(page.text()) {
            let outside = reference.starts_with('/') || reference.contains("://");
            assert!(!outside, "{path}: {reference}");
        }
    }
    let bare = Ask::new(gateway.address, "GET", "/admin").send().await;
    assert!(references(bare.text()).contains(&"admin/providers"), "without the last slash, one segment is more to be said");
    let slash = Ask::new(gateway.address, "GET", "/admin/").send().await;
    assert!(references(slash.text()).contains(&"./providers"));
    let deep = browser.get("providers/a").await;
    assert!(references(deep.text()).contains(&"../providers") && references(deep.text()).contains(&"../"));
}

#[tokio::test]
async fn style_and_scripts_are_kept_for_ever_under_an_address_of_their_own() {
    let gateway = Gateway::start(&keyed()).await;
    let mut stranger = Browser::of(&gateway);
    let page = stranger.get("login").await;
    let assets: Vec<String> =
        references(page.text()).into_iter().filter(|path| path.contains("assets/")).map(|path| path[2..].to_owned()).collect();
    assert!(assets.len() >= 3, "{assets:?}");
    for (path, kind) in assets.iter().map(|path| {
        (
            path,
            if path.ends_with(".css") {
                "text/css"
            } else if path.ends_with(".js") {
                "text/javascript"
            } else {
                "image/svg+xml"
            },
        )
    }) {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").starts_with(kind) && answer.header("cache-control").contains("immutable"), "{path}");
    }
    let folder = assets[0].rsplit_once('/').unwrap().0.to_owned();
    for path in ["assets/000000000000/app.css".to_owned(), format!("{folder}/../app.css"), format!("{folder}/nothing.js")] {
        assert_ne!(stranger.get(&path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn on_a_port_of_its_own_the_dashboard_is_at_the_root_and_below_admin() {
    let gateway = Gateway::start(&keyed().replace("key: sk-admin", "key: sk-admin, port: 19008")).await;
    let admin = gateway.admin.expect("a listener");
    for base in ["/", "/admin/"] {
        let mut browser = Browser::at(admin, base);
        assert_eq!(browser.get("").await.status, 401);
        assert_eq!(browser.sign_in("sk-admin").await.status, 303, "{base}");
        for path in PAGES.into_iter().chain(["providers/a", "api/overview", "api/explain?model=gpt-4"]) {
            let page = browser.get(path).await;
            assert_eq!(page.status, 200, "{base}{path}");
        }
        let here = browser.get("providers/a").await;
        assert!(references(here.text()).contains(&"../providers"));
    }
    for path in ["/admin", "/admin/", "/admin/providers", "/admin/api/overview"] {
        let answer = Ask::new(gateway.address, "GET", path).bearer("sk-admin").send().await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{path}");
    }
    let chat = gateway.post(CHAT, question("m-a")).at(admin).bearer("sk-client").send().await;
    assert_eq!(chat.refusal(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn both_languages_and_all_themes_are_to_be_had() {
    let gateway = Gateway::start(MOCKS).await;
    let mut browser = Browser::of(&gateway);
    assert!(browser.get("").await.text().contains("<html lang=\"en\" data-theme=\"auto\">"));
    assert!(browser.get("?lang=zh").await.text().contains("<h1>总览</h1>"));
    let chosen = browser.get("prefer?lang=zh-CN&theme=dark&next=providers").await;
    assert_eq!((chosen.status, chosen.header("location")), (303, "./providers"));
    assert!(browser.get("").await.text().contains("<html lang=\"zh-CN\" data-theme=\"dark\">"));
    assert_eq!(browser.get("prefer?next=//evil.example").await.header("location"), "./");
    assert_eq!(browser.get("prefer?next=https:evil.example").await.header("location"), "./");
    let german = Browser::of(&gateway).with("accept-language", "de,zh;q=0.8,en;q=0.5").get("").await;
    assert!(german.text().contains("<html lang=\"zh-CN\""));
}

#[tokio::test]
async fn names_are_shown_and_never_run() {
    let (provider, model) = ("<b>'\"&x", "<img/src=x/onerror=alert(1)>'\"&");
    let config = json!({
        "providers": [{ "name": provider, "type": "mock", "models": [model] }],
        "models": { format!("{model}2"): { "routes": [{ "provider": provider, "model": model }] } },
    });
    let gateway = Gateway::start(&config.to_string()).await;
    let encoded = |name: &str| url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
    let mut browser = Browser::of(&gateway);
    let paths = ["", "providers", "models", "configuration"].map(str::to_owned);
    let plans = [model.to_owned(), format!("{model}2"), format!("{model}3")].map(|name| format!("models/plan?model={}", encoded(&name)));
    let detail = format!("providers/{}", encoded(provider));
    for path in paths.into_iter().chain(plans).chain([detail.clone()]) {
        let page = browser.get(&path).await;
        assert!(!page.text().contains("<img/src") && !page.text().contains("<b>"), "{path}");
        assert!(page.text().contains("img/src=x") || page.text().contains("&#39;&#34;&#38;x"), "{path}: {}", page.text());
    }
    let tested = browser.submit(&detail, &format!("{detail}/test"), &[]).await;
    assert!(tested.status == 200 && !tested.text().contains("<img/src"), "{}", tested.status);
}

#[tokio::test]
async fn each_page_has_a_twin_for_scripts_that_says_the_same() {
    let gateway = Gateway::start(MOCKS).await;
    gateway.chat("gpt-4").await;
    let mut browser = Browser::of(&gateway);
    let get = |path: &str| Ask::new(gateway.address, "GET", &format!("/admin/api/{path}"));

    let overview = get("overview").send().await.json();
    assert_eq!((&overview["health"]["status"], &overview["health"]["total_providers"]), (&json!("healthy"), &json!(3)));
    let providers = get("providers").send().await.json();
    let page = browser.get("providers").await;
    for provider in providers["providers"].as_array().unwrap() {
        assert!(page.text().contains(&format!("data-key=\"{}\"", provider["name"].as_str().unwrap())));
    }
    assert_eq!(providers["providers"], overview["providers"]);
    let one = get("providers/a").send().await.json();
    assert_eq!((&one["requests"], &one["settings"]["models"]), (&json!(1), &json!(["m-a", "shared"])));
    let models = get("models").send().await.json();
    let page = browser.get("models").await;
    for row in models["models"].as_array().unwrap() {
        assert!(page.text().contains(&format!("data-key=\"{}\"", row["name"].as_str().unwrap())));
    }
    let plan = get("explain?model=gpt-4").send().await.json();
    let page = browser.get("models/plan?model=gpt-4").await;
    let order: Vec<usize> = plan["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| page.text().find(route["upstream_model"].as_str().unwrap()).unwrap())
        .collect();
    assert!(order.is_sorted() && order.len() == 2);
    let config = get("config").send().await.json();
    assert_eq!(config["config"], Ask::new(gateway.address, "GET", "/config").send().await.json());
    assert_eq!(browser.get("models/plan?model=nobody").await.status, 404);
    assert_eq!(get("explain?model=nobody").send().await.refusal(), (404, "model_not_found".to_owned()));
}
