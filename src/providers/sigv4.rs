//! AWS's Signature Version 4 in a request's head, over the very bytes that are sent.
//!
//! An own one, because the signer of AWS's SDK brings a dozen crates and wants a newer compiler than llmgw does.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::collections::BTreeMap;
use std::time::SystemTime;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderName, Uri};
use percent_encoding::{AsciiSet, percent_decode_str, utf8_percent_encode};
use ring::hmac;
use sha2::{Digest, Sha256};

use super::ProviderError;
use super::address::{SEGMENT, segment};
use super::keys::plain;
use crate::config::AwsKeys;
use crate::transport::Payload;

const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// What belongs to one signature: a client's is about another request.
const OF_A_SIGNATURE: [HeaderName; 4] = [AUTHORIZATION, X_AMZ_DATE, X_AMZ_SECURITY_TOKEN, HeaderName::from_static("x-amz-content-sha256")];

/// A path is encoded once more than it is in the request: a `%` becomes `%25`.
const PATH: &AsciiSet = &SEGMENT.remove(b'/');

/// Signs for one service in one region.
pub struct Signer {
    /// Where the service is asked.
    pub region: String,
    /// The service's name among signatures.
    pub service: &'static str,
    /// Who asks.
    pub keys: AwsKeys,
}

impl Signer {
    /// Puts a signature of `head` and `body` into `head`; AWS takes it for some minutes around `now`.
    pub fn sign(&self, head: &mut Parts, body: &Payload, now: SystemTime) -> Result<(), ProviderError> {
        OF_A_SIGNATURE.iter().for_each(|name| drop(head.headers.remove(name)));
        // `2015-08-30T12:36:00Z` without its marks.
        let time = humantime::format_rfc3339_seconds(now).to_string().replace(['-', ':'], "");
        let set = |head: &mut Parts, name, value: &str| {
            let value = plain(value).ok_or(ProviderError::Signature("the access key holds what a header may not"))?;
            head.headers.insert(name, value);
            Ok(())
        };
        set(head, X_AMZ_DATE, &time)?;
        if let Some(token) = &self.keys.session_token {
            set(head, X_AMZ_SECURITY_TOKEN, token.expose())?;
        }
        let (signed, request) = canonical(head, body)?;
        let day = time.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(request)));
        let signature = hex(hmac(&self.key(day), &text).as_ref());
        let id = self.keys.access_key_id.expose();
        let authorization = format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}");
        set(head, AUTHORIZATION, &authorization)
    }

    /// The key of one day.
    fn key(&self, day: &str) -> hmac::Tag {
        let secret = format!("AWS4{}", self.keys.secret_access_key.expose());
        let of_day = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), day.as_bytes());
        [self.region.as_str(), self.service, "aws4_request"].into_iter().fold(of_day, |key, part| hmac(&key, part))
    }
}

/// The names of the headers that are signed, and the request in the one form that both sides make of it.
fn canonical(head: &Parts, body: &Payload) -> Result<(String, String), ProviderError> {
    let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::from([("host", vec![host(&head.uri)?])]);
    // Proxies may change any other header on the way.
    let is_signed = |name: &HeaderName| *name == CONTENT_TYPE || name.as_str().starts_with("x-amz-");
    for (name, value) in head.headers.iter().filter(|(name, _)| is_signed(name)) {
        let value = value.to_str().map_err(|_| ProviderError::Signature("a header is not ASCII"))?;
        headers.entry(name.as_str()).or_default().push(value.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let names = headers.keys().copied().collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, values)| format!("{name}:{}\n", values.join(","))).collect();
    let path = utf8_percent_encode(head.uri.path(), PATH);
    let query = query(head.uri.query().unwrap_or_default());
    let request = format!("{}\n{path}\n{query}\n{lines}\n{names}\n{}", head.method, digest(body)?);
    Ok((names, request))
}

/// As it is sent.
fn host(uri: &Uri) -> Result<String, ProviderError> {
    let authority = uri.authority().ok_or(ProviderError::Signature("it has no host"))?;
    Ok(match authority.port_u16() {
        Some(port) => format!("{}:{port}", authority.host()),
        None => authority.host().to_owned(),
    })
}

