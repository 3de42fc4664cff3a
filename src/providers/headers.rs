//! Which headers pass between a client and an upstream.
//!
//! Neither side learns the other's credentials, its address or what only concerns one connection.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_ENCODING, HeaderName};
use http::{HeaderMap, HeaderValue};

/// What only concerns one connection (RFC 9110 §7.6.1), besides what `Connection` names.
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
            | "proxy-authenticate"
            | "proxy-authentication-info"
    )
}

/// Of a client's: whereabouts, and what belongs to the body as it was before it was read.
fn is_kept_from_upstreams(name: &str) -> bool {
    let is_named = matches!(
        name,
        "host"
            | "content-length"
            | "content-encoding"
            | "accept-encoding"
            | "forwarded"
            | "x-real-ip"
            | "via"
            | "origin"
            | "referer"
            | "expect"
    );
    is_named || begins_with_any(name, &["proxy-", "x-forwarded-", "sec-", "x-llmgw-", "cf-"])
}

/// Of an upstream's: what is about its site, its account, or the body as it was compressed.
fn is_kept_from_clients(name: &str) -> bool {
    let is_named = matches!(
        name,
        "set-cookie"
            | "set-cookie2"
            | "content-length"
            | "content-encoding"
            | "server"
            | "alt-svc"
            | "strict-transport-security"
            | "openai-organization"
            | "openai-project"
            | "anthropic-organization-id"
            | "date"
    );
    is_named || begins_with_any(name, &["proxy-", "x-llmgw-", "cf-", "access-control-"])
}

/// Of a client's: credentials, by what their names hold; vendors call them `x-goog-api-key`, `xi-api-key`, `x-auth-token` …
#[expect(clippy::expect_used, reason = "the words are constant and have a test")]
static CREDENTIALS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let words = ["authorization", "cookie", "api-key", "apikey", "auth-token", "access-token", "security-token", "subscription-key"];
    // Names are short: a prefilter would cost more than it saves.
    AhoCorasick::builder().prefilter(false).kind(Some(AhoCorasickKind::DFA)).build(words).expect("words")
});

/// The upstream's own id of a request, as the client sees it beside ours.
const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");
const REQUEST_IDS: [HeaderName; 2] = [HeaderName::from_static("x-request-id"), HeaderName::from_static("request-id")];

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// In which headers providers prove who we are.
pub static OF_CREDENTIALS: [HeaderName; 5] = [
    AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-amz-security-token"),
];

/// What of such a header's `value` must not be seen: all but the scheme; of an AWS signature its proof alone, too.
pub fn credentials_of(value: &str) -> impl Iterator<Item = &str> {
    let signature = value.split_once("Signature=").map(|(_, signature)| signature);
    [value.strip_prefix("Bearer ").unwrap_or(value)].into_iter().chain(signature)
}

