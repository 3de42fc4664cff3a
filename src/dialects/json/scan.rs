//! One pass over a JSON text: is it one (RFC 8259), and where are the members of its outermost object.
//!
//! Takes and refuses what serde_json does when it skips a value (a property test holds it to that), but looks at texts
//! many bytes at a time: nearly all of a request is text within quotes. Says only that a text is wrong; what is wrong with
//! it, serde_json tells better.

use std::ops::Range;

use memchr::memchr2;

/// One `"key": value`, as places in the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The key with its quotes.
    pub key: Range<usize>,
    /// The key holds escapes.
    pub is_escaped: bool,
    pub value: Range<usize>,
}

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Malformed,
    /// Brackets within brackets beyond the limit.
    TooDeep,
}

/// The members of the object that `text` is, with brackets at most `deepest` deep.
pub(super) fn members(text: &[u8], deepest: usize) -> Result<Vec<Place>, Refused> {
    let mut scanner = Scanner { text, at: 0, deepest, open: Vec::new() };
    scanner.skip_blanks();
    let members = scanner.object()?;
    scanner.skip_blanks();
    if scanner.at == text.len() { Ok(members) } else { Err(Refused::Malformed) }
}

/// The places of the values in the list that `text` is.
pub(super) fn items(text: &[u8]) -> Result<Vec<Range<usize>>, Refused> {
    let mut scanner = Scanner { text, at: 0, deepest: usize::MAX, open: Vec::new() };
    scanner.skip_blanks();
    let items = scanner.list()?;
    scanner.skip_blanks();
    if scanner.at == text.len() { Ok(items) } else { Err(Refused::Malformed) }
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    deepest: usize,
    /// What each bracket that is open below the outermost object ends with.
    open: Vec<u8>,
}

