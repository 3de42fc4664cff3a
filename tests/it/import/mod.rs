//! Other gateways' files: what each comes to, that nothing of one is lost in silence, and that the gateway then does what the
//! source did.

mod behaviour;
mod golden;
mod leaves;

use std::fs;
use std::path::{Path, PathBuf};

use llmgw::config::env::Env;
use llmgw::config::import::{Imported, Input, Kind, TABLES, convert};
use llmgw::storage::foreign;
use rusqlite::Connection;
use serde_json::Value;

/// A complete file of another gateway, in `tests/config/import/KIND/`.
pub struct Case {
    pub kind: Kind,
    pub path: PathBuf,
}

/// Results and the lists of what they leave out stand beside their sources, under these endings.
const RESULTS: [&str; 2] = [".llmgw.yaml", ".txt"];

pub fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/import");
    let files = |kind: Kind| fs::read_dir(root.join(kind.word())).expect("a directory").map(|entry| entry.expect("an entry").path());
    let is_source = |path: &PathBuf| !RESULTS.iter().any(|end| path.to_string_lossy().ends_with(end));
    let mut cases: Vec<Case> = Vec::new();
    for kind in Kind::ALL {
        cases.extend(files(kind).filter(is_source).map(|path| Case { kind, path }));
    }
    cases.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(Kind::ALL.iter().all(|kind| cases.iter().any(|case| case.kind == *kind)));
    cases
}

impl Case {
    pub fn text(&self) -> String {
        fs::read_to_string(&self.path).expect("a source")
    }

    /// Its tables, if it is a database.
    pub fn tables(&self) -> Option<Value> {
        (self.kind == Kind::OneApi).then(|| tables(&self.text()))
    }

    /// What it comes to, its kind being told by its content.
    pub fn imported(&self) -> Imported {
        let text = self.text();
        let input = self.tables().map_or(Input::Text(&text), Input::Tables);
        convert(input, None).unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
    }
}

/// The tables of a database that is made by these statements.
pub fn tables(statements: &str) -> Value {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("one-api.db");
    database(statements, &path);
    foreign::tables(&path, &TABLES).expect("tables")
}

pub fn database(statements: &str, path: &Path) {
    Connection::open(path).expect("a database").execute_batch(statements).expect("statements");
}

/// An environment that has every variable which `yaml` names, each saying so.
pub fn environment(yaml: &str) -> Env {
    let names = yaml.match_indices("${").map(|(at, _)| yaml[at + 2..].split(['}', ':']).next().expect("a name"));
    names.fold(Env::for_tests(&[], "/"), |env, name| env.or_variable(name, &format!("value-of-{}", name.to_lowercase().replace('_', "-"))))
}
