//! Masks secrets in free text: what looks like a key, and what is known to be one.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem;
use regex::{Captures, Regex};

use crate::config::Secret;
use crate::config::secret::mask;

/// Shorter known secrets are not sought: they would match ordinary words.
const SHORTEST_KNOWN: usize = 6;

/// What keys look like. The part to mask is `secret` where a word before it gives the key away, else the whole match.
#[expect(clippy::expect_used, reason = "the pattern is a constant and has a test")]
static KEYS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\b(?:sk-|gsk_|xai-|pplx-|hf_|r8_|ghp_|github_pat_|nvapi-|AIza)[A-Za-z0-9_-]{8,}",
        r"|\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+",
        r"|\b[Bb]earer\s+(?<bearer>[^\s\x22',;<>]{4,})",
        r"|\b(?:api[_-]?key|access[_-]?token|client[_-]?secret|key|token|secret|password)=(?<value>[^\s\x22'&;]{4,})",
        r"|\x22(?:api_?key|access_token|client_secret|password)\\?\x22\s*:\s*\\?\x22(?<json>[^\x22\\]{4,})",
    ))
    .expect("the pattern compiles")
});

/// `text` with everything masked that looks like a key: `sk-…`, `Bearer …`, `key=…`, `AIza…`, JWTs.
pub fn redact(text: &str) -> Cow<'_, str> {
    KEYS.replace_all(text, |found: &Captures<'_>| {
        let whole = &found[0];
        let Some(secret) = ["bearer", "value", "json"].iter().find_map(|name| found.name(name)) else {
            return mask(whole);
        };
        if secret.as_str().contains("****") {
            return whole.to_owned();
        }
        let before = whole.len() - secret.len();
        format!("{}{}", &whole[..before], mask(secret.as_str()))
    })
}

/// `text` with every one of `secrets` masked, whatever it looks like.
pub fn redact_known<'a>(text: &'a str, secrets: &[Secret]) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for secret in secrets {
        let value = secret.expose();
        if value.len() >= SHORTEST_KNOWN && memmem::find(text.as_bytes(), value.as_bytes()).is_some() {
            text = Cow::Owned(text.replace(value, &mask(value)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{redact, redact_known};
    use crate::config::Secret;

    #[test]
    fn what_looks_like_a_key_is_masked() {
        let cases = [
            ("Incorrect API key provided: sk-abcdefghijklcdef.", "Incorrect API key provided: sk-ab****cdef."),
            ("Authorization: Bearer abcdefghijkl0123456789", "Authorization: Bearer abcde****6789"),
            ("GET /v1?key=AIzaSyA0123456789abcdefgh&alt=sse", "GET /v1?key=AIzaS****efgh&alt=sse"),
            (r#"{"api_key": "0123456789abcdefghij"}"#, r#"{"api_key": "01234****ghij"}"#),
            ("gsk_0123456789abcdefgh", "gsk_0****efgh"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJhb****dXJl"),
            ("password=hunter22", "password=****"),
        ];
        for (text, masked) in cases {
            assert_eq!(redact(text), masked);
            assert_eq!(redact(&redact(text)), masked, "masking twice changes nothing");
        }
    }

    #[test]
    fn ordinary_text_is_left_alone_and_not_copied() {
        for text in ["task-scheduler-service", "tokens=12 model=\"gpt-4\"", "the bearer of it", "model not found: `deepseek`"] {
            assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn known_secrets_are_masked_whatever_they_look_like() {
        let known = [Secret::new("correct horse battery"), Secret::new("abc")];
        assert_eq!(redact_known("said correct horse battery, abc", &known), "said corre****tery, abc");
    }
}