/// The client's headers that reach an upstream.
pub fn forwardable(client: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(client.len());
    let named = named_by_connection(client);
    for (name, value) in client {
        let plain = hyphenated(name);
        if !is_hop_by_hop(&plain) && !is_kept_from_upstreams(&plain) && !CREDENTIALS.is_match(&*plain) && !is_in(name, &named) {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// The same beside a body that goes on unread, as it was compressed.
pub fn forwardable_unread(client: &HeaderMap) -> HeaderMap {
    let mut headers = forwardable(client);
    for encoding in client.get_all(CONTENT_ENCODING) {
        headers.append(CONTENT_ENCODING, encoding.clone());
    }
    headers
}

/// Whether the client wants its operation to happen only once.
pub fn has_idempotency_key(headers: &HeaderMap) -> bool {
    headers.contains_key(IDEMPOTENCY_KEY)
}

/// For every upstream but the first: two upstreams that were given one key would both think it theirs.
pub fn without_idempotency_key(headers: &HeaderMap) -> Cow<'_, HeaderMap> {
    if !has_idempotency_key(headers) {
        return Cow::Borrowed(headers);
    }
    let mut without = headers.clone();
    without.remove(IDEMPOTENCY_KEY);
    Cow::Owned(without)
}

/// The upstream's headers that reach the client.
pub fn returnable(upstream: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(upstream.len());
    let named = named_by_connection(upstream);
    for (name, value) in upstream {
        let plain = hyphenated(name);
        if REQUEST_IDS.contains(name) {
            headers.insert(UPSTREAM_REQUEST_ID, value.clone());
        } else if !is_hop_by_hop(&plain) && !is_kept_from_clients(&plain) && !is_in(name, &named) {
            headers.append(name, value.clone());
        }
    }
    headers
}

fn begins_with_any(name: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Some servers make `-` and `_` the same, as CGI did: what looks like a header of ours is one.
fn hyphenated(name: &HeaderName) -> Cow<'_, str> {
    match name.as_str() {
        plain if !plain.contains('_') => Cow::Borrowed(plain),
        other => Cow::Owned(other.replace('_', "-")),
    }
}

/// Bytes, because a name that cannot be read must not hide those beside it.
fn named_by_connection(headers: &HeaderMap) -> Vec<&[u8]> {
    let values = headers.get_all(CONNECTION).iter().map(HeaderValue::as_bytes);
    // No header has the name of an option that everybody sends.
    let is_name = |name: &&[u8]| !name.eq_ignore_ascii_case(b"keep-alive") && !name.eq_ignore_ascii_case(b"close");
    values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii).filter(is_name).collect()
}

fn is_in(name: &HeaderName, named: &[&[u8]]) -> bool {
    named.iter().any(|other| other.eq_ignore_ascii_case(name.as_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::{HeaderName, HeaderValue};

    use super::{credentials_of, forwardable, returnable, without_idempotency_key};

    fn headers(lines: &str) -> HeaderMap {
        let lines = lines.lines().map(|line| line.trim().split_once(": ").unwrap());
        lines.map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())).collect()
    }

    fn lines(headers: &HeaderMap) -> Vec<String> {
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn a_clients_secrets_and_whereabouts_stay_here() {
        let client = headers(
            "authorization: Bearer sk
            x-api-key: sk
            api-key: sk
            x-goog-api-key: sk
            xi-api-key: sk
            x-auth-token: sk
            x-amz-security-token: sk
            ocp-apim-subscription-key: sk
            proxy-authorization: Basic sk
            x_api_key: sk
            transfer_encoding: chunked
            x_forwarded_for: 10.0.0.1
            cookie: a=b
            host: gateway
            connection: keep-alive, 好, X-Hop
            x-hop: 1
            http2-settings: AAMAAABk
            keep-alive: 5
            te: trailers
            transfer-encoding: chunked
            upgrade: h2c
            content-length: 2
            content-encoding: gzip
            accept-encoding: br
            expect: 100-continue
            forwarded: for=1.2.3.4
            x-forwarded-for: 1.2.3.4
            x-real-ip: 1.2.3.4
            via: 1.1 proxy
            origin: https://a.example
            referer: https://a.example/page
            sec-fetch-mode: cors
            x-llmgw-provider: a
            content-type: application/json
            openai-beta: one
            openai-beta: two
            idempotency-key: k",
        );
        let forwarded = forwardable(&client);
        assert_eq!(lines(&forwarded), ["content-type: application/json", "openai-beta: one", "openai-beta: two", "idempotency-key: k"]);
        assert_eq!(without_idempotency_key(&forwarded).len(), 3);
    }

    #[test]
    fn of_a_credential_all_that_proves_anything_is_secret() {
        let secrets = |value: &'static str| credentials_of(value).collect::<Vec<_>>().join(" | ");
        assert_eq!(secrets("Bearer sk-1"), "sk-1");
        assert_eq!(secrets("sk-1"), "sk-1");
        let signed = "AWS4-HMAC-SHA256 Credential=AKI/scope, SignedHeaders=host, Signature=5fa0";
        assert_eq!(secrets(signed), format!("{signed} | 5fa0"));
    }

    #[test]
    fn an_upstreams_site_and_account_stay_there() {
        let upstream = headers(
            "content-type: text/event-stream
            content-length: 2
            content-encoding: gzip
            transfer-encoding: chunked
            connection: x-hop
            x-hop: 1
            set-cookie: a=b
            server: cloudflare
            alt-svc: h3
            strict-transport-security: max-age=1
            cf-ray: 1
            openai-organization: org
            access-control-allow-origin: *
            x-llmgw-attempts: 9
            x-request-id: req_1
            retry-after: 1
            x-ratelimit-remaining-requests: 2",
        );
        assert_eq!(
            lines(&returnable(&upstream)),
            ["content-type: text/event-stream", "x-upstream-request-id: req_1", "retry-after: 1", "x-ratelimit-remaining-requests: 2"]
        );
        assert_eq!(lines(&returnable(&headers("request-id: req_2"))), ["x-upstream-request-id: req_2"]);
    }
}
