//! From the spanned tree to the file's types: each leaf alone, each mistake noted at its place, nothing stopped by one.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Severity, nearest};
use super::env::Env;
use super::expand::{ExpandError, expand};
use super::secret::mask;
use super::source::{Source, is_secret_key};
use super::spanned::{Entry, Kind, Node, Span, Value, join};

/// Where something stands in a file, and what it is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Such as `providers[1].timeout.connect`.
    pub path: String,
    /// Where to point at.
    pub span: Span,
}

/// All mistakes of one file, as they are found.
pub struct Mistakes<'a> {
    source: &'a Source,
    /// Values of variables that by their names are secrets, and what stands where secrets do.
    hidden: Vec<&'a str>,
    found: Vec<Diagnostic>,
}

impl<'a> Mistakes<'a> {
    /// None yet. What `env` holds under the name of a secret stands in no message.
    pub fn new(source: &'a Source, env: &'a Env) -> Mistakes<'a> {
        let secret = env.names().filter(|name| is_secret_key(name)).filter_map(|name| env.get(name));
        let hidden = secret.filter(|value| value.len() >= 6).chain(source.secret_values());
        Mistakes { source, hidden: hidden.collect(), found: Vec::new() }
    }

    /// Notes an error.
    pub fn error(&mut self, place: &Place, message: impl Into<String>) {
        self.add(Severity::Error, place, message.into(), None);
    }

    /// Notes an error with its way out.
    pub fn error_with(&mut self, place: &Place, message: impl Into<String>, hint: impl Into<String>) {
        self.add(Severity::Error, place, message.into(), Some(hint.into()));
    }

    /// Notes something that is probably not meant.
    pub fn warn(&mut self, place: &Place, message: impl Into<String>, hint: impl Into<String>) {
        self.add(Severity::Warning, place, message.into(), Some(hint.into()));
    }

    /// Everything found, in the file's order, nothing twice.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        self.found.dedup();
        self.found
    }

    fn add(&mut self, severity: Severity, place: &Place, message: String, hint: Option<String>) {
        let path = self.without_secrets(place.path.clone());
        let mut diagnostic = self.source.diagnostic(severity, place.span, &path, self.without_secrets(message));
        diagnostic.hint = hint.map(|hint| self.without_secrets(hint));
        self.found.push(diagnostic);
    }

    /// Someone may have put a key where a name belongs, and messages quote names.
    fn without_secrets(&self, text: String) -> String {
        let text = self.hidden.iter().fold(text, |text, value| if text.contains(value) { text.replace(value, &mask(value)) } else { text });
        let pieces = text.split('`').map(|piece| if piece.starts_with("sk-") { Cow::from(mask(piece)) } else { Cow::from(piece) });
        pieces.collect::<Vec<_>>().join("`")
    }
}

/// Reads nodes; carries what leaves need and collects the mistakes.
pub struct Reader<'a> {
    /// What went wrong so far.
    pub mistakes: Mistakes<'a>,
    /// Files that secrets were read from.
    pub files: Vec<PathBuf>,
    env: &'a Env,
    base: &'a Path,
}

/// A value of the file's types.
pub trait Read: Sized {
    /// What `node` holds; `None`: a mistake was noted.
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<Self>;
}

/// A key of a section, as the file has it.
#[derive(Clone, Debug, Default)]
pub enum Setting<T> {
    /// Not there.
    #[default]
    Absent,
    /// There, as `null`.
    Null(Place),
    /// There, and wrong: the mistake is noted.
    Wrong(Place),
    /// There.
    Set(T, Place),
}

impl<T> Setting<T> {
    /// The value.
    pub fn value(&self) -> Option<&T> {
        if let Setting::Set(value, _) = self { Some(value) } else { None }
    }

    /// The value itself.
    pub fn into_value(self) -> Option<T> {
        if let Setting::Set(value, _) = self { Some(value) } else { None }
    }

    /// Value and place.
    pub fn placed(&self) -> Option<(&T, &Place)> {
        if let Setting::Set(value, place) = self { Some((value, place)) } else { None }
    }

