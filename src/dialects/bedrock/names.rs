//! Names and ids as Converse takes them.

use std::borrow::Cow;

/// The longest name and the longest id that Converse takes.
pub const LONGEST: usize = 64;

/// A call's id as Converse takes it: the same for the call and its result.
pub fn id(id: &str) -> Cow<'_, str> {
    fitted(id, "_.:-")
}

/// The name of a tool that was called; it need not be one that is offered.
pub fn name(name: &str) -> Cow<'_, str> {
    fitted(name, "_-")
}

/// Whether `text` can be said as it is.
pub fn fits(text: &str, signs: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && text.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c))
}

/// `text` with what does not fit replaced, and its checksum, so that different texts stay different.
fn fitted<'a>(text: &'a str, signs: &str) -> Cow<'a, str> {
    if fits(text, signs) {
        return Cow::Borrowed(text);
    }
    let fitting = |c: char| if c.is_ascii_alphanumeric() || signs.contains(c) { c } else { '_' };
    let kept: String = text.chars().map(fitting).take(LONGEST - 9).collect();
    Cow::Owned(format!("{kept}_{:08x}", crc32fast::hash(text.as_bytes())))
}
