//! What a terminal would obey, made visible: [`visible`].
//!
//! A model's answer is a stranger's text. Control characters in it could move the cursor, change the title, fill the
//! clipboard or hide what was printed; reordering marks could make text read otherwise than it is.

use std::borrow::Cow;

/// `text` with pictures in the place of control characters; line ends and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter_map(picture).collect())
}

/// JSON with nothing in its texts that a terminal would obey; it says the same.
pub fn visible_json(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let escaped = |character: char| match character {
        // Between members, where nothing can be escaped.
        '\r' => " ".to_owned(),
        _ if is_obeyed(character) => format!("\\u{:04x}", u32::from(character)),
        _ => character.to_string(),
    };
    Cow::Owned(text.chars().map(escaped).collect())
}

fn is_obeyed(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t')) || is_reordering(character)
}

/// The marks that reorder text whatever its letters are; Arabic and Hebrew need none of them.
fn is_reordering(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn picture(character: char) -> Option<char> {
    match character {
        // Half of a line's end.
        '\r' => None,
        '\u{7f}' => Some('␡'),
        '\0'..='\u{1f}' if is_obeyed(character) => char::from_u32(0x2400 + u32::from(character)),
        _ if is_obeyed(character) => Some(char::REPLACEMENT_CHARACTER),
        _ => Some(character),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{visible, visible_json};

    #[test]
    fn nothing_is_left_that_a_terminal_would_obey() {
        assert_eq!(visible("a\x1b[31mb\x07\u{9b}2J\u{7f}"), "a␛[31mb␇\u{fffd}2J␡");
        assert_eq!(visible("\u{202e}gpj.exe"), "\u{fffd}gpj.exe");
        let harmless = "第一行\n\t第二行 👨‍👩‍👧 שלום";
        assert!(matches!(visible(harmless), Cow::Borrowed(text) if text == harmless));
        assert_eq!(visible("a\r\nb"), "a\nb");
    }

    #[test]
    fn json_says_the_same_and_is_not_obeyed() {
        let text = serde_json::json!({ "a": "\u{9b}31m\u{7f}\u{202e}\x1b好" }).to_string();
        let shown = visible_json(&text);
        assert_eq!(shown, r#"{"a":"\u009b31m\u007f\u202e\u001b好"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), serde_json::from_str::<serde_json::Value>(&text).unwrap());
        assert!(matches!(visible_json("{\"好\":1}"), Cow::Borrowed(_)));
    }
}
