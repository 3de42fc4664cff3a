//! Parts of texts.

/// As much of the beginning of `text` as fits into so many bytes, without half a character.
pub fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn no_character_is_cut_in_two() {
        let cut = |most| beginning("a好b", most);
        assert_eq!([0, 1, 2, 3, 4, 5, 9].map(cut), ["", "a", "a", "a", "a好", "a好b", "a好b"]);
    }
}
