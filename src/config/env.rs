//! The process's surroundings as a value: the only place that asks the operating system for them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Variables and directories, as they stood when they were captured. `Debug` shows the variables' names only.
#[derive(Clone, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    current_dir: PathBuf,
    config_dir: Option<PathBuf>,
    data_dir: Option<PathBuf>,
}

impl Env {
    /// The process's own. Variables that are not UTF-8 are left out.
    pub fn capture() -> Env {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let directories = directories::ProjectDirs::from("", "", "llmgw");
        Env {
            variables: variables.collect(),
            current_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            config_dir: directories.as_ref().map(|known| known.config_dir().to_owned()),
            data_dir: directories.as_ref().map(|known| known.data_dir().to_owned()),
        }
    }

    /// Exactly these variables, in this directory, without platform directories.
    pub fn for_tests(variables: &[(&str, &str)], current_dir: impl Into<PathBuf>) -> Env {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Env { variables, current_dir: current_dir.into(), config_dir: None, data_dir: None }
    }

    /// The same with this platform config directory.
    pub fn with_config_dir(mut self, directory: impl Into<PathBuf>) -> Env {
        self.config_dir = Some(directory.into());
        self
    }

    /// The same with this platform data directory.
    pub fn with_data_dir(mut self, directory: impl Into<PathBuf>) -> Env {
        self.data_dir = Some(directory.into());
        self
    }

    /// The same with this variable, if it has none of this name.
    pub fn or_variable(mut self, name: &str, value: &str) -> Env {
        self.variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        self
    }

    /// A variable, set to anything, nothing included.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A variable that says something: an empty one counts as unset.
    pub fn get_filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.trim().is_empty())
    }

    /// The names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// Where the process was started.
    pub fn current_dir(&self) -> &Path {
        &self.current_dir
    }

    /// The platform's directory for our configuration.
    pub fn config_dir(&self) -> Option<&Path> {
        self.config_dir.as_deref()
    }

    /// The platform's directory for our data.
    pub fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        f.debug_struct("Env").field("variables", &names).field("current_dir", &self.current_dir).finish_non_exhaustive()
    }
}
