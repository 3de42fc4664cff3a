//! The text of a file, to quote lines from with every possible secret masked.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use aho_corasick::AhoCorasick;
use unicode_width::UnicodeWidthStr;

use super::diagnostic::{Diagnostic, Severity, nearest};
use super::spanned::{Duplicate, Entry, Node, Span, Tree, Value};

/// Longer lines are cut around the mistake.
const WIDEST: usize = 120;

/// Keys that hold "key" or "token" in their name but no secret.
const HARMLESS: [&str; 8] = [
    "before_headers",
    "max_tokens",
    "max_completion_tokens",
    "tokens_per_second",
    "token_pointer",
    "keepalive",
    "open_models",
    // A path, not what is in the file.
    "aws_shared_credentials_file",
];

/// What stands in for a secret.
const MASK: &str = "****";

/// A file's text, and where its secrets are.
#[derive(Debug)]
pub struct Source {
    /// The file as the user knows it.
    pub name: String,
    lines: Vec<String>,
    secrets: Secrets,
    parsed: bool,
}

/// What is secret in a file's tree.
#[derive(Debug, Default)]
struct Secrets {
    /// Where it stands.
    spans: Vec<Span>,
    /// What it is, if it is long enough to be told from ordinary words.
    values: BTreeSet<String>,
    /// Whether keys of these names hold one: most names stand in a file often.
    names: HashMap<String, bool>,
}

impl Source {
    /// Of a text that may not be YAML: lines are masked from a suspicious key's colon on.
    pub fn new(name: &str, text: &str) -> Source {
        // A CR alone ends a line for YAML too: counted otherwise, another line would be quoted, and masked in the wrong places.
        let lines = text.replace("\r\n", "\n").split(['\n', '\r']).map(str::to_owned).collect();
        Source { name: name.to_owned(), lines, secrets: Secrets::default(), parsed: false }
    }

    /// Now that its tree is known, masks exactly the values.
    pub fn with_tree(mut self, tree: &Tree) -> Source {
        find_secrets(&tree.root, &Above::default(), &mut self.secrets);
        for Duplicate { path, entry, .. } in &tree.duplicates {
            let above = Above { in_headers: path.to_lowercase().contains("header"), ..Above::default() };
            find_in_entry(entry, &above, &mut self.secrets);
        }
        // A secret may also stand where none belongs.
        let Secrets { spans, values, .. } = &mut self.secrets;
        if !values.is_empty() {
            // All at once: there may be ten thousand of them, and as many places to look. Where that fails, nothing is shown.
            let any = AhoCorasick::new(values.iter());
            find_copies(&tree.root, &|text| any.as_ref().map_or(true, |any| any.is_match(text)), spans);
        }
        self.parsed = true;
        self
    }

