//! A YAML file as a tree in which every key and value knows its place.
//!
//! Anchors, aliases and merge keys are resolved here, duplicate keys noted. Knows nothing of configuration; variables are
//! [`super::expand`]'s.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr::Scalar as YamlScalar;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

/// Deeper than any configuration, shallow enough for recursive readers.
const MAX_DEPTH: usize = 64;

/// A tree this large is an attack by aliases ("billion laughs"), not a configuration.
const MAX_NODES: usize = 500_000;

/// From where to where, in lines and characters, both counted from 1; the end is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First line.
    pub line: usize,
    /// First character in it.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// The character after the last one.
    pub end_column: usize,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// What stands there.
    pub value: Value,
    /// Where; of an alias: where its anchor is.
    pub span: Span,
    /// How many nodes it is made of.
    size: usize,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text, a number, `true`, nothing.
    Scalar(Scalar),
    /// `[a, b]`
    List(Vec<Node>),
    /// `{a: b}`, in the file's order, keys unique.
    Map(Vec<Entry>),
}

/// A leaf.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// As written, unquoted.
    pub text: String,
    /// What YAML takes it for.
    pub kind: Kind,
}

/// What YAML takes a leaf for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Anything else, and everything in quotes.
    Text,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key as text.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// Its value.
    pub value: Node,
}

/// A parsed file.
#[derive(Debug)]
pub struct Tree {
    /// The top.
    pub root: Node,
    /// Keys that stand twice in one mapping; the tree has the first.
    pub duplicates: Vec<Duplicate>,
}

/// A key that stood in its mapping before.
#[derive(Debug)]
pub struct Duplicate {
    /// Its path.
    pub path: String,
    /// Where it stands.
    pub span: Span,
    /// Where it stood before.
    pub first: Span,
    /// What is not in the tree.
    pub entry: Entry,
}

/// Why a text is no tree.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
}

impl Node {
    /// Whether it is `null` or nothing at all.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind == Kind::Null)
    }
}

/// Parses `text` as one YAML document.
pub fn parse(text: &str) -> Result<Tree, SyntaxError> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| scan_error(&error))?;
        builder.event(event, span.into())?;
    }
    let root = builder.root.unwrap_or_else(|| Node::scalar(String::new(), Kind::Null, Span::default()));
    Ok(Tree { root, duplicates: builder.duplicates })
}

/// `base.key`, or `base["key"]` for a key that is no plain word.
pub fn join(base: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '<'));
    match (base.is_empty(), plain) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{base}.{key}"),
        (_, false) => format!("{base}[{}]", serde_json::Value::from(key)),
    }
}

fn scan_error(error: &ScanError) -> SyntaxError {
    let (line, column) = (error.marker().line(), error.marker().col() + 1);
    let message = match error.info() {
        "recursion limit exceeded" => "nested too deeply".to_owned(),
        info => format!("not YAML: {info}"),
    };
    SyntaxError { message, span: Span { line, column, end_line: line, end_column: column + 1 } }
}

impl From<saphyr_parser::Span> for Span {
    fn from(span: saphyr_parser::Span) -> Span {
        Span { line: span.start.line(), column: span.start.col() + 1, end_line: span.end.line(), end_column: span.end.col() + 1 }
    }
}

impl Node {
    fn scalar(text: String, kind: Kind, span: Span) -> Node {
        Node { value: Value::Scalar(Scalar { text, kind }), span, size: 1 }
    }
}

/// A list or mapping that is not closed yet.
struct Open {
    span: Span,
    anchor: usize,
    path: String,
    content: Content,
    size: usize,
}

enum Content {
    List(Vec<Node>),
    Map(OpenMap),
}

/// A mapping that is not closed yet.
#[derive(Default)]
struct OpenMap {
    entries: Vec<Entry>,
    /// Where the keys of `entries` are in it.
    index: HashMap<String, usize>,
    /// What `<<` brought.
    merged: Vec<Entry>,
    /// A key that waits for its value, and whether it is `<<`.
    key: Option<(String, Span, bool)>,
}

