use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request};

use super::{check_open, presented};

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())).collect()
}

fn parts(method: &str, pairs: &[(&str, &str)]) -> Parts {
    let (mut parts, ()) = Request::builder().method(method).uri("/v1/chat/completions").body(()).unwrap().into_parts();
    parts.headers = headers(pairs);
    parts
}

fn local() -> IpAddr {
    IpAddr::from([127, 0, 0, 1])
}

fn remote() -> IpAddr {
    IpAddr::from([192, 0, 2, 7])
}

/// The status that an open gateway answers with; 200: it lets pass.
fn open(method: &str, pairs: &[(&str, &str)]) -> u16 {
    check_open(&parts(method, pairs), true, local(), &["https://app.example".to_owned()], false)
        .map_or_else(|refusal| refusal.status().as_u16(), |()| 200)
}

#[test]
fn a_key_comes_as_bearer_or_x_api_key() {
    for (pairs, key) in [
        (vec![("authorization", "Bearer sk-1")], Some("sk-1")),
        (vec![("authorization", "bearer  sk-1 ")], Some("sk-1")),
        (vec![("x-api-key", "sk-2")], Some("sk-2")),
        (vec![("authorization", "Bearer sk-1"), ("x-api-key", "sk-2")], Some("sk-1")),
        (vec![("authorization", "Basic abc"), ("x-api-key", "sk-2")], Some("sk-2")),
        (vec![("authorization", "Bearer ")], None),
        (vec![("authorization", "sk-1")], None),
        (vec![], None),
    ] {
        assert_eq!(presented(&headers(&pairs)), key, "{pairs:?}");
    }
}

#[test]
fn an_open_gateway_answers_to_loopback_hosts_only() {
    for host in ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:8000", "127.1.2.3", "[::1]:8000", "[::ffff:127.0.0.1]"] {
        assert_eq!(open("GET", &[("host", host)]), 200, "{host}");
    }
    for host in ["example.com", "localhost.example.com", "192.168.1.2:8000", "0.0.0.0", "127.0.0.1.nip.io", "a b"] {
        assert_eq!(open("GET", &[("host", host)]), 403, "{host}");
    }
    assert_eq!(open("GET", &[]), 403, "no host at all");
    let stranger = check_open(&parts("GET", &[("host", "localhost")]), false, remote(), &[], false);
    assert_eq!(stranger.unwrap_err().status(), 403);
}

#[test]
fn an_open_gateway_refuses_what_a_foreign_page_can_send() {
    let json = ("content-type", "application/json");
    let host = ("host", "localhost:8000");
    for (pairs, status) in [
        (vec![host, json], 200),
        (vec![host, ("content-type", "application/json; charset=utf-8")], 200),
        (vec![host, ("content-type", "multipart/form-data; boundary=x")], 200),
        (vec![host, ("content-type", "text/plain")], 415),
        (vec![host, ("content-type", "application/x-www-form-urlencoded")], 415),
        (vec![host], 415),
        (vec![host, json, ("origin", "http://localhost:8000")], 200),
        (vec![host, json, ("origin", "https://app.example")], 200),
        (vec![host, json, ("origin", "https://evil.example")], 403),
        (vec![host, json, ("origin", "http://localhost:3000")], 403),
        (vec![host, json, ("origin", "null")], 403),
    ] {
        assert_eq!(open("POST", &pairs), status, "{pairs:?}");
    }
    assert_eq!(open("GET", &[host, ("origin", "https://evil.example")]), 200, "the browser keeps the answer from the page");
    assert_eq!(open("DELETE", &[host, ("origin", "https://evil.example")]), 403);
    assert!(check_open(&parts("POST", &[host]), false, local(), &[], false).is_ok(), "nothing sent needs no type");
    let form = [host, ("content-type", "application/x-www-form-urlencoded")];
    assert!(check_open(&parts("POST", &form), true, local(), &[], true).is_ok(), "the dashboard's forms prove themselves otherwise");
}
