//! How a piece of text looks: [`Style`], as the codes that terminals know.

/// Weight, slant and colour. The default is plain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Struck through.
    pub struck: bool,
    /// Underlined.
    pub underlined: bool,
    /// Dimmed.
    pub dim: bool,
    /// One of the terminal's own sixteen colours, which suit its background: 31 is red, 32 green …
    pub colour: Option<u8>,
}

impl Style {
    /// What is there for the reader's orientation and is no word of the model's.
    pub const FRAME: Style = Style { dim: true, ..Style::PLAIN };
    /// A heading.
    pub const HEADING: Style = Style { bold: true, colour: Some(36), ..Style::PLAIN };
    const PLAIN: Style = Style { bold: false, italic: false, struck: false, underlined: false, dim: false, colour: None };

    /// In this colour.
    pub const fn of_colour(colour: u8) -> Style {
        Style { colour: Some(colour), ..Style::PLAIN }
    }

    /// Adds `text` in this style to `out`. Leaves the terminal plain, so that whatever follows is.
    pub fn paint(self, text: &str, out: &mut String) {
        if self == Style::PLAIN || text.is_empty() {
            return out.push_str(text);
        }
        let flags = [(self.bold, 1), (self.dim, 2), (self.italic, 3), (self.underlined, 4), (self.struck, 9)];
        let codes = flags.into_iter().filter_map(|(is_on, code)| is_on.then_some(code)).chain(self.colour);
        let codes: Vec<String> = codes.map(|code| code.to_string()).collect();
        out.push_str(&format!("\x1b[{}m{text}\x1b[0m", codes.join(";")));
    }
}
