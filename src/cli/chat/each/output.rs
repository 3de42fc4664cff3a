//! The file that answers go to: valid however the process ends, and gone on with by the next one.
//!
//! Each line is in it as soon as its answer is here. When all are, the file is put into the order of the questions.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::prompts::Prompt;
use crate::cli::failure::Failure;

/// A file of answers. No two processes have the same one.
pub struct Output {
    path: PathBuf,
    /// Opened for appending, and locked.
    file: File,
    /// Which questions are answered in it.
    lines: BTreeMap<usize, String>,
    /// The index of the last line, while they stand in order.
    last: Option<usize>,
    is_sorted: bool,
}

impl Output {
    /// Opens the file at `path`; what it holds must be answers to `prompts`. Those that failed are to be asked again.
    pub fn open(path: &Path, prompts: &[Prompt]) -> Result<Output, Failure> {
        let shown = path.display();
        let unusable =
            |error: &dyn std::fmt::Display| Failure::usage(format!("cannot write to `{shown}`: {error}")).hint("name another file");
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(unusable(&"it is no ordinary file"));
        }
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path).map_err(|error| unusable(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(unusable(&"another process is writing to it")),
            Err(TryLockError::Error(error)) => return Err(unusable(&error)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| unusable(&error))?;
        // A last line that was cut off may end within a character.
        let text = String::from_utf8_lossy(&bytes);
        let lines = kept(&text, prompts).map_err(|reason| {
            Failure::usage(format!("`{shown}` {reason}")).hint("name another file, or remove this one; nothing was sent")
        })?;
        let whole: String = lines.values().map(|line| format!("{line}\n")).collect();
        let mut output = Output { path: path.to_owned(), file, last: lines.keys().next_back().copied(), lines, is_sorted: true };
        if whole != text {
            output.replace(&whole).map_err(|error| unusable(&error))?;
        }
        Ok(output)
    }

    /// Whether this question is answered.
    pub fn has(&self, index: usize) -> bool {
        self.lines.contains_key(&index)
    }

    /// Adds a line, at once.
    pub fn append(&mut self, index: usize, line: String) -> Result<(), Failure> {
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(|error| self.broken(&error))?;
        self.is_sorted &= self.last.is_none_or(|last| last < index);
        self.last = Some(index);
        self.lines.insert(index, line);
        Ok(())
    }

    /// Puts the lines into the order of the questions.
    pub fn finish(mut self) -> Result<(), Failure> {
        if self.is_sorted {
            return Ok(());
        }
        let whole: String = self.lines.values().map(|line| format!("{line}\n")).collect();
        self.replace(&whole).map_err(|error| self.broken(&error))
    }

    /// In one step: whoever looks finds the old lines or the new ones.
    fn replace(&mut self, whole: &str) -> io::Result<()> {
        let target = fs::canonicalize(&self.path)?;
        let mut name = target.file_name().map(OsString::from).unwrap_or_default();
        name.push(format!(".{}.tmp", std::process::id()));
        let beside = target.with_file_name(name);
        let mut file = File::create_new(&beside)?;
        let written = file.write_all(whole.as_bytes()).and_then(|()| file.set_permissions(fs::metadata(&target)?.permissions()));
        if let Err(error) = written.and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, &target)) {
            let _ = fs::remove_file(&beside);
            return Err(error);
        }
        self.file = OpenOptions::new().append(true).open(&target)?;
        // Nobody else can have it yet.
        let _ = self.file.try_lock();
        Ok(())
    }

    fn broken(&self, error: &io::Error) -> Failure {
        Failure::failed(format!("cannot write to `{}`: {error}", self.path.display()))
            .hint("what was answered before is in it; make room and run it again")
    }
}

/// How a line begins.
const BEGINNING: &str = "{\"index\":";

