//! Conversations that outlive the process: [`Sessions`], a directory, and [`Session`], one file in it.
//!
//! A file has one JSON object a line, which is only ever added to: a process that is killed loses at most the turn that it
//! was in, and two at once leave each other's turns whole. Files and directory are their owner's only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::cli::chat::conversation::{Conversation, Turn};
use crate::cli::failure::Failure;
use crate::cli::visible::visible;
use crate::config::env::Env;

const EXTENSION: &str = "jsonl";

/// What files can be called everywhere, with the extension.
const LONGEST_NAME: usize = 200;

/// All that are kept.
#[derive(Clone, Debug)]
pub struct Sessions {
    directory: PathBuf,
}

/// One of them, being gone on with.
#[derive(Debug)]
pub struct Session {
    /// What it is called.
    pub name: String,
    path: PathBuf,
    /// What it held when it was opened.
    pub conversation: Conversation,
}

/// One of them, as a list shows it.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// What it is called.
    pub name: String,
    /// Questions and answers in it.
    pub turns: usize,
    /// The last model that was asked.
    pub model: Option<String>,
    /// When it was last gone on with.
    pub modified: String,
    /// What it began with.
    pub first: String,
}

/// One line of a file.
#[derive(Serialize, Deserialize)]
struct Line {
    at: String,
    #[serde(flatten)]
    entry: Entry,
}

/// What happened.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Entry {
    Turn {
        #[serde(flatten)]
        turn: Turn,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        system: Option<String>,
        /// The id of the turn that it takes the place of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<String>,
    },
    /// What was said before counts no more.
    Clear,
}

impl Sessions {
    /// Below the platform's data directory.
    pub fn of(environment: &Env) -> Result<Sessions, Failure> {
        let directory =
            environment.data_dir().ok_or_else(|| Failure::usage("there is no data directory to keep sessions in").hint("set HOME"))?;
        Ok(Sessions { directory: directory.join("sessions") })
    }

    /// The session `name`, which may be a new one.
    pub fn open(&self, name: &str) -> Result<Session, Failure> {
        let path = self.path(name)?;
        let conversation = match File::open(&path) {
            Ok(file) => read(file).map_err(|error| unusable("read", &path, &error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Conversation::default(),
            Err(error) => return Err(unusable("read", &path, &error)),
        };
        Ok(Session { name: name.to_owned(), path, conversation })
    }

    /// The session `name`, which must be there.
    pub fn find(&self, name: &str) -> Result<Session, Failure> {
        if self.path(name)?.exists() {
            return self.open(name);
        }
        let names = self.names()?;
        if names.is_empty() {
            return Err(Failure::usage(format!("there is no session `{name}`, nor any other")).hint("`--session NAME` begins one"));
        }
        Err(Failure::unknown("session", name, names.iter().map(|(name, _)| name.as_str())))
    }

    /// The one that was last gone on with.
    pub fn last(&self) -> Result<Session, Failure> {
        let names = self.names()?;
        let (name, _) =
            names.first().ok_or_else(|| Failure::usage("there is no session to continue").hint("`--session NAME` begins one"))?;
        self.open(name)
    }

    /// All of them, the last first.
    pub fn list(&self) -> Result<Vec<Summary>, Failure> {
        let summary = |(name, modified): &(String, SystemTime)| {
            let conversation = self.open(name)?.conversation;
            Ok(Summary {
                name: name.clone(),
                turns: conversation.turns.len(),
                model: conversation.turns.last().map(|turn| turn.model.clone()),
                modified: humantime::format_rfc3339_seconds(*modified).to_string(),
                first: conversation.turns.first().map(|turn| super::conversation::words(&turn.user)).unwrap_or_default(),
            })
        };
        self.names()?.iter().map(summary).collect()
    }

    /// Removes one.
    pub fn delete(&self, name: &str) -> Result<(), Failure> {
        let path = self.find(name)?.path;
        fs::remove_file(&path).map_err(|error| unusable("delete", &path, &error))
    }

    /// Their names and when they were written to, the last first.
    fn names(&self) -> Result<Vec<(String, SystemTime)>, Failure> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unusable("read", &self.directory, &error)),
        };
        let mut names: Vec<(String, SystemTime)> = entries.filter_map(|entry| session(&entry.ok()?)).collect();
        names.sort_by(|(one, earlier), (other, later)| later.cmp(earlier).then_with(|| one.cmp(other)));
        Ok(names)
    }

    fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        check(name).map_err(|reason| Failure::usage(format!("`{}` cannot be a session's name: {reason}", visible(name))))?;
        Ok(self.directory.join(format!("{name}.{EXTENSION}")))
    }
}

impl Session {
    /// Adds a turn; `replaces`: the id of the one whose place it takes.
    pub fn add(&self, turn: &Turn, system: Option<&str>, replaces: Option<&str>) -> Result<(), Failure> {
        self.append(Entry::Turn { turn: turn.clone(), system: system.map(str::to_owned), replaces: replaces.map(str::to_owned) })
    }

    /// Notes that what was said before counts no more.
    pub fn clear(&self) -> Result<(), Failure> {
        self.append(Entry::Clear)
    }

    fn append(&self, entry: Entry) -> Result<(), Failure> {
        let line = Line { at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(), entry };
        let written = serde_json::to_string(&line).map_err(io::Error::from).and_then(|line| write(&self.path, &line));
        written.map_err(|error| unusable("write", &self.path, &error))
    }
}

/// Makes `directory`, for its owner only.
pub fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Adds a line in one write, behind a lock. What a killed process left of one is ended first.
fn write(path: &Path, line: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        make_directory(directory)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.lock()?;
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let begun = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{begun}{line}\n").as_bytes())
}

/// What the lines of a file come to. Those that are not whole are passed over.
fn read(mut file: File) -> io::Result<Conversation> {
    file.lock_shared()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut conversation = Conversation::default();
    for line in bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok()) {
        match line.entry {
            Entry::Clear => conversation.turns.clear(),
            Entry::Turn { turn, system, replaces } => {
                let replaced = replaces.filter(|id| !id.is_empty());
                conversation.turns.retain(|earlier| Some(&earlier.id) != replaced.as_ref());
                conversation.system = system;
                conversation.turns.push(turn);
            }
        }
    }
    Ok(conversation)
}

/// Why `name` cannot be one: it would be no single file on every system, or none of this directory.
fn check(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    if name.len() > LONGEST_NAME {
        return Err(format!("it is longer than {LONGEST_NAME} bytes"));
    }
    if name.starts_with(['.', '-']) || name.ends_with('.') || name != name.trim() {
        return Err("it begins with a dot, a dash or a blank, or ends with a dot or a blank".to_owned());
    }
    match name.chars().find(|character| character.is_control() || r#"/\:*?"<>|"#.contains(*character)) {
        Some(character) => Err(format!("it holds {character:?}")),
        None => Ok(()),
    }
}

fn session(entry: &fs::DirEntry) -> Option<(String, SystemTime)> {
    let path = entry.path();
    let name = path.file_stem()?.to_str()?;
    let is_one = path.extension().is_some_and(|extension| extension == EXTENSION) && check(name).is_ok();
    let modified = entry.metadata().ok()?.modified().ok()?;
    is_one.then(|| (name.to_owned(), modified))
}

fn unusable(act: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot {act} {}: {error}", path.display())).hint("check the permissions and the space of this directory")
}

#[cfg(test)]
mod tests;
