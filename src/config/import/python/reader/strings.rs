//! Strings in all their forms: short and long, raw, with escapes, side by side.

use serde_json::Value;

use super::{Mistake, Reader};

impl Reader<'_, '_> {
    /// Neighbouring strings are one.
    pub(super) fn strings(&mut self) -> Result<Value, Mistake> {
        let mut text = String::new();
        loop {
            text.push_str(&self.string()?);
            let (at, line, column) = (self.at, self.line, self.column);
            self.skip_blank();
            if !matches!(self.peek(), Some('"' | '\'')) {
                (self.at, self.line, self.column) = (at, line, column);
                return Ok(Value::from(text));
            }
        }
    }

    /// One string, its quotes first.
    pub(super) fn string(&mut self) -> Result<String, Mistake> {
        self.quoted(false)
    }

    pub(super) fn quoted(&mut self, is_raw: bool) -> Result<String, Mistake> {
        let Some(quote) = self.next() else { return self.wrong("a string is missing") };
        let triple: String = [quote; 2].iter().collect();
        let is_long = self.rest().starts_with(&triple);
        if is_long {
            self.skip(2);
        }
        let end: String = std::iter::repeat_n(quote, if is_long { 3 } else { 1 }).collect();
        let mut text = String::new();
        loop {
            if self.rest().starts_with(&end) {
                self.skip(end.len());
                return Ok(text);
            }
            if self.peek().is_none_or(|c| c == '\n' && !is_long) {
                return self.wrong("a string without its end");
            }
            match self.next() {
                None => return self.wrong("a string without its end"),
                Some('\\') if is_raw => {
                    text.push('\\');
                    text.extend(self.next());
                }
                Some('\\') => self.escape(&mut text)?,
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), Mistake> {
        let Some(c) = self.next() else { return self.wrong("a string without its end") };
        let digits = match c {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let code = self.rest().get(..digits).and_then(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?));
            let Some(code) = code else { return self.wrong("not a character's number") };
            self.skip(digits);
            text.push(code);
            return Ok(());
        }
        match c {
            '\n' => {}
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            '0' => text.push('\0'),
            '\\' | '\'' | '"' => text.push(c),
            other => text.extend(['\\', other]),
        }
        Ok(())
    }
}