/// The lines of `text` that answer one of `prompts`, by index. A last line that was cut off counts for nothing.
fn kept(text: &str, prompts: &[Prompt]) -> Result<BTreeMap<usize, String>, String> {
    let mut kept = BTreeMap::new();
    let unended = (!text.ends_with('\n')).then(|| text.lines().count().saturating_sub(1));
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: Value = serde_json::from_str(line).unwrap_or_default();
        let is_beginning = line.starts_with(BEGINNING) || BEGINNING.starts_with(line);
        if row.is_null() && unended == Some(number) && is_beginning {
            break;
        }
        let index = row["index"].as_u64().and_then(|index| usize::try_from(index).ok());
        let (Some(index), Some(prompt), true) = (index, row["prompt"].as_str(), row["answer"].is_string() || row["error"].is_string())
        else {
            return Err(format!("holds something else than answers (line {})", number + 1));
        };
        if prompts.get(index).is_none_or(|asked| asked.text != prompt) {
            return Err(format!("answers other questions (line {})", number + 1));
        }
        if row["answer"].is_string() {
            kept.insert(index, line.to_owned());
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Output, Prompt, kept};

    fn prompts() -> Vec<Prompt> {
        ["一", "二", "三"].iter().enumerate().map(|(index, text)| Prompt { index, id: None, text: (*text).to_owned() }).collect()
    }

    const ONE: &str = r#"{"index":0,"prompt":"一","answer":"1"}"#;
    const TWO: &str = r#"{"index":1,"prompt":"二","error":"boom"}"#;
    const THREE: &str = r#"{"index":2,"prompt":"三","answer":"3"}"#;

    #[test]
    fn answers_are_kept_and_failures_asked_again() {
        let found = kept(&format!("{THREE}\n{TWO}\n{ONE}\n{{\"index\":1,\"pro"), &prompts()).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(0, ONE.to_owned()), (2, THREE.to_owned())]);
        for cut in 1..ONE.len() {
            let torn = String::from_utf8_lossy(&ONE.as_bytes()[..cut]);
            assert_eq!(kept(&format!("{THREE}\n{torn}"), &prompts()).map(|kept| kept.len()), Ok(1), "{torn}");
        }
        assert_eq!(kept(&format!("{THREE}\n{ONE}"), &prompts()).map(|kept| kept.len()), Ok(2), "all of it is there");
    }

    #[test]
    fn another_file_is_left_alone() {
        let reason = |text: &str| kept(text, &prompts()).unwrap_err();
        for notes in ["# notes\n", "# notes", "{\"a\":1}"] {
            assert_eq!(reason(notes), "holds something else than answers (line 1)");
        }
        assert_eq!(reason(&format!("{ONE}\n{{\"prompt\":\"二\"}}\n")), "holds something else than answers (line 2)");
        assert_eq!(reason("{\"index\":0,\"prompt\":\"别的\",\"answer\":\"\"}\n"), "answers other questions (line 1)");
        assert_eq!(reason("{\"index\":9,\"prompt\":\"一\",\"answer\":\"\"}\n"), "answers other questions (line 1)");
    }

    #[test]
    fn lines_are_there_at_once_and_in_order_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("答案.jsonl");
        let text = || fs::read_to_string(&path).unwrap();
        let mut output = Output::open(&path, &prompts()).unwrap();
        output.append(2, THREE.to_owned()).unwrap();
        output.append(1, TWO.to_owned()).unwrap();
        assert_eq!(text(), format!("{THREE}\n{TWO}\n"));
        assert!(Output::open(&path, &prompts()).is_err(), "it is in use");
        drop(output);

        let mut output = Output::open(&path, &prompts()).unwrap();
        assert_eq!(text(), format!("{THREE}\n"), "what failed is to be asked again");
        assert!(output.has(2) && !output.has(1));
        output.append(0, ONE.to_owned()).unwrap();
        output.finish().unwrap();
        assert_eq!(text(), format!("{ONE}\n{THREE}\n"));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
