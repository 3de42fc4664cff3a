//! The clipboard of whoever sits before the terminal, by the terminal's own means.
//!
//! OSC 52 works wherever the terminal is, over ssh too, which no clipboard of this machine would. A terminal that does not
//! know it, or was told not to obey, ignores it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Terminals take no more than about 100,000 letters; cut base64 would be another text.
const MOST: usize = 74_000;

/// What makes the terminal copy `text`; `None`: it is too long.
pub fn sequence(text: &str) -> Option<String> {
    let encoded = BASE64_STANDARD.encode(text);
    (encoded.len() <= MOST).then(|| format!("\x1b]52;c;{encoded}\x07"))
}

#[cfg(test)]
mod tests {
    use super::sequence;

    #[test]
    fn a_text_becomes_what_terminals_know() {
        assert_eq!(sequence("你好").as_deref(), Some("\x1b]52;c;5L2g5aW9\x07"));
        assert_eq!(sequence(&"x".repeat(60_000)), None);
    }
}
