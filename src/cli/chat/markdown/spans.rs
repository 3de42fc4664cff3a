//! The inside of a line: emphasis, code, links, as pulldown-cmark reads them.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::style::Style;

const CODE: Style = Style::of_colour(33);

/// Text of one style. A line's end within it is one of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub text: String,
    /// How it looks.
    pub style: Style,
}

/// Stands before what is read, so that nothing of it can begin a block; a delimiter may follow it.
const GUARD: &str = ".";

/// The spans of `source`, which stands in text of the style `base`.
pub fn read(source: &str, base: Style) -> Vec<Span> {
    let guarded = format!("{GUARD}{source}");
    let mut reader = Reader { base, ..Reader::default() };
    Parser::new_ext(&guarded, Options::ENABLE_STRIKETHROUGH).for_each(|event| reader.event(event));
    let mut spans = reader.spans;
    if let Some(first) = spans.first_mut().filter(|first| first.text.starts_with(GUARD)) {
        first.text.remove(0);
    }
    // Blanks at the end belong to no block, and are lost there.
    let kept = source.trim_end_matches(' ').len();
    spans.push(Span { text: source[kept..].to_owned(), style: base });
    spans.retain(|span| !span.text.is_empty());
    spans
}

/// Whether `source` is one emphasis from its first to its last character.
pub fn is_one_emphasis(source: &str) -> bool {
    let guarded = format!("{GUARD}{source}");
    let mut depth = 0;
    let mut outside = String::new();
    let mut emphases = 0;
    for event in Parser::new_ext(&guarded, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough) => {
                emphases += usize::from(depth == 0);
                depth += 1;
            }
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough) => depth -= 1,
            Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
            Event::Text(text) if depth == 0 => outside.push_str(&text),
            _ if depth == 0 => return false,
            _ => {}
        }
    }
    emphases == 1 && outside == GUARD
}

/// The words of `source` without their markup.
pub fn plain(source: &str) -> String {
    read(source, Style::default()).into_iter().map(|span| span.text).collect()
}

#[derive(Default)]
struct Reader {
    base: Style,
    bold: usize,
    italic: usize,
    struck: usize,
    /// Where the links lead that are open, and how many spans there were when each began.
    links: Vec<(String, usize)>,
    spans: Vec<Span>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Code(text) => self.add(&text, Style { colour: CODE.colour, ..self.style() }),
            Event::SoftBreak | Event::HardBreak => self.add("\n", self.base),
            Event::Text(text) | Event::InlineHtml(text) | Event::Html(text) => self.add(&text, self.style()),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            Tag::Strikethrough => self.struck += 1,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.links.push((dest_url.into_string(), self.spans.len())),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.bold -= 1,
            TagEnd::Emphasis => self.italic -= 1,
            TagEnd::Strikethrough => self.struck -= 1,
            TagEnd::Link | TagEnd::Image => self.end_link(),
            _ => {}
        }
    }

    /// A link's address follows its words: it works on every terminal, and shows where it really leads.
    fn end_link(&mut self) {
        let Some((address, since)) = self.links.pop() else { return };
        let words: String = self.spans[since.min(self.spans.len())..].iter().map(|span| span.text.as_str()).collect();
        let is_told = address.is_empty() || words == address || address.strip_prefix("mailto:") == Some(words.as_str());
        if words.is_empty() {
            self.add(&address, Style { underlined: true, ..self.style() });
        } else if !is_told {
            self.add(&format!(" ({address})"), Style { dim: true, ..self.base });
        }
    }

    fn style(&self) -> Style {
        Style {
            bold: self.base.bold || self.bold > 0,
            italic: self.base.italic || self.italic > 0,
            struck: self.base.struck || self.struck > 0,
            underlined: self.base.underlined || !self.links.is_empty(),
            ..self.base
        }
    }

    fn add(&mut self, text: &str, style: Style) {
        self.spans.push(Span { text: text.to_owned(), style });
    }
}
