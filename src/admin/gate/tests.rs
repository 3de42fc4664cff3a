use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{check, is_foreign, names_this_machine, rule};
use crate::admin::gate::Admission;
use crate::admin::session::{COOKIE_NAME, Sessions};
use crate::config::{Admin, Auth, Config, Key, Origin, Secret};

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())).collect()
}

fn local() -> IpAddr {
    IpAddr::from([127, 0, 0, 1])
}

fn remote() -> IpAddr {
    IpAddr::from([192, 0, 2, 7])
}

fn config(key: Option<&str>, has_keys: bool) -> Config {
    let keys = if has_keys { vec![Key { name: "a".into(), digest: [0; 32], models: Vec::new(), passthrough: false }] } else { Vec::new() };
    let admin = Admin { key: key.map(Secret::new), port: None };
    Config { admin, auth: Auth { open_models: false, keys }, ..Config::of_providers(Origin::Mock, Vec::new()) }
}

fn admin(key: Option<&str>, has_keys: bool, client: IpAddr, pairs: &[(&str, &str)]) -> u16 {
    check(&config(key, has_keys), &headers(pairs), client).map_or_else(|refusal| refusal.status().as_u16(), |()| 200)
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

#[tokio::test]
async fn a_session_counts_as_the_key_it_began_with_and_only_in_the_dashboard() {
    let sessions = Sessions::default();
    let config_of = |key| config(Some(key), true);
    let token = sessions.begin(&Secret::new("admin-1"));
    let cookies = headers(&[("cookie", &format!("a=b; {COOKIE_NAME}={token}; c=d"))]);
    let admitted = |key, headers: &HeaderMap| rule(&config_of(key), headers, remote(), Some(&sessions));
    assert!(matches!(admitted("admin-1", &cookies), Ok(Admission::Session(_))));
    assert!(admitted("admin-2", &cookies).is_err(), "the key has changed");
    assert!(admitted("admin-1", &headers(&[("cookie", &format!("{COOKIE_NAME}={token}x"))])).is_err());
    assert!(check(&config_of("admin-1"), &cookies, remote()).is_err(), "`/reload` takes the key itself");
    let mut both = cookies.clone();
    both.insert("authorization", HeaderValue::from_static("Bearer wrong"));
    assert!(admitted("admin-1", &both).is_err(), "a wrong key is wrong, whatever else comes with it");
    both.insert("authorization", HeaderValue::from_static("Bearer admin-1"));
    assert!(matches!(admitted("admin-1", &both), Ok(Admission::Key)));
}

#[test]
fn what_a_browser_says_of_where_a_request_comes_from_is_heeded() {
    for (site, foreign) in [("same-origin", false), ("none", false), ("same-site", true), ("cross-site", true)] {
        assert_eq!(is_foreign(&headers(&[("sec-fetch-site", site)])), foreign, "{site}");
    }
    assert!(!is_foreign(&HeaderMap::new()));
    for (host, is_ours) in [("localhost:8000", true), ("127.0.0.1", true), ("[::1]:8000", true), ("evil.example", false), ("", false)] {
        assert_eq!(names_this_machine(&"/admin".parse().unwrap(), &headers(&[("host", host)])), is_ours, "{host}");
    }
    assert!(!names_this_machine(&"http://evil.example/admin".parse().unwrap(), &headers(&[("host", "localhost")])));
    assert!(!names_this_machine(&"/admin".parse().unwrap(), &HeaderMap::new()));
}
