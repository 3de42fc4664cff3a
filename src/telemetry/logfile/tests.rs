use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::{LogFile, News, PAUSE, Rotate};
use crate::config::RotateEvery;

const BY_DAY: Rotate = Rotate { every: RotateEvery::Day, max_size: 1_000_000, keep: 7 };

const SMALL: Rotate = Rotate { max_size: 40, ..BY_DAY };

fn at(time: &str) -> SystemTime {
    humantime::parse_rfc3339(time).unwrap()
}

/// A directory, and where the log is in it.
fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("logs/llmgw.log");
    (directory, path)
}

fn open(path: &Path, rotate: Rotate, now: &str) -> LogFile {
    LogFile::open(path, rotate, at(now)).unwrap()
}

/// Writes, and expects nothing to be told.
#[track_caller]
fn write(log: &mut LogFile, lines: &str, now: &str) {
    let news = log.write(lines.as_bytes(), at(now));
    assert!(news.is_empty(), "{news:?}");
}

/// Names and contents of all files beside the log, by name.
fn files(path: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<_> = entries.map(|path| (name(&path), fs::read_to_string(&path).unwrap_or_default())).collect();
    files.sort();
    files
}

#[track_caller]
fn expect(path: &Path, expected: &[(&str, &str)]) {
    let files = files(path);
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(files, expected);
}

fn set_modified(path: &Path, time: &str) {
    fs::File::options().append(true).open(path).unwrap().set_modified(at(time)).unwrap();
}

#[test]
fn each_day_has_a_file_in_utc() {
    let (_directory, path) = place();
    let mut log = open(&path, BY_DAY, "2026-11-27T23:00:00Z");
    write(&mut log, "一\n", "2026-11-27T23:59:59Z");
    write(&mut log, "二\n", "2026-11-28T00:00:00Z");
    write(&mut log, "三\n", "2026-11-28T23:00:00Z");
    write(&mut log, "四\n", "2026-12-01T00:00:00Z");
    expect(&path, &[("llmgw.log", "四\n"), ("llmgw.log.2026-11-27", "一\n"), ("llmgw.log.2026-11-28", "二\n三\n")]);
}

#[test]
fn each_hour_may_have_one_and_only_the_last_are_kept() {
    let (_directory, path) = place();
    let mut log = open(&path, Rotate { every: RotateEvery::Hour, keep: 2, ..BY_DAY }, "2026-11-28T08:00:00Z");
    for hour in ["08", "09", "10", "23"] {
        write(&mut log, hour, &format!("2026-11-28T{hour}:30:00Z"));
    }
    expect(&path, &[("llmgw.log", "23"), ("llmgw.log.2026-11-28-09", "09"), ("llmgw.log.2026-11-28-10", "10")]);
}

#[test]
fn none_grows_larger_than_it_may_and_no_line_is_split() {
    let (_directory, path) = place();
    let mut log = open(&path, SMALL, "2026-11-28T08:00:00Z");
    let line = "0123456789 12345678\n";
    write(&mut log, &line.repeat(5), "2026-11-28T08:00:00Z");
    let long = "long ".repeat(20) + "\n";
    write(&mut log, &(long.clone() + "short\n"), "2026-11-28T09:00:00Z");
    let two = line.repeat(2);
    expect(
        &path,
        &[
            ("llmgw.log", "short\n"),
            ("llmgw.log.2026-11-28", &two),
            ("llmgw.log.2026-11-28.1", &two),
            ("llmgw.log.2026-11-28.2", line),
            ("llmgw.log.2026-11-28.3", &long),
        ],
    );
}

#[test]
fn by_size_only_the_day_is_still_in_the_name() {
    let (_directory, path) = place();
    let mut log = open(&path, Rotate { every: RotateEvery::Never, ..SMALL }, "2026-11-28T08:00:00Z");
    write(&mut log, "one, of thirty bytes or so ...\n", "2026-11-28T08:00:00Z");
    write(&mut log, "two\n", "2026-12-24T08:00:00Z");
    write(&mut log, "three\n", "2026-12-25T08:00:00Z");
    expect(&path, &[("llmgw.log", "three\n"), ("llmgw.log.2026-12-25", "one, of thirty bytes or so ...\ntwo\n")]);
}

#[test]
fn a_restart_goes_on_with_todays_file_and_puts_an_older_one_away() {
    let (_directory, path) = place();
    write(&mut open(&path, BY_DAY, "2026-11-28T08:00:00Z"), "one\n", "2026-11-28T08:00:00Z");
    set_modified(&path, "2026-11-28T08:00:00Z");
    write(&mut open(&path, BY_DAY, "2026-11-28T20:00:00Z"), "two\n", "2026-11-28T20:00:00Z");
    expect(&path, &[("llmgw.log", "one\ntwo\n")]);
    set_modified(&path, "2026-11-28T20:00:00Z");
    write(&mut open(&path, BY_DAY, "2026-11-29T08:00:00Z"), "three\n", "2026-11-29T08:00:00Z");
    expect(&path, &[("llmgw.log", "three\n"), ("llmgw.log.2026-11-28", "one\ntwo\n")]);
}

#[test]
fn a_clock_that_is_set_back_begins_no_new_file() {
    let (_directory, path) = place();
    let mut log = open(&path, BY_DAY, "2026-11-28T00:00:00Z");
    write(&mut log, "one\n", "2026-11-28T00:00:00Z");
    write(&mut log, "two\n", "2026-11-27T23:59:59Z");
    expect(&path, &[("llmgw.log", "one\ntwo\n")]);
}

