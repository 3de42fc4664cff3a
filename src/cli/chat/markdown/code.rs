//! Colours of code: [`Highlighter`]. The grammars are unpacked when the first code block of a known language begins.

use std::sync::LazyLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

use super::style::Style;

/// Longer lines stay plain: they are data, and would take long.
const LONGEST_LINE: usize = 2_000;

static GRAMMARS: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// What is coloured how. The terminal's own colours suit its background, which no theme knows.
/// The last that fits the innermost scope counts.
static COLOURS: LazyLock<Vec<(Scope, Style)>> = LazyLock::new(|| {
    let rows = [
        ("comment", Style::FRAME),
        ("string", Style::of_colour(32)),
        ("markup.inserted", Style::of_colour(32)),
        ("markup.deleted", Style::of_colour(31)),
        ("meta.diff.range", Style::of_colour(36)),
        ("constant", Style::of_colour(36)),
        ("keyword", Style::of_colour(35)),
        ("keyword.operator", Style::default()),
        ("storage", Style::of_colour(35)),
        ("entity.name", Style::of_colour(34)),
        ("entity.other.attribute-name", Style::of_colour(33)),
        ("support", Style::of_colour(34)),
        ("variable.language", Style::of_colour(35)),
    ];
    rows.into_iter().filter_map(|(scope, style)| Some((Scope::new(scope).ok()?, style))).collect()
});

/// Reads one code block, line by line.
#[derive(Debug)]
pub struct Highlighter {
    /// `None`: the language is not known.
    state: Option<(ParseState, ScopeStack)>,
}

impl Highlighter {
    /// For what is written behind a fence: `rust`, `python title="x"`, `{.js}`.
    pub fn new(info: &str) -> Highlighter {
        let word = info.split([' ', ',', '{', '}']).map(|word| word.trim_start_matches('.')).find(|word| !word.is_empty());
        let syntax = word.and_then(|word| GRAMMARS.find_syntax_by_token(word));
        Highlighter { state: syntax.map(|syntax| (ParseState::new(syntax), ScopeStack::new())) }
    }

    /// One line, without its end, with its colours.
    pub fn line(&mut self, line: &str) -> String {
        let Some((state, stack)) = self.state.as_mut().filter(|_| line.len() <= LONGEST_LINE) else { return line.to_owned() };
        let Ok(operations) = state.parse_line(&format!("{line}\n"), &GRAMMARS) else { return line.to_owned() };
        let mut out = String::new();
        let mut from = 0;
        for (at, operation) in operations {
            let at = at.min(line.len());
            style(stack).paint(&line[from..at], &mut out);
            from = at;
            if stack.apply(&operation).is_err() {
                break;
            }
        }
        style(stack).paint(&line[from..], &mut out);
        out
    }
}

fn style(stack: &ScopeStack) -> Style {
    let of_scope = |scope: &Scope| COLOURS.iter().rev().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, style)| *style);
    stack.as_slice().iter().rev().find_map(of_scope).unwrap_or_default()
}
