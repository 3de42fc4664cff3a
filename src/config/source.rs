//! The text of a file, to quote lines from with every possible secret masked.

use unicode_width::UnicodeWidthStr;

use super::diagnostic::{Diagnostic, Severity};
use super::spanned::{Node, Span, Value};

/// Longer lines are cut around the mistake.
const WIDEST: usize = 120;

/// Keys that hold "key" or "token" in their name but no secret.
const HARMLESS: [&str; 7] =
    ["before_headers", "max_tokens", "max_completion_tokens", "tokens_per_second", "token_pointer", "keepalive", "open_models"];

/// What stands in for a secret.
const MASK: &str = "****";

/// A file's text, and where its secrets are.
#[derive(Debug)]
pub struct Source {
    /// The file as the user knows it.
    pub name: String,
    lines: Vec<String>,
    secrets: Vec<Span>,
    parsed: bool,
}

impl Source {
    /// Of a text that may not be YAML: lines are masked from a suspicious key's colon on.
    pub fn new(name: &str, text: &str) -> Source {
        // A CR alone ends a line for YAML too: counted otherwise, another line would be quoted, and masked in the wrong places.
        let lines = text.replace("\r\n", "\n").split(['\n', '\r']).map(str::to_owned).collect();
        Source { name: name.to_owned(), lines, secrets: Vec::new(), parsed: false }
    }

    /// Now that its tree is known, masks exactly the values.
    pub fn with_tree(mut self, root: &Node) -> Source {
        find_secrets(root, &Above::default(), &mut self.secrets);
        self.parsed = true;
        self
    }

    /// A mistake at `span`, with its line quoted.
    pub fn diagnostic(&self, severity: Severity, span: Span, path: &str, message: String) -> Diagnostic {
        let (source_line, indent) = self.quote(span).map_or((None, 0), |(line, indent)| (Some(line), indent));
        Diagnostic {
            severity,
            file: self.name.clone(),
            line: (span.line > 0).then_some(span.line),
            column: (span.line > 0).then_some(span.column),
            path: path.to_owned(),
            message,
            hint: None,
            source_line,
            indent,
        }
    }

    /// The line as the file has it, unmasked: only to look at, never to show.
    pub(super) fn raw_line(&self, line: usize) -> &str {
        line.checked_sub(1).and_then(|index| self.lines.get(index)).map_or("", String::as_str)
    }

    /// The masked line of `span`, and how wide what comes before the span is.
    fn quote(&self, span: Span) -> Option<(String, usize)> {
        let line = self.lines.get(span.line.checked_sub(1)?)?;
        let characters: Vec<char> = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let pieces = if self.parsed { self.masked(&characters, span.line) } else { masked_by_words(&characters) };
        let at = span.column.saturating_sub(1);
        let (mut before, mut after) = (String::new(), String::new());
        for (column, text) in pieces {
            if column < at { before.push_str(&text) } else { after.push_str(&text) }
        }
        let after = after.trim_end();
        let before = keep_end(&before, WIDEST / 2);
        let after = keep_start(after, WIDEST.saturating_sub(before.chars().count()).max(WIDEST / 2));
        let indent = before.width();
        Some((before + &after, indent))
    }

    /// The line's pieces with their columns: single characters, and masks.
    fn masked(&self, characters: &[char], line: usize) -> Vec<(usize, String)> {
        let mut pieces = Vec::with_capacity(characters.len());
        let mut column = 0;
        while column < characters.len() {
            let secret = self.secrets.iter().find(|secret| covers(secret, line, column + 1));
            let Some(secret) = secret else {
                pieces.push((column, characters[column].to_string()));
                column += 1;
                continue;
            };
            pieces.push((column, MASK.to_owned()));
            let end = if secret.end_line == line { secret.end_column - 1 } else { characters.len() };
            let end = end.clamp(column + 1, characters.len());
            // The parser counts the blanks after a plain value to it.
            let value = characters[column..end].iter().rposition(|c| *c != ' ').map_or(column, |last| column + last + 1);
            pieces.extend((value..end).map(|blank| (blank, " ".to_owned())));
            column = end;
        }
        pieces
    }
}

/// Whether a key of this name holds a secret, or something that someone may take for the place of one.
pub fn is_secret_key(key: &str) -> bool {
    let key = key.to_lowercase();
    let words = ["key", "token", "secret", "passw", "auth", "credential", "header", "cookie"];
    !HARMLESS.contains(&key.as_str()) && words.iter().any(|word| key.contains(word))
}

/// What the keys above a value say of it.
#[derive(Default)]
struct Above {
    secret: bool,
    in_headers: bool,
    in_tls: bool,
}

fn find_secrets(node: &Node, above: &Above, found: &mut Vec<Span>) {
    match &node.value {
        Value::Scalar(scalar) => {
            let secret = (above.secret || above.in_headers) && !is_reference(&scalar.text);
            if secret || has_credentials(&scalar.text) {
                found.push(node.span);
            }
        }
        Value::List(items) => items.iter().for_each(|item| find_secrets(item, above, found)),
        Value::Map(entries) => entries.iter().for_each(|entry| {
            let below = Above {
                // Under `tls` stand paths of files.
                secret: is_secret_key(&entry.key) && !above.in_tls,
                in_headers: above.in_headers || (entry.key.to_lowercase().contains("header") && is_secret_key(&entry.key)),
                in_tls: entry.key == "tls",
            };
            find_secrets(&entry.value, &below, found);
        }),
    }
}

/// `${VAR}` and `file:/path` say where a secret is, not what it is.
fn is_reference(text: &str) -> bool {
    let variable = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let name_only = |inside: &str| inside.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    text.is_empty() || text.starts_with("file:") || variable.is_some_and(name_only)
}

/// `sk-…`, `Bearer …`, `https://user:password@…`, `https://…?key=…`, whatever the key is called.
fn has_credentials(text: &str) -> bool {
    let in_url = |rest: &str| rest.contains('?') || rest.split('/').next().is_some_and(|host| host.contains('@'));
    let url = text.split_once("://").is_some_and(|(_, rest)| in_url(rest));
    url || text.starts_with("sk-") || text.starts_with("Bearer ") || text.contains("-----BEGIN")
}

fn covers(secret: &Span, line: usize, column: usize) -> bool {
    let after_start = (line, column) >= (secret.line, secret.column);
    after_start && (line, column) < (secret.end_line, secret.end_column)
}

/// Without a tree: everything after a suspicious word's colon, and after anything that looks like a key.
fn masked_by_words(characters: &[char]) -> Vec<(usize, String)> {
    let text: String = characters.iter().collect();
    let colon = characters.iter().position(|c| matches!(c, ':' | '='));
    let suspicious = colon.filter(|at| is_secret_key(&characters[..*at].iter().collect::<String>()));
    let marked = ["sk-", "Bearer ", "@"].iter().filter_map(|word| text.find(word)).map(|byte| text[..byte].chars().count()).min();
    let (from, lead) = match (suspicious, marked) {
        (Some(colon), _) => (colon + 1, format!(" {MASK}")),
        (None, Some(at)) => (at, MASK.to_owned()),
        (None, None) => (characters.len(), String::new()),
    };
    let mut pieces: Vec<_> = characters[..from].iter().enumerate().map(|(column, c)| (column, c.to_string())).collect();
    pieces.push((from, lead));
    pieces
}

fn keep_end(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most { text.to_owned() } else { std::iter::once('…').chain(text.chars().skip(count - most)).collect() }
}

fn keep_start(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most).chain(std::iter::once('…')).collect() }
}
