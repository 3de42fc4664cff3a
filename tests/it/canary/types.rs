//! What `{:?}` prints: of the configuration, of errors, of whatever is made of them.

use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use llmgw::access::{AdminKey, KeyRing};
use llmgw::config::{Config, Env, Overrides, ProviderKind, RequestAuth, Secret, from_environment, load_file};
use llmgw::engine::Engine;
use llmgw::engine::answer::{Credential, Failed};
use llmgw::providers::headers::OF_CREDENTIALS;
use llmgw::providers::keys::plain;
use llmgw::providers::registry::{Shared, build};
use llmgw::transport::via::Via;
use url::Url;

use super::places::{self, API_KEY, CLIENT_KEY, IN_VARIABLE, LOGIN_USERNAME, PROXY_PASSWORD};
use super::{Findings, readings};
use crate::cli::process::Home;

fn loaded() -> Config {
    let home = Home::new();
    home.write("key.txt", places::IN_FILE.value);
    let file = home.write("llmgw.yaml", places::config("127.0.0.1:1".parse().expect("an address"), "text").to_string());
    let env = Env::for_tests(&[("CNRY_API_KEY", IN_VARIABLE.value)], home.directory());
    load_file(&file, "a test", &env, &Overrides::default()).expect("a configuration").config
}

#[test]
fn no_type_prints_its_secret_for_debugging() {
    let config = loaded();
    let secrets = config.secrets();
    for canary in places::PLACES
        .iter()
        .map(|place| place.canary)
        .filter(|canary| ![LOGIN_USERNAME.name, places::LOGIN_TOKEN.name].contains(&canary.name))
    {
        let is_known = secrets.iter().any(|secret| readings(secret.expose()).iter().any(|text| text.contains(canary.value)));
        assert!(is_known, "the {} is not known as a secret", canary.name);
    }
    let mut shown = format!("{config:?} {config:#?} {} {secrets:?}", config.to_json());
    for provider in &config.providers {
        shown += &format!("{provider:?} {:?} {:?} {:?}", provider.kind, provider.params, provider.proxy);
        if let ProviderKind::Request(RequestAuth::Login(login)) = &provider.kind {
            shown += &format!("{login:?}");
        }
        shown += &format!("{:?}", Via::decide(&provider.proxy, &provider.base_url));
    }
    shown += &format!("{:?} {:?}", KeyRing::new(&config.auth), config.admin.key.as_ref().map(AdminKey::new));
    shown += &format!("{:?}", KeyRing::new(&config.auth).authenticate(Some(CLIENT_KEY.value)));
    shown += &format!("{:?}", Env::for_tests(&[("CNRY_API_KEY", IN_VARIABLE.value)], "/"));
    let socks = llmgw::config::Proxy::Through(Url::parse(&format!("socks5://user:{}@proxy", PROXY_PASSWORD.value)).expect("a URL"));
    shown += &format!("{socks:?} {:?}", Via::decide(&socks, &Url::parse("https://a.example").expect("a URL")));
    let mut findings = Findings::default();
    findings.check("`{:?}` of a configuration", &shown, places::all().filter(|canary| canary.name != LOGIN_USERNAME.name));
    findings.are_none();
}

#[test]
fn no_address_of_the_environment_shows_what_is_secret_in_it() {
    let base_url = format!("https://user:{}@a.example/v1?key={}", LOGIN_PASSWORD_IN_URL, places::IN_FILE.value);
    let proxy = format!("http://{}@proxy:3128", PROXY_PASSWORD.value);
    let variables = [("OPENAI_API_KEY", IN_VARIABLE.value), ("OPENAI_BASE_URL", &base_url), ("HTTPS_PROXY", &proxy)];
    let config = from_environment(&Env::for_tests(&variables, "/"), false);
    assert_eq!(config.providers[0].base_url.query(), Some(format!("key={}", places::IN_FILE.value).as_str()));
    let secrets = config.secrets();
    for secret in [LOGIN_PASSWORD_IN_URL, places::IN_FILE.value, PROXY_PASSWORD.value, IN_VARIABLE.value] {
        assert!(secrets.contains(&Secret::new(secret)), "{secret}");
    }
    let shown = format!("{config:?} {}", config.to_json());
    assert!(shown.contains("https://user:****@a.example/v1?key=****") && shown.contains("http://****@proxy:3128"), "{shown}");
    let mut findings = Findings::default();
    findings.check("a configuration of the environment", &shown, [&places::IN_FILE, &PROXY_PASSWORD, &IN_VARIABLE]);
    findings.are_none();
    assert!(!shown.contains(LOGIN_PASSWORD_IN_URL));
}

/// Letters only, so that a URL writes it as it is.
const LOGIN_PASSWORD_IN_URL: &str = "thepasswordinanaddress";

#[test]
fn no_request_and_no_failure_prints_a_secret_for_debugging() {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", API_KEY.value)).expect("a value");
    bearer.set_sensitive(true);
    let head = Request::get("http://a.example").header(AUTHORIZATION, bearer).body(()).expect("a request").into_parts().0;
    let failed = Failed::new(format!("not accepted: {}", API_KEY.value), None);
    let failed = Failed { headers: [(AUTHORIZATION, HeaderValue::from_static(API_KEY.value))].into_iter().collect(), ..failed };
    let failed = Failed { body: Some(API_KEY.value.into()), ..failed };
    let mut shown = format!("{head:?} {:?} {:?}", Credential::of(&head), failed.masked(&[Secret::new(API_KEY.value)]));
    for name in &OF_CREDENTIALS {
        let mut head = head.clone();
        head.headers = [(name.clone(), plain(API_KEY.value).expect("a value"))].into_iter().collect();
        shown += &format!("{head:?} {:?}", Credential::of(&head));
    }
    let mut findings = Findings::default();
    findings.check("`{:?}` of a request", &shown, [&API_KEY]);
    findings.are_none();
}

#[tokio::test]
async fn no_reason_why_a_configuration_cannot_be_used_shows_a_secret() {
    let mut findings = Findings::default();
    for broken in [format!("{}\n", API_KEY.value), format!("{}\u{7f}", API_KEY.value)] {
        let mut config = loaded();
        config.providers[0].api_keys = vec![Secret::new(broken)];
        let error = build(&config.providers[0], &Shared::default()).err().expect("no header holds it");
        let refused = Engine::start(config, Box::new(|| Err(Vec::new()))).err().expect("a provider that cannot be built");
        findings.check("an unusable key", &format!("{error} {error:?} {refused} {refused:?}"), [&API_KEY]);
    }
    findings.are_none();
}
