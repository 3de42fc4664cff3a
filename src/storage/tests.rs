//! The store over real files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;
use tempfile::tempdir;

use super::{Found, Kept, Limits, Place, Store, Unusable, now};
use crate::config::KeptResponses;

const RESPONSES: KeptResponses = KeptResponses { keep: Duration::from_secs(3600), max: 1_000_000 };
const LIMITS: Limits = with(RESPONSES);

/// These answers, and any amount of requests.
const fn with(responses: KeptResponses) -> Limits {
    Limits { responses: Some(responses), keep: Duration::from_secs(86_400), max: 1_000_000_000 }
}

fn open(directory: &Path) -> Store {
    Store::open(Some(directory.join("llmgw.db")), LIMITS)
}

/// An answer of `size` bytes, and as little as possible around it.
fn sized(id: &str, owner: &str, size: usize) -> Kept {
    let response = Bytes::from("好".repeat(size / 3));
    Kept::new(id.to_owned(), owner.to_owned(), "m".to_owned(), Place::Here { input: Bytes::from_static(b"[]"), response })
}

fn kept(id: &str, owner: &str) -> Kept {
    sized(id, owner, 30)
}

async fn has(store: &Store, id: &str, owner: &str) -> bool {
    matches!(store.find(id, owner).await, Ok(Found::Kept(_)))
}

#[tokio::test]
async fn what_was_kept_is_found_at_once_by_its_owner_alone() {
    let directory = tempdir().unwrap();
    let store = open(&directory.path().join("new/and/deep"));
    let here = kept("resp_1", "anna");
    store.keep(here.clone());
    assert_eq!(store.find("resp_1", "anna").await, Ok(Found::Kept(here)));
    assert_eq!(store.find("resp_1", "boris").await, Ok(Found::OfAnother));
    assert_eq!(store.find("resp_2", "anna").await, Ok(Found::Nothing));
    let there = Kept::new(
        "resp_1".to_owned(),
        "boris".to_owned(),
        "m".to_owned(),
        Place::Provider { name: "openai".to_owned(), key: Some("2f".to_owned()) },
    );
    store.keep(there.clone());
    assert_eq!(store.find("resp_1", "boris").await, Ok(Found::Kept(there)), "the same id, if two providers make it");
    assert!(has(&store, "resp_1", "anna").await);
}

#[tokio::test]
async fn only_its_owner_can_have_it_forgotten() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    store.keep(kept("resp_1", "anna"));
    assert_eq!(store.forget("resp_1", "boris").await, Ok(false));
    assert!(has(&store, "resp_1", "anna").await);
    assert_eq!(store.forget("resp_1", "anna").await, Ok(true));
    assert_eq!(store.find("resp_1", "anna").await, Ok(Found::Nothing));
}

#[tokio::test]
async fn what_is_too_old_is_not_found_and_soon_not_there() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    store.keep(Kept { created: now() - 3_601_000, ..kept("resp_old", "anna") });
    store.keep(kept("resp_new", "anna"));
    assert_eq!(store.find("resp_old", "anna").await, Ok(Found::Nothing));
    assert!(has(&store, "resp_new", "anna").await);
    store.limit(with(KeptResponses { keep: Duration::from_secs(7200), ..RESPONSES }));
    assert!(has(&store, "resp_old", "anna").await, "a longer time counts at once");
    drop(store);
    let store = open(directory.path());
    assert!(has(&store, "resp_new", "anna").await);
    assert_eq!(rows(directory.path()), 1, "the start throws away what is too old");
}

#[tokio::test]
async fn the_oldest_give_way() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    for number in 0..40 {
        let created = now() - 1000 + number;
        store.keep(Kept { created, ..sized(&format!("resp_{number}"), "anna", 100_000) });
    }
    assert!(has(&store, "resp_39", "anna").await && !has(&store, "resp_0", "anna").await);
    let stay = rows(directory.path());
    assert!((8..=10).contains(&stay), "{stay}");
    store.keep(sized("resp_giant", "anna", 1_100_000));
    assert!(!has(&store, "resp_giant", "anna").await, "what would not fit at all takes nobody's place");
    assert_eq!(rows(directory.path()), stay);
    drop(store);
    let size = fs::metadata(directory.path().join("llmgw.db")).unwrap().len();
    assert!(size < 1_500_000, "the file shrinks with what it holds: {size}");
}

