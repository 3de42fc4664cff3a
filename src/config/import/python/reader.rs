//! Python's text: where statements end, and what a literal says.

mod piece;
mod strings;

use serde_json::{Map, Number, Value};

use crate::config::import::reference::is_variable;
use crate::config::import::source::EXPRESSION;

/// Deeper than any settings.
const MAX_DEPTH: usize = 64;

/// Why a value could not be read.
pub(super) enum Mistake {
    /// It is no literal.
    Expression,
    /// It is no Python.
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The character in it, from 1.
        column: usize,
        /// What is wrong.
        message: &'static str,
    },
}

/// A part of the text, and where it begins.
pub(super) struct Piece<'t> {
    /// It.
    pub(super) text: &'t str,
    /// The line, from 1.
    pub(super) line: usize,
    /// The character in it, from 1.
    pub(super) column: usize,
}

/// Where one reads.
pub(super) struct Reader<'t, 'k> {
    text: &'t str,
    at: usize,
    line: usize,
    column: usize,
    /// What was assigned above.
    known: Option<&'k Map<String, Value>>,
    /// Which of it is named here.
    used: Vec<String>,
}

impl<'t, 'k> Reader<'t, 'k> {
    pub(super) fn new(text: &'t str) -> Reader<'t, 'k> {
        Reader { text, at: 0, line: 1, column: 1, known: None, used: Vec::new() }
    }

    /// In a value, which may name what `known` has.
    pub(super) fn of_value(piece: &Piece<'t>, known: &'k Map<String, Value>) -> Reader<'t, 'k> {
        Reader { text: piece.text, line: piece.line, column: piece.column, known: Some(known), ..Reader::new("") }
    }

    /// Names from above that it has come by.
    pub(super) fn into_used(self) -> Vec<String> {
        self.used
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        (self.line, self.column) = if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        Some(c)
    }

    fn skip(&mut self, characters: usize) {
        for _ in 0..characters {
            self.next();
        }
    }

    fn wrong<T>(&self, message: &'static str) -> Result<T, Mistake> {
        Err(Mistake::Syntax { line: self.line, column: self.column, message })
    }

