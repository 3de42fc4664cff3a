//! Masks secrets in free text: what looks like a key, and what is known to be one.

mod known;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::{memchr2, memmem};
use regex::{Captures, Regex};

use crate::config::Secret;
use crate::config::secret::mask;

pub use known::Known;

/// Shorter known secrets are not sought: they would match ordinary words.
const SHORTEST_KNOWN: usize = 6;

/// What may be seen of a secret's beginning has fewer characters than this; a mask shows five.
const LONGEST_BEGINNING: usize = 7;

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

/// Whatever [`KEYS`] matches holds one of these.
#[rustfmt::skip]
const SIGNS: [&str; 20] = [
    "sk-", "gsk_", "xai-", "pplx-", "hf_", "r8_", "ghp_", "github_pat_", "nvapi-", "AIza", "eyJ", "earer",
    "key=", "token=", "secret=", "password=", "key\"", "token\"", "secret\"", "password\"",
];

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

/// `text` with every one of `secrets` masked, whatever it looks like, also as JSON or a URL would write it.
pub fn redact_known<'a>(text: &'a str, secrets: &[Secret]) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for secret in secrets.iter().filter(|secret| secret.expose().len() >= SHORTEST_KNOWN) {
        for place in places(text.as_bytes(), secret.expose()).into_iter().rev() {
            // A match begins and ends with whole characters of the secret.
            text.to_mut().replace_range(place, &mask(secret.expose()));
        }
    }
    text
}

/// As [`redact_known`], of a text of which parts were cut: it may hold beginnings of secrets, too.
pub fn redact_cut<'a>(text: &'a str, secrets: &[Secret]) -> Cow<'a, str> {
    let text = redact_known(text, secrets);
    let secrets: Vec<&str> = secrets.iter().map(Secret::expose).filter(|value| value.len() >= SHORTEST_KNOWN).collect();
    // Of several secrets that begin alike the one counts of which there is most.
    let beginning = |at: usize| {
        let shared = secrets.iter().map(|secret| shared(secret, &text.as_bytes()[at..]));
        shared.filter(|(characters, _)| *characters >= LONGEST_BEGINNING).map(|(_, length)| length).max()
    };
    let mut masked = String::new();
    let mut from = 0;
    for (at, _) in text.char_indices() {
        if let Some(length) = beginning(at).filter(|_| at >= from) {
            masked.push_str(&text[from..at]);
            masked.push_str("****");
            from = at + length;
        }
    }
    if from == 0 { text } else { Cow::Owned(masked + &text[from..]) }
}

/// Where `secret` stands in `text`: as it is, or with any of its characters written as JSON or a URL may write them.
pub fn places(text: &[u8], secret: &str) -> Vec<Range<usize>> {
    let as_it_is = memmem::find_iter(text, secret).map(|at| at..at + secret.len());
    if secret.is_empty() || !is_escaped(text) {
        return as_it_is.collect();
    }
    let mut found: Vec<Range<usize>> = as_it_is.collect();
    let mut at = 0;
    while at < text.len() {
        match length_of(secret, &text[at..]) {
            Some(length) => {
                if !found.iter().any(|place| place.start < at + length && at < place.end) {
                    found.push(at..at + length);
                }
                at += length;
            }
            None => at += 1,
        }
    }
    found.sort_by_key(|place| place.start);
    found
}

/// Whether JSON or a URL may have written something in `text` in another way than it is.
pub fn is_escaped(text: &[u8]) -> bool {
    memchr2(b'\\', b'%', text).is_some()
}

/// How long `secret` is at the beginning of `text`, in whatever way each of its characters is written.
fn length_of(secret: &str, text: &[u8]) -> Option<usize> {
    let (characters, length) = shared(secret, text);
    (characters == secret.chars().count()).then_some(length)
}

/// How much of `secret` stands at the beginning of `text`: its characters, and the bytes that they are written with.
fn shared(secret: &str, text: &[u8]) -> (usize, usize) {
    let (mut characters, mut length) = (0, 0);
    for character in secret.chars() {
        let rest = &text[length..];
        let written = in_json(character, rest).or_else(|| in_url(character, rest)).or_else(|| {
            let mut bytes = [0; 4];
            let plain = character.encode_utf8(&mut bytes);
            rest.starts_with(plain.as_bytes()).then_some(plain.len())
        });
        let Some(written) = written else { break };
        characters += 1;
        length += written;
    }
    (characters, length)
}

/// `\"`, `\\`, `\/`, `\u002f`
fn in_json(character: char, text: &[u8]) -> Option<usize> {
    let escape = text.strip_prefix(b"\\")?;
    match escape.strip_prefix(b"u") {
        Some(digits) => (hexadecimal(digits.get(..4)?)? == u32::from(character)).then_some(6),
        None => (matches!(character, '"' | '\\' | '/') && *escape.first()? == character as u8).then_some(2),
    }
}

/// `%2F`
fn in_url(character: char, text: &[u8]) -> Option<usize> {
    let mut bytes = [0; 4];
    let plain = character.encode_utf8(&mut bytes).as_bytes();
    let is_written = |(index, byte): (usize, &u8)| {
        let digits = text.get(index * 3..index * 3 + 3).and_then(|escape| escape.strip_prefix(b"%"));
        digits.and_then(hexadecimal) == Some(u32::from(*byte))
    };
    plain.iter().enumerate().all(is_written).then_some(plain.len() * 3)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{redact, redact_cut, redact_known};
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

    #[test]
    fn a_secret_is_found_however_json_and_urls_write_it() {
        let known = [Secret::new(r#"pa/ss"w\ord=密+"#)];
        for written in [
            r#"pa/ss"w\ord=密+"#,
            r#"pa/ss\"w\\ord=密+"#,
            r#"pa\/ss\u0022w\\ord\u003D\u5bc6\u002b"#,
            "pa%2Fss%22w%5Cord%3d%E5%AF%86%2B",
            r#"%70a/ss"w\ord=密+"#,
        ] {
            assert_eq!(redact_known(&format!("您的 {written} \\ 100%, {written}"), &known), "您的 **** \\ 100%, ****", "{written}");
        }
        for other in [r#"pa/ss"w\ord=密"#, r"pa\/ss\", "pa%2", "%", "\\u00"] {
            assert_eq!(redact_known(other, &known), other);
        }
        let doubled = [Secret::new(r"back\\slashes")];
        assert_eq!(redact_known(r"said back\\slashes", &doubled), "said ****");
    }

    #[test]
    fn a_text_that_was_cut_shows_no_beginning_of_a_secret() {
        let known = [Secret::new("correct horse battery"), Secret::new("correction fluid")];
        assert_eq!(redact_cut("it is not correct hor", &known), "it is not ****");
        assert_eq!(redact_cut("it is not correct", &known), "it is not ****");
        assert_eq!(redact_cut("it is not correct horse battery", &known), "it is not corre****tery");
        assert_eq!(redact_cut("not correct ho: not correction f: no", &known), "not ****: not ****: no");
        assert_eq!(redact_cut(r"not c\u006frrection\u0020f…", &known), "not ****…");
        assert_eq!(redact_cut("it is not cor", &known), "it is not cor");
    }
}
