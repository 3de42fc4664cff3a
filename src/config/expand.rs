//! `${VAR}`, `${VAR:-default}` and `$${` in a text.

use super::env::Env;

/// A text with its variables filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The result.
    pub text: String,
    /// The text was one `${…}` and nothing else: it takes its key's type.
    pub whole: bool,
}

/// Why a text could not be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// Not set, and no default.
    #[error("the environment variable `{0}` is not set")]
    Missing(String),
    /// `${` without `}`
    #[error("`${{` without its `}}`")]
    Unclosed,
    /// `${a b}`. Not repeated: someone may have put the secret itself between the braces.
    #[error("`${{…}}` with something else in it than the name of an environment variable")]
    BadName,
}

/// Fills in `text`'s variables. A default counts for an empty variable too, as in a shell.
pub fn expand(text: &str, env: &Env) -> Result<Expanded, ExpandError> {
    let mut result = String::with_capacity(text.len());
    let mut whole = false;
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            result.push_str(&rest[..at]);
            result.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        let length = rest[at..].find('}').ok_or(ExpandError::Unclosed)?;
        result.push_str(&rest[..at]);
        result.push_str(&variable(&rest[at + 2..at + length], env)?);
        whole = at == 0 && rest.len() == text.len() && length + 1 == text.len();
        rest = &rest[at + length + 1..];
    }
    result.push_str(rest);
    Ok(Expanded { text: result, whole })
}

fn variable(inside: &str, env: &Env) -> Result<String, ExpandError> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let proper = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    if !proper || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(ExpandError::BadName);
    }
    match (env.get(name), default) {
        (Some(value), None) => Ok(value.to_owned()),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value.to_owned()),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(ExpandError::Missing(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Env, ExpandError, Expanded, expand};

    fn check(text: &str, expected: &str, whole: bool) {
        let env = Env::for_tests(&[("HOST", "example.com"), ("EMPTY", ""), ("TRICKY", "${HOST}")], ".");
        assert_eq!(expand(text, &env), Ok(Expanded { text: expected.to_owned(), whole }), "{text}");
    }

    #[test]
    fn variables_are_filled_in() {
        check("${HOST}", "example.com", true);
        check("https://${HOST}/v1", "https://example.com/v1", false);
        check("${HOST}${HOST}", "example.comexample.com", false);
        check("${NONE:-a b}", "a b", true);
        check("${NONE:-}", "", true);
        check("${EMPTY}", "", true);
        check("${EMPTY:-x}", "x", true);
        check("$HOST costs $5", "$HOST costs $5", false);
        check("密钥-${HOST}", "密钥-example.com", false);
    }

    #[test]
    fn a_doubled_dollar_is_literal_and_values_are_not_expanded_again() {
        check("$${HOST}", "${HOST}", false);
        check("a$${b", "a${b", false);
        check("${TRICKY}", "${HOST}", true);
    }

    #[test]
    fn mistakes_are_named() {
        let env = Env::for_tests(&[], ".");
        assert_eq!(expand("${NOPE}", &env), Err(ExpandError::Missing("NOPE".to_owned())));
        assert_eq!(expand("${NOPE", &env), Err(ExpandError::Unclosed));
        assert_eq!(expand("${a b}", &env), Err(ExpandError::BadName));
        assert_eq!(expand("${}", &env), Err(ExpandError::BadName));
    }
}
