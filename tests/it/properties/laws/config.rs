//! The configuration: any text is loaded or refused, and what is refused is told so that it can be mended.

use std::path::Path;

use llmgw::config::{Diagnostic, Env, Loaded, Overrides, Target, load_text};
use llmgw::engine::live::Lasting;

/// What texts may refer to.
const VARIABLES: [(&str, &str); 3] = [("KEY", "sk-fuzz-0123456789abcdef"), ("PORT", "9090"), ("EMPTY", "")];

/// Nothing stands in it, so that no text can name a file that is there.
const NOWHERE: &str = "/nonexistent/配置";

/// Holds for any text; says whether it is a configuration.
pub fn holds(text: &str) -> bool {
    // A text may name files by absolute paths, and some of those never end.
    if ["/dev", "/proc", "/sys"].iter().any(|path| text.contains(path)) {
        return false;
    }
    let env = Env::for_tests(&VARIABLES, NOWHERE);
    let load = || load_text("llmgw.yaml", text, Path::new(NOWHERE), &env, &Overrides::default());
    let loaded = load();
    let found = diagnostics(&loaded);
    found.iter().for_each(|diagnostic| is_sane(diagnostic, text));
    assert_eq!(diagnostics(&load()), found, "the same text is told the same");
    assert_eq!(loaded.is_err(), found.iter().any(Diagnostic::is_error), "errors refuse, warnings do not: {found:?}");
    let Ok(loaded) = loaded else { return false };
    let shown = loaded.config.to_json().to_string();
    for secret in loaded.config.secrets() {
        let secret = secret.expose();
        // Shorter ones are words, which may stand anywhere.
        assert!(secret.len() < 16 || !shown.contains(secret), "`{secret}` is shown");
    }
    for model in &loaded.config.models {
        let Target::Routes { routes, .. } = &model.target else { continue };
        assert!(routes.iter().all(|route| route.provider < loaded.config.providers.len()));
    }
    let _ = Lasting::default().prepare(loaded.config).map(drop);
    true
}

fn diagnostics(loaded: &Result<Loaded, Vec<Diagnostic>>) -> Vec<Diagnostic> {
    loaded.as_ref().map_or_else(Clone::clone, |loaded| loaded.warnings.clone())
}

fn is_sane(diagnostic: &Diagnostic, text: &str) {
    let shown = diagnostic.to_string();
    assert!(shown.contains(&diagnostic.message) && !diagnostic.message.is_empty());
    // What the file itself says in the place of a name is no secret of the environment's.
    assert!(text.contains(VARIABLES[0].1) || !shown.contains(VARIABLES[0].1), "a secret is shown: {shown}");
    assert_eq!(diagnostic.line.is_some(), diagnostic.column.is_some());
    let Some((line, column)) = diagnostic.line.zip(diagnostic.column) else { return };
    let text = text.replace("\r\n", "\n");
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    assert!((1..=lines.len() + 1).contains(&line), "line {line} of {}: {shown}", lines.len());
    let width = lines.get(line - 1).map_or(0, |line| line.chars().count());
    assert!((1..=width + 1).contains(&column), "column {column} of {width}: {shown}");
}
