//! References to variables: what a source writes for one, as ours, and what only looks like one, escaped.

use super::Kind;

/// `os.environ/NAME` and `env.NAME` as `${NAME}` where the source reads them so; what only looks like a reference of ours is
/// escaped.
pub(super) fn reference(text: &str, kind: Kind) -> String {
    let prefix = match kind {
        Kind::Litellm | Kind::LitellmRoutes => "os.environ/",
        Kind::Bifrost => "env.",
        _ => "\0",
    };
    if let Some(name) = text.strip_prefix(prefix).filter(|name| is_variable(name)) {
        return format!("${{{name}}}");
    }
    // A database never meant a variable.
    escaped(text, kind != Kind::OneApi)
}

/// `${` that is no reference to a variable becomes `$${`.
fn escaped(text: &str, with_references: bool) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let inside = rest[at + 2..].split('}').next().unwrap_or_default();
        let name = inside.split(":-").next().unwrap_or_default();
        let is_reference = with_references && is_variable(name) && rest[at..].contains('}');
        result.push_str(&rest[..at]);
        result.push_str(if is_reference { "${" } else { "$${" });
        rest = &rest[at + 2..];
    }
    result + rest
}

/// Whether `name` can be a variable's.
pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
