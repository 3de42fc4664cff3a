//! The API's own documentation: the page, what it is made of, and that the document tells the truth about paths and methods.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::client::{Answer, Ask};
use super::upstream::Upstream;
use super::{CHAT, Gateway, one, question};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

async fn start(more: &str) -> (Upstream, Gateway) {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&(one(&upstream) + more)).await;
    (upstream, gateway)
}

/// The values of an attribute.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    page.match_indices(&start).filter_map(|(at, _)| page[at + start.len()..].split('"').next()).collect()
}

fn is_not_of_the_router(answer: &Answer) -> bool {
    answer.status != 405 && !(answer.status == 404 && answer.text().contains("nothing is served at"))
}

#[tokio::test]
async fn the_page_has_all_it_needs_from_the_gateway_and_lets_nothing_else_in() {
    let (_upstream, gateway) = start("").await;
    let page = gateway.get("/docs").send().await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{policy}");
    // Nothing within the page that the policy would have to allow.
    assert!(!page.text().contains("<script>") && !page.text().contains("<style") && !page.text().contains(" style="));

    let links: Vec<&str> = [values(page.text(), "src"), values(page.text(), "href")].concat();
    let files = links.iter().filter(|link| !link.starts_with("data:"));
    for file in files.clone() {
        // Relative to `/docs`, wherever that is.
        assert!(!file.starts_with('/') && !file.contains(':'), "{file}");
        let got = gateway.get(&format!("/{file}")).send().await;
        assert_eq!((got.status, got.header("x-content-type-options")), (200, "nosniff"), "{file}");
        let expected = match file.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "application/json",
        };
        assert_eq!(got.header("content-type"), expected, "{file}");
    }
    assert_eq!(files.count(), 4, "{links:?}");
    let script = gateway.get("/docs/page.js").send().await;
    assert!(script.text().contains("url: \"openapi.json\""), "{}", script.text());
    assert!(gateway.get("/docs/licenses.txt").send().await.text().contains("Apache License"));
    for missing in ["/docs/page.html", "/docs/..%2fpage.js", "/docs/x"] {
        assert_eq!(gateway.get(missing).send().await.refusal(), (404, "not_found".to_owned()), "{missing}");
    }
}

#[tokio::test]
async fn files_go_out_packed_to_who_can_unpack_them() {
    let (_upstream, gateway) = start("").await;
    for file in ["/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"] {
        let plain = gateway.get(file).send().await;
        assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"), "{file}");
        for (accepted, is_packed) in [("gzip, deflate, br", true), ("GZIP;q=0.5", true), ("gzip;q=0, br", false), ("br", false)] {
            let got = gateway.get(file).header("accept-encoding", accepted).send().await;
            assert_eq!(got.header("content-encoding") == "gzip", is_packed, "{file} {accepted}");
            let mut unpacked = Vec::new();
            match is_packed {
                true => _ = GzDecoder::new(&got.body[..]).read_to_end(&mut unpacked).expect("gzip"),
                false => unpacked.clone_from(&got.body),
            }
            assert!(unpacked == plain.body, "{file} {accepted}");
        }
    }
}

#[tokio::test]
async fn what_a_browser_has_already_is_not_sent_again() {
    let (_upstream, gateway) = start("").await;
    for path in ["/docs", "/openapi.json", "/docs/page.js", "/docs/swagger-ui.css"] {
        let whole = gateway.get(path).send().await;
        let tag = whole.header("etag").to_owned();
        assert!(tag.starts_with("W/\"") && whole.header("cache-control") == "no-cache", "{path}: {tag}");
        for (sent, status) in [(tag.as_str(), 304), ("*", 304), (tag.trim_start_matches("W/"), 304), ("\"other\"", 200)] {
            let got = gateway.get(path).header("if-none-match", sent).send().await;
            assert_eq!((got.status, got.body.is_empty()), (status, status == 304), "{path} {sent}");
            assert_eq!(got.header("etag"), tag, "{path} {sent}");
        }
        let mut wire = Ask::new(gateway.address, "HEAD", path).open().await;
        let head = wire.head().await;
        assert_eq!((head.status, head.header("etag")), (200, tag.as_str()), "{path}");
        assert_eq!(head.header("content-length"), whole.body.len().to_string(), "{path}");
    }
}

#[tokio::test]
async fn other_addresses_lead_to_the_page_wherever_a_proxy_has_put_it() {
    let (_upstream, gateway) = start("").await;
    for (path, target) in [("/redoc", "docs"), ("/docs/", "../docs")] {
        let got = gateway.get(path).send().await;
        assert_eq!((got.status, got.header("location")), (307, target), "{path}");
    }
}

#[tokio::test]
async fn the_documentation_is_open_and_public() {
    let (_upstream, gateway) = start("auth: { keys: [sk-client] }\nadmin: { key: sk-admin, port: 19008 }\n").await;
    let admin = gateway.admin.expect("a listener");
    for path in ["/docs", "/docs/page.js", "/openapi.json"] {
        assert_eq!(gateway.get(path).send().await.status, 200, "{path}");
        assert_eq!(gateway.get(path).bearer("sk-wrong").send().await.status, 200, "{path}");
        assert_eq!(gateway.get(path).bearer("sk-admin").at(admin).send().await.refusal(), (404, "not_found".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn what_the_page_sends_is_answered() {
    for (more, key) in [("", None), ("auth: { keys: [sk-client] }\n", Some("sk-client"))] {
        let (_upstream, gateway) = start(more).await;
        let own = format!("http://{}", gateway.address);
        let mut ask = gateway.post(CHAT, question("m-a")).header("origin", &own).header("sec-fetch-site", "same-origin");
        if let Some(key) = key {
            assert_eq!(ask.send().await.status, 401);
            ask = ask.bearer(key);
        }
        assert_eq!(ask.send().await.status, 200, "{more}");
    }
}

#[tokio::test]
async fn each_documented_method_is_served_and_no_other() {
    let (_upstream, gateway) = start("").await;
    let document = gateway.get("/openapi.json").send().await.json();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 40, "{}", paths.len());
    for (path, item) in paths {
        // Some model, some provider, some file, some page.
        let target = path
            .replace("/admin/{path}", "/admin/usage")
            .replace("{action}", "enable")
            .replace("{name}", "a")
            .replace("{file}", "page.js")
            .replace("{id}", "m-a")
            .replace("{path}", "x");
        for method in METHODS {
            let is_documented = item.get(method.to_lowercase()).is_some();
            let ask = Ask::new(gateway.address, method, &target).json("{}");
            // Whoever follows what happens is never answered to the end.
            let answer = if path.ends_with("/live") && is_documented { ask.open().await.head().await } else { ask.send().await };
            let is_served = is_not_of_the_router(&answer);
            // What is passed through to a provider, and what is not there yet, is never refused for its method.
            let is_beside = matches!(answer.status, 404 | 501) || answer.headers.contains_key("x-llmgw-provider");
            assert!(is_served == is_documented || (!is_documented && is_beside), "{method} {path}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn the_front_page_lists_paths_of_the_document() {
    let (_upstream, gateway) = start("").await;
    let document = gateway.get("/openapi.json").send().await.json();
    let index = gateway.get("/").send().await.json();
    let endpoints: Vec<&str> = index["endpoints"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(endpoints.len() > 30, "{endpoints:?}");
    for endpoint in endpoints {
        let (method, path) = endpoint.split_once(' ').expect("a method");
        let item = &document["paths"][path];
        assert!(item.is_object() && (method == "ANY" || item[method.to_lowercase()].is_object()), "{endpoint}");
    }
}