    /// Past blanks, line ends and comments.
    fn skip_blank(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                '#' => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                }
                c if c.is_whitespace() || c == '\\' => drop(self.next()),
                _ => return,
            }
        }
    }

    /// The next statement that begins at the left edge; what is indented belongs to the one before.
    pub(super) fn statement(&mut self) -> Result<Option<Piece<'t>>, Mistake> {
        loop {
            self.skip_blank();
            if self.peek().is_none() {
                return Ok(None);
            }
            let (start, line, column) = (self.at, self.line, self.column);
            self.skip_logical_line()?;
            if column == 1 && !self.text[start..].starts_with(['@', ')']) {
                return Ok(Some(Piece { text: self.text[start..self.at].trim_end(), line, column }));
            }
        }
    }

    fn skip_logical_line(&mut self) -> Result<(), Mistake> {
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '"' | '\'' => {
                    self.string()?;
                    continue;
                }
                '#' => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                    continue;
                }
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' if depth == 0 => return self.wrong("a bracket that was never opened"),
                ')' | ']' | '}' => depth -= 1,
                '\\' => drop(self.next()),
                '\n' if depth == 0 => return Ok(()),
                _ => {}
            }
            self.next();
        }
        if depth > 0 { self.wrong("the file ends within brackets") } else { Ok(()) }
    }

    /// A literal, and nothing after it.
    pub(super) fn only_literal(&mut self) -> Result<Value, Mistake> {
        let value = self.value(0)?;
        self.skip_blank();
        if self.peek().is_none() { Ok(value) } else { Err(Mistake::Expression) }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Mistake> {
        self.skip_blank();
        if depth > MAX_DEPTH {
            return self.wrong("nested too deeply");
        }
        match self.peek() {
            Some('[') => self.sequence(']', depth),
            Some('(') => self.parenthesis(depth),
            Some('{') => self.braces(depth),
            Some('"' | '\'') => self.strings(),
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => self.word(),
            _ => Err(Mistake::Expression),
        }
    }

    /// An item, up to what may come after one; what is no literal is told in its place.
    fn item(&mut self, depth: usize) -> Result<Value, Mistake> {
        let value = match self.value(depth + 1) {
            Err(Mistake::Expression) => Value::from(EXPRESSION),
            other => other?,
        };
        self.skip_blank();
        if matches!(self.peek(), Some(',' | ']' | ')' | '}') | None) {
            return Ok(value);
        }
        self.skip_item()?;
        Ok(Value::from(EXPRESSION))
    }

    /// Past an expression, to the comma or bracket after it.
    fn skip_item(&mut self) -> Result<(), Mistake> {
        let mut open = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '"' | '\'' => {
                    self.string()?;
                    continue;
                }
                '#' => {
                    self.skip_blank();
                    continue;
                }
                '(' | '[' | '{' => open += 1,
                ',' | ')' | ']' | '}' if open == 0 => return Ok(()),
                ')' | ']' | '}' => open -= 1,
                _ => {}
            }
            self.next();
        }
        Ok(())
    }

    fn sequence(&mut self, end: char, depth: usize) -> Result<Value, Mistake> {
        self.next();
        let mut items = Vec::new();
        loop {
            self.skip_blank();
            match self.peek() {
                None => return self.wrong("the file ends within brackets"),
                Some(c) if c == end => {
                    self.next();
                    return Ok(Value::Array(items));
                }
                Some(',') => drop(self.next()),
                Some(_) => items.push(self.item(depth)?),
            }
        }
    }

    /// A tuple, or a value in parentheses.
    fn parenthesis(&mut self, depth: usize) -> Result<Value, Mistake> {
        let start = self.at;
        let Value::Array(mut items) = self.sequence(')', depth)? else { return Err(Mistake::Expression) };
        let inside = self.text[start..self.at].trim_end_matches(')').trim_end();
        match items.pop() {
            Some(only) if items.is_empty() && !inside.ends_with(',') => Ok(only),
            last => {
                items.extend(last);
                Ok(Value::Array(items))
            }
        }
    }

    /// A dictionary or a set.
    fn braces(&mut self, depth: usize) -> Result<Value, Mistake> {
        self.next();
        let (mut map, mut set) = (Map::new(), Vec::new());
        loop {
            self.skip_blank();
            match self.peek() {
                None => return self.wrong("the file ends within brackets"),
                Some('}') => {
                    self.next();
                    return Ok(if set.is_empty() { Value::Object(map) } else { Value::Array(set) });
                }
                Some(',') => drop(self.next()),
                Some('*') => {
                    self.skip_item()?;
                    map.insert("**".to_owned(), Value::from(EXPRESSION));
                }
                Some(_) => {
                    let key = self.value(depth + 1)?;
                    self.skip_blank();
                    if self.peek() != Some(':') {
                        set.push(key);
                        continue;
                    }
                    self.next();
                    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                    let value = self.item(depth)?;
                    map.insert(key, value);
                }
            }
        }
    }

    fn number(&mut self) -> Result<Value, Mistake> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-')) {
            self.next();
        }
        let text = self.text[start..self.at].replace('_', "");
        let whole = match text.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        };
        let number = whole.map(Number::from).or_else(|| Number::from_f64(text.parse().ok()?));
        number.map(Value::Number).ok_or(Mistake::Expression)
    }

    fn name(&mut self) -> &'t str {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) {
            self.next();
        }
        &self.text[start..self.at]
    }

    /// `True`, a string's prefix, a variable of the environment, or a name from above.
    fn word(&mut self) -> Result<Value, Mistake> {
        let name = self.name();
        let is_string = matches!(self.peek(), Some('"' | '\''));
        match name.to_ascii_lowercase().as_str() {
            "r" if is_string => return self.quoted(true).map(Value::from),
            "u" if is_string => return self.strings(),
            "f" if is_string => {
                let text = self.string()?;
                return if text.contains(['{', '}']) { Err(Mistake::Expression) } else { Ok(Value::from(text)) };
            }
            _ => {}
        }
        match name {
            "True" => Ok(Value::Bool(true)),
            "False" => Ok(Value::Bool(false)),
            "None" => Ok(Value::Null),
            "os.getenv" | "getenv" | "os.environ.get" | "environ.get" => self.variable(')'),
            "os.environ" | "environ" => self.variable(']'),
            name => {
                let value = self.known.and_then(|known| known.get(name)).cloned().ok_or(Mistake::Expression)?;
                self.used.push(name.to_owned());
                Ok(value)
            }
        }
    }

    /// What stands in the brackets after it: a name, and in parentheses a default.
    fn variable(&mut self, end: char) -> Result<Value, Mistake> {
        let open = if end == ')' { '(' } else { '[' };
        if self.peek() != Some(open) {
            return Err(Mistake::Expression);
        }
        let Value::Array(items) = self.sequence(end, 0)? else { return Err(Mistake::Expression) };
        let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        match texts.as_slice() {
            [name] if items.len() == 1 && is_variable(name) => Ok(Value::from(format!("${{{name}}}"))),
            [name, default] if items.len() == 2 && is_variable(name) && *default != EXPRESSION && !default.contains('}') => {
                Ok(Value::from(format!("${{{name}:-{default}}}")))
            }
            [name] if items.len() == 2 && is_variable(name) && items[1].is_null() => Ok(Value::from(format!("${{{name}}}"))),
            _ => Err(Mistake::Expression),
        }
    }
}
