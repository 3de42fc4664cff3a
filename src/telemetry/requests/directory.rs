//! Directories of files of requests: for their owner only, one a day in them, the oldest of which go.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A directory in which files can be made. Removed when it is dropped, if it was not there and is not kept.
#[derive(Debug)]
pub(super) struct Made {
    path: PathBuf,
    is_new: bool,
}

impl Made {
    /// Makes the directory at `path`, and a file in it, which it removes.
    pub(super) fn make(path: &Path) -> io::Result<Made> {
        let made = Made { path: path.to_owned(), is_new: !path.exists() };
        make(path)?;
        let probe = path.join(format!(".llmgw-{}", std::process::id()));
        File::create(&probe)?;
        fs::remove_file(&probe)?;
        Ok(made)
    }

    /// It stays.
    pub(super) fn keep(mut self) {
        self.is_new = false;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.is_new {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Makes a directory and those above it.
pub(super) fn make(path: &Path) -> io::Result<()> {
    let mut directories = DirBuilder::new();
    directories.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut directories, 0o700);
    directories.create(path)
}

/// Writes a new file called `stem`, or like it where there is one, in `directory`. A file is whole, or there is none.
pub(super) fn write_new(directory: &Path, stem: &str, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut number = 1;
    loop {
        let name = if number == 1 { format!("{stem}.json") } else { format!("{stem}-{number}.json") };
        let path = directory.join(name);
        match options.open(&path) {
            Ok(mut file) => {
                return file.write_all(text.as_bytes()).inspect_err(|_| {
                    let _ = fs::remove_file(&path);
                });
            }
            // Clients may send one id many times.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Removes the days in `directory` before `today`, but for the last `keep`; of each only files as [`write_new`] makes them,
/// and the day itself only when nothing else is in it. What cannot be removed now is tried again the next time.
pub(super) fn prune(directory: &Path, today: &str, keep: usize) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let is_old = |name: &OsStr| is_day(name) && name < OsStr::new(today);
    let mut days: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.file_name().is_some_and(is_old)).collect();
    days.sort();
    for day in days.iter().rev().skip(keep) {
        let files = fs::read_dir(day).into_iter().flatten().flatten().map(|entry| entry.path());
        for file in files.filter(|file| file.extension() == Some(OsStr::new("json"))) {
            let _ = fs::remove_file(file);
        }
        let _ = fs::remove_dir(day);
    }
}

/// `2026-11-28`
fn is_day(name: &OsStr) -> bool {
    let like = b"yyyy-mm-dd";
    let is_like = |(byte, like): (&u8, &u8)| if *like == b'-' { *byte == b'-' } else { byte.is_ascii_digit() };
    name.len() == like.len() && name.as_encoded_bytes().iter().zip(like).all(is_like)
}
