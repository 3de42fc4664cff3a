//! Markdown as it streams, for a terminal: [`Markdown`].
//!
//! A machine that looks at one character after the other, so that the same answer looks the same however it is cut, and
//! what was written is never taken back. pulldown-cmark reads whole documents only; here it reads what stands within a
//! line (`spans`), while this module knows blocks: which line begins a heading, an item, a quotation, code, a table.
//! Held back are a word, a line of code, a table. What models mean counts, not the letter of CommonMark: a line's end
//! stays one, `---` is a rule also below text, and an item goes on where its text is indented by two.
//!
//! Does not filter what a terminal would obey: see [`crate::cli::visible`].

pub mod code;
pub mod inline;
mod line;
pub mod spans;
pub mod style;
pub mod table;
pub mod wrap;

use self::code::Highlighter;
use self::inline::Inline;
use self::line::{Container, Kind, Line};
use self::spans::Span;
use self::style::Style;
use self::wrap::{Wrap, visible_width};

/// A rule is as wide as text that is easily read.
const RULE: usize = 60;

/// An answer on its way to the screen.
#[derive(Debug, Default)]
pub struct Markdown {
    width: Option<usize>,
    wrap: Wrap,
    /// The current line, while it is not known what it is.
    line: String,
    /// It is known, and what comes is running text.
    is_running: bool,
    /// What the current block stands in, outermost first.
    containers: Vec<Container>,
    leaf: Leaf,
    /// A blank line was seen, within so many containers.
    blank: Option<usize>,
    is_begun: bool,
}

/// The current block.
#[derive(Debug, Default)]
enum Leaf {
    #[default]
    None,
    Paragraph(Inline),
    Heading(Inline),
    Code {
        fence: String,
        indent: usize,
        highlighter: Box<Highlighter>,
    },
    Table(Vec<String>),
}

impl Markdown {
    /// For a terminal of this width; `None`: lines are not wrapped.
    pub fn new(width: Option<usize>) -> Markdown {
        Markdown { width, wrap: Wrap::new(width), ..Markdown::default() }
    }

    /// Takes more of the answer, and hands out what can be written.
    pub fn push(&mut self, text: &str) -> String {
        text.chars().for_each(|character| self.character(character));
        self.wrap.take()
    }

    /// The rest of what can be written: the answer has ended, or was stopped.
    pub fn finish(&mut self) -> String {
        if !self.line.is_empty() && !self.is_running {
            self.decide(true);
        }
        self.end_leaf();
        self.wrap.take()
    }

    fn character(&mut self, character: char) {
        match (character, self.is_running) {
            ('\n', true) => self.end_line(),
            ('\n', false) => {
                self.decide(true);
                self.end_line();
            }
            (_, true) => self.run(character),
            (_, false) => {
                self.line.push(character);
                if !line::is_marker(character) {
                    self.decide(false);
                }
            }
        }
    }

    fn end_line(&mut self) {
        self.is_running = false;
        self.line.clear();
        self.wrap.end_word();
        if matches!(self.leaf, Leaf::Heading(_)) {
            self.end_leaf();
        }
    }

    fn run(&mut self, character: char) {
        let (Leaf::Paragraph(inline) | Leaf::Heading(inline)) = &mut self.leaf else { return };
        inline.push(character).iter().for_each(|span| self.wrap.add(span));
    }

    /// Finds out what the line is, if that can be known before its end.
    fn decide(&mut self, is_whole: bool) {
        let text = std::mem::take(&mut self.line);
        if matches!(self.leaf, Leaf::Code { .. }) {
            if is_whole && self.code_line(&text) {
                return;
            }
            if !is_whole {
                self.line = text;
                return;
            }
        }
        let line = Line::read(&text, &self.containers, is_whole);
        match line.kind {
            Kind::Unknown => self.line = text,
            Kind::Blank => self.blank_line(line.kept),
            _ => self.begin(line),
        }
    }

    /// Whether the line belongs to the code that is open.
    fn code_line(&mut self, text: &str) -> bool {
        let Leaf::Code { fence, indent, highlighter } = &mut self.leaf else { return false };
        let (kept, rest) = line::strip(text, &self.containers);
        if !text.trim().is_empty() && self.containers[kept..].contains(&Container::Quote) {
            self.end_leaf();
            return false;
        }
        let bare = rest.trim();
        if bare.len() >= fence.len() && bare.trim_matches(fence.chars().next().unwrap_or('`')).is_empty() {
            self.end_leaf();
            return true;
        }
        let code = highlighter.line(line::without_indent(&rest, *indent));
        let margin = self.margin(false);
        self.wrap.line(&format!("{margin}{code}"));
        true
    }

    fn blank_line(&mut self, kept: usize) {
        self.end_leaf();
        // Only what is marked on every line can end here.
        let quote = self.containers[kept..].iter().position(|container| *container == Container::Quote);
        self.containers.truncate(quote.map_or(self.containers.len(), |at| kept + at));
        self.blank = self.is_begun.then_some(kept);
    }

