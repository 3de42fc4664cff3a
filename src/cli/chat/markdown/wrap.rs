//! Breaks text into lines of the terminal's width while it arrives: [`Wrap`].
//!
//! A word is written when it is known to have ended, and is never taken back. Between Chinese characters a line may break
//! anywhere, but not before a closing and behind an opening mark.

use std::mem::take;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::spans::Span;
use super::style::Style;

const CLOSING: &str = "，。、；：？！）》」』】〉〕”’…,.;:?!)]}%";
const OPENING: &str = "（《「『【〈〔“‘([{";
/// Makes one picture of the two beside it.
const JOINER: char = '\u{200d}';

/// Text on its way to the screen.
#[derive(Debug, Default)]
pub struct Wrap {
    /// `None`: lines are as long as they are.
    width: Option<usize>,
    /// What may be written now.
    out: String,
    /// Stands before every line but the first of the block.
    margin: String,
    column: usize,
    /// Where the text of a line begins.
    start: usize,
    /// Blanks before the word.
    blanks: usize,
    /// Whose end is not known.
    word: Vec<(char, Style)>,
}

impl Wrap {
    /// For lines of at most this width.
    pub fn new(width: Option<usize>) -> Wrap {
        Wrap { width, ..Wrap::default() }
    }

    /// Begins a block: `first` stands before its first line, `margin` before the others.
    pub fn begin(&mut self, first: &str, margin: &str) {
        self.out.push_str(first);
        self.margin = margin.to_owned();
        self.start = visible_width(margin);
        self.column = self.start;
    }

    /// Adds to the block.
    pub fn add(&mut self, span: &Span) {
        for character in span.text.chars() {
            match character {
                '\n' => self.break_line(),
                ' ' | '\t' => {
                    self.end_word();
                    self.blanks += if character == ' ' { 1 } else { 4 };
                }
                _ => self.letter(character, span.style),
            }
        }
    }

    /// Writes the word that is held back: the line has ended.
    pub fn end_word(&mut self) {
        let word = take(&mut self.word);
        if word.is_empty() {
            return;
        }
        let text: String = word.iter().map(|(character, _)| *character).collect();
        let width = text.width();
        if self.does_not_fit(self.blanks + width) && self.column > self.start {
            self.break_line();
        } else {
            self.column += self.blanks;
            self.out.extend(std::iter::repeat_n(' ', take(&mut self.blanks)));
        }
        if self.does_not_fit(width) { self.cut(&word) } else { self.write(&word, width) }
    }

    /// Ends the block, which ends the line.
    pub fn end(&mut self) {
        self.end_word();
        self.blanks = 0;
        self.out.push('\n');
        self.column = 0;
    }

    /// A whole line that is written as it is.
    pub fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// What is to be written.
    pub fn take(&mut self) -> String {
        take(&mut self.out)
    }

    fn letter(&mut self, character: char, style: Style) {
        if self.word.last().is_some_and(|(previous, _)| may_break(*previous, character)) {
            self.end_word();
        }
        self.word.push((character, style));
    }

    fn break_line(&mut self) {
        self.end_word();
        self.blanks = 0;
        self.out.push('\n');
        self.out.push_str(&self.margin);
        self.column = self.start;
    }

    fn does_not_fit(&self, width: usize) -> bool {
        self.width.is_some_and(|all| self.column + width > all)
    }

    /// Writes a word that is longer than a line.
    fn cut(&mut self, word: &[(char, Style)]) {
        for piece in word {
            let width = piece.0.width().unwrap_or(0);
            if self.does_not_fit(width) && self.column > self.start {
                self.break_line();
            }
            self.write(&[*piece], width);
        }
    }

    fn write(&mut self, word: &[(char, Style)], width: usize) {
        for run in word.chunk_by(|(_, one), (_, other)| one == other) {
            let text: String = run.iter().map(|(character, _)| *character).collect();
            run[0].1.paint(&text, &mut self.out);
        }
        self.column += width;
    }
}

fn may_break(previous: char, next: char) -> bool {
    let is_wide = |character: char| character.width() == Some(2);
    if next.width() == Some(0) || previous == JOINER || is_regional(previous) {
        return false;
    }
    (is_wide(previous) || is_wide(next)) && !CLOSING.contains(next) && !OPENING.contains(previous)
}

/// Two of these make a flag.
fn is_regional(character: char) -> bool {
    ('\u{1f1e6}'..='\u{1f1ff}').contains(&character)
}

/// Cells of `text`, whose only codes are those of [`Style::paint`].
pub fn visible_width(text: &str) -> usize {
    let mut pieces = text.split("\x1b[");
    let first = pieces.next().map_or(0, UnicodeWidthStr::width);
    first + pieces.filter_map(|piece| piece.split_once('m')).map(|(_, text)| text.width()).sum::<usize>()
}