impl Scanner<'_> {
    fn object(&mut self) -> Result<Vec<Place>, Refused> {
        self.expect(b'{')?;
        let mut members = Vec::with_capacity(12);
        if self.take(b'}') {
            return Ok(members);
        }
        loop {
            self.skip_blanks();
            let key = self.at;
            let is_escaped = self.string()?;
            let key = key..self.at;
            self.colon()?;
            let value = self.at;
            self.value()?;
            members.push(Place { key, is_escaped, value: value..self.at });
            if self.take(b'}') {
                return Ok(members);
            }
            self.expect(b',')?;
        }
    }

    fn list(&mut self) -> Result<Vec<Range<usize>>, Refused> {
        self.expect(b'[')?;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(items);
        }
        loop {
            self.skip_blanks();
            let value = self.at;
            self.value()?;
            items.push(value..self.at);
            if self.take(b']') {
                return Ok(items);
            }
            self.expect(b',')?;
        }
    }

    /// A whole value, brackets within brackets included. No recursion: a stranger decides how deep they are.
    fn value(&mut self) -> Result<(), Refused> {
        debug_assert!(self.open.is_empty());
        loop {
            if !self.begin()? && !self.end()? {
                return Ok(());
            }
        }
    }

    /// What a value begins with; whether another value has to follow, because a bracket was opened.
    fn begin(&mut self) -> Result<bool, Refused> {
        match self.text.get(self.at) {
            Some(b'"') => self.string().map(|_| false),
            Some(b'{') => {
                self.open(b'}')?;
                if self.take(b'}') {
                    self.open.pop();
                    return Ok(false);
                }
                self.key().map(|()| true)
            }
            Some(b'[') => {
                self.open(b']')?;
                if self.take(b']') {
                    self.open.pop();
                    return Ok(false);
                }
                self.skip_blanks();
                Ok(true)
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| false),
            Some(b't') => self.word(b"true").map(|()| false),
            Some(b'f') => self.word(b"false").map(|()| false),
            Some(b'n') => self.word(b"null").map(|()| false),
            _ => Err(Refused::Malformed),
        }
    }

    /// What may follow a value within brackets; whether another value has to follow.
    fn end(&mut self) -> Result<bool, Refused> {
        while let Some(&closing) = self.open.last() {
            self.skip_blanks();
            match self.text.get(self.at) {
                Some(b',') => {
                    self.at += 1;
                    if closing == b'}' {
                        self.key()?
                    } else {
                        self.skip_blanks()
                    }
                    return Ok(true);
                }
                Some(byte) if *byte == closing => {
                    self.at += 1;
                    self.open.pop();
                }
                _ => return Err(Refused::Malformed),
            }
        }
        Ok(false)
    }

    fn open(&mut self, closing: u8) -> Result<(), Refused> {
        self.at += 1;
        // The outermost object is one more.
        if self.open.len() + 2 > self.deepest {
            return Err(Refused::TooDeep);
        }
        self.open.push(closing);
        Ok(())
    }

    fn key(&mut self) -> Result<(), Refused> {
        self.skip_blanks();
        self.string()?;
        self.colon()
    }

    fn colon(&mut self) -> Result<(), Refused> {
        self.expect(b':')?;
        self.skip_blanks();
        Ok(())
    }

    /// A string with its quotes; whether it holds escapes.
    fn string(&mut self) -> Result<bool, Refused> {
        if self.text.get(self.at) != Some(&b'"') {
            return Err(Refused::Malformed);
        }
        self.at += 1;
        let mut is_escaped = false;
        loop {
            let rest = &self.text[self.at..];
            let length = match near_stop(rest) {
                Ok(length) => length,
                Err(passed) => far_stop(rest, passed)?,
            };
            self.at += length + 1;
            match rest[length] {
                b'"' => return Ok(is_escaped),
                b'\\' => {}
                _ => return Err(Refused::Malformed),
            }
            is_escaped = true;
            self.escape()?;
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<(), Refused> {
        let rest = &self.text[self.at..];
        let length = match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
            Some(b'u') if rest.get(1..5).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) => 5,
            _ => return Err(Refused::Malformed),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Refused> {
        self.at += usize::from(self.text[self.at] == b'-');
        match self.text.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(Refused::Malformed),
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        // A digit after a leading zero is found by whoever wants a comma or a bracket.
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Refused> {
        let count = count_digits(&self.text[self.at..]);
        self.at += count;
        if count > 0 { Ok(()) } else { Err(Refused::Malformed) }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Refused> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Refused::Malformed);
        }
        self.at += word.len();
        Ok(())
    }

    fn expect(&mut self, byte: u8) -> Result<(), Refused> {
        if self.take(byte) { Ok(()) } else { Err(Refused::Malformed) }
    }

    /// Whether `byte` comes next, after blanks; then it is passed.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let is_next = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }
}

/// A byte of 1 in each place of a word.
const EACH: u64 = u64::MAX / 255;

/// The high bit of each byte.
const HIGH: u64 = EACH << 7;

/// So many words of eight bytes are looked at before a search that is made for long texts.
const NEAR: usize = 4;

/// Where the first quote, backslash or control character is, if it is near: a name is shorter than a search in wide registers
/// takes to begin. `Err`: so many bytes have none.
fn near_stop(text: &[u8]) -> Result<usize, usize> {
    let mut passed = 0;
    for word in text.as_chunks::<8>().0.iter().take(NEAR) {
        let word = u64::from_le_bytes(*word);
        // The high bit of each byte that is less than `limit`. A borrow from below may set one too many, but never the lowest.
        let below = |word: u64, limit: u8| word.wrapping_sub(EACH * u64::from(limit)) & !word;
        let quote = below(word ^ (EACH * u64::from(b'"')), 1);
        let backslash = below(word ^ (EACH * u64::from(b'\\')), 1);
        let found = (quote | backslash | below(word, b' ')) & HIGH;
        if found != 0 {
            return Ok(passed + found.trailing_zeros() as usize / 8);
        }
        passed += 8;
    }
    Err(passed)
}

