//! The order of the modules is the architecture: a module uses only those below it.

use std::fs;
use std::path::{Path, PathBuf};

/// From top to bottom. `hub` uses none, `cli` may use all.
const ORDER: [&str; 15] = [
    "cli",
    "server",
    "admin",
    "engine",
    "routing",
    "access",
    "usage",
    "storage",
    "providers",
    "traces",
    "dialects",
    "transport",
    "telemetry",
    "config",
    "hub",
];

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The top-level modules named by `crate::…` paths in `text`, groups such as `crate::{a, b}` included.
fn used(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let group = rest.strip_prefix('{').map(|group| group.split('}').next().unwrap_or_default());
        let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        match group {
            Some(group) => names.extend(group.split(',').map(name)),
            None => names.push(name(rest)),
        }
    }
    names
}

#[test]
fn modules_use_only_those_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (level, module) in ORDER.iter().enumerate() {
        let files = rust_files(&root.join(module));
        assert!(!files.is_empty(), "src/{module} is empty");
        for file in files {
            for name in used(&fs::read_to_string(&file).expect("a file")) {
                let position = ORDER.iter().position(|other| *other == name);
                if position.is_some_and(|position| position < level) {
                    wrong.push(format!("{} uses crate::{name}, which stands above {module}", file.display()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_order_names_every_module() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("src/lib.rs");
    let declared: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(
        {
            let mut sorted = declared.clone();
            sorted.sort_unstable();
            sorted
        },
        {
            let mut sorted = ORDER.to_vec();
            sorted.sort_unstable();
            sorted
        }
    );
}

#[test]
fn groups_of_imports_are_seen() {
    assert_eq!(used("use crate::{hub, config::Env}; crate::engine::Error"), ["hub", "config", "engine"]);
}