/// Its parameters in order, each encoded in the one way.
fn query(written: &str) -> String {
    let encoded = |text: &str| segment(&percent_decode_str(text).decode_utf8_lossy()).to_string();
    let parameters = written.split('&').filter(|parameter| !parameter.is_empty());
    let mut parameters: Vec<(String, String)> = parameters
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    parameters.sort();
    parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// SHA-256 of a body, in hex.
fn digest(body: &Payload) -> Result<String, ProviderError> {
    let Payload::Pieces(pieces) = body else {
        return Err(ProviderError::Signature("its body is passed through as it comes in"));
    };
    Ok(hex(&pieces.iter().fold(Sha256::new(), |digest, piece| digest.chain_update(piece)).finalize()))
}

fn hmac(key: &hmac::Tag, text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use bytes::Bytes;
    use http::request::Parts;
    use http::{HeaderValue, Method, Request};
    use http_body_util::BodyExt;

    use super::{Signer, digest, query};
    use crate::config::{AwsKeys, Secret};
    use crate::transport::Payload;
    use crate::transport::memory::whole;

    fn signer(token: Option<&str>) -> Signer {
        let keys = AwsKeys {
            access_key_id: Secret::new("AKIDEXAMPLE"),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: token.map(Secret::new),
        };
        Signer { region: "us-east-1".to_owned(), service: "service", keys }
    }

    fn head(method: Method, uri: &str) -> Parts {
        Request::builder().method(method).uri(uri).body(()).unwrap().into_parts().0
    }

    /// What a request at 2015-08-30T12:36:00Z is signed with.
    fn signed(signer: &Signer, head: &mut Parts, body: &Payload) -> String {
        signer.sign(head, body, UNIX_EPOCH + Duration::from_secs(1_440_938_160)).unwrap();
        head.headers["authorization"].to_str().unwrap().to_owned()
    }

    /// `get-vanilla`, `post-vanilla`, `get-vanilla-query-order-value` and `post-x-www-form-urlencoded` of the test suite
    /// that AWS publishes for SigV4.
    #[test]
    fn signatures_are_those_of_awss_own_test_suite() {
        let begin = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=";
        let mut get = head(Method::GET, "https://example.amazonaws.com/");
        let expected = "host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert_eq!(signed(&signer(None), &mut get, &Payload::empty()), format!("{begin}{expected}"));
        assert_eq!(get.headers["x-amz-date"], "20150830T123600Z");
        assert!(get.headers["authorization"].is_sensitive());

        let mut post = head(Method::POST, "https://example.amazonaws.com/");
        let expected = "host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert_eq!(signed(&signer(None), &mut post, &Payload::empty()), format!("{begin}{expected}"));

        let mut ordered = head(Method::GET, "https://example.amazonaws.com/?Param2=value2&Param1=value1");
        let expected = "host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
        assert_eq!(signed(&signer(None), &mut ordered, &Payload::empty()), format!("{begin}{expected}"));

        let mut form = head(Method::POST, "https://example.amazonaws.com/");
        form.headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
        form.headers.insert("user-agent", HeaderValue::from_static("is not signed"));
        let expected = "content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
        let body = Payload::Pieces([Bytes::from_static(b"Param1="), Bytes::from_static(b"value1")].into());
        assert_eq!(signed(&signer(None), &mut form, &body), format!("{begin}{expected}"));
    }

    /// As the signer of AWS's own SDK (`aws-sigv4`) signs it: an encoded name of a model is encoded once more.
    #[test]
    fn an_encoded_path_is_encoded_once_more() {
        let mut named = head(Method::POST, "https://example.amazonaws.com/model/us.anthropic.claude%3A0%2Fp/converse");
        let signature = signed(&signer(None), &mut named, &Payload::from(Bytes::from_static(b"{}")));
        assert!(signature.ends_with("=026ad93ae56b86a0341403a267a765f08c682b00d3f09c4aa9dc8b152495e2f7"), "{signature}");

        let mut all = head(Method::POST, "https://example.amazonaws.com:8443/model/m/converse?b=2&a&c=%2f%41&b=1");
        all.headers.insert("content-type", HeaderValue::from_static("application/json;  charset=utf-8"));
        all.headers.insert("x-amz-a", HeaderValue::from_static("1"));
        let signature = signed(&signer(Some("the-token")), &mut all, &Payload::from(Bytes::from_static(b"{\"a\":1}")));
        assert!(signature.ends_with("=cbe08cd8768c52bca4b72e3b599d8daaeb7b6538dcbc2e28d3a5ac2c3abba16c"), "{signature}");
    }

    #[test]
    fn a_session_token_is_signed_and_nothing_of_another_signature_stays() {
        let mut head = head(Method::POST, "https://example.amazonaws.com/");
        head.headers.insert("x-amz-date", HeaderValue::from_static("of the client"));
        head.headers.insert("x-amz-content-sha256", HeaderValue::from_static("of the client"));
        let signed = signed(&signer(Some("the-token")), &mut head, &Payload::empty());
        assert!(signed.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"), "{signed}");
        assert_eq!(head.headers["x-amz-security-token"], "the-token");
        assert!(head.headers["x-amz-security-token"].is_sensitive());
        assert_eq!(head.headers["x-amz-date"], "20150830T123600Z");
        assert!(!head.headers.contains_key("x-amz-content-sha256"));
    }

    #[test]
    fn parameters_are_sorted_and_encoded_in_one_way() {
        assert_eq!(query(""), "");
        assert_eq!(query("b=2&a&c=%2f+%41&b=1"), "a=&b=1&b=2&c=%2F%2BA");
    }

    #[test]
    fn a_body_that_is_passed_through_cannot_be_signed() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest(&Payload::empty()).unwrap(), empty);
        assert!(digest(&Payload::streamed(whole("x").boxed_unsync())).is_err());
    }
}
