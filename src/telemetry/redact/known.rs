//! [`Known`]: all secrets of a configuration, however many, looked for at once.

use std::borrow::Cow;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, packed};
use memchr::memchr2;

use super::{LONGEST_BEGINNING, SHORTEST_KNOWN, SIGNS, hexadecimal, is_escaped, redact, redact_cut, redact_known};
use crate::config::Secret;

/// What every line of a log is searched for: known secrets, however many there are, and what looks like a key.
#[derive(Debug)]
pub struct Known {
    secrets: Vec<Secret>,
    /// All of them as they are, and [`SIGNS`], at once.
    any: Any,
    /// Which of them may stand in a long text. Made when it is first wanted.
    beginnings: OnceLock<Beginnings>,
}

/// Looks for many texts at once.
#[derive(Debug)]
enum Any {
    /// By vector instructions: as many secrets as a gateway has that is not very large.
    Few(packed::Searcher),
    Many(AhoCorasick),
    /// What cannot be made is not left out: every text may hold something.
    Unknown,
}

impl Any {
    fn of<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Any {
        match (packed::Searcher::new(texts.clone()), AhoCorasick::new(texts)) {
            (Some(searcher), _) => Any::Few(searcher),
            (None, Ok(automaton)) => Any::Many(automaton),
            (None, Err(_)) => Any::Unknown,
        }
    }

    fn may_stand_in(&self, text: &str) -> bool {
        match self {
            Any::Few(searcher) => searcher.find(text).is_some(),
            Any::Many(automaton) => automaton.is_match(text),
            Any::Unknown => true,
        }
    }
}

impl Known {
    /// Of `secrets`.
    pub fn new(secrets: Vec<Secret>) -> Known {
        let values = secrets.iter().map(Secret::expose).filter(|value| value.len() >= SHORTEST_KNOWN);
        Known { any: Any::of(values.chain(SIGNS)), secrets, beginnings: OnceLock::new() }
    }

    /// As [`redact_known`] and then [`redact`] do it. A text without escapes that holds nothing is seen in one pass.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.any.may_stand_in(text) && !is_escaped(text.as_bytes()) {
            return Cow::Borrowed(text);
        }
        match redact_known(text, &self.secrets) {
            Cow::Borrowed(text) => redact(text),
            Cow::Owned(text) => Cow::Owned(redact(&text).into_owned()),
        }
    }
}

impl Known {
    /// Whether `secret` is one of them.
    pub fn has(&self, secret: &Secret) -> bool {
        self.secrets.contains(secret)
    }

    /// A text of any length, such as a body. `is_cut`: it may end within a secret. `keys`: what looks like a key is masked
    /// too. Costs what its length does, not that times the secrets.
    pub fn redact_long<'a>(&self, text: &'a str, is_cut: bool, keys: bool) -> Cow<'a, str> {
        let near = self.beginnings.get_or_init(|| Beginnings::of(&self.secrets)).near(text, &self.secrets);
        let masked = if is_cut { redact_cut(text, &near) } else { redact_known(text, &near) };
        match masked {
            masked if !keys => masked,
            Cow::Borrowed(text) => redact(text),
            Cow::Owned(text) => Cow::Owned(redact(&text).into_owned()),
        }
    }
}

/// How secrets begin: who looks for many in a long text first looks for all of these at once.
#[derive(Debug)]
struct Beginnings {
    /// `None`: it cannot be made, and every secret may stand everywhere.
    all: Option<AhoCorasick>,
    /// Whose each of them is.
    whose: Vec<usize>,
    /// Those that read differently without escapes: they may stand everywhere.
    odd: Vec<usize>,
}

impl Beginnings {
    fn of(secrets: &[Secret]) -> Beginnings {
        let long = (0..secrets.len()).filter(|index| secrets[*index].expose().len() >= SHORTEST_KNOWN);
        let (odd, whose): (Vec<usize>, Vec<usize>) = long.partition(|index| is_escaped(secrets[*index].expose().as_bytes()));
        let beginnings = whose.iter().map(|index| {
            let value = secrets[*index].expose();
            value.char_indices().nth(LONGEST_BEGINNING).map_or(value, |(end, _)| &value[..end])
        });
        Beginnings { all: AhoCorasick::new(beginnings).ok(), whose, odd }
    }

    /// Those of `secrets` that may stand in `text`, with or without escapes.
    fn near(&self, text: &str, secrets: &[Secret]) -> Vec<Secret> {
        let Some(all) = &self.all else { return secrets.to_vec() };
        let mut near = vec![false; secrets.len()];
        self.odd.iter().for_each(|index| near[*index] = true);
        let mut look = |text: &[u8]| all.find_overlapping_iter(text).for_each(|found| near[self.whose[found.pattern()]] = true);
        look(text.as_bytes());
        if is_escaped(text.as_bytes()) {
            look(&unescaped(text.as_bytes()));
        }
        secrets.iter().zip(near).filter(|(_, is_near)| *is_near).map(|(secret, _)| secret.clone()).collect()
    }
}

