//! Which configuration file is used, and why.

use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostic;
use super::env::Env;

/// The name of the file in every directory that is searched.
pub const FILE_NAME: &str = "llmgw.yaml";

/// The variable that names the file.
pub const VARIABLE: &str = "LLMGW_CONFIG";

/// What the search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// This file.
    File {
        /// Absolute path.
        path: PathBuf,
        /// Why this one: the place in the order of search.
        why: &'static str,
    },
    /// None of the places has one.
    None,
}

/// The first that exists of `flag`, `$LLMGW_CONFIG`, `./llmgw.yaml`, `./config/llmgw.yaml` and the platform's directory.
///
/// One that is named must exist: silently using another would be worse than stopping.
pub fn locate(env: &Env, flag: Option<&Path>) -> Result<Located, Box<Diagnostic>> {
    if let Some(path) = flag {
        return named(env, path, "--config", "check the path given with `--config`");
    }
    if let Some(path) = env.get_filled(VARIABLE) {
        return named(env, Path::new(path), "$LLMGW_CONFIG", "correct or unset `LLMGW_CONFIG`");
    }
    let found = places(env).into_iter().find(|(path, _)| exists(path));
    Ok(found.map_or(Located::None, |(path, why)| Located::File { path, why }))
}

/// Where a file is looked for when none is named, in order, with the words for it.
pub fn places(env: &Env) -> Vec<(PathBuf, &'static str)> {
    let mut places = vec![
        (env.current_dir().join(FILE_NAME), "./llmgw.yaml"),
        (env.current_dir().join("config").join(FILE_NAME), "./config/llmgw.yaml"),
    ];
    places.extend(env.config_dir().map(|directory| (directory.join(FILE_NAME), "the platform's configuration directory")));
    places
}

fn named(env: &Env, path: &Path, why: &'static str, hint: &str) -> Result<Located, Box<Diagnostic>> {
    let absolute = env.current_dir().join(path);
    if exists(&absolute) {
        return Ok(Located::File { path: absolute, why });
    }
    Err(Box::new(Diagnostic::of_file(path.display().to_string(), format!("no such file (named by {why})")).hint(hint)))
}

/// Whether something is there, be it readable or not: what is wrong with it is said when it is read.
fn exists(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Env, Located, locate};

    fn why(env: &Env, flag: Option<&str>) -> &'static str {
        match locate(env, flag.map(Path::new)) {
            Ok(Located::File { why, path }) => {
                assert!(path.is_absolute());
                why
            }
            Ok(Located::None) => "none",
            Err(_) => "error",
        }
    }

    #[test]
    fn the_first_that_exists_is_used() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let env = Env::for_tests(&[], root).with_config_dir(root.join("platform"));
        assert_eq!(why(&env, None), "none");
        fs::create_dir_all(root.join("platform")).unwrap();
        fs::write(root.join("platform/llmgw.yaml"), "").unwrap();
        assert_eq!(why(&env, None), "the platform's configuration directory");
        fs::create_dir_all(root.join("config")).unwrap();
        fs::write(root.join("config/llmgw.yaml"), "").unwrap();
        assert_eq!(why(&env, None), "./config/llmgw.yaml");
        fs::write(root.join("llmgw.yaml"), "").unwrap();
        assert_eq!(why(&env, None), "./llmgw.yaml");
        fs::write(root.join("other.yaml"), "").unwrap();
        let env = Env::for_tests(&[("LLMGW_CONFIG", "other.yaml")], root);
        assert_eq!(why(&env, None), "$LLMGW_CONFIG");
        assert_eq!(why(&env, Some("llmgw.yaml")), "--config");
    }

    #[test]
    fn a_named_file_must_exist() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("llmgw.yaml"), "").unwrap();
        let env = Env::for_tests(&[("LLMGW_CONFIG", "gone.yaml")], directory.path());
        let error = locate(&env, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "error: gone.yaml: no such file (named by $LLMGW_CONFIG)\n   = hint: correct or unset `LLMGW_CONFIG`"
        );
        assert_eq!(why(&env, Some("missing.yaml")), "error");
        let env = Env::for_tests(&[("LLMGW_CONFIG", "")], directory.path());
        assert_eq!(why(&env, None), "./llmgw.yaml");
    }
}