#[tokio::test]
async fn processes_share_a_file() {
    let directory = tempdir().unwrap();
    let (one, two) = (open(directory.path()), open(directory.path()));
    for number in 0..100 {
        one.keep(kept(&format!("resp_a{number}"), "anna"));
        two.keep(kept(&format!("resp_b{number}"), "anna"));
    }
    assert!(has(&one, "resp_a99", "anna").await && has(&two, "resp_b99", "anna").await);
    assert!(has(&two, "resp_a99", "anna").await && has(&one, "resp_b99", "anna").await);
    assert_eq!(rows(directory.path()), 200);
}

#[tokio::test]
async fn what_waits_at_the_end_is_written() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    (0..100).for_each(|number| store.keep(kept(&format!("resp_{number}"), "anna")));
    drop(store);
    assert_eq!(rows(directory.path()), 100);
}

#[tokio::test]
async fn a_full_queue_holds_nobody_up() {
    let directory = tempdir().unwrap();
    drop(open(directory.path()));
    // Another process has the file to itself.
    let mut other = Connection::open(directory.path().join("llmgw.db")).unwrap();
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let store = Store::with_room(Some(directory.path().join("llmgw.db")), LIMITS, 2);
    let begun = std::time::Instant::now();
    (0..100).for_each(|number| store.keep(kept(&format!("resp_{number}"), "anna")));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    lock.commit().unwrap();
    // What had room is there; what had none is gone.
    assert!(!has(&store, "resp_99", "anna").await);
    store.keep(kept("resp_later", "anna"));
    assert!(has(&store, "resp_later", "anna").await);
    assert!((1..=4).contains(&rows(directory.path())));
}

#[tokio::test]
async fn so_many_bytes_may_wait_but_one_answer_always_may() {
    let directory = tempdir().unwrap();
    let limits = with(KeptResponses { max: 1_000_000_000, ..RESPONSES });
    let store = Store::open(Some(directory.path().join("llmgw.db")), limits);
    store.keep(sized("resp_0", "anna", 66_000_000));
    store.keep(sized("resp_1", "anna", 300));
    assert!(has(&store, "resp_0", "anna").await);
    store.keep(sized("resp_2", "anna", 300));
    assert!(has(&store, "resp_2", "anna").await);
}

#[tokio::test]
async fn without_a_usable_file_nothing_is_kept_and_nobody_waits() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("text"), "this is a page of text, and no database at all".repeat(100)).unwrap();
    let later = Connection::open(directory.path().join("later.db")).unwrap();
    later.execute_batch("PRAGMA user_version = 1000").unwrap();
    let places = ["", "text", "text/llmgw.db", "later.db"].map(|name| Some(directory.path().join(name)));
    for place in places.into_iter().chain([None]) {
        let store = Store::open(place.clone(), LIMITS);
        store.keep(kept("resp_1", "anna"));
        assert_eq!(store.find("resp_1", "anna").await, Err(Unusable), "{place:?}");
        store.keep(kept("resp_2", "anna"));
        assert_eq!(store.forget("resp_1", "anna").await, Err(Unusable), "{place:?}");
    }
    let text = fs::read_to_string(directory.path().join("text")).unwrap();
    assert!(text.starts_with("this is a page"), "somebody else's file stays as it is");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempdir().unwrap();
    let store = open(&directory.path().join("llmgw"));
    store.keep(kept("resp_1", "anna"));
    assert!(has(&store, "resp_1", "anna").await);
    let mode = |path: &str| fs::metadata(directory.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("llmgw"), mode("llmgw/llmgw.db"), mode("llmgw/llmgw.db-wal")), (0o700, 0o600, 0o600));
}

fn rows(directory: &Path) -> i64 {
    let connection = Connection::open(directory.join("llmgw.db")).unwrap();
    connection.query_row("SELECT COUNT(*) FROM responses", [], |row| row.get(0)).unwrap()
}