/// `text` as it reads when everything that may be an escape of JSON or of a URL is one.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr2(b'\\', b'%', rest) {
        plain.extend_from_slice(&rest[..at]);
        let (escape, after) = (rest[at], &rest[at + 1..]);
        let code = |digits: Option<&[u8]>| digits.and_then(hexadecimal).and_then(char::from_u32);
        let length = match (escape, after.first()) {
            (b'%', _) => code(after.get(..2)).map(|byte| plain.push(byte as u8)).map_or(0, |()| 2),
            (_, Some(b'u')) => code(after.get(1..5)).map_or(0, |character| {
                plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                5
            }),
            (_, Some(byte @ (b'"' | b'\\' | b'/'))) => {
                plain.push(*byte);
                1
            }
            _ => 0,
        };
        if length == 0 {
            plain.push(escape);
        }
        rest = &after[length..];
    }
    plain.extend_from_slice(rest);
    plain
}

impl Default for Known {
    fn default() -> Known {
        Known::new(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert_eq, proptest};

    use super::{Beginnings, Known};
    use crate::config::Secret;
    use crate::telemetry::redact::{redact, redact_cut, redact_known};

    #[test]
    fn many_secrets_are_masked_as_each_would_be() {
        let secrets: Vec<Secret> = (0..2000).map(|number| Secret::new(format!("秘密 number-{number}!"))).collect();
        let known = Known::new(secrets.clone());
        let redacted = |text| redact(&redact_known(text, &secrets)).into_owned();
        for text in ["nothing here", "said 秘密 number-7! twice: 秘密 number-1999!", r"as JSON: \u79d8密 number-7!", "50 % of nothing"]
        {
            assert_eq!(known.redact(text), redacted(text), "{text}");
        }
        assert!(!known.redact("秘密 number-77!").contains("number"));
        assert_eq!(Known::default().redact("all"), "all");
    }

    #[test]
    fn a_long_text_is_masked_as_a_short_one_would_be() {
        let secrets: Vec<Secret> = (0..2000).map(|number| Secret::new(format!("秘密/\"number\"-{number}!"))).collect();
        let secrets = [secrets, vec![Secret::new("odd%41\\secret"), Secret::new("plain-secret-1"), Secret::new("short")]].concat();
        let known = Known::new(secrets.clone());
        let written = [
            r#"秘密\/\"number\"-7!"#,
            r#"\u79d8密%2f\u0022number%22-1999!"#,
            "秘密/\"number\"-20!",
            r"odd%41\secret",
            r"odd\u002541%5csecret",
            "plain-secret-1 short sk-0123456789abcdef",
            r"\plain-secret-1 100%plain-secret-1 %zz\n",
            "plain-secret-2",
            r"\u00",
            "\\",
        ];
        for text in written.iter().map(|text| (*text).to_owned()).chain([written.join(" \n")]) {
            let whole = redact(&redact_known(&text, &secrets)).into_owned();
            assert_eq!(known.redact_long(&text, false, true), whole, "{text}");
            assert_eq!(known.redact_long(&text, true, false), redact_cut(&text, &secrets), "{text}");
        }
        assert_eq!(known.redact_long("sk-0123456789abcdef plain-secret-1", false, false), "sk-0123456789abcdef ****");
        assert_eq!(known.redact_long("it ends in plain-sec", true, false), "it ends in ****");
    }

    #[test]
    fn what_is_near_is_only_what_may_be_there() {
        let secrets: Vec<Secret> = (0..100).map(|number| Secret::new(format!("{number:02}-secret"))).collect();
        let near = |text: &str| Beginnings::of(&secrets).near(text, &secrets).len();
        assert_eq!((near("nothing"), near("42-secr"), near(r"42%2dsecret 07-secret"), near("42-sec")), (0, 1, 2, 0));
    }

    proptest! {
        #[test]
        fn what_looks_like_a_key_is_masked_whatever_stands_around_it(parts in prop::collection::vec(prop::sample::select(&PARTS[..]), 0..8)) {
            let text = parts.concat();
            prop_assert_eq!(Known::default().redact(&text), redact(&text));
        }
    }

    /// All that the pattern of keys knows, and what comes near it.
    const PARTS: [&str; 34] = [
        "sk-",
        "gsk_",
        "xai-",
        "pplx-",
        "hf_",
        "r8_",
        "ghp_",
        "github_pat_",
        "nvapi-",
        "AIza",
        "eyJ",
        "bearer ",
        "Bearer\t",
        "api-key",
        "api_key",
        "apikey",
        "access-token",
        "access_token",
        "client_secret",
        "key",
        "token",
        "secret",
        "password",
        "=",
        "\"",
        "\\",
        ": ",
        ".",
        " ",
        "0123456789",
        "abcdefgh",
        "ABC-_",
        "密钥",
        "task",
    ];
}
