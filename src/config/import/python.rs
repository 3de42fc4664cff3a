//! The top-level assignments of a Python module, as far as they are literals. Nothing is executed: what is no literal is
//! told, and left.
//!
//! `os.environ["X"]`, `os.environ.get("X", "d")` and `os.getenv("X", "d")` are names of variables, and come out as `${X}` and
//! `${X:-d}`; a name stands for the literal that was assigned to it above.

mod reader;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::ImportError;
use super::source::EXPRESSION;
use reader::{Mistake, Reader};

/// Reads a module; also says which of its names others stand for.
pub(super) fn read(text: &str) -> Result<(Value, Vec<String>), ImportError> {
    let (mut module, mut used) = (Map::new(), Vec::new());
    let mut reader = Reader::new(text.strip_prefix('\u{feff}').unwrap_or(text));
    while let Some(statement) = reader.statement().map_err(syntax)? {
        let Some((name, piece)) = statement.assignment() else {
            if !statement.sets_nothing() {
                module.insert(format!("line {}", statement.line), Value::from(EXPRESSION));
            }
            continue;
        };
        let mut inside = Reader::of_value(&piece, &module);
        let value = match inside.only_literal() {
            Ok(value) => value,
            Err(Mistake::Expression) => Value::from(EXPRESSION),
            Err(mistake) => return Err(syntax(mistake)),
        };
        used.extend(inside.into_used());
        module.insert(name.to_owned(), value);
    }
    Ok((Value::Object(module), used))
}

fn syntax(mistake: Mistake) -> ImportError {
    match mistake {
        Mistake::Expression => ImportError::Syntax { line: 1, column: 1, message: EXPRESSION.to_owned() },
        Mistake::Syntax { line, column, message } => ImportError::Syntax { line, column, message: format!("not Python: {message}") },
    }
}