    /// Where it stands, if it does.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Setting::Absent => None,
            Setting::Null(place) | Setting::Wrong(place) | Setting::Set(_, place) => Some(place),
        }
    }

    /// Neither value nor mistake: a default is due.
    pub fn is_unset(&self) -> bool {
        matches!(self, Setting::Absent | Setting::Null(_))
    }
}

/// An item of a list.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// The item.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

/// A list; wrong items are left out.
#[derive(Clone, Debug)]
pub struct List<T>(pub Vec<Placed<T>>);

impl<T> List<T> {
    /// The items without their places.
    pub fn into_values(self) -> Vec<T> {
        self.0.into_iter().map(|item| item.value).collect()
    }
}

/// An entry of a mapping with names of the user's choice.
#[derive(Clone, Debug)]
pub struct Named<T> {
    /// The key.
    pub name: String,
    /// Where the key stands.
    pub place: Place,
    /// Its value.
    pub value: Setting<T>,
}

/// A mapping with names of the user's choice, in the file's order.
#[derive(Clone, Debug)]
pub struct Table<T>(pub Vec<Named<T>>);

/// A leaf after expansion.
pub struct Leaf {
    /// As written, with variables filled in.
    pub text: String,
    /// What YAML takes it for.
    pub kind: Kind,
    /// It was one `${…}`: it takes its key's type.
    pub variable: bool,
    /// There was a variable in it.
    pub filled_in: bool,
}

impl<'a> Reader<'a> {
    /// A reader of `source`, whose relative paths are relative to `base`.
    pub fn new(source: &'a Source, env: &'a Env, base: &'a Path) -> Reader<'a> {
        Reader { mistakes: Mistakes::new(source, env), files: Vec::new(), env, base }
    }

    /// Notes an error; `None`, for the caller to return.
    pub fn wrong<T>(&mut self, place: &Place, message: impl Into<String>) -> Option<T> {
        self.mistakes.error(place, message);
        None
    }

    /// `path` as seen from the file.
    pub fn absolute(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// A scalar with its variables filled in; `expected` completes "expected …".
    pub fn leaf(&mut self, node: &Node, place: &Place, expected: &str) -> Option<Leaf> {
        let Value::Scalar(scalar) = &node.value else {
            return self.wrong(place, format!("expected {expected}, found {}", describe(node)));
        };
        if scalar.kind != Kind::Text {
            return Some(Leaf { text: scalar.text.clone(), kind: scalar.kind, variable: false, filled_in: false });
        }
        match expand(&scalar.text, self.env) {
            Ok(expanded) => {
                let filled_in = expanded.text != scalar.text;
                Some(Leaf { text: expanded.text, kind: Kind::Text, variable: expanded.whole, filled_in })
            }
            Err(error) => {
                let hint = self.expansion_hint(&error);
                self.mistakes.error_with(place, error.to_string(), hint);
                None
            }
        }
    }

    /// The entries of a mapping, by known keys; unknown ones are noted.
    pub fn section<'n>(&mut self, node: &'n Node, place: &Place, known: &[&str]) -> Option<&'n [Entry]> {
        let entries = self.entries(node, place, "a mapping (`key: value`)")?;
        for entry in entries {
            let is_extension = place.path.is_empty() && entry.key.starts_with("x-");
            if !is_extension && !known.contains(&entry.key.as_str()) {
                self.unknown(entry, place, known);
            }
        }
        Some(entries)
    }

    /// The setting `key` of a section's entries.
    pub fn setting<T: Read>(&mut self, entries: &[Entry], place: &Place, key: &str) -> Setting<T> {
        match entries.iter().find(|entry| entry.key == key) {
            Some(entry) => self.entry(entry, place),
            None => Setting::Absent,
        }
    }

