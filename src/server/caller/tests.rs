use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request};

use super::{admin_rule, check_open, presented};
use crate::config::Secret;

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
    check_open(&parts(method, pairs), true, local(), &["https://app.example".to_owned()])
        .map_or_else(|refusal| refusal.status().as_u16(), |()| 200)
}

fn admin(key: Option<&str>, has_keys: bool, client: IpAddr, pairs: &[(&str, &str)]) -> u16 {
    let key = key.map(Secret::new);
    admin_rule(key.as_ref(), has_keys, &headers(pairs), client).map_or_else(|refusal| refusal.status().as_u16(), |()| 200)
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
    let stranger = check_open(&parts("GET", &[("host", "localhost")]), false, remote(), &[]);
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
    assert!(check_open(&parts("POST", &[host]), false, local(), &[]).is_ok(), "nothing sent needs no type");
}

#[test]
fn with_an_admin_key_only_that_opens() {
    for client in [local(), remote()] {
        assert_eq!(admin(Some("admin-1"), true, client, &[("authorization", "Bearer admin-1")]), 200);
        assert_eq!(admin(Some("admin-1"), false, client, &[("authorization", "Bearer admin-2")]), 401);
        assert_eq!(admin(Some("admin-1"), false, client, &[]), 401);
    }
}

#[test]
fn without_an_admin_key_only_this_machine_administers_and_only_an_open_gateway() {
    assert_eq!(admin(None, false, local(), &[]), 200);
    assert_eq!(admin(None, false, IpAddr::V6("::ffff:127.0.0.1".parse().unwrap()), &[]), 200);
    assert_eq!(admin(None, false, remote(), &[]), 403);
    assert_eq!(admin(None, true, local(), &[]), 403);
    for header in ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "via"] {
        assert_eq!(admin(None, false, local(), &[(header, "x")]), 403, "{header}");
    }
}