/// How many digits `text` begins with. Embeddings are little else.
fn count_digits(text: &[u8]) -> usize {
    let mut count = 0;
    for word in text.as_chunks::<8>().0 {
        // 0 to 9 for digits, and more for all else; adding carries into the high bit from 10 on. A carry beyond it may set one
        // too many, but never the lowest.
        let word = u64::from_le_bytes(*word) ^ (EACH * u64::from(b'0'));
        let others = (word.wrapping_add(EACH * (128 - 10)) | word) & HIGH;
        if others != 0 {
            return count + others.trailing_zeros() as usize / 8;
        }
        count += 8;
    }
    count + text[count..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// The same for the rest of a long text, of which `passed` bytes were looked at.
fn far_stop(text: &[u8], passed: usize) -> Result<usize, Refused> {
    let rest = &text[passed..];
    let length = memchr2(b'"', b'\\', rest).ok_or(Refused::Malformed)?;
    // A fold has no early end, and is done many bytes at a time.
    if rest[..length].iter().fold(false, |found, byte| found | (*byte < b' ')) {
        return Err(Refused::Malformed);
    }
    Ok(passed + length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, any, prop, prop_assert_eq, prop_oneof, proptest};

    use super::{NEAR, Refused, count_digits, members, near_stop};

    /// What JSON is made of, and what spoils it.
    const PARTS: [&str; 40] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"a\":",
        "\"model\":\"gpt-4\"",
        "\\",
        "\\\"",
        "\\u4f60",
        "\\ud800",
        "\\u12",
        "\\x",
        "0",
        "1",
        "-",
        "-0",
        "01",
        "1.",
        "1.5",
        ".5",
        "1e",
        "1e5",
        "1E+7",
        "1e-",
        "true",
        "false",
        "null",
        "nul",
        " ",
        "\n",
        "\t",
        "\u{b}",
        "你好",
        "\u{7f}",
        "[]",
        "{}",
    ];

    fn agrees(text: &str) -> Result<(), String> {
        let theirs = text.trim_ascii_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        let ours = members(text.as_bytes(), usize::MAX);
        if ours.is_ok() == theirs { Ok(()) } else { Err(format!("{text:?}: {ours:?}, but {theirs}")) }
    }

    #[test]
    fn every_short_text_is_taken_or_refused_as_serde_json_does() {
        for first in PARTS {
            for second in PARTS {
                for third in PARTS {
                    for text in [format!("{{\"k\":{first}{second}{third}}}"), format!("{{{first}{second}{third}}}")] {
                        assert_eq!(agrees(&text), Ok(()));
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused_as_serde_json_does(
            parts in prop::collection::vec(prop::sample::select(&PARTS[..]), 0..24),
            text: String,
        ) {
            prop_assert_eq!(agrees(&format!("{{{}", parts.concat())), Ok(()));
            prop_assert_eq!(agrees(&format!("{{\"k\":[{}]}}", parts.concat())), Ok(()));
            prop_assert_eq!(agrees(&text), Ok(()));
        }

        #[test]
        fn any_value_is_taken(values in prop::collection::vec(any::<f64>(), 0..9), text: String) {
            let value = serde_json::json!({ "numbers": values, text.clone(): text, "nested": { "a": [[{}], [], null, true] } });
            prop_assert_eq!(agrees(&value.to_string()), Ok(()));
            prop_assert_eq!(agrees(&format!("{value:#}")), Ok(()));
        }
    }

    proptest! {
        #[test]
        fn words_of_bytes_are_looked_at_as_single_ones(text in prop::collection::vec(prop_oneof![any::<u8>(), b'/'..=b':', Just(b'"'), Just(b'\\')], 0..40)) {
            prop_assert_eq!(count_digits(&text), text.iter().take_while(|byte| byte.is_ascii_digit()).count());
            let seen = text.len().min(8 * NEAR) / 8 * 8;
            let stop = text[..seen].iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '));
            prop_assert_eq!(near_stop(&text), stop.ok_or(seen));
        }
    }

    #[test]
    fn depth_is_counted_with_the_outermost() {
        let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert!(members(nested(8).as_bytes(), 8).is_ok());
        assert_eq!(members(nested(9).as_bytes(), 8), Err(Refused::TooDeep));
    }
}