#[test]
fn other_rules_count_from_the_next_lines_on() {
    let (_directory, path) = place();
    let mut log = open(&path, BY_DAY, "2026-11-28T00:00:00Z");
    write(&mut log, &"x".repeat(50), "2026-11-28T00:00:00Z");
    log.set_rotate(SMALL);
    write(&mut log, "y", "2026-11-28T00:00:01Z");
    expect(&path, &[("llmgw.log", "y"), ("llmgw.log.2026-11-28", &"x".repeat(50))]);
}

#[test]
fn what_is_only_prepared_leaves_nothing_behind() {
    let (_directory, path) = place();
    drop(open(&path, BY_DAY, "2026-11-28T00:00:00Z"));
    assert!(!path.exists());
    fs::write(&path, "").unwrap();
    drop(open(&path, BY_DAY, "2026-11-28T00:00:00Z"));
    assert!(path.exists(), "it was there before");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_move_empty_or_delete_is_found_again() {
    let (_directory, path) = place();
    let now = "2026-11-28T08:00:00Z";
    let mut log = open(&path, SMALL, now);
    write(&mut log, &"x".repeat(30), now);
    fs::rename(&path, path.with_extension("log.1")).unwrap();
    write(&mut log, "moved\n", now);
    expect(&path, &[("llmgw.log", "moved\n"), ("llmgw.log.1", &"x".repeat(30))]);
    fs::remove_file(path.with_extension("log.1")).unwrap();
    fs::File::create(&path).unwrap();
    write(&mut log, &"emptied ".repeat(5), now);
    expect(&path, &[("llmgw.log", &"emptied ".repeat(5))]);
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    write(&mut log, "deleted\n", now);
    expect(&path, &[("llmgw.log", "deleted\n")]);
}

#[cfg(unix)]
#[test]
fn the_group_may_read_it_and_nobody_else() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, path) = place();
    drop(open(&path, BY_DAY, "2026-11-28T08:00:00Z").write(b"x\n", at("2026-11-28T08:00:00Z")));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // The mask of the process may take more away.
    assert_eq!((mode(&path) & !0o640, mode(path.parent().unwrap()) & !0o750), (0, 0));
}

#[cfg(unix)]
#[test]
fn old_ones_stand_beside_the_file_itself_when_its_path_is_a_link() {
    let (directory, path) = place();
    fs::create_dir(directory.path().join("logs")).unwrap();
    fs::create_dir(directory.path().join("links")).unwrap();
    let link = directory.path().join("links/link.log");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut log = open(&link, BY_DAY, "2026-11-28T08:00:00Z");
    write(&mut log, "one\n", "2026-11-28T08:00:00Z");
    write(&mut log, "two\n", "2026-11-29T08:00:00Z");
    expect(&path, &[("llmgw.log", "two\n"), ("llmgw.log.2026-11-28", "one\n")]);
    expect(&link, &[("link.log", "two\n")]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_once_and_again_when_it_has_room() {
    let (_directory, path) = place();
    fs::create_dir(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let mut log = open(&path, SMALL, "2026-11-28T08:00:00Z");
    let news = log.write(b"lost\nlost\n", at("2026-11-28T08:00:00Z"));
    assert!(matches!(&news[..], [News::Failed(error)] if error.kind() == std::io::ErrorKind::StorageFull), "{news:?}");
    write(&mut log, "lost\n", "2026-11-28T08:00:00.5Z");
    write(&mut log, "lost\n", "2026-11-28T08:00:02Z");
    fs::remove_file(&path).unwrap();
    log.open = None;
    let news = log.write("好\n".as_bytes(), at("2026-11-28T08:00:04Z"));
    assert!(matches!(news[..], [News::Mended(4)]), "{news:?}");
    expect(&path, &[("llmgw.log", "好\n")]);
}

#[cfg(unix)]
#[test]
fn a_line_that_was_torn_is_ended_before_the_next() {
    let (_directory, path) = place();
    let now = "2026-11-28T08:00:00Z";
    let mut log = open(&path, BY_DAY, now);
    write(&mut log, "half a li", now);
    write(&mut log, "next\n", now);
    expect(&path, &[("llmgw.log", "half a li\nnext\n")]);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_replaced_grows_on() {
    let (_directory, path) = place();
    let mut log = open(&path, SMALL, "2026-11-28T08:00:00Z");
    write(&mut log, &("x".repeat(40) + "\n"), "2026-11-28T08:00:00Z");
    // As long as the directory of old ones is none, nothing can be renamed in it.
    let place = log.open.as_mut().unwrap().place.replace("/dev/null/llmgw.log".into());
    let news = log.write(b"one\n", at("2026-11-28T08:00:00Z"));
    assert!(matches!(news[..], [News::Stuck(_)]), "{news:?}");
    write(&mut log, "two\n", "2026-11-28T08:00:30Z");
    write(&mut log, "three\n", "2026-11-28T08:01:30Z");
    let all = "x".repeat(40) + "\none\ntwo\nthree\n";
    expect(&path, &[("llmgw.log", &all)]);
    log.open.as_mut().unwrap().place = place;
    write(&mut log, "four\n", "2026-11-28T08:03:00Z");
    expect(&path, &[("llmgw.log", "four\n"), ("llmgw.log.2026-11-28", &all)]);
}

#[test]
fn a_clock_that_is_set_back_delays_no_further_attempt() {
    let now = at("2026-11-28T08:00:00Z");
    assert!(super::is_within(PAUSE, now, now) && !super::is_within(PAUSE, now, now + PAUSE));
    assert!(!super::is_within(PAUSE, now, now - Duration::from_secs(3600)));
}
