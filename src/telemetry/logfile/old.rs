//! The old log files: `llmgw.log.2026-11-28`, then `….1`, `….2` of the same day; what they are called, and which go.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// An old file, in the order in which they were written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Old {
    /// `2026-11-28`, `2026-11-28-08`
    period: String,
    /// Which one of the period, from 0, which is not in the name.
    number: u64,
}

/// Renames `log` to the next free name of `period`.
pub(super) fn rename(log: &Path, period: &str) -> io::Result<()> {
    let last = find(log)?.into_iter().filter(|(old, _)| old.period == period).map(|(old, _)| old.number).max();
    let mut number = last.map_or(0, |number| number + 1);
    loop {
        let name = Old { period: period.to_owned(), number }.path(log);
        // Two processes may write to one log, and neither may overwrite what the other has put away.
        if !name.exists() {
            return fs::rename(log, name);
        }
        number += 1;
    }
}

/// Throws away all but the last `keep`. What cannot be thrown away now is tried again the next time.
pub(super) fn prune(log: &Path, keep: usize) {
    let mut all = find(log).unwrap_or_default();
    all.sort();
    for (_, path) in all.iter().rev().skip(keep) {
        let _ = fs::remove_file(path);
    }
}

/// Those of `log`; what others have put beside it, under whatever name, is not among them.
fn find(log: &Path) -> io::Result<Vec<(Old, PathBuf)>> {
    let (Some(directory), Some(name)) = (log.parent(), log.file_name()) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(old) = parse(&entry.file_name(), name) {
            found.push((old, entry.path()));
        }
    }
    Ok(found)
}

/// What `file` is, if it is an old one of the log called `name`.
fn parse(file: &OsStr, name: &OsStr) -> Option<Old> {
    let suffix = file.as_encoded_bytes().strip_prefix(name.as_encoded_bytes())?.strip_prefix(b".")?;
    let suffix = std::str::from_utf8(suffix).ok()?;
    let (period, number) = suffix.split_once('.').map_or((suffix, None), |(period, number)| (period, Some(number)));
    let number = number.map_or(Some(0), |number| number.parse().ok().filter(|_| number.bytes().all(|byte| byte.is_ascii_digit())))?;
    is_period(period).then(|| Old { period: period.to_owned(), number })
}

/// `2026-11-28`, `2026-11-28-08`
fn is_period(text: &str) -> bool {
    let is_like = |like: &str| {
        text.len() == like.len()
            && text.bytes().zip(like.bytes()).all(|(byte, like)| match like {
                b'-' => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    };
    is_like("yyyy-mm-dd") || is_like("yyyy-mm-dd-hh")
}

impl Old {
    fn path(&self, log: &Path) -> PathBuf {
        let mut path = OsString::from(log);
        path.push(format!(".{}", self.period));
        if self.number > 0 {
            path.push(format!(".{}", self.number));
        }
        path.into()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{prune, rename};

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn names_go_on_and_the_oldest_go() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("日志.log");
        let put_away = |period: &str, keep| {
            fs::write(&log, "x").unwrap();
            rename(&log, period).unwrap();
            prune(&log, keep);
        };
        for others in ["日志.log.1", "日志.log.2026-11-20.gz", "日志.log.2026-11-20.+1", "日志.log.2026-1-20", "other.log.2026-11-20"]
        {
            fs::write(directory.path().join(others), "").unwrap();
        }
        let others = names(directory.path());
        let own = || names(directory.path()).into_iter().filter(|name| !others.contains(name)).collect::<Vec<_>>();
        put_away("2026-11-27", 3);
        (0..2).for_each(|_| put_away("2026-11-28", 3));
        assert_eq!(own(), ["日志.log.2026-11-27", "日志.log.2026-11-28", "日志.log.2026-11-28.1"]);
        (0..11).for_each(|_| put_away("2026-11-28", 3));
        assert_eq!(own(), ["日志.log.2026-11-28.10", "日志.log.2026-11-28.11", "日志.log.2026-11-28.12"], "10 comes after 9");
        put_away("2026-11-28-09", 1);
        assert_eq!(own(), ["日志.log.2026-11-28-09"]);
        put_away("2026-11-29", 0);
        assert_eq!(own(), Vec::<String>::new());
        assert_eq!(names(directory.path()), others, "what others have put there stays");
    }
}