    fn entry<T: Read>(&mut self, entry: &Entry, parent: &Place) -> Setting<T> {
        let path = join(&parent.path, &entry.key);
        if entry.value.is_null() {
            return Setting::Null(Place { path, span: entry.key_span });
        }
        // Of a mapping or list the key is pointed at, of a leaf the value.
        let span = if matches!(entry.value.value, Value::Scalar(_)) { entry.value.span } else { entry.key_span };
        let place = Place { path, span };
        match T::read(&entry.value, &place, self) {
            Some(value) => Setting::Set(value, place),
            None => Setting::Wrong(place),
        }
    }

    fn entries<'n>(&mut self, node: &'n Node, place: &Place, expected: &str) -> Option<&'n [Entry]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            _ => self.wrong(place, format!("expected {expected}, found {}", describe(node))),
        }
    }

    fn unknown(&mut self, entry: &Entry, parent: &Place, known: &[&str]) {
        let place = Place { path: join(&parent.path, &entry.key), span: entry.key_span };
        let hint = match nearest(&entry.key, known.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known here: {}", words(known)),
        };
        self.mistakes.error_with(&place, "unknown key", hint);
    }

    fn expansion_hint(&self, error: &ExpandError) -> String {
        match error {
            ExpandError::Missing(name) => match nearest(name, self.env.names()).filter(|near| likely_variable(near)) {
                Some(near) => format!("`{near}` is set: did you mean `${{{near}}}`?"),
                None => format!("set `{name}`, or give a default: `${{{name}:-…}}`"),
            },
            ExpandError::Unclosed | ExpandError::BadName => "write `${NAME}` or `${NAME:-default}`; a literal `${` is `$${`".to_owned(),
        }
    }
}

/// Only a name that looks like a setting is worth suggesting.
fn likely_variable(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// What a node is, in words; never its value, which may be a secret.
pub fn describe(node: &Node) -> &'static str {
    match &node.value {
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
        Value::Scalar(scalar) => match scalar.kind {
            Kind::Null => "nothing",
            Kind::Bool(true) => "`true`",
            Kind::Bool(false) => "`false`",
            Kind::Int(_) | Kind::Float(_) => "a number",
            Kind::Text => "text",
        },
    }
}

/// What a leaf holds, in words; long text is cut, and what a variable holds is not told. Not for leaves that may be secrets.
pub fn describe_leaf(leaf: &Leaf) -> String {
    let text = &leaf.text;
    if leaf.filled_in {
        return if text.is_empty() { "an empty variable".to_owned() } else { "something else in the variable".to_owned() };
    }
    let short = if text.chars().count() > 40 { text.chars().take(40).chain(['…']).collect() } else { text.to_owned() };
    match leaf.kind {
        Kind::Null => "nothing".to_owned(),
        Kind::Bool(_) => format!("`{short}`"),
        Kind::Int(_) | Kind::Float(_) => format!("the number `{short}`"),
        Kind::Text if short.is_empty() => "an empty text".to_owned(),
        Kind::Text => format!("the text `{short}`"),
    }
}

/// `` `a`, `b`, `c` ``
pub fn words<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

impl<T: Read> Read for List<T> {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<List<T>> {
        let Value::List(items) = &node.value else {
            reader.mistakes.error_with(
                place,
                format!("expected a list, found {}", describe(node)),
                "write `[a, b]`, or each item on a line of its own after `- `",
            );
            return None;
        };
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let place = Place { path: format!("{}[{index}]", place.path), span: item.span };
            if item.is_null() {
                reader.mistakes.error_with(&place, "an empty item", "fill it in or take the `-` out");
            } else if let Some(value) = T::read(item, &place, reader) {
                list.push(Placed { value, place });
            }
        }
        Some(List(list))
    }
}

impl<T: Read> Read for Table<T> {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<Table<T>> {
        let entries = reader.entries(node, place, "a mapping (`name: value`)")?;
        let named = entries.iter().map(|entry| Named {
            name: entry.key.clone(),
            place: Place { path: join(&place.path, &entry.key), span: entry.key_span },
            value: reader.entry(entry, place),
        });
        Some(Table(named.collect()))
    }
}
