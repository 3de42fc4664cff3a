//! Tells, piece by piece, when a JSON object is complete.

/// How far into an object a text is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    depth: u32,
    in_string: bool,
    after_backslash: bool,
    is_complete: bool,
}

impl Progress {
    /// Takes in the next piece.
    pub(super) fn take(&mut self, piece: &str) {
        for byte in piece.bytes() {
            if std::mem::take(&mut self.after_backslash) {
                continue;
            }
            match byte {
                b'\\' if self.in_string => self.after_backslash = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.depth = self.depth.saturating_add(1),
                b'}' | b']' if !self.in_string => {
                    self.depth = self.depth.saturating_sub(1);
                    self.is_complete |= self.depth == 0;
                }
                _ => {}
            }
        }
    }

    /// Whether all of it was there.
    pub(super) fn is_complete(self) -> bool {
        self.is_complete
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    fn is_complete(pieces: &[&str]) -> bool {
        let mut progress = Progress::default();
        pieces.iter().for_each(|piece| progress.take(piece));
        progress.is_complete()
    }

    #[test]
    fn brackets_within_texts_do_not_count() {
        assert!(is_complete(&["{\"a\":[1,{}", "],\"b\":\"}\\\"\"", "}"]));
        for pieces in [&[""][..], &["{\"a\":\"}\""], &["{\"城\":{}"], &["{\"a\":\"\\", "\"}"], &["12"]] {
            assert!(!is_complete(pieces), "{pieces:?}");
        }
    }
}