    /// The secrets that stand in the file, but for the shortest.
    pub fn secret_values(&self) -> impl Iterator<Item = &str> {
        self.secrets.values.iter().map(String::as_str)
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
        let pieces = match self.parsed {
            true => self.masked(&characters, span.line),
            false if self.belongs_to_a_secret(span.line) => masked_from(&characters, characters.iter().take_while(|c| **c == ' ').count()),
            false => masked_by_words(&characters),
        };
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

    /// Without a tree: whether a line above says that this one is part of its secret, by indentation or an open quote.
    fn belongs_to_a_secret(&self, line: usize) -> bool {
        let above = self.lines.get(..line.saturating_sub(1)).unwrap_or_default();
        let is_odd = |text: &str| ['"', '\''].iter().any(|quote| text.matches(*quote).count() % 2 == 1);
        if above.iter().any(|text| is_odd(text) && names_secret(text)) {
            return true;
        }
        let depth = |text: &str| {
            // An item may stand as far left as the key of its list.
            text.len() - text.trim_start().len() + usize::from(text.trim_start().starts_with('-'))
        };
        let mut least = depth(self.raw_line(line));
        for text in above.iter().rev().filter(|text| !text.trim_start().is_empty() && !text.trim_start().starts_with('#')) {
            if text.len() - text.trim_start().len() < least {
                if names_secret(text) {
                    return true;
                }
                least = depth(text);
            }
        }
        false
    }

    /// The line's pieces with their columns: single characters, and masks.
    fn masked(&self, characters: &[char], line: usize) -> Vec<(usize, String)> {
        let mut pieces = Vec::with_capacity(characters.len());
        let mut column = 0;
        while column < characters.len() {
            let secret = self.secrets.spans.iter().find(|secret| covers(secret, line, column + 1));
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

/// Names of secrets that people mistype.
const SECRET_KEYS: [&str; 7] = ["key", "api_key", "api_keys", "token", "password", "secret", "authorization"];

/// The same, mistyped: what it holds is no less a secret.
fn resembles_secret_key(key: &str) -> bool {
    is_secret_key(key) || (!HARMLESS.contains(&key) && nearest(key, SECRET_KEYS).is_some())
}

/// Shorter values are not sought in messages: they would match ordinary words.
const SHORTEST: usize = 8;

/// What the keys above a value say of it.
#[derive(Default)]
struct Above {
    secret: bool,
    in_headers: bool,
    in_tls: bool,
}

fn find_secrets(node: &Node, above: &Above, found: &mut Secrets) {
    match &node.value {
        Value::Scalar(scalar) => {
            let secret = (above.secret || above.in_headers) && !is_reference(&scalar.text);
            if secret || has_credentials(&scalar.text) {
                found.add(node.span, &scalar.text);
            }
        }
        Value::List(items) => items.iter().for_each(|item| find_secrets(item, above, found)),
        Value::Map(entries) => entries.iter().for_each(|entry| find_in_entry(entry, above, found)),
    }
}

fn find_in_entry(entry: &Entry, above: &Above, found: &mut Secrets) {
    // `{key}` instead of `key` or `[key]` makes a name of the secret.
    let is_word = entry.key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if has_credentials(&entry.key) || (above.secret && !above.in_headers && !is_word && !is_reference(&entry.key)) {
        found.add(entry.key_span, &entry.key);
    }
    let below = Above {
        // Under `tls` stand paths of files.
        // `admin: KEY` is short for what stands below it.
        secret: (found.may_stand_under(&entry.key) && !above.in_tls) || entry.key == "admin",
        in_headers: above.in_headers || (entry.key.to_lowercase().contains("header") && is_secret_key(&entry.key)),
        in_tls: entry.key == "tls",
    };
    find_secrets(&entry.value, &below, found);
}

/// Finds the other places of what `holds_one` knows.
fn find_copies(node: &Node, holds_one: &dyn Fn(&str) -> bool, found: &mut Vec<Span>) {
    match &node.value {
        Value::Scalar(scalar) if holds_one(&scalar.text) => found.push(node.span),
        Value::Scalar(_) => {}
        Value::List(items) => items.iter().for_each(|item| find_copies(item, holds_one, found)),
        Value::Map(entries) => entries.iter().for_each(|entry| find_copies(&entry.value, holds_one, found)),
    }
}

impl Secrets {
    /// Whether a key of this name holds one.
    fn may_stand_under(&mut self, name: &str) -> bool {
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let may = resembles_secret_key(name);
        self.names.insert(name.to_owned(), may);
        may
    }

    fn add(&mut self, span: Span, text: &str) {
        self.spans.push(span);
        if text.len() >= SHORTEST {
            self.values.insert(text.to_owned());
        }
    }
}

/// `${VAR}` and `file:/path` say where a secret is, not what it is.
fn is_reference(text: &str) -> bool {
    let variable = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let name_only = |inside: &str| inside.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    text.is_empty() || text.starts_with("file:") || variable.is_some_and(name_only)
}

/// `sk-…`, `Bearer …`, `https://user:password@…`, `https://…?key=…`, `user:password@…`, whatever the key is called.
fn has_credentials(text: &str) -> bool {
    let in_url = |rest: &str| rest.contains('?') || rest.split('/').next().is_some_and(|host| host.contains('@'));
    let url = text.split_once("://").is_some_and(|(_, rest)| in_url(rest));
    let login = text.split_once('@').is_some_and(|(login, _)| login.contains(':') && !login.contains([' ', '/']));
    url || login || text.starts_with("sk-") || text.starts_with("Bearer ") || text.contains("-----BEGIN")
}

fn covers(secret: &Span, line: usize, column: usize) -> bool {
    let after_start = (line, column) >= (secret.line, secret.column);
    after_start && (line, column) < (secret.end_line, secret.end_column)
}

/// Without a tree: everything after a suspicious word, and after anything that looks like a key.
fn masked_by_words(characters: &[char]) -> Vec<(usize, String)> {
    let text: String = characters.iter().collect();
    masked_from(characters, secret_from(&text).map_or(characters.len(), |byte| text[..byte].chars().count()))
}

/// Everything from the character `from` on as one mask.
fn masked_from(characters: &[char], from: usize) -> Vec<(usize, String)> {
    let mut pieces: Vec<_> = characters[..from].iter().enumerate().map(|(column, c)| (column, c.to_string())).collect();
    if from < characters.len() {
        pieces.push((from, MASK.to_owned()));
    }
    pieces
}

/// The words of a line that are names of secrets.
fn secret_names(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let ends = text.match_indices(move |c: char| !is_letter(c)).map(|(end, _)| end).chain([text.len()]);
    let words = ends.scan(0, |from, end| {
        let start = std::mem::replace(from, end + text[end..].chars().next().map_or(0, char::len_utf8));
        Some(start..end)
    });
    words.filter(|word| {
        let is_of_variable = text[..word.start].ends_with("${");
        !word.is_empty() && !is_of_variable && resembles_secret_key(text[word.clone()].trim_start_matches('-'))
    })
}

fn names_secret(text: &str) -> bool {
    secret_names(text).next().is_some()
}

/// From which byte on a line that is no YAML may hold a secret: what follows the name of one and its colon, or looks like one.
fn secret_from(text: &str) -> Option<usize> {
    let named = secret_names(text).map(|word| {
        let rest = &text[word.end..];
        text.len() - rest.trim_start_matches([' ', '"', '\'', ':', '：', '=']).len()
    });
    // A variable says where a secret is, not what it is.
    let is_variable = |from: &usize| {
        text[*from..].starts_with("${") && text[*from..].find('}').is_some_and(|end| is_reference(&text[*from..=*from + end]))
    };
    let named = named.filter(|from| !is_variable(from)).min();
    let marked = ["sk-", "Bearer ", "-----BEGIN"].iter().filter_map(|mark| text.find(mark));
    // The whole of the word that an at sign stands in: a user and a password may be before it.
    let login = text.find('@').map(|at| text[..at].rfind([' ', '"', '\'', ',', '[', '{']).map_or(0, |before| before + 1));
    named.into_iter().chain(marked).chain(login).min().filter(|from| *from < text.trim_end().len())
}

fn keep_end(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most { text.to_owned() } else { std::iter::once('…').chain(text.chars().skip(count - most)).collect() }
}

fn keep_start(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most).chain(std::iter::once('…')).collect() }
}
