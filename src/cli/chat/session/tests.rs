//! Sessions in a directory of the test's own.

use std::fs;
use std::thread;

use super::{Sessions, Turn, check};
use crate::config::env::Env;

fn sessions() -> (Sessions, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let environment = Env::for_tests(&[], ".").with_data_dir(directory.path().join("数据"));
    (Sessions::of(&environment).unwrap(), directory)
}

fn turn(id: &str, question: &str) -> Turn {
    Turn { id: id.to_owned(), model: "m".to_owned(), user: question.into(), assistant: format!("{question}的答案\n第二行") }
}

fn questions(sessions: &Sessions, name: &str) -> Vec<String> {
    sessions.open(name).unwrap().conversation.turns.iter().map(|turn| turn.user.as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_was_said_is_there_again() {
    let (sessions, _directory) = sessions();
    let session = sessions.open("旅行").unwrap();
    assert!(session.conversation.turns.is_empty());
    session.add(&turn("1", "一"), Some("简短"), None).unwrap();
    session.add(&turn("2", "二"), Some("详细"), None).unwrap();
    let again = sessions.open("旅行").unwrap().conversation;
    assert_eq!(again.turns, [turn("1", "一"), turn("2", "二")]);
    assert_eq!(again.system.as_deref(), Some("详细"));
    session.add(&turn("3", "二"), None, Some("2")).unwrap();
    assert_eq!(sessions.open("旅行").unwrap().conversation.turns, [turn("1", "一"), turn("3", "二")]);
    session.clear().unwrap();
    session.add(&turn("4", "四"), None, None).unwrap();
    assert_eq!(questions(&sessions, "旅行"), ["四"]);
}

#[test]
fn a_kill_loses_the_turn_that_was_being_written_and_no_other() {
    let (sessions, _directory) = sessions();
    let session = sessions.open("s").unwrap();
    session.add(&turn("1", "一"), None, None).unwrap();
    session.add(&turn("2", "二"), None, None).unwrap();
    let whole = fs::read(&session.path).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in first..whole.len() - 1 {
        fs::write(&session.path, &whole[..length]).unwrap();
        assert_eq!(questions(&sessions, "s"), ["一"], "{length}");
        session.add(&turn("3", "三"), None, None).unwrap();
        assert_eq!(questions(&sessions, "s"), ["一", "三"], "{length}");
    }
}

#[test]
fn processes_at_once_leave_each_others_turns_whole() {
    let (sessions, _directory) = sessions();
    thread::scope(|scope| {
        for writer in 0..8 {
            let session = sessions.open("s").unwrap();
            scope.spawn(move || {
                for number in 0..20 {
                    session.add(&turn(&format!("{writer}-{number}"), &"长".repeat(5_000)), None, None).unwrap();
                }
            });
        }
    });
    assert_eq!(questions(&sessions, "s").len(), 160);
}

#[test]
fn a_name_stays_within_the_directory() {
    for name in
        ["", " ", "..", ".", "../x", "a/b", r"a\b", "/etc/passwd", "a\0b", "a\nb", "C:x", ".hidden", "-x", "x.", " x", &"x".repeat(201)]
    {
        assert!(check(name).is_err(), "{name:?}");
    }
    for name in ["旅行", "a b", "v1.2", "x-1_2", "été"] {
        assert!(check(name).is_ok(), "{name:?}");
    }
    let (sessions, _directory) = sessions();
    assert_eq!(sessions.open("../x").unwrap_err().exit, crate::cli::failure::Exit::Usage);
    assert!(sessions.delete("../x").is_err());
}

#[test]
fn the_last_one_is_the_one_that_was_written_to_last() {
    let (sessions, _directory) = sessions();
    assert!(sessions.last().unwrap_err().message.contains("no session"));
    for (age, name) in [(3, "三"), (1, "一"), (2, "二")] {
        let session = sessions.open(name).unwrap();
        session.add(&turn("1", name), None, None).unwrap();
        let file = fs::File::options().append(true).open(&session.path).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 - age)).unwrap();
    }
    assert_eq!(sessions.last().unwrap().name, "一");
    let listed: Vec<(String, usize, String)> =
        sessions.list().unwrap().into_iter().map(|summary| (summary.name, summary.turns, summary.first)).collect();
    assert_eq!(listed, ["一", "二", "三"].map(|name| (name.to_owned(), 1, name.to_owned())));
    sessions.delete("一").unwrap();
    assert_eq!(sessions.last().unwrap().name, "二");
    assert_eq!(sessions.find("二二").unwrap_err().message, "unknown session `二二`");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let (sessions, _directory) = sessions();
    let session = sessions.open("s").unwrap();
    session.add(&turn("1", "一"), None, None).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&session.path), mode(&sessions.directory)), (0o600, 0o700));
}
