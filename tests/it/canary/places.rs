//! Where secrets stand: the configuration, what it names, the client's requests. One canary a place.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// One secret.
#[derive(Debug)]
pub struct Canary {
    /// Where it stands.
    pub name: &'static str,
    /// What nobody may read.
    pub value: &'static str,
}

impl Canary {
    const fn new(name: &'static str, value: &'static str) -> Canary {
        Canary { name, value }
    }

    /// What of it can be read in `text`, with what stands around it. Its first five and its last four characters may be.
    pub fn find_in(&self, text: &str) -> Option<String> {
        let hidden = &self.value[5..self.value.len() - 4];
        let parts = [&hidden[..8], &hidden[hidden.len() - 8..]];
        let at = parts.iter().find_map(|part| text.find(part))?;
        let around = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        Some(text[around(at.saturating_sub(60))..around((at + 60).min(text.len()))].to_owned())
    }
}

/// A secret that goes to the upstream of one provider.
pub struct Place {
    pub provider: &'static str,
    pub canary: &'static Canary,
}

pub static API_KEY: Canary = Canary::new("api_key", "cnry-kAAyQ/Zt+81==Lp0-key");
pub static FIRST_KEY: Canary = Canary::new("first of api_keys", "cnry-first4e1c77a90b2d");
pub static SECOND_KEY: Canary = Canary::new("second of api_keys", "cnry-second8d21f0c36e5b");
pub static IN_VARIABLE: Canary = Canary::new("variable of the environment", "cnry-environ5b6a71c9e20f");
pub static IN_FILE: Canary = Canary::new("file of a secret", "cnry-ofafile0d9c82b7a6e1");
pub static TOKEN: Canary = Canary::new("fixed token", "cnry-fixedtok3a4b5c6d7e8f");
pub static LOGIN_USERNAME: Canary = Canary::new("username of a login", "cnry-loginname1618033988");
pub static LOGIN_PASSWORD: Canary = Canary::new("password of a login", r#"cnry-pass"wo\rd2718281828e"#);
pub static LOGIN_QUERY: Canary = Canary::new("query of a login's address", "cnry-loginquery577215664");
pub static LOGIN_TOKEN: Canary = Canary::new("token that a login yields", "cnry-yielded1414213562ab");
pub static REFUSED_PASSWORD: Canary = Canary::new("password of a refused login", "cnry-refused1732050807cd");
pub static HEADER: Canary = Canary::new("configured X-Api-Key", "cnry-xapikey2236067977ef");
pub static BASIC_HEADER: Canary = Canary::new("configured Basic credential", "cnry-basiccred2645751311");
pub static PARAM: Canary = Canary::new("secret among params.set", "cnry-inparams3316624790a");
pub static PROXY_PASSWORD: Canary = Canary::new("password of a proxy", "cnry-proxypass3605551275");
pub static AZURE_KEY: Canary = Canary::new("key in a header of its own", "cnry-azurekey3872983346b");
pub static ADMIN_KEY: Canary = Canary::new("admin.key", "cnry-adminkey4123105625b");

pub static CLIENT_KEY: Canary = Canary::new("client's key", "cnry-clientkey4358898943");
pub static HASHED_KEY: Canary = Canary::new("client's key that is stored hashed", "cnry-hashedkey4795831523");
pub static WRONG_KEY: Canary = Canary::new("client's wrong key", "cnry-wrongkey5385164807c");
pub static CLIENT_X_API_KEY: Canary = Canary::new("client's x-api-key", "cnry-cxapikey5567764362d");
pub static CLIENT_API_KEY: Canary = Canary::new("client's api-key", "cnry-capikey06082762530e");
pub static CLIENT_GOOGLE_KEY: Canary = Canary::new("client's x-goog-api-key", "cnry-cgoogle16403124237f");
pub static CLIENT_OTHER_KEY: Canary = Canary::new("client's xi-api-key", "cnry-cxiother6557438524a");
pub static CLIENT_COOKIE: Canary = Canary::new("client's cookie", "cnry-ccookie16855654600b");
pub static CLIENT_PROXY_LOGIN: Canary = Canary::new("client's Proxy-Authorization", "cnry-cproxy207280109889c");
pub static CLIENT_QUERY: Canary = Canary::new("key in the client's query", "cnry-cquery127681145747d");
/// Not a secret to its upstream, but none of the log's business.
pub static CLIENT_WORDS: Canary = Canary::new("client's words", "cnry-cwords127810249675e");

/// What belongs to upstreams.
pub static PLACES: [Place; 16] = [
    Place { provider: "key", canary: &API_KEY },
    Place { provider: "keys", canary: &FIRST_KEY },
    Place { provider: "keys", canary: &SECOND_KEY },
    Place { provider: "variable", canary: &IN_VARIABLE },
    Place { provider: "file", canary: &IN_FILE },
    Place { provider: "token", canary: &TOKEN },
    Place { provider: "login", canary: &LOGIN_USERNAME },
    Place { provider: "login", canary: &LOGIN_PASSWORD },
    Place { provider: "login", canary: &LOGIN_QUERY },
    Place { provider: "login", canary: &LOGIN_TOKEN },
    Place { provider: "refused", canary: &REFUSED_PASSWORD },
    Place { provider: "header", canary: &HEADER },
    Place { provider: "header", canary: &BASIC_HEADER },
    Place { provider: "param", canary: &PARAM },
    Place { provider: "proxied", canary: &PROXY_PASSWORD },
    Place { provider: "azure", canary: &AZURE_KEY },
];

pub static PROVIDERS: [&str; 11] = ["key", "keys", "variable", "file", "token", "login", "refused", "header", "param", "proxied", "azure"];

/// What clients send beside their key, and which header holds it.
pub static CLIENT_HEADERS: [(&str, &str, &Canary); 7] = [
    ("authorization", "Bearer ", &CLIENT_KEY),
    ("x-api-key", "", &CLIENT_X_API_KEY),
    ("api-key", "", &CLIENT_API_KEY),
    ("x-goog-api-key", "", &CLIENT_GOOGLE_KEY),
    ("xi-api-key", "", &CLIENT_OTHER_KEY),
    ("cookie", "session=", &CLIENT_COOKIE),
    ("proxy-authorization", "Basic ", &CLIENT_PROXY_LOGIN),
];

/// What must never stand in an answer to a client.
pub fn upstreams() -> impl Iterator<Item = &'static Canary> {
    PLACES.iter().map(|place| place.canary).chain([&ADMIN_KEY])
}

