//! Another program's SQLite file, read as it is: rows by table, for whoever knows what they mean. Changes nothing in it.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::{Map, Value};

/// How every SQLite file begins.
pub const MAGIC: &[u8] = b"SQLite format 3\0";

/// How long its own program may have the file to itself.
const BUSY: Duration = Duration::from_secs(2);

/// More rows of settings than any gateway has; what is larger was named by mistake.
const MOST_ROWS: usize = 200_000;

/// Why it could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// SQLite says no.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// It is not for us.
    #[error("the table `{0}` has more than 200000 rows")]
    TooLarge(String),
}

/// The rows of the tables `wanted`, as far as there are such tables, and how many rows every other table has that is not
/// empty.
pub fn tables(path: &Path, wanted: &[&str]) -> Result<Value, ForeignError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut tables = Map::new();
    for name in names {
        if wanted.contains(&name.as_str()) {
            let rows = rows(&connection, &name)?;
            tables.insert(name, Value::Array(rows));
            continue;
        }
        let count: i64 = connection.query_row(&format!("SELECT count(*) FROM {}", quoted(&name)), [], |row| row.get(0))?;
        if count > 0 {
            tables.insert(name, Value::from(count));
        }
    }
    Ok(Value::Object(tables))
}

fn rows(connection: &Connection, table: &str) -> Result<Vec<Value>, ForeignError> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {}", quoted(table)))?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut cursor = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = cursor.next()? {
        if rows.len() == MOST_ROWS {
            return Err(ForeignError::TooLarge(table.to_owned()));
        }
        rows.push(object(row, &columns)?);
    }
    Ok(rows)
}

fn object(row: &Row<'_>, columns: &[String]) -> Result<Value, rusqlite::Error> {
    let mut object = Map::new();
    for (index, column) in columns.iter().enumerate() {
        let value = match row.get_ref(index)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::from(number),
            ValueRef::Real(number) => Value::from(number),
            ValueRef::Text(text) | ValueRef::Blob(text) => Value::from(String::from_utf8_lossy(text)),
        };
        object.insert(column.clone(), value);
    }
    Ok(Value::Object(object))
}

/// A name in a statement; where it comes from is the file itself.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use serde_json::json;

    use super::{MAGIC, tables};

    #[test]
    fn rows_are_read_and_other_tables_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("库.db");
        let connection = Connection::open(&path).unwrap();
        let made = "CREATE TABLE channels (id INTEGER, name TEXT, \"group\" TEXT, weight REAL, info BLOB);
                    INSERT INTO channels VALUES (1, '主渠道', NULL, 0.5, CAST('{}' AS BLOB));
                    CREATE TABLE \"od\"\"d\" (x); INSERT INTO \"od\"\"d\" VALUES (1), (2); CREATE TABLE empty (x);";
        connection.execute_batch(made).unwrap();
        drop(connection);
        let before = std::fs::read(&path).unwrap();
        assert!(before.starts_with(MAGIC));
        let expected = json!({
            "channels": [{ "id": 1, "name": "主渠道", "group": null, "weight": 0.5, "info": "{}" }],
            "od\"d": 2,
        });
        assert_eq!(tables(&path, &["channels", "tokens"]).unwrap(), expected);
        assert_eq!(std::fs::read(&path).unwrap(), before);
        std::fs::write(&path, [MAGIC, b"rubbish"].concat()).unwrap();
        assert!(tables(&path, &["channels"]).is_err());
    }
}
