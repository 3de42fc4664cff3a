//! What was found, and how it is shown.

use std::fmt::Display;

use serde::Serialize;

use crate::cli::output::Terminal;
use crate::cli::table::{Tone, one_line, painted};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, in a word.
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// What was found.
    pub message: String,
    /// The way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, but probably was not meant so.
    Warning,
    /// It does not work.
    Failed,
}

impl State {
    /// The word for it, as in JSON.
    fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Failed => "failed",
        }
    }
}

impl Finding {
    /// As it should be.
    pub fn ok(check: &'static str, message: impl Display) -> Finding {
        Finding { check, state: State::Ok, message: message.to_string(), hint: None }
    }

    /// Probably not meant so.
    pub fn warning(check: &'static str, message: impl Display) -> Finding {
        Finding { state: State::Warning, ..Finding::ok(check, message) }
    }

    /// It does not work.
    pub fn failed(check: &'static str, message: impl Display) -> Finding {
        Finding { state: State::Failed, ..Finding::ok(check, message) }
    }

    /// With the way out.
    pub fn hint(self, hint: impl Display) -> Finding {
        Finding { hint: Some(hint.to_string()), ..self }
    }
}

/// One finding a line, its way out below it.
pub fn text(findings: &[Finding], terminal: &Terminal) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
    let indent = " ".repeat("warning".len() + width + 4);
    let mut text = String::new();
    for finding in findings {
        let tone = match finding.state {
            State::Ok => Tone::Good,
            State::Warning => Tone::Plain,
            State::Failed => Tone::Bad,
        };
        let state = painted(&format!("{:7}", finding.state.word()), tone, terminal.stdout_colour);
        text += &format!("{state}  {:width$}  {}\n", finding.check, one_line(&finding.message));
        text.extend(finding.hint.iter().map(|hint| format!("{indent}hint: {}\n", one_line(hint))));
    }
    text
}

/// Such as `9 ok, 1 warning, 2 failed`.
pub fn summary(findings: &[Finding]) -> String {
    let number = |state| findings.iter().filter(|finding| finding.state == state).count();
    let warnings = number(State::Warning);
    let plural = if warnings == 1 { "" } else { "s" };
    format!("{} ok, {warnings} warning{plural}, {} failed", number(State::Ok), number(State::Failed))
}

#[cfg(test)]
mod tests {
    use super::{Finding, summary, text};
    use crate::cli::output::Terminal;

    #[test]
    fn a_way_out_stands_below_what_it_leads_out_of() {
        let findings = [
            Finding::ok("port", "8000 is free"),
            Finding::failed("provider", "深度求索: 401\r\n").hint("check its key"),
            Finding::warning("files", "a"),
        ];
        let expected = "ok       port      8000 is free\nfailed   provider  深度求索: 401  \n                   hint: check its key\nwarning  files     a\n";
        assert_eq!(text(&findings, &Terminal::default()), expected);
        assert_eq!(summary(&findings), "1 ok, 1 warning, 1 failed");
        let coloured = text(&findings, &Terminal { stdout_colour: true, ..Terminal::default() });
        assert!(coloured.contains("\x1b[31mfailed ") && coloured.contains("\x1b[32mok "), "{coloured}");
    }

    #[test]
    fn programs_read_the_same() {
        let json = serde_json::to_string(&Finding::failed("port", "taken").hint("stop it")).unwrap();
        assert_eq!(json, r#"{"check":"port","state":"failed","message":"taken","hint":"stop it"}"#);
    }
}
