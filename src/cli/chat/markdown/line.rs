//! What a line of Markdown begins, and what it stands in: [`Line`].

use unicode_width::UnicodeWidthStr;

use super::style::Style;

/// No screen has room for more containers within each other.
const DEEPEST: usize = 12;

/// What stands in an item is indented by so much, at least; models do not count the digits of its number.
const INDENT: usize = 2;

/// What blocks stand in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Container {
    /// Behind `>`.
    Quote,
    /// An item of a list.
    Item {
        /// Blanks before its mark.
        indent: usize,
        /// How its mark is shown.
        mark: String,
        /// Not shown yet.
        is_new: bool,
    },
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// More of it must be seen.
    Unknown,
    /// Nothing.
    Blank,
    /// A heading of this level.
    Heading(usize),
    /// The beginning of code.
    Fence,
    /// A rule.
    Rule,
    /// Code, by its indentation.
    Indented,
    /// Begins with a bar.
    TableRow,
    /// Anything else.
    Text,
}

/// One line, as far as it is known.
#[derive(Debug)]
pub struct Line {
    /// How many of the open containers it stands in.
    pub kept: usize,
    /// Containers that it opens.
    pub opened: Vec<Container>,
    /// What it is within them.
    pub kind: Kind,
    /// Its text, without what made it this kind.
    pub rest: String,
}

impl Container {
    /// What stands before a line of it.
    pub fn margin(&self, is_first: bool) -> String {
        match self {
            Container::Quote => {
                let mut bar = String::new();
                Style::FRAME.paint("│", &mut bar);
                bar + " "
            }
            Container::Item { mark, is_new: true, .. } if is_first => format!("{mark} "),
            Container::Item { mark, .. } => " ".repeat(mark.width() + 1),
        }
    }

    /// Its mark was shown.
    pub fn is_used(&mut self) {
        if let Container::Item { is_new, .. } = self {
            *is_new = false;
        }
    }
}

/// Whether a line can go on with `character` without it being known what it is.
pub fn is_marker(character: char) -> bool {
    character.is_whitespace() || character.is_ascii_digit() || "*-+_=#>`~|.):".contains(character)
}

impl Line {
    /// Reads a line, or as much of it as there is.
    pub fn read(text: &str, containers: &[Container], is_whole: bool) -> Line {
        let (kept, mut rest) = strip(&without_tabs(text), containers);
        let mut opened = Vec::new();
        while !is_rule(&rest)
            && kept + opened.len() < DEEPEST
            && let Some((container, inner)) = container(&rest, kept + opened.len())
        {
            opened.push(container);
            rest = inner;
        }
        let is_indented = opened.is_empty() && indent_of(&rest) >= 4;
        let (kind, from) = kind(&rest, is_whole, is_indented);
        if !matches!(kind, Kind::Fence | Kind::Indented) {
            rest = rest[from..].trim_start().to_owned();
        }
        Line { kept, opened, kind, rest }
    }
}

/// What `rest` is, and where its text begins.
fn kind(rest: &str, is_whole: bool, is_indented: bool) -> (Kind, usize) {
    let bare = rest.trim_start();
    let whole_only = |kind: Kind| if is_whole { (kind, 0) } else { (Kind::Unknown, 0) };
    if bare.is_empty() {
        return whole_only(Kind::Blank);
    }
    if is_rule(rest) {
        return whole_only(Kind::Rule);
    }
    if is_fence(bare) {
        return whole_only(Kind::Fence);
    }
    if bare.starts_with('|') {
        return whole_only(Kind::TableRow);
    }
    if is_indented {
        return whole_only(Kind::Indented);
    }
    let level = bare.len() - bare.trim_start_matches('#').len();
    if (1..=6).contains(&level) && bare[level..].chars().next().is_none_or(|next| next == ' ') {
        return (Kind::Heading(level), rest.len() - bare.len() + level);
    }
    (Kind::Text, 0)
}

/// Tabs before a line's text are four blanks.
fn without_tabs(text: &str) -> String {
    let bare = text.trim_start_matches([' ', '\t']);
    text[..text.len() - bare.len()].replace('\t', "    ") + bare
}

/// How many of `containers` a line stands in, and what is left of it there.
pub fn strip(text: &str, containers: &[Container]) -> (usize, String) {
    let mut rest = text.to_owned();
    for (position, container) in containers.iter().enumerate() {
        let indent = indent_of(&rest);
        match container {
            Container::Quote if rest.trim_start().starts_with('>') => rest = behind_quote(&rest),
            Container::Item { .. } if rest.trim().is_empty() => {}
            Container::Item { indent: before, .. } if indent >= before + INDENT => rest.drain(..before + INDENT).for_each(drop),
            _ => return (position, rest),
        }
    }
    (containers.len(), rest)
}

/// `line` without so many blanks before it, or as many as there are.
pub fn without_indent(line: &str, most: usize) -> &str {
    &line[indent_of(line).min(most)..]
}

fn indent_of(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}

fn behind_quote(rest: &str) -> String {
    let bare = rest.trim_start();
    let inner = bare.strip_prefix('>').unwrap_or(bare);
    inner.strip_prefix(' ').unwrap_or(inner).to_owned()
}

/// The container that `rest` opens, and what stands in it.
fn container(rest: &str, depth: usize) -> Option<(Container, String)> {
    let indent = indent_of(rest);
    let bare = &rest[indent..];
    if bare.starts_with('>') {
        return Some((Container::Quote, behind_quote(rest)));
    }
    let digits = bare.len() - bare.trim_start_matches(|character: char| character.is_ascii_digit()).len();
    let (length, mark) = match bare[digits..].chars().next()? {
        '-' | '*' | '+' if digits == 0 => (1, ["•", "◦", "▪"][depth % 3].to_owned()),
        '.' | ')' if (1..10).contains(&digits) => (digits + 1, bare[..=digits].to_owned()),
        _ => return None,
    };
    let inner = &bare[length..];
    if !inner.is_empty() && !inner.starts_with(' ') {
        return None;
    }
    let blanks = indent_of(inner).clamp(1, 4);
    let item = Container::Item { indent, mark, is_new: true };
    Some((item, inner.get(blanks..).unwrap_or_default().to_owned()))
}

fn is_rule(rest: &str) -> bool {
    let mut marks = rest.chars().filter(|character| *character != ' ');
    let Some(mark) = marks.next().filter(|mark| "-*_".contains(*mark)) else { return false };
    marks.clone().all(|other| other == mark) && marks.count() >= 2
}

fn is_fence(bare: &str) -> bool {
    ['`', '~'].into_iter().any(|mark| {
        let info = bare.trim_start_matches(mark);
        bare.len() - info.len() >= 3 && !(mark == '`' && info.contains('`'))
    })
}
