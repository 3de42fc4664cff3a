//! A statement: whether it assigns something to a name, or sets nothing.

use super::{Piece, Reader};

impl<'t> Piece<'t> {
    /// Name and value of `NAME = …` and `NAME: type = …`.
    pub(in super::super) fn assignment(&self) -> Option<(&'t str, Piece<'t>)> {
        let mut reader = Reader::new(self.text);
        let mut depth = 0_usize;
        while let Some(c) = reader.peek() {
            match c {
                '"' | '\'' => reader.string().ok().map(drop)?,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                '=' if depth == 0 => break,
                '!' | '<' | '>' | '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '@' if depth == 0 => return None,
                _ => {}
            }
            if !matches!(c, '"' | '\'') {
                reader.next();
            }
        }
        let at = reader.at;
        let rest = self.text.get(at + 1..)?;
        let target = self.text.get(..at)?.split(':').next()?.trim();
        let is_name = !target.is_empty()
            && !target.starts_with(|c: char| c.is_ascii_digit())
            && target.chars().all(|c| c.is_alphanumeric() || c == '_');
        if rest.starts_with('=') || !is_name {
            return None;
        }
        let column = if reader.line == 1 { self.column + reader.column } else { reader.column + 1 };
        Some((target, Piece { text: rest, line: self.line + reader.line - 1, column }))
    }

    /// Whether it sets nothing: an import, a docstring.
    pub(in super::super) fn sets_nothing(&self) -> bool {
        let first = self.text.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
        matches!(first, "import" | "from" | "pass") || self.text.starts_with(['"', '\''])
    }
}
