//! A mistake in a configuration, told so that it can be mended: where, what, and the way out.

use std::fmt;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

/// Whether a configuration can be used in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but probably was not meant so.
    Warning,
}

/// One mistake. Holds no secret: what could be one is masked before it gets here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// The file as the user knows it.
    pub file: String,
    /// The line, from 1; `None`: the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The character in the line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The key's path, such as `providers[1].timeout.connect`; empty: the file as a whole.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// The way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The line as written, with secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_line: Option<String>,
    /// How wide the part of `source_line` before the mistake is, in terminal cells.
    #[serde(skip)]
    pub(super) indent: usize,
}

impl Diagnostic {
    /// A mistake of `file` as a whole.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            file: file.into(),
            line: None,
            column: None,
            path: String::new(),
            message: message.into(),
            hint: None,
            source_line: None,
            indent: 0,
        }
    }

    /// The same with a way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the configuration cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}", self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": `{}`", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        let number = self.line.map_or(String::new(), |line| line.to_string());
        let gutter = " ".repeat(number.width().max(2));
        if let Some(source_line) = &self.source_line {
            write!(f, "\n{gutter} |\n{number:>width$} | {source_line}", width = gutter.len())?;
            write!(f, "\n{gutter} | {}^", " ".repeat(self.indent))?;
        }
        if let Some(hint) = &self.hint {
            let continuation = format!("\n{gutter}         ");
            write!(f, "\n{gutter} = hint: {}", hint.replace('\n', &continuation))?;
        }
        Ok(())
    }
}

/// The name of `known` that `written` was most likely meant to be.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    let scored = known.into_iter().map(|name| (score(&lower, &name.to_lowercase()), name));
    scored.filter(|(score, _)| *score >= 0.6).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// Likeness from 0 to 1: swapped, missing and wrong letters, or one name inside of the other.
fn score(written: &str, known: &str) -> f64 {
    let squeezed = |text: &str| text.replace(['_', '-', ' ', '.'], "");
    let (written, known) = (squeezed(written), squeezed(known));
    if written.is_empty() || known.is_empty() {
        return 0.0;
    }
    let edits = strsim::normalized_damerau_levenshtein(&written, &known);
    let contained = written.len() >= 3 && known.len() >= 3 && (known.contains(&written) || written.contains(&known));
    if contained { edits.max(0.6) } else { edits }
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, nearest};

    #[test]
    fn the_nearest_name_is_found() {
        let known = ["base_url", "api_key", "api_keys", "priority", "models", "headers", "timeout"];
        assert_eq!(nearest("base_ulr", known), Some("base_url"));
        assert_eq!(nearest("apikey", known), Some("api_key"));
        assert_eq!(nearest("url", known), Some("base_url"));
        assert_eq!(nearest("Timeouts", known), Some("timeout"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("模型", known), None);
    }

    #[test]
    fn a_diagnostic_is_json_without_what_it_has_not() {
        let diagnostic = Diagnostic::of_file("llmgw.yaml", "is empty").hint("write something");
        let json = serde_json::to_string(&diagnostic).unwrap();
        assert_eq!(json, r#"{"severity":"error","file":"llmgw.yaml","message":"is empty","hint":"write something"}"#);
    }
}