/// What must never go to an upstream, nor into a log.
pub fn clients() -> impl Iterator<Item = &'static Canary> {
    CLIENT_HEADERS.iter().map(|(_, _, canary)| *canary).chain([&CLIENT_QUERY, &HASHED_KEY, &WRONG_KEY, &ADMIN_KEY])
}

/// What must never be written by a gateway.
pub fn all() -> impl Iterator<Item = &'static Canary> {
    upstreams().chain(clients()).chain([&CLIENT_WORDS])
}

/// Every place of a configuration filled. The upstream at `address` stands behind all providers.
pub fn config(address: SocketAddr, log_format: &str) -> Value {
    let digest: String = Sha256::digest(HASHED_KEY.value).iter().map(|byte| format!("{byte:02x}")).collect();
    let at = |name: &str| format!("http://{address}/{name}/v1");
    let login = |name: &str, query: &str, password: &str| {
        json!({
            "name": name, "type": "request", "base_url": at(name),
            "auth": { "url": format!("http://{address}/{name}/login{query}"), "username": LOGIN_USERNAME.value, "password": password },
        })
    };
    json!({
        "server": { "max_body": "1MB" },
        "admin": { "key": ADMIN_KEY.value },
        "auth": { "keys": [{ "name": "plain", "key": CLIENT_KEY.value }, { "name": "hashed", "key": format!("sha256:{digest}") }] },
        "logging": {
            "format": log_format,
            "file": "logs/llmgw.log",
            "requests": { "dir": "logs/requests", "errors_dir": "logs/failed", "bodies": true },
        },
        "routing": { "max_attempts": 1, "cooldown": null, "passthrough": "key", "health_check": { "interval": "1s", "timeout": "5s" } },
        "providers": [
            { "name": "key", "base_url": at("key"), "api_key": API_KEY.value },
            { "name": "keys", "base_url": at("keys"), "api_keys": [FIRST_KEY.value, SECOND_KEY.value] },
            { "name": "variable", "base_url": at("variable"), "api_key": "${CNRY_API_KEY}" },
            { "name": "file", "base_url": at("file"), "api_key": "file:key.txt" },
            { "name": "token", "type": "request", "base_url": at("token"), "auth": { "token": TOKEN.value } },
            login("login", &format!("?client_secret={}", LOGIN_QUERY.value), LOGIN_PASSWORD.value),
            login("refused", "", REFUSED_PASSWORD.value),
            {
                "name": "header", "base_url": at("header"),
                "headers": { "X-Api-Key": HEADER.value, "Authorization": format!("Basic {}", BASIC_HEADER.value) },
            },
            { "name": "param", "base_url": at("param"), "params": { "set": { "api_key": PARAM.value } } },
            { "name": "proxied", "base_url": "http://upstream.invalid/proxied/v1", "proxy": format!("http://user:{}@{address}", PROXY_PASSWORD.value) },
            { "name": "azure", "type": "azure", "base_url": at("azure"), "api_key": AZURE_KEY.value },
        ],
    })
}
