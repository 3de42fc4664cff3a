//! Cuts the running text of a block into pieces that can be shown: [`Inline`].
//!
//! Looks at one character after the other, so that it does not matter in which pieces the text arrives. Plain text passes
//! at once. What may be markup is held back until it is known to be, or not to be; at most to the end of the next line.
//! What is markup is then read by pulldown-cmark, each piece for itself: emphasis may touch Chinese letters and
//! punctuation, which CommonMark, by the rules of languages with blanks, does not see as emphasis.

use std::mem::take;

use super::spans::{Span, is_one_emphasis, read};
use super::style::Style;

/// More is not held back in the hope that it may be markup.
const LONGEST: usize = 1_000;

/// The text of one block.
#[derive(Debug, Default)]
pub struct Inline {
    style: Style,
    /// Not shown yet.
    held: String,
    may_be: MayBe,
    /// The character before what is looked at.
    previous: Option<char>,
}

/// What the text that is held back may become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum MayBe {
    #[default]
    Nothing,
    /// `*`, `_`, `~`.
    Emphasis(char),
    /// Behind so many backticks, of which no more follow once `is_open`.
    Code { ticks: usize, is_open: bool },
    /// `[` and `![`, within so many brackets; `in_address`: behind the `](`.
    Link { depth: usize, in_address: bool },
    /// `!`, before the `[`.
    Image,
    /// `<`.
    Angle,
    /// A backslash.
    Escape,
    /// `&`.
    Entity,
}

/// What becomes of a character.
enum Step {
    /// Held back with the rest.
    Hold,
    /// The rest is complete without it.
    Before,
    /// The rest is complete with it.
    After,
}

impl Inline {
    /// Of a block in this style.
    pub fn new(style: Style) -> Inline {
        Inline { style, ..Inline::default() }
    }

    /// Takes one more character, and hands out what can be shown.
    pub fn push(&mut self, character: char) -> Vec<Span> {
        let mut shown = Vec::new();
        match self.step(character) {
            Step::Hold => self.held.push(character),
            Step::After => {
                self.held.push(character);
                shown = self.finish();
            }
            Step::Before => {
                shown = self.finish();
                self.begin(character, &mut shown);
            }
        }
        self.previous = Some(character);
        shown
    }

    /// What is held back at the end of the block.
    pub fn finish(&mut self) -> Vec<Span> {
        let held = take(&mut self.held);
        match take(&mut self.may_be) {
            MayBe::Nothing => Vec::new(),
            MayBe::Escape => vec![self.plain(unescaped(&held))],
            _ => read(&held, self.style),
        }
    }

    fn plain(&self, text: &str) -> Span {
        Span { text: text.to_owned(), style: self.style }
    }

    /// A character behind what is complete.
    fn begin(&mut self, character: char, shown: &mut Vec<Span>) {
        let within_word = self.previous.is_some_and(char::is_alphanumeric);
        self.may_be = match character {
            '*' | '~' => MayBe::Emphasis(character),
            '_' if !within_word => MayBe::Emphasis(character),
            '`' => MayBe::Code { ticks: 1, is_open: false },
            '[' => MayBe::Link { depth: 1, in_address: false },
            '!' => MayBe::Image,
            '<' => MayBe::Angle,
            '\\' => MayBe::Escape,
            '&' => MayBe::Entity,
            _ => return shown.push(self.plain(character.encode_utf8(&mut [0; 4]))),
        };
        self.held.push(character);
    }

    fn step(&mut self, character: char) -> Step {
        let second_line = character == '\n' && self.held.contains('\n');
        if second_line || self.held.len() > LONGEST {
            return Step::Before;
        }
        match self.may_be {
            MayBe::Nothing => Step::Before,
            MayBe::Emphasis(mark) => self.emphasis(mark, character),
            MayBe::Code { ticks, is_open } => self.code(ticks, is_open, character),
            MayBe::Link { depth, in_address } => self.link(depth, in_address, character),
            MayBe::Image if character == '[' => {
                self.may_be = MayBe::Link { depth: 1, in_address: false };
                Step::Hold
            }
            MayBe::Image => Step::Before,
            MayBe::Angle if character == '>' => Step::After,
            MayBe::Angle if character == '\n' || (self.held.len() == 1 && !is_tag_start(character)) => Step::Before,
            MayBe::Angle => Step::Hold,
            // Before a line's end it asks for one, which every line's end is anyway.
            MayBe::Escape if character.is_ascii_punctuation() || character == '\n' => Step::After,
            MayBe::Escape => Step::Before,
            MayBe::Entity if character == ';' => Step::After,
            MayBe::Entity if character == '#' || character.is_ascii_alphanumeric() => Step::Hold,
            MayBe::Entity => Step::Before,
        }
    }

    fn emphasis(&self, mark: char, character: char) -> Step {
        if character == mark {
            return Step::Hold;
        }
        let is_opening = self.held.chars().all(|held| held == mark);
        // `2 * 3` and `~5` are no emphasis.
        if is_opening && (character.is_whitespace() || (mark == '~' && self.held.len() != 2)) {
            return Step::Before;
        }
        // `_` within a word is a letter of it, as in snake_case.
        let words = self.held.trim_end_matches(mark);
        let is_within_word = mark == '_' && character.is_alphanumeric();
        let may_close = words.len() < self.held.len() && !words.is_empty() && !words.ends_with(char::is_whitespace) && !is_within_word;
        if may_close && is_one_emphasis(&self.held) { Step::Before } else { Step::Hold }
    }

    fn code(&mut self, ticks: usize, is_open: bool, character: char) -> Step {
        if !is_open {
            self.may_be = if character == '`' { MayBe::Code { ticks: ticks + 1, is_open } } else { MayBe::Code { ticks, is_open: true } };
            return Step::Hold;
        }
        let last = self.held.len() - self.held.trim_end_matches('`').len();
        if character != '`' && last == ticks { Step::Before } else { Step::Hold }
    }

    fn link(&mut self, depth: usize, in_address: bool, character: char) -> Step {
        if depth == 0 && !in_address {
            self.may_be = MayBe::Link { depth: 1, in_address: true };
            return if character == '(' { Step::Hold } else { Step::Before };
        }
        let (opening, closing) = if in_address { ('(', ')') } else { ('[', ']') };
        let depth = match character {
            _ if self.held.ends_with('\\') => depth,
            _ if character == opening => depth + 1,
            _ if character == closing => depth - 1,
            _ => depth,
        };
        self.may_be = MayBe::Link { depth, in_address };
        if depth == 0 && in_address { Step::After } else { Step::Hold }
    }
}

/// Autolinks, tags and comments begin so; `a < b` does not.
fn is_tag_start(character: char) -> bool {
    character.is_ascii_alphabetic() || matches!(character, '/' | '!' | '?')
}

/// A backslash and what follows it. Those of `\(` and `\[` begin formulas, and stay.
fn unescaped(held: &str) -> &str {
    match held.as_bytes() {
        [b'\\', b'(' | b')' | b'[' | b']'] | [b'\\'] => held,
        _ => &held[1..],
    }
}
