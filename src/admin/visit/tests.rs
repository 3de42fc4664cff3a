use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use tokio::time::Instant;

use super::{Theme, Visit};
use crate::admin::texts::Language;
use crate::admin::{Arrived, Dashboard};
use crate::config::{Config, Origin};
use crate::engine::{Engine, RequestId};

fn visit(mount: &'static str, uri: &str, headers: &[(&str, &str)]) -> Visit {
    let engine = Engine::start(Config::of_providers(Origin::Mock, Vec::new()), Box::new(|| Err(Vec::new()))).unwrap();
    let snapshot = engine.snapshot();
    let request = headers.iter().fold(Request::builder().uri(uri), |request, (name, value)| request.header(*name, *value));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let client = IpAddr::from([127, 0, 0, 1]);
    let arrived =
        Arrived { id: RequestId::make(), client, received: Instant::now(), snapshot, mount, is_secure: false, parts, body: Bytes::new() };
    Visit::new(&Arc::clone(&Dashboard::new(engine, None).0), arrived)
}

#[tokio::test]
async fn from_every_page_the_root_is_found_by_a_relative_reference() {
    for (mount, uri, root, here) in [
        ("/admin", "/admin", "admin/", ""),
        ("/admin", "/admin/", "./", ""),
        ("/admin", "/admin/providers", "./", "providers"),
        ("/admin", "/admin/providers/a%2Fb", "../", "providers/a%2Fb"),
        ("/admin", "/admin/providers/a/b?x=1", "../../", "providers/a/b?x=1"),
        ("", "/", "./", ""),
        ("", "/models/plan?model=a%2Fb", "../", "models/plan?model=a%2Fb"),
    ] {
        let visit = visit(mount, uri, &[]);
        assert_eq!((visit.root.as_str(), visit.here.as_str()), (root, here), "{uri}");
        let base = url::Url::parse(&format!("https://proxy.example/some/where{uri}")).unwrap();
        let expected = format!("https://proxy.example/some/where{mount}/providers");
        assert_eq!(base.join(&format!("{root}providers")).unwrap().as_str(), expected, "{uri}: whatever a proxy puts before it");
    }
}

#[tokio::test]
async fn what_the_address_says_wins_over_what_was_chosen_before_and_that_over_the_browsers_wish() {
    let chosen = ("cookie", "llmgw_lang=zh-CN; llmgw_theme=dark");
    let wish = ("accept-language", "en");
    let read = |uri: &str, headers: &[(&str, &str)]| {
        let visit = visit("/admin", uri, headers);
        (visit.language, visit.theme)
    };
    assert_eq!(read("/admin", &[]), (Language::English, Theme::Auto));
    assert_eq!(read("/admin", &[("accept-language", "zh")]), (Language::Chinese, Theme::Auto));
    assert_eq!(read("/admin", &[wish, chosen]), (Language::Chinese, Theme::Dark));
    assert_eq!(read("/admin?lang=en&theme=light", &[wish, chosen]), (Language::English, Theme::Light));
    assert_eq!(read("/admin?lang=xx&theme=pink", &[wish, chosen]), (Language::Chinese, Theme::Dark));
}