/// Builds the tree from the parser's events, without recursion.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    duplicates: Vec<Duplicate>,
    nodes: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), SyntaxError> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err(error("a second YAML document: a file holds one configuration", span)),
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_ref(), span),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| error("an alias inside of its own anchor", span))?;
                self.add(node, 0)
            }
            Event::SequenceStart(anchor, _) => self.start(Content::List(Vec::new()), anchor, span),
            Event::MappingStart(anchor, _) => self.start(Content::Map(OpenMap::default()), anchor, span),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Cow<'_, Tag>>,
        span: Span,
    ) -> Result<(), SyntaxError> {
        if let Some(Open { content: Content::Map(OpenMap { key: key @ None, .. }), .. }) = self.open.last_mut() {
            let merge = style == ScalarStyle::Plain && text == "<<";
            *key = Some((text.into_owned(), span, merge));
            return Ok(());
        }
        let parsed = YamlScalar::parse_from_cow_and_metadata(Cow::Borrowed(text.as_ref()), style, tag);
        let kind = match parsed.ok_or_else(|| error("a value that does not fit its tag", span))? {
            YamlScalar::Null => Kind::Null,
            YamlScalar::Boolean(value) => Kind::Bool(value),
            YamlScalar::Integer(value) => Kind::Int(value),
            YamlScalar::FloatingPoint(value) => Kind::Float(value.into_inner()),
            YamlScalar::String(_) => Kind::Text,
        };
        self.add(Node::scalar(text.into_owned(), kind, span), anchor)
    }

    fn start(&mut self, content: Content, anchor: usize, span: Span) -> Result<(), SyntaxError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(error("nested too deeply", span));
        }
        let path = match self.open.last() {
            None => String::new(),
            Some(Open { content: Content::Map(OpenMap { key: None, .. }), .. }) => {
                return Err(error("a key must be plain text", span));
            }
            Some(Open { content: Content::Map(OpenMap { key: Some((key, _, _)), .. }), path, .. }) => join(path, key),
            Some(Open { content: Content::List(items), path, .. }) => format!("{path}[{}]", items.len()),
        };
        self.open.push(Open { span, anchor, path, content, size: 1 });
        Ok(())
    }

    fn end(&mut self, end: Span) -> Result<(), SyntaxError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.content {
            Content::List(items) => Value::List(items),
            Content::Map(mut map) => {
                for entry in std::mem::take(&mut map.merged) {
                    // A mapping's own keys win over merged ones, earlier merges over later ones.
                    map.insert(entry);
                }
                Value::Map(map.entries)
            }
        };
        let span = Span { end_line: end.end_line, end_column: end.end_column, ..open.span };
        // Its parts are counted already.
        self.nodes = self.nodes.saturating_sub(open.size - 1);
        self.add(Node { value, span, size: open.size }, open.anchor)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), SyntaxError> {
        self.nodes += node.size;
        if self.nodes > MAX_NODES {
            return Err(error("too many values, once all aliases are followed", node.span));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.size += node.size;
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map(map) => {
                let Some((key, key_span, merge)) = map.key.take() else {
                    return Err(error("a key must be plain text", node.span));
                };
                if merge {
                    return merge_into(&mut map.merged, node);
                }
                let path = join(&open.path, &key);
                if let Some((first, entry)) = map.insert(Entry { key, key_span, value: node }) {
                    self.duplicates.push(Duplicate { path, span: key_span, first, entry });
                }
            }
        }
        Ok(())
    }
}

impl OpenMap {
    /// Adds `entry`, or hands it back with where its key stands already.
    fn insert(&mut self, entry: Entry) -> Option<(Span, Entry)> {
        if let Some(first) = self.index.get(&entry.key) {
            return self.entries.get(*first).map(|first| (first.key_span, entry));
        }
        self.index.insert(entry.key.clone(), self.entries.len());
        self.entries.push(entry);
        None
    }
}

fn merge_into(merged: &mut Vec<Entry>, node: Node) -> Result<(), SyntaxError> {
    match node.value {
        Value::Map(entries) => {
            merged.extend(entries);
            Ok(())
        }
        Value::List(items) => items.into_iter().try_for_each(|item| match item.value {
            Value::Map(_) => merge_into(merged, item),
            _ => Err(error("`<<` merges mappings only", item.span)),
        }),
        Value::Scalar(_) => Err(error("`<<` merges mappings only", node.span)),
    }
}

fn error(message: &str, span: Span) -> SyntaxError {
    SyntaxError { message: message.to_owned(), span }
}