    fn begin(&mut self, line: Line) {
        let goes_on = line.kept == self.containers.len() && line.opened.is_empty() && self.blank.is_none();
        match (&mut self.leaf, line.kind) {
            (Leaf::Paragraph(inline), Kind::Text | Kind::Indented) if goes_on => {
                inline.push('\n').iter().for_each(|span| self.wrap.add(span));
                return self.run_all(line.rest.trim_start());
            }
            (Leaf::Table(lines), Kind::TableRow) if goes_on => return lines.push(line.rest),
            _ => {}
        }
        self.end_leaf();
        self.open(line.kept, line.opened);
        match line.kind {
            Kind::Heading(level) => {
                let style = Style { underlined: level == 1, ..Style::HEADING };
                self.begin_text(Leaf::Heading(Inline::new(style)), &line.rest);
            }
            Kind::Fence => self.begin_code(&line.rest),
            Kind::Rule => self.rule(),
            Kind::Indented => {
                let margin = self.margin(true);
                self.wrap.line(&format!("{margin}{}", line.rest));
            }
            Kind::TableRow => self.leaf = Leaf::Table(vec![line.rest]),
            Kind::Text | Kind::Blank | Kind::Unknown => self.begin_text(Leaf::Paragraph(Inline::default()), &line.rest),
        }
    }

    /// Leaves all but the `kept` outermost containers, and enters those that the line opens.
    fn open(&mut self, kept: usize, opened: Vec<Container>) {
        self.containers.truncate(kept);
        if let Some(within) = self.blank.take() {
            let bars: String = self.containers[..within.min(kept)].iter().map(|container| container.margin(false)).collect();
            self.wrap.line(bars.trim_end_matches(' '));
        }
        self.containers.extend(opened);
        self.is_begun = true;
    }

    fn begin_text(&mut self, leaf: Leaf, rest: &str) {
        let (first, margin) = (self.margin(true), self.margin(false));
        self.wrap.begin(&first, &margin);
        self.leaf = leaf;
        self.run_all(rest);
    }

    fn run_all(&mut self, text: &str) {
        text.chars().for_each(|character| self.run(character));
        self.is_running = true;
    }

    fn begin_code(&mut self, opening: &str) {
        let indent = opening.len() - opening.trim_start().len();
        let opening = opening.trim();
        let info = opening.trim_start_matches(['`', '~']);
        let fence = opening[..opening.len() - info.len()].to_owned();
        let title = format!("╭─ {}", info.trim());
        let margin = self.margin(true);
        self.frame(&margin, title.trim_end());
        self.leaf = Leaf::Code { fence, indent, highlighter: Box::new(Highlighter::new(info)) };
    }

    fn rule(&mut self) {
        let margin = self.margin(true);
        let width = self.width.unwrap_or(RULE).saturating_sub(visible_width(&margin)).min(RULE);
        self.frame(&margin, &"─".repeat(width));
    }

    fn frame(&mut self, margin: &str, text: &str) {
        let mut line = margin.to_owned();
        Style::FRAME.paint(text, &mut line);
        self.wrap.line(&line);
    }

    fn end_leaf(&mut self) {
        match std::mem::take(&mut self.leaf) {
            Leaf::None => {}
            Leaf::Paragraph(mut inline) | Leaf::Heading(mut inline) => {
                inline.finish().iter().for_each(|span| self.wrap.add(span));
                self.wrap.end();
            }
            Leaf::Code { .. } => {
                let margin = self.margin(false);
                self.frame(&margin, "╰─");
            }
            Leaf::Table(lines) => self.table(&lines),
        }
    }

    fn table(&mut self, lines: &[String]) {
        let margin = visible_width(&self.margin(false));
        let Some(drawn) = table::draw(lines, self.width.map(|width| width.saturating_sub(margin))) else {
            return lines.iter().for_each(|line| self.text_line(line));
        };
        for line in drawn.lines() {
            let margin = self.margin(true);
            self.wrap.line(&format!("{margin}{line}"));
        }
    }

    /// A line that looked like more than it is.
    fn text_line(&mut self, line: &str) {
        let (first, margin) = (self.margin(true), self.margin(false));
        self.wrap.begin(&first, &margin);
        spans::read(line, Style::default()).iter().for_each(|span: &Span| self.wrap.add(span));
        self.wrap.end();
    }

    /// What stands before a line: `is_first`: with the marks of the items that begin there.
    fn margin(&mut self, is_first: bool) -> String {
        let margin = self.containers.iter().map(|container| container.margin(is_first)).collect();
        if is_first {
            self.containers.iter_mut().for_each(Container::is_used);
        }
        margin
    }
}

#[cfg(test)]
mod tests;
